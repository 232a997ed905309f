using System.Text.Json;

namespace Img2Pose.EndToEnd;

/// <summary>The main job through the command line, with a model whose answers are known.</summary>
public sealed class RunTests : IDisposable
{
    private readonly Workspace _files = new();

    public void Dispose() => _files.Dispose();

    [Fact]
    public async Task A_video_comes_out_with_every_frame_its_sound_and_a_pose_line_for_each()
    {
        string clip = await _files.ClipAsync();
        string video = _files["posed.mp4"], json = _files["poses.jsonl"];

        Finished run = (await CommandLine.Img2PoseAsync("run", clip, "--out", video, "--json", json, "--model", _files.Model)).ShouldSucceed();

        Assert.Equal(40, await Workspace.CountFramesAsync(video));
        Assert.Equal(["h264", "aac"], await Workspace.StreamsAsync(video));
        JsonElement[] lines = Workspace.ParseLines(await File.ReadAllTextAsync(json, TestContext.Current.CancellationToken));
        Assert.Equal(42, lines.Length);
        JsonElement header = lines[0], summary = lines[^1];
        Assert.Equal(("header", 1, 320, 240), (header.GetProperty("type").GetString(), header.GetProperty("schema").GetInt32(), header.GetProperty("width").GetInt32(), header.GetProperty("height").GetInt32()));
        Assert.Equal(20, header.GetProperty("fps").GetDouble());
        Assert.Equal((560, 160, 120), (header.GetProperty("intrinsics").GetProperty("f").GetInt32(), header.GetProperty("intrinsics").GetProperty("cx").GetInt32(), header.GetProperty("intrinsics").GetProperty("cy").GetInt32()));
        Assert.Equal("constant", header.GetProperty("model").GetString());
        for (int i = 0; i < 40; i++)
        {
            JsonElement frame = lines[i + 1];
            Assert.Equal(i, frame.GetProperty("index").GetInt32());
            Assert.Equal(i / 20.0, frame.GetProperty("pts").GetDouble(), 1e-3);
            JsonElement face = Assert.Single(frame.GetProperty("faces").EnumerateArray());
            Assert.Equal(1, face.GetProperty("id").GetInt32());
            Assert.True(face.GetProperty("detected").GetBoolean());
            Assert.Equal(4, face.GetProperty("box").GetArrayLength());
            Assert.Equal(3, face.GetProperty("rotvec").GetArrayLength());
            Assert.Equal(3, face.GetProperty("translation").GetArrayLength());
            Assert.InRange(Math.Abs(face.GetProperty("euler").GetProperty("yaw").GetDouble()), 0, 20);
        }
        Assert.Equal((40, 40, true), (summary.GetProperty("frames").GetInt32(), summary.GetProperty("faces").GetInt32(), summary.GetProperty("complete").GetBoolean()));
        Assert.Contains("40 frames, 40 faces", run.Error);
        Assert.Empty(run.Output);
        Assert.Empty(Directory.GetFiles(_files.Folder, "*.partial.*"));
    }

    [Fact]
    public async Task The_overlay_changes_the_picture_at_the_face_and_only_there()
    {
        string clip = await _files.ClipAsync("lossless.mkv", 6, "320x240", "-c:v", "libx264", "-qp", "0", "-preset", "ultrafast", "-an");
        string posed = _files["posed.mkv"], plain = _files["plain.mkv"];

        (await CommandLine.Img2PoseAsync("run", clip, "--out", posed, "--model", _files.Model, "--quality", "0", "--quiet")).ShouldSucceed();
        (await CommandLine.Img2PoseAsync("run", clip, "--out", plain, "--model", _files.Model, "--quality", "0", "--overlay", "none", "--quiet")).ShouldSucceed();

        Assert.Equal(await LumaOf(clip, "320:240:0:0"), await LumaOf(plain, "320:240:0:0"));
        Assert.Equal(await LumaOf(clip, "60:240:260:0"), await LumaOf(posed, "60:240:260:0"));
        Assert.NotEqual(await LumaOf(clip, "60:60:100:90"), await LumaOf(posed, "60:60:100:90"));
    }

    [Fact]
    public async Task Json_on_standard_output_is_nothing_but_json()
    {
        string clip = await _files.ClipAsync();

        Finished run = (await CommandLine.Img2PoseAsync("run", clip, "--json", "-", "--model", _files.Model)).ShouldSucceed();

        JsonElement[] lines = Workspace.ParseLines(run.Output);
        Assert.Equal(["header", .. Enumerable.Repeat("frame", 40), "summary"], lines.Select(line => line.GetProperty("type").GetString()));
    }

    [Fact]
    public async Task Skipped_frames_have_predicted_faces()
    {
        string clip = await _files.ClipAsync();

        Finished run = (await CommandLine.Img2PoseAsync("run", clip, "--json", "-", "--model", _files.Model, "--every", "3")).ShouldSucceed();

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
            "run", clip, "--json", "-", "--model", _files.Model, "--start", "0:00:01", "--duration", "0.5")).ShouldSucceed();

        double[] times = [.. Workspace.ParseLines(run.Output)[1..^1].Select(frame => frame.GetProperty("pts").GetDouble())];
        Assert.Equal(10, times.Length);
        Assert.Equal(1.0, times[0], 1e-3);
        Assert.Equal(1.45, times[^1], 1e-3);
    }

    [Fact]
    public async Task Raw_and_untracked_poses_are_written_on_request()
    {
        string clip = await _files.ClipAsync();

        Finished run = (await CommandLine.Img2PoseAsync(
            "run", clip, "--json", "-", "--model", _files.Model, "--raw", "--no-track", "--frames", "3")).ShouldSucceed();

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
        string clip = await _files.ClipAsync();
        await File.WriteAllTextAsync(_files["boxes.csv"], "frame,l,t,r,b\n1,20,20,120,120\n1,150,50,250,150\n", TestContext.Current.CancellationToken);

        Finished run = (await CommandLine.Img2PoseAsync(
            "run", clip, "--json", "-", "--model", _files.Model, "--boxes", _files["boxes.csv"], "--no-track", "--frames", "3")).ShouldSucceed();

        JsonElement[] frames = Workspace.ParseLines(run.Output)[1..^1];
        Assert.Equal([0, 2, 0], frames.Select(frame => frame.GetProperty("faces").GetArrayLength()));
    }

    [Fact]
    public async Task Pictures_go_in_and_pictures_come_out_with_the_bad_one_named()
    {
        string folder = Directory.CreateDirectory(_files["pictures"]).FullName, target = _files["posed"];
        await PictureAsync(Path.Combine(folder, "a.png"), "320x240");
        await File.WriteAllTextAsync(Path.Combine(folder, "b.jpg"), "no picture", TestContext.Current.CancellationToken);
        await PictureAsync(Path.Combine(folder, "c.jpg"), "200x300");

        Finished run = await CommandLine.Img2PoseAsync("run", folder, "--out", target, "--json", _files["p.jsonl"], "--model", _files.Model);

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
        await PictureAsync(_files["a.png"], "320x240");

        (await CommandLine.Img2PoseAsync("run", _files["a.png"], "--out", _files["b.png"], "--model", _files.Model, "--quiet")).ShouldSucceed();

        Assert.NotEqual(await LumaOf(_files["a.png"], "60:60:100:90"), await LumaOf(_files["b.png"], "60:60:100:90"));
    }

    [Fact]
    public async Task A_folder_of_videos_is_done_one_after_the_other()
    {
        string folder = Directory.CreateDirectory(_files["videos"]).FullName;
        File.Move(await _files.ClipAsync("x.mp4", 10), Path.Combine(folder, "x.mp4"));
        File.Move(await _files.ClipAsync("y.mkv", 5), Path.Combine(folder, "y.mkv"));
        string target = _files["out"] + "/";

        (await CommandLine.Img2PoseAsync("run", folder, "--out", target, "--json", target, "--model", _files.Model, "--quiet")).ShouldSucceed();

        Assert.Equal(["x.jsonl", "x.posed.mp4", "y.jsonl", "y.posed.mp4"], Directory.GetFiles(target).Select(Path.GetFileName).Order());
        Assert.Equal(5, await Workspace.CountFramesAsync(target + "y.posed.mp4"));
    }

    [Fact]
    public async Task A_filter_graph_is_a_source()
    {
        Finished run = (await CommandLine.Img2PoseAsync(
            "run", "lavfi:testsrc2=size=320x240:rate=10:duration=1", "--json", "-", "--model", _files.Model)).ShouldSucceed();

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
            "run", clip, "--json", _files["d.jsonl"], "--out", _files["d.mp4"], "--model", _files.Model)).ShouldSucceed();

        JsonElement summary = Workspace.ParseLines(await File.ReadAllTextAsync(_files["d.jsonl"], TestContext.Current.CancellationToken))[^1];
        Assert.True(summary.GetProperty("damaged").GetInt32() > 0, run.Error);
        Assert.InRange(summary.GetProperty("frames").GetInt32(), 40, 100);
        Assert.Equal(summary.GetProperty("frames").GetInt32(), await Workspace.CountFramesAsync(_files["d.mp4"]));
    }

    [Fact]
    public async Task A_picture_of_one_pixel_is_done_like_any_other()
    {
        await CommandLine.ToolAsync(
            "ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi", "-i", "color=teal:size=8x8,format=rgb24,crop=1:1", "-frames:v", "1", _files["one.png"]);

        Finished run = (await CommandLine.Img2PoseAsync("run", _files["one.png"], "--json", "-", "--model", _files.Model)).ShouldSucceed();

        Assert.Equal(3, Workspace.ParseLines(run.Output).Length);
    }

    private static Task<string> PictureAsync(string path, string size) =>
        CommandLine.ToolAsync("ffmpeg", "-nostdin", "-v", "error", "-y", "-f", "lavfi", "-i", $"color=teal:size={size}", "-frames:v", "1", path);

    private static Task<string> LumaOf(string path, string crop) =>
        CommandLine.ToolAsync("ffmpeg", "-nostdin", "-v", "error", "-i", path, "-an", "-vf", $"format=yuv420p,crop={crop}:exact=1,format=gray", "-f", "framemd5", "-");
}
