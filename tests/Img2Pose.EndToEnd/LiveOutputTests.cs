using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Img2Pose.EndToEnd;

/// <summary>Streams that are pushed, received by ffmpeg; a device that other programs see as a camera; crops; poses for other programs.</summary>
public sealed class LiveOutputTests : IDisposable
{
    private readonly Workspace _files = new();

    public void Dispose() => _files.Dispose();

    [Theory]
    [InlineData("udp", "udp://127.0.0.1:{0}", "udp://127.0.0.1:{0}")]
    [InlineData("srt", "srt://127.0.0.1:{0}", "srt://127.0.0.1:{0}?mode=listener")]
    [InlineData("rtmp", "rtmp://127.0.0.1:{0}/live/face", "rtmp://127.0.0.1:{0}/live/face")]
    [InlineData("rtsp", "rtsp://user:{1}@127.0.0.1:{0}/face", "rtsp://127.0.0.1:{0}/face")]
    public async Task A_pushed_stream_arrives(string protocol, string target, string listener)
    {
        string clip = await _files.FaceClipAsync(frames: 4000);
        string port = FreePort().ToString(CultureInfo.InvariantCulture);
        string[] listening = protocol switch { "rtmp" => ["-listen", "1"], "rtsp" => ["-rtsp_flags", "listen"], _ => [] };
        Task<string> received = CommandLine.ToolAsync("ffmpeg", ["-nostdin", "-v", "error", "-y", .. listening, "-i", string.Format(CultureInfo.InvariantCulture, listener, port), "-frames:v", "12", "-f", "framemd5", _files["received.txt"]]);
        await ListensAsync(protocol, int.Parse(port, CultureInfo.InvariantCulture), received);

        using Process process = CommandLine.StartWith([], "run", clip, "--realtime", "--out", string.Format(CultureInfo.InvariantCulture, target, port, "secret77"), "--model", _files.Model);
        Task<Finished> ended = CommandLine.FinishAsync(process);
        await received;
        if (!process.HasExited) await CommandLine.SignalAsync(process, "INT");
        Finished run = await ended;

        string[] lines = await File.ReadAllLinesAsync(_files["received.txt"], TestContext.Current.CancellationToken);
        string pictures = Assert.Single(lines, line => line.StartsWith("#media_type ", StringComparison.Ordinal) && line.EndsWith(": video", StringComparison.Ordinal))["#media_type ".Length..^": video".Length];
        string[] frames = [.. lines.Where(line => !line.StartsWith('#'))];
        Assert.Equal(12, frames.Count(line => line.StartsWith(pictures + ",", StringComparison.Ordinal)));
        // The clip's sound goes along.
        Assert.Contains(frames, line => !line.StartsWith(pictures + ",", StringComparison.Ordinal));
        // The peer has gone by the time of the signal, or has not: either end is one, and says no secret.
        Assert.Contains(run.Code, new[] { 1, 130 });
        Assert.DoesNotContain("secret77", run.Error);
        Assert.DoesNotContain("Unexpected", run.Error);
    }

    [Fact]
    public async Task A_stream_that_breaks_off_costs_itself_alone_and_is_told_once()
    {
        string clip = await _files.FaceClipAsync(frames: 4000);
        int port = FreePort();
        string address = string.Create(CultureInfo.InvariantCulture, $"rtmp://127.0.0.1:{port}/live/face");
        // Takes a few pictures and goes.
        Task<string> received = CommandLine.ToolAsync("ffmpeg", "-nostdin", "-v", "error", "-y", "-listen", "1", "-i", address, "-frames:v", "5", "-f", "null", "-");
        await ListensAsync("rtmp", port, received);
        using Process process = CommandLine.StartWith([], "run", clip, "--realtime", "--out", address, "--json", _files["poses.jsonl"], "--model", _files.Model, "--quiet");
        Task<Finished> ended = CommandLine.FinishAsync(process);
        await received;
        await CommandLine.WaitUntilAsync(process, () => Lines() > 0);
        // The poses go on long after.
        int before = Lines();
        await CommandLine.WaitUntilAsync(process, () => Lines() > before + 60);
        await CommandLine.SignalAsync(process, "INT");
        Finished run = await ended;

        Assert.Equal(130, run.Code);
        Assert.Contains("broken off", Assert.Single(run.ErrorLines, line => line.Contains("rtmp://", StringComparison.Ordinal)));

        int Lines() => Directory.GetFiles(_files.Folder, "poses*.jsonl").Sum(path =>
        {
            using StreamReader reader = new(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete));
            return reader.ReadToEnd().Count(c => c == '\n');
        });
    }

    [Fact]
    public async Task A_device_gets_raw_pictures_of_the_size_of_the_source()
    {
        string clip = await _files.FaceClipAsync(frames: 10);
        await File.WriteAllTextAsync(_files["devices"], $"/dev/video9 card=Loopback output={_files["written.raw"]}\n", TestContext.Current.CancellationToken);
        using Process process = CommandLine.StartWith(CameraStandIn.Variables(_files["devices"]), "run", clip, "--out", "/dev/video9", "--model", _files.Model, "--quiet");

        (await CommandLine.FinishAsync(process)).ShouldSucceed();

        Assert.Equal("YU12 320 240", (await File.ReadAllTextAsync(_files["written.raw.format"], TestContext.Current.CancellationToken)).Trim());
        // Read back: the clip's picture with a mesh on it, as a file has it.
        byte[] written = await File.ReadAllBytesAsync(_files["written.raw"], TestContext.Current.CancellationToken);
        Assert.Equal(10 * 320 * 240 * 3 / 2, written.Length);
        (await CommandLine.Img2PoseAsync("run", clip, "--out", _files["posed.mkv"], "--quality", "0", "--preset", "ultrafast", "--model", _files.Model, "--quiet")).ShouldSucceed();
        await CommandLine.ToolAsync("ffmpeg", "-nostdin", "-v", "error", "-y", "-i", _files["posed.mkv"], "-pix_fmt", "yuv420p", "-f", "rawvideo", _files["posed.raw"]);
        await CommandLine.ToolAsync("ffmpeg", "-nostdin", "-v", "error", "-y", "-i", clip, "-pix_fmt", "yuv420p", "-f", "rawvideo", _files["plain.raw"]);
        double fromPosed = Difference(written, await File.ReadAllBytesAsync(_files["posed.raw"], TestContext.Current.CancellationToken));
        double fromPlain = Difference(written, await File.ReadAllBytesAsync(_files["plain.raw"], TestContext.Current.CancellationToken));
        // The mesh covers a part of the picture.
        Assert.InRange(fromPlain, 1, 255);
        Assert.InRange(fromPosed, 0, fromPlain / 2);
    }

    /// <summary>Mean difference of bytes.</summary>
    private static double Difference(byte[] a, byte[] b)
    {
        Assert.Equal(a.Length, b.Length);
        long sum = 0;
        for (int i = 0; i < a.Length; i++) sum += Math.Abs(a[i] - b[i]);
        return (double)sum / a.Length;
    }

    [Theory]
    [InlineData("udp", "aac", "mpegts", "udp://127.0.0.1:{0}", "udp://127.0.0.1:{0}?timeout=60000000")]
    [InlineData("rtmp", "aac", "flv", "rtmp://127.0.0.1:{0}/live/face", "rtmp://127.0.0.1:{0}/live/face")]
    public async Task A_pushed_stream_has_the_sound_of_its_source_at_its_pictures_times(string protocol, string codec, string format, string target, string listener)
    {
        string silent = await _files.FaceClipAsync(frames: 4000), clip = _files["sounding.mp4"];
        // A beep a second.
        await CommandLine.ToolAsync("ffmpeg", "-nostdin", "-v", "error", "-y", "-i", silent, "-f", "lavfi", "-i", "sine=frequency=440:beep_factor=4:sample_rate=48000", "-map", "0:v", "-map", "1:a", "-c:v", "copy", "-c:a", codec, "-t", "60", clip);
        string port = FreePort().ToString(CultureInfo.InvariantCulture);
        string[] listening = protocol == "rtmp" ? ["-listen", "1"] : [];
        Task<string> received = CommandLine.ToolAsync("ffmpeg", ["-nostdin", "-v", "error", "-y", .. listening, "-f", format, "-i", string.Format(CultureInfo.InvariantCulture, listener, port), "-t", "3", "-c", "copy", _files["received.mkv"]]);
        await ListensAsync(protocol, int.Parse(port, CultureInfo.InvariantCulture), received);

        using Process process = CommandLine.StartWith([], "run", clip, "--realtime", "--out", string.Format(CultureInfo.InvariantCulture, target, port), "--model", _files.Model);
        Task<Finished> ended = CommandLine.FinishAsync(process);
        await received;
        if (!process.HasExited) await CommandLine.SignalAsync(process, "INT");
        await ended;

        string sound = await CommandLine.ToolAsync("ffprobe", "-v", "error", "-select_streams", "a:0", "-show_entries", "stream=codec_name:packet=pts_time", "-of", "csv=p=0", _files["received.mkv"]);
        string pictures = await CommandLine.ToolAsync("ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries", "packet=pts_time", "-of", "csv=p=0", _files["received.mkv"]);
        Assert.Contains(codec, sound, StringComparison.Ordinal);
        double[] heard = Times(sound), seen = Times(pictures);
        // Both cover the same time; a busy machine leaves pictures out, but no sound.
        Assert.InRange(heard.Length, 60, 400);
        Assert.InRange(heard[^1] - seen[^1], -1.5, 1.5);
        Assert.All(heard.Zip(heard.Skip(1), (a, b) => b - a), step => Assert.InRange(step, 0.0001, 0.5));

        static double[] Times(string table) => [.. table.Split('\n').Select(line => line.Trim(',', ' ')).Where(line => double.TryParse(line, CultureInfo.InvariantCulture, out _)).Select(line => double.Parse(line, CultureInfo.InvariantCulture))];
    }

    [Theory]
    [InlineData("/dev/video63", 1, "is no video output device")]
    [InlineData("http://localhost/x", 2, "nothing is pushed to http://")]
    [InlineData("srt://localhost", 2, "names no port")]
    [InlineData("rtmp://user:secret77@127.0.0.1:1/live", 1, "cannot be pushed to")]
    public async Task An_output_that_cannot_be_pushed_to_is_named(string output, int code, string text)
    {
        string clip = await _files.FaceClipAsync(frames: 4);

        Finished run = await CommandLine.Img2PoseAsync("run", clip, "--out", output, "--model", _files.Model, "--quiet");

        run.ShouldFailWith(code, text);
        Assert.DoesNotContain("secret77", run.Error + run.Output);
    }

    [Theory]
    [InlineData("--send", "morse:localhost:1", 2, "protocol is unknown")]
    [InlineData("--send", "json:nobody.invalid:5000", 1, "nobody.invalid")]
    [InlineData("--camera", "/nowhere/camera.yml", 3, "/nowhere/camera.yml")]
    [InlineData("--send", "rtsp://user:secret77@localhost:44", 2, "protocol is unknown")]
    [InlineData("--camera", "rtsp://user:secret77@localhost/x", 3, "cannot be read")]
    [InlineData("rtsp://other:secret77@localhost/x", "", 2, "rtsp://***@localhost/x")]
    [InlineData("--fov", "200", 2, "--fov 200")]
    [InlineData("--head-size", "0", 2, "--head-size 0")]
    public async Task A_bad_value_is_named(string option, string value, int code, string text)
    {
        string clip = await _files.FaceClipAsync(frames: 4);

        Finished run = await CommandLine.Img2PoseAsync("run", clip, "--json", _files["x.jsonl"], option, value, "--model", _files.Model, "--quiet");

        run.ShouldFailWith(code, text);
        Assert.DoesNotContain("secret77", run.Error + run.Output);
    }

    [Fact]
    public async Task A_stream_to_push_is_no_folder_for_the_videos_of_a_list()
    {
        await File.WriteAllLinesAsync(_files["cameras.txt"], ["udp://127.0.0.1:1", "udp://127.0.0.1:2"], TestContext.Current.CancellationToken);

        Finished run = await CommandLine.Img2PoseAsync("run", _files["cameras.txt"], "--out", "rtsp://user:secret77@127.0.0.1:1/x/", "--model", _files.Model, "--quiet");

        run.ShouldFailWith(2, "give --out a folder, which rtsp://***@127.0.0.1:1/x/ is not");
        Assert.DoesNotContain("secret77", run.Error + run.Output);
        Assert.False(Directory.Exists("rtsp:"));
    }

    [Fact]
    public async Task Crops_and_poses_for_other_programs_come_of_one_run()
    {
        string clip = await _files.FaceClipAsync(frames: 20);
        using UdpClient receiver = new(new IPEndPoint(IPAddress.Loopback, 0));
        int port = ((IPEndPoint)receiver.Client.LocalEndPoint!).Port;

        Finished run = await CommandLine.Img2PoseAsync("run", clip, "--crops", _files["crops"], "--json", _files["poses.jsonl"],
            "--send", string.Create(CultureInfo.InvariantCulture, $"opentrack:127.0.0.1:{port}"), "--fov", "60", "--model", _files.Model, "--quiet");

        run.ShouldSucceed();
        string crop = Assert.Single(Directory.GetFiles(_files["crops"]));
        Assert.Equal("face-1.png", Path.GetFileName(crop));
        Assert.True(receiver.Available > 0);
        UdpReceiveResult told = await receiver.ReceiveAsync(TestContext.Current.CancellationToken);
        Assert.Equal(48, told.Buffer.Length);
        System.Text.Json.JsonElement[] lines = Workspace.ParseLines(await File.ReadAllTextAsync(_files["poses.jsonl"], TestContext.Current.CancellationToken));
        Assert.Equal(160 / Math.Tan(Math.PI / 6), lines[0].GetProperty("intrinsics").GetProperty("f").GetDouble(), 2);
        double millimetres = lines[1].GetProperty("faces")[0].GetProperty("translation_mm")[2].GetDouble();
        Assert.Equal(millimetres / 10, BitConverter.ToDouble(told.Buffer, 16), 0.2);
    }

    private static int FreePort()
    {
        using Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }

    /// <summary>Waits until the receiver has its port.</summary>
    private static async Task ListensAsync(string protocol, int port, Task received)
    {
        bool stream = protocol is "rtmp" or "rtsp";
        string table = stream ? "/proc/net/tcp" : "/proc/net/udp", entry = string.Create(CultureInfo.InvariantCulture, $":{port:X4} ");
        Stopwatch clock = Stopwatch.StartNew();
        while (!(await File.ReadAllTextAsync(table, TestContext.Current.CancellationToken)).Contains(entry, StringComparison.Ordinal))
        {
            if (received.IsCompleted) await received;
            Assert.True(clock.Elapsed < TimeSpan.FromMinutes(1), "ffmpeg does not listen");
            await Task.Delay(50, TestContext.Current.CancellationToken);
        }
    }
}
