using System.Text.Json;
using Img2Pose.Geometry;
using Img2Pose.Testing;

namespace Img2Pose.EndToEnd;

/// <summary>
/// The main job over real videos with the shipped models. What is asked of each video is what the project set out to reach;
/// only faces with <c>"detected":true</c> count.
/// </summary>
public sealed class RealVideoTests : IDisposable
{
    private readonly Workspace _files = new();

    public void Dispose() => _files.Dispose();

    [Theory]
    [InlineData("WolfgangLanger_Pexels.mp4", 472)]
    [InlineData("liveportrait_d12.mp4", 183)]
    public async Task One_face_keeps_one_identity_in_nearly_all_frames(string name, int count)
    {
        Face[][] frames = await PosedFramesAsync(name, count, sound: "aac");

        int identity = frames.SelectMany(faces => faces).GroupBy(face => face.Id).MaxBy(group => group.Count())!.Key;
        Assert.InRange(frames.Count(faces => faces is [{ } only] && only.Id == identity) / (double)count, 0.95, 1);
    }

    [Theory]
    [InlineData("img2pose-nano")]
    [InlineData("img2pose-r18")]
    public async Task A_man_is_found_while_he_is_in_view_and_nobody_afterwards(string model)
    {
        Face[][] frames = await PosedFramesAsync("face_noface.mov", 169, sound: "aac", model);

        // Looked at frame by frame: he fills the middle up to frame 71; then come a black frame and drawn clouds.
        Face[][] inView = frames[..72];
        Assert.InRange(inView.Count(faces => faces is [{ X: > 380 and < 540, Y: > 220 and < 340, Height: > 250 and < 400 }]) / 72.0, 0.95, 1);
        Assert.InRange(frames[72..].Count(faces => faces.Length == 0) / 97.0, 0.99, 1);
    }

    [Theory]
    [InlineData("img2pose-nano")]
    [InlineData("img2pose-r18")]
    public async Task A_signing_man_is_found_and_never_the_skull_on_his_shirt(string model)
    {
        Face[][] frames = await PosedFramesAsync("asl_brother.mkv", 65, sound: null, model);

        // His head stays where it is; the skull lies below y = 150.
        int found = frames.Count(faces => faces.Any(face => face is { X: > 270 and < 315, Y: > 95 and < 145, Height: > 60 and < 120 }));
        Assert.InRange(found / 65.0, 0.90, 1);
        Assert.DoesNotContain(frames.SelectMany(faces => faces), face => face.Y > 150);
    }

    [Theory]
    [InlineData("640", false)]
    [InlineData("1280", true)]
    public async Task Most_faces_in_a_street_are_found(string size, bool withSmall)
    {
        string source = SharedData.Require("media", "facenet_street_crowd.mp4"), json = _files["poses.jsonl"];

        (await CommandLine.Img2PoseAsync("run", source, "--json", json, "--size", size)).ShouldSucceed();

        Box[][] found = [.. (await DetectedAsync(json)).Select(faces => faces.Select(face => face.Box).ToArray())];
        Assert.Equal(105, found.Length);
        Assert.InRange(StreetFaces.Recall(found, withSmall), 0.85, 1);
    }

    /// <summary>
    /// Runs the program on a video, checks the outputs against the source, and returns the detected faces of every frame.
    /// </summary>
    private async Task<Face[][]> PosedFramesAsync(string name, int count, string? sound, string model = "img2pose-nano")
    {
        string source = SharedData.Require("media", name), video = _files["posed.mp4"], json = _files["poses.jsonl"];

        (await CommandLine.Img2PoseAsync("run", source, "--out", video, "--json", json, "--model", model)).ShouldSucceed();

        Assert.Equal(sound is null ? ["h264"] : ["h264", sound], await Workspace.StreamsAsync(video));
        Assert.Equal(count, await Workspace.CountFramesAsync(video));
        if (sound is not null) Assert.Equal(await SoundAsync(source), await SoundAsync(video));
        string complaints = await CommandLine.ErrorsOfToolAsync("ffprobe", "-v", "warning", "-count_frames", "-show_streams", video);
        Assert.Empty(complaints);

        JsonElement[] lines = Workspace.ParseLines(await File.ReadAllTextAsync(json, TestContext.Current.CancellationToken));
        Assert.Equal(model, lines[0].GetProperty("model").GetString());
        Assert.Equal(count, lines.Length - 2);
        Assert.True(lines[^1].GetProperty("complete").GetBoolean());
        return await DetectedAsync(json);
    }

    /// <summary>The detected faces of every frame in a JSONL file.</summary>
    private static async Task<Face[][]> DetectedAsync(string json)
    {
        JsonElement[] lines = Workspace.ParseLines(await File.ReadAllTextAsync(json, TestContext.Current.CancellationToken));
        return [.. lines[1..^1].Select(line => line.GetProperty("faces").EnumerateArray()
            .Where(face => face.GetProperty("detected").GetBoolean()).Select(Face.Read).ToArray())];
    }

    /// <summary>One hash over all sound packets.</summary>
    private static Task<string> SoundAsync(string path) =>
        CommandLine.ToolAsync("ffmpeg", "-nostdin", "-v", "error", "-i", path, "-map", "0:a", "-c", "copy", "-f", "md5", "-");

    /// <summary>A detected face: its identity and its box.</summary>
    private sealed record Face(int Id, Box Box)
    {
        public double X => Box.CenterX;

        public double Y => Box.CenterY;

        public double Height => Box.Height;

        public static Face Read(JsonElement face)
        {
            double[] box = [.. face.GetProperty("box").EnumerateArray().Select(side => side.GetDouble())];
            return new Face(face.GetProperty("id").GetInt32(), new Box(box[0], box[1], box[2], box[3]));
        }
    }
}
