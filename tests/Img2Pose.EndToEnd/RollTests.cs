using System.Text.Json;

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

    private static double Roll(JsonElement face) => face.GetProperty("euler").GetProperty("roll").GetDouble();

    private async Task<JsonElement> FaceAsync(string picture)
    {
        (await CommandLine.Img2PoseAsync("run", picture, "--json", _files["o.jsonl"], "--device", "cpu", "--quiet")).ShouldSucceed();
        return Assert.Single((await LinesAsync("o.jsonl"))[1].GetProperty("faces").EnumerateArray());
    }

    private async Task<JsonElement[]> LinesAsync(string name) =>
        [.. (await File.ReadAllLinesAsync(_files[name], TestContext.Current.CancellationToken)).Select(line => JsonDocument.Parse(line).RootElement)];
}
