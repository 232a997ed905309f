using System.Diagnostics;
using System.Text.Json;

namespace Img2Pose.EndToEnd;

/// <summary>
/// Cameras of the command line, on FFmpeg's real V4L2 code over a stand-in of the kernel's (<c>native/v4l2-camera</c>), which makes a
/// camera of a file.
/// </summary>
public sealed class CameraTests : IDisposable
{
    private readonly Workspace _files = new();

    public void Dispose() => _files.Dispose();

    /// <summary>Two cameras, one that takes raw and compressed pictures, and a device that is written to.</summary>
    private async Task<string> DevicesAsync()
    {
        foreach ((string name, string[] format) in new (string, string[])[]
        {
            ("a.yuyv", ["-s", "320x240", "-pix_fmt", "yuyv422", "-f", "rawvideo"]),
            ("b.mjpeg", ["-s", "640x480", "-c:v", "mjpeg", "-q:v", "5", "-pix_fmt", "yuvj422p", "-huffman", "default", "-f", "mjpeg"]),
            ("d.yuyv", ["-s", "176x144", "-pix_fmt", "yuyv422", "-f", "rawvideo"]),
            ("c.yuyv", ["-s", "160x120", "-pix_fmt", "yuyv422", "-f", "rawvideo"]),
        })
            await CommandLine.ToolAsync("ffmpeg", ["-nostdin", "-v", "error", "-y", "-f", "lavfi", "-i", "testsrc2=s=640x480:r=20", "-frames:v", "20", .. format, _files[name]]);
        await File.WriteAllBytesAsync(_files["nodht.mjpeg"], WithoutHuffmanTables(await File.ReadAllBytesAsync(_files["b.mjpeg"])));
        await File.WriteAllLinesAsync(_files["devices"],
        [
            $"/dev/video0 card=Front_camera mode=YUYV:320x240:20:{_files["a.yuyv"]} mode=MJPG:640x480:20:{_files["b.mjpeg"]} mode=MJPG:640x480:10:{_files["b.mjpeg"]} control={_files["control"]}",
            $"/dev/video1 card=Second mode=MJPG:640x480:20:{_files["nodht.mjpeg"]}",
            $"/dev/video2 card=Third mode=YUYV:160x120:20:{_files["c.yuyv"]} control={_files["control2"]}",
            $"/dev/video3 card=Any_size ranges mode=YUYV:176x144:30:{_files["d.yuyv"]} mode=YUYV:168x136:15:{_files["d.yuyv"]}",
            "/dev/video4 card=Silent",
            $"/dev/video9 card=Loopback output={_files["written.raw"]}",
        ]);
        return _files["devices"];
    }

    /// <summary>JPEG pictures as many cameras send them: the tables are known and left out (ITU-T T.81, K.3; UVC 1.5).</summary>
    private static byte[] WithoutHuffmanTables(byte[] pictures)
    {
        List<byte> result = [];
        for (int i = 0; i < pictures.Length;)
        {
            if (pictures[i] == 0xFF && i + 3 < pictures.Length && pictures[i + 1] == 0xC4)
            {
                i += 2 + (pictures[i + 2] << 8 | pictures[i + 3]);
                continue;
            }
            result.Add(pictures[i++]);
        }
        Assert.True(result.Count < pictures.Length);
        return [.. result];
    }

    private async Task<Process> StartAsync(params string[] arguments)
    {
        if (!File.Exists(_files["devices"])) await DevicesAsync();
        ProcessStartInfo info = new("env")
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        string[] words = ["--default-signal=INT", .. CameraStandIn.Variables(_files["devices"]), "dotnet", Path.Combine(AppContext.BaseDirectory, "img2pose.dll"), .. arguments];
        foreach (string word in words) info.ArgumentList.Add(word);
        Process process = Process.Start(info)!;
        process.StandardInput.Close();
        return process;
    }

    private async Task<Finished> RunAsync(params string[] arguments)
    {
        using Process process = await StartAsync(arguments);
        return await CommandLine.FinishAsync(process);
    }

    private Task<Finished> PosesAsync(string camera, params string[] arguments) => RunAsync(["run", camera, "--model", _files.Model, "--json", "-", .. arguments]);

    private static JsonElement[] Lines(string output) =>
        [.. output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement)];

    private static JsonElement[] Frames(Finished run) => [.. Lines(run.Output).Where(line => line.GetProperty("type").GetString() == "frame")];

    [Fact]
    public async Task A_camera_is_opened_at_the_best_it_lists_and_its_pictures_say_when_they_were_taken()
    {
        DateTime before = DateTime.UtcNow;

        Finished run = (await PosesAsync("0", "--frames", "8")).ShouldSucceed();

        JsonElement header = Lines(run.Output)[0];
        // Compressed: raw pictures of the camera are smaller here.
        Assert.Equal(("/dev/video0", 640, 480, 20.0), (header.GetProperty("source").GetString(), header.GetProperty("width").GetInt32(), header.GetProperty("height").GetInt32(), header.GetProperty("fps").GetDouble()));
        JsonElement[] frames = Frames(run);
        // Eight are read; a machine that is slow to look at them leaves some out.
        Assert.InRange(frames.Length, 2, 8);
        Assert.All(frames, frame => Assert.InRange(frame.GetProperty("time").GetDateTime(), before, DateTime.UtcNow));
        // The kernel's times of a camera of 20 pictures a second lie whole pictures apart, whenever somebody looked.
        double[] times = [.. frames.Select(frame => frame.GetProperty("pts").GetDouble())];
        Assert.All(times, time => Assert.Equal(Math.Round(time * 20), time * 20, 0.05));
        Assert.Contains("live: 640x480 mjpeg", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_camera_gives_what_it_is_asked_for_and_says_what_else_it_has()
    {
        Finished small = (await PosesAsync("/dev/video0", "--camera-size", "320x240", "--camera-format", "yuyv422", "--camera-fps", "20", "--frames", "2")).ShouldSucceed();
        Assert.Equal(320, Lines(small.Output)[0].GetProperty("width").GetInt32());

        (await PosesAsync("0", "--camera-size", "800x600")).ShouldFailWith(3, "/dev/video0: the camera does not have 800x600; it has yuyv422 320x240 at 20, mjpeg 640x480 at 20, mjpeg 640x480 at 10");
        (await PosesAsync("0", "--camera-fps", "25")).ShouldFailWith(3, "at 25");
        (await PosesAsync("0", "--camera-format", "h264")).ShouldFailWith(3, "h264");
        (await PosesAsync("0", "--camera-size", "big")).ShouldFailWith(2, "--camera-size big");
    }

    [Fact]
    public async Task A_camera_that_takes_any_size_and_rate_between_two_is_asked_for_the_wish()
    {
        Finished wished = (await PosesAsync("3", "--camera-size", "168x136", "--camera-fps", "15", "--frames", "2")).ShouldSucceed();
        Assert.Equal((168, 15), (Lines(wished.Output)[0].GetProperty("width").GetInt32(), Lines(wished.Output)[0].GetProperty("fps").GetDouble()));

        (await PosesAsync("3", "--camera-size", "1920x1080")).ShouldFailWith(3, "does not have 1920x1080");
        (await PosesAsync("3", "--camera-size", "176x144", "--camera-fps", "60")).ShouldFailWith(3, "at 60");
        // It lists nothing, so there is nothing to choose from.
        (await PosesAsync("4", "--camera-fps", "60")).ShouldFailWith(3, "the camera does not say what it has, so at 60 cannot be asked of it");
    }

    [Fact]
    public async Task Pictures_without_huffman_tables_are_read()
    {
        Finished run = (await PosesAsync("1", "--frames", "3")).ShouldSucceed();

        Assert.Equal(0, Lines(run.Output)[^1].GetProperty("damaged").GetInt32());
    }

    [Fact]
    public async Task Cameras_that_are_absent_unreadable_or_none_are_told_in_one_line()
    {
        (await PosesAsync("7")).ShouldFailWith(3, "/dev/video7: there is no such device");
        (await PosesAsync("9")).ShouldFailWith(3, "/dev/video9: it is no camera");
        await File.WriteAllTextAsync(_files["control"], "denied");
        (await PosesAsync("0")).ShouldFailWith(3, "/dev/video0: permission denied; add yourself to the group video");
    }

    [Fact]
    public async Task A_busy_camera_is_waited_for_or_told()
    {
        using Process first = await StartAsync("run", "2", "--model", _files.Model, "--json", _files["first.jsonl"]);
        await CommandLine.WaitUntilAsync(first, () => File.Exists(_files["first.partial.jsonl"]));

        (await PosesAsync("2", "--no-reconnect")).ShouldFailWith(3, "/dev/video2: the camera is in use by another program");
        using Process second = await StartAsync("run", "2", "--model", _files.Model, "--json", _files["second.jsonl"], "--frames", "2", "--live-times", "retry=0.2");
        await CommandLine.SignalAsync(first, "INT");
        Assert.Equal(130, (await CommandLine.FinishAsync(first)).Code);
        (await CommandLine.FinishAsync(second)).ShouldSucceed();
    }

    [Fact]
    public async Task A_camera_that_is_unplugged_and_one_that_stalls_are_waited_for_and_told_in_the_poses()
    {
        using Process run = await StartAsync("run", "2", "--model", _files.Model, "--json", _files["poses.jsonl"], "--live-times", "retry=0.2,silence=1", "--verbose");
        string partial = _files["poses.partial.jsonl"];
        bool Says(string text) => File.Exists(partial) && File.ReadAllText(partial).Contains(text, StringComparison.Ordinal);
        int Count(string text) => File.Exists(partial) ? File.ReadAllText(partial).Split(text).Length - 1 : 0;
        await CommandLine.WaitUntilAsync(run, () => Count("\"type\":\"frame\"") > 3);

        await File.WriteAllTextAsync(_files["control2"], "unplug");
        await CommandLine.WaitUntilAsync(run, () => Says("the camera was unplugged"));
        // While it is away: a further try fails.
        await CommandLine.WaitUntilAsync(run, () => Says("\"attempt\":2"));
        File.Delete(_files["control2"]);
        await CommandLine.WaitUntilAsync(run, () => Says("\"state\":\"live\""));
        int there = Count("\"type\":\"frame\"");
        await CommandLine.WaitUntilAsync(run, () => Count("\"type\":\"frame\"") > there + 3);
        await File.WriteAllTextAsync(_files["control2"], "stall");
        await CommandLine.WaitUntilAsync(run, () => Says("nothing has come for 1 s"));
        Stopwatch clock = Stopwatch.StartNew();
        await CommandLine.SignalAsync(run, "INT");
        Finished finished = await CommandLine.FinishAsync(run);

        Assert.Equal(130, finished.Code);
        Assert.InRange(clock.Elapsed.TotalSeconds, 0, 8);
        JsonElement summary = Lines(await File.ReadAllTextAsync(_files["poses.jsonl"]))[^1];
        Assert.Equal((2, false), (summary.GetProperty("outages").GetInt32(), summary.GetProperty("complete").GetBoolean()));
        Assert.Contains("2012", finished.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Torn_pictures_are_counted_and_the_others_come()
    {
        await File.WriteAllTextAsync(_files["control"], "torn");

        Finished run = (await PosesAsync("0", "--frames", "12")).ShouldSucceed();

        Assert.InRange(Frames(run).Length, 1, 12);
        Assert.NotEqual(0, Lines(run.Output)[^1].GetProperty("damaged").GetInt32());
    }

    [Fact]
    public async Task Cameras_of_a_list_run_side_by_side()
    {
        await File.WriteAllTextAsync(_files["cameras.txt"], "# both\n0\n/dev/video2\n");

        Finished run = (await RunAsync("run", _files["cameras.txt"], "--model", _files.Model, "--json", _files["poses/"], "--frames", "3")).ShouldSucceed();

        Assert.Equal(["video0.jsonl", "video2.jsonl"], Directory.GetFiles(_files["poses"]).Select(Path.GetFileName).Order());
        Assert.All(Directory.GetFiles(_files["poses"]), file => Assert.InRange(File.ReadAllText(file).Split("\"type\":\"frame\"").Length - 1, 1, 3));
        Assert.Equal(0, run.Code);
    }

    [Fact]
    public async Task Devices_lists_what_there_is_and_why_something_cannot_be_used()
    {
        string text = (await RunAsync("devices")).ShouldSucceed().Output;
        Assert.Contains("/dev/video0  Front camera (uvcvideo)\n  yuyv422    320x240 at 20\n  mjpeg      640x480 at 20, 10\n", text, StringComparison.Ordinal);
        Assert.Contains("/dev/video9  Loopback (v4l2 loopback), can be written to: --out /dev/video9\n", text, StringComparison.Ordinal);

        await File.WriteAllTextAsync(_files["control"], "denied");
        JsonElement list = JsonDocument.Parse((await RunAsync("devices", "--json")).ShouldSucceed().Output).RootElement;
        JsonElement[] devices = [.. list.EnumerateArray()];
        Assert.Equal(["/dev/video0", "/dev/video1", "/dev/video2", "/dev/video3", "/dev/video4", "/dev/video9"], devices.Select(device => device.GetProperty("path").GetString()));
        Assert.Contains("group video", devices[0].GetProperty("problem").GetString(), StringComparison.Ordinal);
        Assert.Equal(("mjpeg", 640, 20.0), (devices[1].GetProperty("formats")[0].GetProperty("format").GetString(), devices[1].GetProperty("formats")[0].GetProperty("width").GetInt32(), devices[1].GetProperty("formats")[0].GetProperty("fps").GetDouble()));
        Assert.True(devices[^1].GetProperty("output").GetBoolean());
    }
}
