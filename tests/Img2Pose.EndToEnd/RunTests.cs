using System.Text.Json;
using Img2Pose.Geometry;

namespace Img2Pose.EndToEnd;

/// <summary>The main job through the command line, with the default model and a drawn face of known pose.</summary>
public sealed class RunTests : IDisposable
{
    private readonly Workspace _files = new();

    public void Dispose() => _files.Dispose();

    [Fact]
    public async Task A_video_comes_out_with_every_frame_its_sound_and_a_pose_line_for_each()
    {
        string clip = await _files.FaceClipAsync();
        string video = _files["posed.mp4"], json = _files["poses.jsonl"];

        Finished run = (await CommandLine.Img2PoseAsync("run", clip, "--out", video, "--json", json)).ShouldSucceed();

        Assert.Equal(40, await Workspace.CountFramesAsync(video));
        Assert.Equal(["h264", "aac"], await Workspace.StreamsAsync(video));
        JsonElement[] lines = Workspace.ParseLines(await File.ReadAllTextAsync(json, TestContext.Current.CancellationToken));
        Assert.Equal(42, lines.Length);
        JsonElement header = lines[0], summary = lines[^1];
        Assert.Equal(("header", 1, 320, 240), (header.GetProperty("type").GetString(), header.GetProperty("schema").GetInt32(), header.GetProperty("width").GetInt32(), header.GetProperty("height").GetInt32()));
        Assert.Equal(20, header.GetProperty("fps").GetDouble());
        Assert.Equal((560, 160, 120), (header.GetProperty("intrinsics").GetProperty("f").GetInt32(), header.GetProperty("intrinsics").GetProperty("cx").GetInt32(), header.GetProperty("intrinsics").GetProperty("cy").GetInt32()));
        Assert.Equal("img2pose-nano", header.GetProperty("model").GetString());
        for (int i = 0; i < 40; i++)
        {
            JsonElement frame = lines[i + 1];
            Assert.Equal(i, frame.GetProperty("index").GetInt32());
            Assert.Equal(i / 20.0, frame.GetProperty("pts").GetDouble(), 1e-3);
            JsonElement face = Assert.Single(frame.GetProperty("faces").EnumerateArray());
            Assert.Equal(1, face.GetProperty("id").GetInt32());
            Assert.True(face.GetProperty("detected").GetBoolean());
            // The face sways: what was drawn 20·sin(3·t) pixels to the right of where it stands in the picture.
            AssertIsTheDrawnFace(face, 20 * Math.Sin(3 * i / 20.0));
        }
        Assert.Equal((40, 40, true), (summary.GetProperty("frames").GetInt32(), summary.GetProperty("faces").GetInt32(), summary.GetProperty("complete").GetBoolean()));
        Assert.Contains("40 frames, 40 faces", run.Error);
        Assert.Empty(run.Output);
        Assert.Empty(Directory.GetFiles(_files.Folder, "*.partial.*"));
    }

    [Fact]
    public async Task The_overlay_changes_the_picture_at_the_face_and_only_there()
    {
        string clip = await _files.FaceClipAsync("lossless.mkv", 6, "-c:v", "libx264", "-qp", "0", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-an");
        string posed = _files["posed.mkv"], plain = _files["plain.mkv"];

        (await CommandLine.Img2PoseAsync("run", clip, "--out", posed, "--quality", "0", "--quiet")).ShouldSucceed();
        (await CommandLine.Img2PoseAsync("run", clip, "--out", plain, "--quality", "0", "--overlay", "none", "--quiet")).ShouldSucceed();

        Assert.Equal(await LumaOf(clip, "320:240:0:0"), await LumaOf(plain, "320:240:0:0"));
        Assert.Equal(await LumaOf(clip, "60:240:260:0"), await LumaOf(posed, "60:240:260:0"));
        Assert.NotEqual(await LumaOf(clip, "60:60:110:90"), await LumaOf(posed, "60:60:110:90"));
    }

    [Fact]
    public async Task Json_on_standard_output_is_nothing_but_json()
    {
        string clip = await _files.ClipAsync();

        Finished run = (await CommandLine.Img2PoseAsync("run", clip, "--json", "-")).ShouldSucceed();

        JsonElement[] lines = Workspace.ParseLines(run.Output);
        Assert.Equal(["header", .. Enumerable.Repeat("frame", 40), "summary"], lines.Select(line => line.GetProperty("type").GetString()));
    }

    [Fact]
    public async Task Skipped_frames_have_predicted_faces()
    {
        string clip = await _files.FaceClipAsync();

        Finished run = (await CommandLine.Img2PoseAsync("run", clip, "--json", "-", "--every", "3")).ShouldSucceed();

        JsonElement[] frames = Workspace.ParseLines(run.Output)[1..^1];
        Assert.Equal(40, frames.Length);
        // A tracker may want to see a face more than once before it predicts; from the sixth frame on it has.
        Assert.All(frames[6..], frame => Assert.Equal(
            frame.GetProperty("index").GetInt32() % 3 == 0,
            Assert.Single(frame.GetProperty("faces").EnumerateArray()).GetProperty("detected").GetBoolean()));
    }

    [Fact]
    public async Task A_part_of_a_video_keeps_the_times_of_the_source()
    {
        string clip = await _files.ClipAsync();

        Finished run = (await CommandLine.Img2PoseAsync(
            "run", clip, "--json", "-", "--start", "0:00:01", "--duration", "0.5")).ShouldSucceed();

        double[] times = [.. Workspace.ParseLines(run.Output)[1..^1].Select(frame => frame.GetProperty("pts").GetDouble())];
        Assert.Equal(10, times.Length);
        Assert.Equal(1.0, times[0], 1e-3);
        Assert.Equal(1.45, times[^1], 1e-3);
    }

    [Fact]
    public async Task Raw_and_untracked_poses_are_written_on_request()
    {
        string clip = await _files.FaceClipAsync();

        Finished run = (await CommandLine.Img2PoseAsync(
            "run", clip, "--json", "-", "--raw", "--no-track", "--frames", "3")).ShouldSucceed();

        JsonElement[] frames = Workspace.ParseLines(run.Output)[1..^1];
        Assert.Equal(3, frames.Length);
        Assert.All(frames, frame =>
        {
            JsonElement face = Assert.Single(frame.GetProperty("faces").EnumerateArray());
            Assert.Equal(0, face.GetProperty("id").GetInt32());
            Assert.Equal(face.GetProperty("rotvec").ToString(), face.GetProperty("raw_rotvec").ToString());
        });
    }

    [Fact]
    public async Task Given_boxes_are_posed_instead_of_looking_for_faces()
    {
        string clip = await _files.FaceClipAsync();
        Box box = DrawnFace.Box;
        await File.WriteAllTextAsync(
            _files["boxes.csv"], FormattableString.Invariant($"frame,l,t,r,b\n1,10,150,60,200\n1,{box.Left},{box.Top},{box.Right},{box.Bottom}\n"),
            TestContext.Current.CancellationToken);

        Finished run = (await CommandLine.Img2PoseAsync(
            "run", clip, "--json", "-", "--boxes", _files["boxes.csv"], "--no-track", "--frames", "3")).ShouldSucceed();

        JsonElement[] frames = Workspace.ParseLines(run.Output)[1..^1];
        Assert.Equal([0, 2, 0], frames.Select(frame => frame.GetProperty("faces").GetArrayLength()));
        // The second box is around the face; where there is none, a pose is found all the same.
        AssertIsTheDrawnFace(frames[1].GetProperty("faces")[1], 20 * Math.Sin(3 / 20.0));
    }

    [Fact]
    public async Task Pictures_go_in_and_pictures_come_out_with_the_bad_one_named()
    {
        string folder = Directory.CreateDirectory(_files["pictures"]).FullName, target = _files["posed"];
        await PictureAsync(Path.Combine(folder, "a.png"), "320x240");
        await File.WriteAllTextAsync(Path.Combine(folder, "b.jpg"), "no picture", TestContext.Current.CancellationToken);
        await PictureAsync(Path.Combine(folder, "c.jpg"), "200x300");

        Finished run = await CommandLine.Img2PoseAsync("run", folder, "--out", target, "--json", _files["p.jsonl"]);

        Assert.Equal(1, run.Code);
        Assert.Contains("b.jpg", run.ErrorLines[0]);
        Assert.Equal(["a.png", "c.jpg"], Directory.GetFiles(target).Select(Path.GetFileName).Order());
        JsonElement[] lines = Workspace.ParseLines(await File.ReadAllTextAsync(_files["p.jsonl"], TestContext.Current.CancellationToken));
        Assert.Equal(JsonValueKind.Null, lines[1].GetProperty("pts").ValueKind);
        Assert.EndsWith("a.png", lines[1].GetProperty("source").GetString());
        Assert.Equal((200, 300), (lines[2].GetProperty("width").GetInt32(), lines[2].GetProperty("height").GetInt32()));
        Assert.Equal(500, lines[2].GetProperty("intrinsics").GetProperty("f").GetInt32());
        Assert.Equal(1, lines[^1].GetProperty("damaged").GetInt32());
    }

    [Fact]
    public async Task A_single_picture_goes_to_a_single_file()
    {
        await DrawnFace.SaveAsync(_files["a.png"]);

        (await CommandLine.Img2PoseAsync("run", _files["a.png"], "--out", _files["b.png"], "--overlay", "mesh,points", "--quiet")).ShouldSucceed();

        Assert.Equal(await LumaOf(_files["a.png"], "60:240:260:0"), await LumaOf(_files["b.png"], "60:240:260:0"));
        Assert.NotEqual(await LumaOf(_files["a.png"], "60:60:110:90"), await LumaOf(_files["b.png"], "60:60:110:90"));
    }

    [Theory]
    [InlineData("1")]
    [InlineData("3")]
    public async Task Every_video_of_a_folder_is_done_one_by_one_or_side_by_side(string jobs)
    {
        string folder = Directory.CreateDirectory(_files["videos"]).FullName;
        File.Move(await _files.ClipAsync("x.mp4", 10), Path.Combine(folder, "x.mp4"));
        File.Move(await _files.ClipAsync("y.mkv", 5), Path.Combine(folder, "y.mkv"));
        File.Move(await _files.ClipAsync("y.mp4", 7), Path.Combine(folder, "y.mp4"));
        string target = _files["out"] + "/";

        (await CommandLine.Img2PoseAsync("run", folder, "--out", target, "--json", target, "--jobs", jobs, "--quiet")).ShouldSucceed();

        // Two are called the same: neither replaces the other.
        Assert.Equal(
            ["x.jsonl", "x.posed.mp4", "y.jsonl", "y.posed.mp4", "y_2.jsonl", "y_2.posed.mp4"],
            Directory.GetFiles(target).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.Equal(5, await Workspace.CountFramesAsync(target + "y.posed.mp4"));
        Assert.Equal(7, await Workspace.CountFramesAsync(target + "y_2.posed.mp4"));
        Assert.Equal(10, Workspace.ParseLines(await File.ReadAllTextAsync(target + "x.jsonl", TestContext.Current.CancellationToken))[^1].GetProperty("frames").GetInt32());
    }

    [Fact]
    public async Task An_unreadable_video_among_others_side_by_side_is_named_and_the_others_are_done()
    {
        string folder = Directory.CreateDirectory(_files["videos"]).FullName;
        File.Move(await _files.ClipAsync("a.mp4", 6), Path.Combine(folder, "a.mp4"));
        await File.WriteAllTextAsync(Path.Combine(folder, "b.mp4"), "no video", TestContext.Current.CancellationToken);
        File.Move(await _files.ClipAsync("c.mp4", 6), Path.Combine(folder, "c.mp4"));
        string target = _files["out"] + "/";

        Finished run = await CommandLine.Img2PoseAsync("run", folder, "--json", target, "--jobs", "2", "--quiet");

        Assert.Equal(1, run.Code);
        Assert.Contains("b.mp4", run.Error, StringComparison.Ordinal);
        Assert.Equal(["a.jsonl", "c.jsonl"], Directory.GetFiles(target).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_filter_graph_is_a_source()
    {
        Finished run = (await CommandLine.Img2PoseAsync(
            "run", "lavfi:testsrc2=size=320x240:rate=10:duration=1", "--json", "-")).ShouldSucceed();

        Assert.Equal(12, Workspace.ParseLines(run.Output).Length);
    }

    [Fact]
    public async Task Damaged_packets_in_the_middle_are_survived_and_counted()
    {
        string clip = await _files.ClipAsync("damaged.mp4", 100, "320x240", "-c:v", "libx264", "-preset", "ultrafast", "-g", "20", "-an");
        byte[] bytes = await File.ReadAllBytesAsync(clip, TestContext.Current.CancellationToken);
        // Every 150th byte of the middle third, which holds packets alone: the index of an mp4 file lies at its end.
        for (int i = bytes.Length / 3; i < bytes.Length * 2 / 3; i += 150) bytes[i] ^= 0x5A;
        await File.WriteAllBytesAsync(clip, bytes, TestContext.Current.CancellationToken);

        Finished run = (await CommandLine.Img2PoseAsync(
            "run", clip, "--json", _files["d.jsonl"], "--out", _files["d.mp4"])).ShouldSucceed();

        JsonElement summary = Workspace.ParseLines(await File.ReadAllTextAsync(_files["d.jsonl"], TestContext.Current.CancellationToken))[^1];
        int damaged = summary.GetProperty("damaged").GetInt32();
        Assert.True(damaged > 0, run.Error);
        Assert.Contains($"{damaged} damaged", run.ErrorLines[^1], StringComparison.Ordinal);
        Assert.InRange(summary.GetProperty("frames").GetInt32(), 40, 100);
        Assert.Equal(summary.GetProperty("frames").GetInt32(), await Workspace.CountFramesAsync(_files["d.mp4"]));
    }

    [Fact]
    public async Task A_picture_of_one_pixel_is_done_like_any_other()
    {
        await CommandLine.ToolAsync(
            "ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi", "-i", "color=teal:size=8x8,format=rgb24,crop=1:1", "-frames:v", "1", _files["one.png"]);

        Finished run = (await CommandLine.Img2PoseAsync("run", _files["one.png"], "--json", "-", "--out", _files["posed.png"])).ShouldSucceed();

        Assert.Equal(3, Workspace.ParseLines(run.Output).Length);
        Assert.Equal(await LumaOf(_files["one.png"], "1:1:0:0"), await LumaOf(_files["posed.png"], "1:1:0:0"));
    }

    /// <summary>
    /// Fails unless a face of the JSON is the drawn one, moved: its box lies on the drawn box, and its direction is that of the
    /// drawing within what the default model errs by in tests of its own (5° at the median).
    /// </summary>
    private static void AssertIsTheDrawnFace(JsonElement face, double moved)
    {
        double[] box = Numbers(face, "box"), rotation = Numbers(face, "rotvec"), translation = Numbers(face, "translation");
        Box drawn = new(DrawnFace.Box.Left + moved, DrawnFace.Box.Top, DrawnFace.Box.Right + moved, DrawnFace.Box.Bottom);
        double overlap = new Box(box[0], box[1], box[2], box[3]).IntersectionOverUnion(drawn);
        Assert.True(overlap > 0.75, $"the box overlaps the drawn one by {overlap}");
        double angle = RotationVector.GeodesicDistance(DrawnFace.Pose.Rotation, new Vector3d(rotation[0], rotation[1], rotation[2])) * 180 / Math.PI;
        Assert.True(angle < 15, $"the face is turned {angle}° away from the drawn one");
        Assert.InRange(translation[2], 0.8 * DrawnFace.Pose.Translation.Z, 1.2 * DrawnFace.Pose.Translation.Z);
    }

    private static double[] Numbers(JsonElement face, string name) => [.. face.GetProperty(name).EnumerateArray().Select(v => v.GetDouble())];

    private static Task<string> PictureAsync(string path, string size) =>
        CommandLine.ToolAsync("ffmpeg", "-nostdin", "-v", "error", "-y", "-f", "lavfi", "-i", $"color=teal:size={size}", "-frames:v", "1", path);

    private static async Task<string[]> LumaOf(string path, string crop)
    {
        string text = await CommandLine.ToolAsync(
            "ffmpeg", "-nostdin", "-v", "error", "-i", path, "-an", "-vf", $"format=yuv420p,crop={crop}:exact=1,format=gray", "-f", "framemd5", "-");
        return [.. text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(line => line[0] != '#')];
    }
}
