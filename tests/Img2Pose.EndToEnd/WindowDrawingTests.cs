using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Img2Pose.Frames;

namespace Img2Pose.EndToEnd;

/// <summary>The two ways of drawing a window: by the processor, and by OpenGL, which is a rasteriser on a display that nobody sees.</summary>
public sealed class WindowDrawingTests : IDisposable
{
    /// <summary>Rows of a window at its lower edge that may hold the status line, which is never the same twice.</summary>
    private const int StatusRows = 30;

    /// <summary>What is around the drawn face.</summary>
    private static readonly (int R, int G, int B) s_grey = (96, 96, 96);

    private readonly Workspace _files = new();

    public void Dispose() => _files.Dispose();

    [Fact]
    public async Task Both_show_the_same_in_every_size()
    {
        await using Display display = await Display.StartAsync();
        // Ten bits, and samples wider than high.
        string clip = await ClipAsync("-vf", "setsar=4/3", "-pix_fmt", "yuv420p10le", "-qp", "0");
        List<VideoFrame> byProcessor = await ShotsAsync(display, clip, "cpu"), byOpenGL = await ShotsAsync(display, clip, "gpu");
        try
        {
            Assert.All(byProcessor.Zip(byOpenGL), shots => Assert.InRange(Difference(shots.First, shots.Second), 0, 2));
            // They are five different pictures.
            for (int i = 1; i < byProcessor.Count; i++) Assert.True(!SameSize(byProcessor[i - 1], byProcessor[i]) || Difference(byProcessor[i - 1], byProcessor[i]) > 1, $"picture {i} is the one before");
        }
        finally
        {
            foreach (VideoFrame shot in byProcessor.Concat(byOpenGL)) shot.Dispose();
        }
    }

    [Fact]
    public async Task Two_pictures_share_the_window_and_one_that_is_lost_says_so()
    {
        await using Display display = await Display.StartAsync();
        string clip = await ClipAsync("-pix_fmt", "yuv420p", "-g", "5");
        string[] addresses = [.. FreePorts(2).Select(port => string.Create(CultureInfo.InvariantCulture, $"udp://127.0.0.1:{port}"))];
        await File.WriteAllLinesAsync(_files["cameras.txt"], addresses, TestContext.Current.CancellationToken);
        using CancellationTokenSource stopFirst = new(), stopSecond = new();
        Task[] senders = [SendAsync(clip, addresses[0], stopFirst.Token), SendAsync(clip, addresses[1], stopSecond.Token)];
        try
        {
            using Process process = CommandLine.StartWith([$"DISPLAY={display.Name}", "IMG2POSE_WINDOW=gpu"],
                "run", _files["cameras.txt"], "--show", "--overlay", "mesh", "--captures", _files.Folder, "--model", _files.Model, "--verbose");
            Task<Finished> ended = CommandLine.FinishAsync(process);
            string window = await display.WindowAsync(ended);

            // Two faces on grey, one beside or above the other.
            using (await ShotAsync(display, window, frame => Count(frame, s_grey) > 90000))
            {
            }
            await stopSecond.CancelAsync();
            // What is said of the one that is lost is amber, and counts down.
            using (await ShotAsync(display, window, frame => Count(frame, (255, 190, 90)) > 20, twice: false))
            {
            }
            await display.PressAsync("s");
            await WaitForAsync("*.json", process);
            await display.PressAsync("q");
            Finished run = (await ended).ShouldSucceed();

            Assert.Contains("The window is drawn by llvmpipe", run.Error, StringComparison.Ordinal);
        }
        finally
        {
            await stopFirst.CancelAsync();
            await stopSecond.CancelAsync();
            await Task.WhenAll(senders);
        }
    }

    [Fact]
    public async Task A_window_that_is_closed_while_a_stream_is_waited_for_is_no_error()
    {
        await using Display display = await Display.StartAsync();
        string clip = await ClipAsync("-pix_fmt", "yuv420p", "-g", "5");
        string address = string.Create(CultureInfo.InvariantCulture, $"udp://127.0.0.1:{FreePorts(1)[0]}");
        await File.WriteAllLinesAsync(_files["cameras.txt"], [address, "rtsp://127.0.0.1:1/x"], TestContext.Current.CancellationToken);
        using CancellationTokenSource stop = new();
        Task sender = SendAsync(clip, address, stop.Token);
        try
        {
            using Process process = CommandLine.StartWith([$"DISPLAY={display.Name}"], "run", _files["cameras.txt"], "--show", "--model", _files.Model, "--quiet");
            Task<Finished> ended = CommandLine.FinishAsync(process);
            _ = await display.WindowAsync(ended);

            await display.PressAsync("q");

            Assert.DoesNotContain("Unexpected", (await ended).ShouldSucceed().Error);
        }
        finally
        {
            await stop.CancelAsync();
            await sender;
        }
    }

    [Fact]
    public async Task Where_OpenGL_cannot_be_had_the_processor_draws_and_one_line_says_why()
    {
        // A display that speaks no OpenGL, to a program that is not to go around it.
        await using Display display = await Display.StartAsync("-extension", "GLX");
        string clip = await ClipAsync("-pix_fmt", "yuv420p");
        using Process process = CommandLine.StartWith([$"DISPLAY={display.Name}", "IMG2POSE_WINDOW=gpu", "SDL_VIDEO_X11_FORCE_EGL=0"],
            "run", clip, "--realtime", "--show", "--overlay", "none", "--model", _files.Model, "--verbose");
        Task<Finished> ended = CommandLine.FinishAsync(process);
        string window = await display.WindowAsync(ended);

        using (await ShotAsync(display, window, frame => Count(frame, s_grey) > 20000))
        {
        }
        await display.PressAsync("q");
        Finished run = (await ended).ShouldSucceed();

        string line = Assert.Single(run.ErrorLines, line => line.Contains("The window is drawn by", StringComparison.Ordinal));
        Assert.Contains("shared memory; not by a graphics card: ", line, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_way_of_drawing_that_there_is_not_is_bad_usage()
    {
        string clip = await _files.FaceClipAsync(frames: 4);
        using Process process = CommandLine.StartWith(["IMG2POSE_WINDOW=paint"], "run", clip, "--show", "--model", _files.Model, "--quiet");

        (await CommandLine.FinishAsync(process)).ShouldFailWith(2, "IMG2POSE_WINDOW is gpu or cpu, not 'paint'");
    }

    /// <summary>What a window shows in three sizes, as a mirror, and with help.</summary>
    private async Task<List<VideoFrame>> ShotsAsync(Display display, string clip, string drawing)
    {
        using Process process = CommandLine.StartWith([$"DISPLAY={display.Name}", $"IMG2POSE_WINDOW={drawing}"],
            "run", clip, "--realtime", "--show", "--overlay", "mesh,box,axes", "--model", _files.Model, "--verbose");
        Task<Finished> ended = CommandLine.FinishAsync(process);
        string window = await display.WindowAsync(ended);
        List<VideoFrame> shots = [await ShotAsync(display, window, frame => frame.Width == 427 && Count(frame, s_grey) > 20000)];
        foreach ((int width, int height) in new[] { (600, 330), (280, 400) })
        {
            await display.ResizeAsync(window, width, height);
            shots.Add(await ShotAsync(display, window, frame => frame.Width == width && IsSettled(frame)));
        }
        foreach (string key in new[] { "i", "h" })
        {
            await display.PressAsync(key);
            shots.Add(await ShotAsync(display, window, frame => Difference(frame, shots[^1]) > 1));
        }
        await display.PressAsync("q");
        Finished run = (await ended).ShouldSucceed();
        Assert.Contains(drawing == "gpu" ? "The window is drawn by llvmpipe" : "The window is drawn by shared memory", run.Error, StringComparison.Ordinal);
        return shots;
    }

    /// <summary>Waits until a window shows what pleases, the same twice.</summary>
    private async Task<VideoFrame> ShotAsync(Display display, string window, Func<VideoFrame, bool> pleases, bool twice = true)
    {
        Stopwatch clock = Stopwatch.StartNew();
        VideoFrame? before = null;
        while (true)
        {
            VideoFrame shot = await display.ScreenshotAsync(window, _files["shot.png"]);
            bool stays = !twice || (before is not null && SameSize(before, shot) && Difference(before, shot) == 0);
            before?.Dispose();
            if (stays && pleases(shot)) return shot;
            before = shot;
            Assert.True(clock.Elapsed < TimeSpan.FromMinutes(2), "the window does not show it");
            await Task.Delay(100, TestContext.Current.CancellationToken);
        }
    }

    /// <summary>The drawn picture's grey takes what the picture does.</summary>
    private static bool IsSettled(VideoFrame frame) => Count(frame, s_grey) > frame.Width * frame.Height / 10;

    private async Task<string> ClipAsync(params string[] options)
    {
        string picture = await DrawnFace.SaveAsync(_files["face.png"]);
        await CommandLine.ToolAsync("ffmpeg", ["-nostdin", "-v", "error", "-y", "-loop", "1", "-framerate", "10", "-t", "300", "-i", picture,
            "-c:v", "libx264", "-preset", "ultrafast", "-colorspace", "smpte170m", "-color_range", "tv", .. options, _files["face.mp4"]]);
        return _files["face.mp4"];
    }

    /// <summary>Sends a clip at its own speed until it is told to stop.</summary>
    private static async Task SendAsync(string clip, string address, CancellationToken stop)
    {
        ProcessStartInfo info = new("ffmpeg") { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string word in (string[])["-v", "quiet", "-re", "-stream_loop", "-1", "-i", clip, "-c", "copy", "-f", "mpegts", address + "?pkt_size=1316"]) info.ArgumentList.Add(word);
        using Process sender = Process.Start(info)!;
        try
        {
            await sender.WaitForExitAsync(stop);
        }
        catch (OperationCanceledException)
        {
            sender.Kill();
            await sender.WaitForExitAsync(CancellationToken.None);
        }
    }

    private static int[] FreePorts(int count)
    {
        Socket[] sockets = [.. Enumerable.Range(0, count).Select(_ => new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp))];
        // All at once, so that they differ.
        foreach (Socket socket in sockets) socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        int[] ports = [.. sockets.Select(socket => ((IPEndPoint)socket.LocalEndPoint!).Port)];
        foreach (Socket socket in sockets) socket.Dispose();
        return ports;
    }

    private async Task WaitForAsync(string pattern, Process process)
    {
        Stopwatch clock = Stopwatch.StartNew();
        while (Directory.GetFiles(_files.Folder, pattern).Length == 0)
        {
            Assert.False(process.HasExited, "the program has ended");
            Assert.True(clock.Elapsed < TimeSpan.FromMinutes(2), $"{pattern} has not appeared");
            await Task.Delay(50, TestContext.Current.CancellationToken);
        }
    }

    private static bool SameSize(VideoFrame one, VideoFrame other) => (one.Width, one.Height) == (other.Width, other.Height);

    /// <summary>Mean difference of the values of what the pictures take.</summary>
    private static double Difference(VideoFrame one, VideoFrame other)
    {
        Assert.True(SameSize(one, other), $"one is of {one.Width}×{one.Height}, the other of {other.Width}×{other.Height}");
        long sum = 0, count = 0;
        for (int y = 0; y < one.Height - StatusRows; y++)
        {
            ReadOnlySpan<byte> a = one.GetPlane(0).Row(y), b = other.GetPlane(0).Row(y);
            for (int x = 0; x < a.Length; x++) sum += Math.Abs(a[x] - b[x]);
            count += a.Length;
        }
        return (double)sum / count;
    }

    /// <summary>Pixels of a colour, or nearly so.</summary>
    private static int Count(VideoFrame frame, (int R, int G, int B) color)
    {
        int count = 0;
        for (int y = 0; y < frame.Height; y++)
        {
            ReadOnlySpan<byte> row = frame.GetPlane(0).Row(y);
            for (int x = 0; x + 2 < row.Length; x += 3)
            {
                if (Math.Abs(row[x] - color.R) <= 6 && Math.Abs(row[x + 1] - color.G) <= 6 && Math.Abs(row[x + 2] - color.B) <= 6) count++;
            }
        }
        return count;
    }
}
