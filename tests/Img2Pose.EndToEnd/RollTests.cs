using System.Text.Json;
using Img2Pose.Formats.Onnx;
using Img2Pose.Geometry;
using Img2Pose.Inference;
using Img2Pose.Models.Packages;

namespace Img2Pose.EndToEnd;

/// <summary>Faces on their side and upside down.</summary>
public sealed class RollTests : IDisposable
{
    private readonly Workspace _files = new();

    public void Dispose() => _files.Dispose();

    [Theory]
    [InlineData("transpose=1", 90)]
    [InlineData("hflip,vflip", 180)]
    [InlineData("transpose=2", 270)]
    [InlineData("rotate=PI/4:ow=400:oh=400:c=0x606060", 45)]
    [InlineData("rotate=-2.0944:ow=400:oh=400:c=0x606060", 240)]
    public async Task A_turned_face_is_found_with_its_own_roll_by_every_verb_that_takes_pictures(string turn, int degrees)
    {
        string upright = await DrawnFace.SaveAsync(_files["upright.png"]);
        await CommandLine.ToolAsync("ffmpeg", "-nostdin", "-v", "error", "-i", upright, "-vf", turn, _files["turned.png"]);
        double expected = Roll(await FaceAsync(upright)) + degrees;

        JsonElement face = await FaceAsync(_files["turned.png"]);

        Assert.InRange(Math.Abs(Math.IEEERemainder(Roll(face) - expected, 360)), 0, 3);
        (await CommandLine.Img2PoseAsync("views", _files["turned.png"], "--out", _files["views"], "--frontal", "--device", "cpu")).ShouldSucceed();
        Finished align = (await CommandLine.Img2PoseAsync("align", _files["turned.png"], "--out", _files["crops"], "--device", "cpu")).ShouldSucceed();
        Assert.Contains("1 faces of 1 pictures", align.Error, StringComparison.Ordinal);
        Assert.True(File.Exists(_files["views/turned.png"]));
    }

    [Fact]
    public async Task A_video_is_looked_at_upright_unless_more_is_asked_for()
    {
        string clip = await _files.FaceClipAsync("turned.mp4", 3, "-filter:v", "hflip,vflip", "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-an");

        (await CommandLine.Img2PoseAsync("run", clip, "--json", _files["any.jsonl"], "--roll", "any", "--device", "cpu", "--quiet")).ShouldSucceed();

        foreach (JsonElement frame in (await LinesAsync("any.jsonl"))[1..^1])
            Assert.InRange(Math.Abs(Roll(Assert.Single(frame.GetProperty("faces").EnumerateArray()))), 150, 180);
        (await CommandLine.Img2PoseAsync("run", clip, "--json", _files["o.jsonl"], "--roll", "any", "--look", "follow")).ShouldFailWith(2, "--roll any");
        (await CommandLine.Img2PoseAsync("run", clip, "--json", _files["o.jsonl"], "--roll", "any", "--scales", "200,300")).ShouldFailWith(2, "--roll any");
    }

    [Theory]
    [InlineData("null")]
    [InlineData("rotate=PI/4:ow=400:oh=400:c=0x606060")]
    public async Task A_model_with_calibrated_scores_finds_the_same_faces(string turn)
    {
        await DrawnFace.SaveAsync(_files["upright.png"]);
        await CommandLine.ToolAsync("ffmpeg", "-nostdin", "-v", "error", "-i", _files["upright.png"], "-vf", turn, _files["turned.png"]);
        PackageExporter.Export(ModelLocator.Find(null), new ExportOptions { Uncalibrated = true }, _files["trained.onnx"]);
        JsonElement plain = await FaceAsync(_files["turned.png"], "--model", _files["trained.onnx"]);
        // Steep, as a fit on the default model is: 0.46 becomes 0.31, 0.6 becomes 0.97.
        ScoreCalibration map = new([-13.8, -0.04, 0.76, 13.8], [-40.7, -0.47, 6.86, 19.9]);
        PackageCalibrator.Write(_files["trained.onnx"], map, _files["calibrated.onnx"]);

        JsonElement calibrated = await FaceAsync(_files["turned.png"], "--model", _files["calibrated.onnx"]);

        Assert.Equal(map.Apply(plain.GetProperty("score").GetDouble()), calibrated.GetProperty("score").GetDouble(), 0.02);
        Assert.Equal(plain.GetProperty("box").GetRawText(), calibrated.GetProperty("box").GetRawText());
        // Cells vote by their scores as trained, which come back from calibrated ones up to rounding: two units of the last printed digit.
        Assert.All(plain.GetProperty("rotvec").EnumerateArray().Zip(calibrated.GetProperty("rotvec").EnumerateArray()), pair => Assert.Equal(pair.First.GetDouble(), pair.Second.GetDouble(), 2e-6));
    }

    [Fact]
    public async Task A_pack_is_measured_at_every_angle()
    {
        string folder = Directory.CreateDirectory(_files["pack"]).FullName;
        await DrawnFace.SaveAsync(Path.Combine(folder, "a.png"));
        Box box = DrawnFace.Box;
        (Vector3d r, Vector3d t) = (DrawnFace.Pose.Rotation, DrawnFace.Pose.Translation);
        await File.WriteAllTextAsync(Path.Combine(folder, "annotations.jsonl"), FormattableString.Invariant(
            $$"""{"image":"a.png","width":320,"height":240,"set":"toy","complete":true,"faces":[{"box":[{{box.Left}},{{box.Top}},{{box.Right}},{{box.Bottom}}],"pose":[{{r.X}},{{r.Y}},{{r.Z}},{{t.X}},{{t.Y}},{{t.Z}}],"label":"gt68","ignore":false}]}""") + "\n", TestContext.Current.CancellationToken);

        Finished any = (await CommandLine.Img2PoseAsync("eval", "pack", folder, "--turned", "45", "--json", "-", "--device", "cpu")).ShouldSucceed();
        Finished upright = (await CommandLine.Img2PoseAsync("eval", "pack", folder, "--turned", "180", "--roll", "upright", "--json", "-", "--device", "cpu")).ShouldSucceed();

        JsonElement[] angles = [.. JsonDocument.Parse(any.Output).RootElement.GetProperty("angles").EnumerateArray()];
        Assert.Equal([0, 45, 90, 135, 180, 225, 270, 315], angles.Select(angle => angle.GetProperty("degrees").GetDouble()));
        Assert.All(angles, angle =>
        {
            Assert.Equal((1, 0), (angle.GetProperty("recall").GetProperty("value").GetDouble(), angle.GetProperty("wrong").GetInt32()));
            Assert.InRange(angle.GetProperty("rotation_median").GetProperty("value").GetDouble(), 0, 15);
        });
        // One look finds an inverted face with an upright pose, or not at all.
        Assert.InRange(JsonDocument.Parse(upright.Output).RootElement.GetProperty("angles")[1].GetProperty("rotation_median").GetProperty("value").GetDouble(), 90, 180);
        (await CommandLine.Img2PoseAsync("eval", "pack", folder, "--turned", "7")).ShouldFailWith(2, "--turned");
        (await CommandLine.Img2PoseAsync("eval", "pack", folder, "--turned", "--plots", _files["p"])).ShouldFailWith(2, "--plots");
        (await CommandLine.Img2PoseAsync("eval", "pack", folder, "--roll", "any")).ShouldFailWith(2, "--roll");
    }

    private static double Roll(JsonElement face) => face.GetProperty("euler").GetProperty("roll").GetDouble();

    private async Task<JsonElement> FaceAsync(string picture, params string[] more)
    {
        (await CommandLine.Img2PoseAsync(["run", picture, "--json", _files["o.jsonl"], "--device", "cpu", "--quiet", .. more])).ShouldSucceed();
        return Assert.Single((await LinesAsync("o.jsonl"))[1].GetProperty("faces").EnumerateArray());
    }

    private async Task<JsonElement[]> LinesAsync(string name) =>
        [.. (await File.ReadAllLinesAsync(_files[name], TestContext.Current.CancellationToken)).Select(line => JsonDocument.Parse(line).RootElement)];
}
