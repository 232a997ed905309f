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
        await ShouldShowTheSameAsync(display, clip, "mesh,box,axes", (427, 240), [(600, 330), (280, 400)], "i", "h");
    }

    [Fact]
    public async Task Both_show_the_same_where_the_host_draws_on_the_picture_first()
    {
        await using Display display = await Display.StartAsync();
        // Frontal views are made of the picture's samples.
        string clip = await ClipAsync("-pix_fmt", "yuv420p", "-qp", "0");
        await ShouldShowTheSameAsync(display, clip, "mesh,frontal", (320, 240), [(600, 330), (280, 400)], "i", "m");
    }

    [Fact]
    public async Task Both_show_the_same_of_a_picture_that_is_larger_than_textures_are()
    {
        await using Display display = await Display.StartAsync();
        // 16384 columns are what every OpenGL device has. One picture in ten seconds: sizes and keys are of one that is there.
        string clip = await ClipAsync("-vf", "fps=1/10,scale=16640:1040", "-c:v", "mjpeg", "-pix_fmt", "yuvj420p", "-color_range", "pc");
        await ShouldShowTheSameAsync(display, clip, "box", (1024, 64), [(600, 150)], "i", "h");
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
            using (await ShotAsync(display, window, ended, frame => Count(frame, s_grey) > 90000))
            {
            }
            await stopSecond.CancelAsync();
            // What is said of the one that is lost is amber, and counts down.
            using (await ShotAsync(display, window, ended, frame => Count(frame, (255, 190, 90)) > 20, twice: false))
            {
            }
            await display.PressAsync("s");
            await WaitForAsync("*.json", ended);
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

    /// <summary>The first picture gives the window its size, unless the user did before it came.</summary>
    [Theory]
    [InlineData(0, 320)]
    [InlineData(500, 500)]
    public async Task The_window_of_one_stream_says_what_it_waits_for_and_shows_it_when_it_has_come(int resized, int width)
    {
        await using Display display = await Display.StartAsync();
        string clip = await ClipAsync("-pix_fmt", "yuv420p", "-g", "5");
        string address = string.Create(CultureInfo.InvariantCulture, $"udp://127.0.0.1:{FreePorts(1)[0]}");
        using CancellationTokenSource stop = new();
        Task sender = Task.CompletedTask;
        try
        {
            using Process process = CommandLine.StartWith([$"DISPLAY={display.Name}"], "run", address, "--show", "--overlay", "mesh", "--model", _files.Model, "--quiet");
            Task<Finished> ended = CommandLine.FinishAsync(process);
            string window = await display.WindowAsync(ended);

            // Black, and below it in amber what becomes of it.
            using (VideoFrame waiting = await ShotAsync(display, window, ended, frame => Count(frame, (255, 190, 90)) > 20, twice: false))
            {
                Assert.Equal(0, WindowShots.Lettering(waiting, 0, 0, waiting.Width, waiting.Height - StatusRows));
                Assert.True(WindowShots.Lettering(waiting, 0, waiting.Height - StatusRows, waiting.Width / 2, waiting.Height) > 20, "the stream's name");
            }
            if (resized > 0) await display.ResizeAsync(window, ended, resized, 400);
            sender = SendAsync(clip, address, stop.Token);
            using (VideoFrame shown = await ShotAsync(display, window, ended, frame => frame.Width == width && IsSettled(frame, 320 / 240.0), twice: false))
                Assert.Equal(width, (await display.SizeAsync(window)).Width);
            await display.PressAsync("q");
            (await ended).ShouldSucceed();
        }
        finally
        {
            await stop.CancelAsync();
            await sender;
        }
    }

    [Theory]
    [InlineData("a display", "no display")]
    [InlineData("a model", "there is no such model file")]
    public async Task What_the_window_of_a_stream_lacks_is_told_before_the_stream_has_come(string lacking, string message)
    {
        string[] addresses = [.. FreePorts(2).Select(port => string.Create(CultureInfo.InvariantCulture, $"udp://127.0.0.1:{port}"))];
        await File.WriteAllLinesAsync(_files["cameras.txt"], addresses, TestContext.Current.CancellationToken);
        string model = lacking == "a model" ? _files["absent.onnx"] : _files.Model;
        foreach (string source in (string[])[addresses[0], _files["cameras.txt"]])
        {
            using Process process = CommandLine.StartWith(["-u", "DISPLAY", "-u", "WAYLAND_DISPLAY", "-u", "SDL_VIDEODRIVER"], "run", source, "--show", "--model", model, "--quiet");

            (await CommandLine.FinishAsync(process)).ShouldFailWith(4, message);
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

        using (await ShotAsync(display, window, ended, frame => Count(frame, s_grey) > 20000))
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

    /// <summary>Fails unless a window shows the same whichever way it is drawn: as it comes, in other sizes, and after each key.</summary>
    /// <param name="display">Where.</param>
    /// <param name="clip">What.</param>
    /// <param name="overlay">What is drawn on it.</param>
    /// <param name="picture">How large the picture is in the window at first.</param>
    /// <param name="sizes">The window's other sizes.</param>
    /// <param name="keys">The keys, which change much.</param>
    private async Task ShouldShowTheSameAsync(Display display, string clip, string overlay, (int Width, int Height) picture, (int Width, int Height)[] sizes, params string[] keys)
    {
        List<VideoFrame> byProcessor = await ShotsAsync(display, clip, "cpu", overlay, picture, sizes, keys), byOpenGL = await ShotsAsync(display, clip, "gpu", overlay, picture, sizes, keys);
        try
        {
            Assert.All(byProcessor.Zip(byOpenGL), shots => Assert.InRange(Difference(shots.First, shots.Second), 0, 2));
            // They are all different pictures.
            for (int i = 1; i < byProcessor.Count; i++) Assert.True(!SameSize(byProcessor[i - 1], byProcessor[i]) || Difference(byProcessor[i - 1], byProcessor[i]) > 1, $"picture {i} is the one before");
        }
        finally
        {
            foreach (VideoFrame shot in byProcessor.Concat(byOpenGL)) shot.Dispose();
        }
    }

    private async Task<List<VideoFrame>> ShotsAsync(Display display, string clip, string drawing, string overlay, (int Width, int Height) picture, (int Width, int Height)[] sizes, string[] keys)
    {
        using Process process = CommandLine.StartWith([$"DISPLAY={display.Name}", $"IMG2POSE_WINDOW={drawing}"],
            "run", clip, "--realtime", "--show", "--overlay", overlay, "--model", _files.Model, "--verbose");
        Task<Finished> ended = CommandLine.FinishAsync(process);
        string window = await display.WindowAsync(ended);
        List<VideoFrame> shots = [await ShotAsync(display, window, ended, frame => frame.Width == picture.Width && Count(frame, s_grey) > 20000)];
        foreach ((int width, int height) in sizes)
        {
            await display.ResizeAsync(window, ended, width, height);
            shots.Add(await ShotAsync(display, window, ended, frame => frame.Width == width && IsSettled(frame, (double)picture.Width / picture.Height)));
        }
        foreach (string key in keys)
        {
            await display.PressAsync(key);
            shots.Add(await ShotAsync(display, window, ended, frame => Difference(frame, shots[^1]) > 1));
        }
        await display.PressAsync("q");
        Finished run = (await ended).ShouldSucceed();
        Assert.Contains(drawing == "gpu" ? "The window is drawn by llvmpipe" : "The window is drawn by shared memory", run.Error, StringComparison.Ordinal);
        return shots;
    }

    /// <summary>Waits until a window shows what pleases, the same twice.</summary>
    private async Task<VideoFrame> ShotAsync(Display display, string window, Task<Finished> ended, Func<VideoFrame, bool> pleases, bool twice = true)
    {
        VideoFrame? before = null;
        while (true)
        {
            VideoFrame shot = await display.ScreenshotAsync(window, _files["shot.png"]);
            bool stays = !twice || (before is not null && SameSize(before, shot) && Difference(before, shot) == 0);
            before?.Dispose();
            if (stays && pleases(shot)) return shot;
            before = shot;
            await Display.AgainAsync(ended, "the window does not show it");
        }
    }

    /// <summary>The drawn picture's grey reaches as far as a picture of that shape can; what was shown in another size does not.</summary>
    private static bool IsSettled(VideoFrame frame, double aspect)
    {
        (int left, int top, int right, int bottom) = (frame.Width, frame.Height, 0, 0);
        for (int y = 0; y < frame.Height - StatusRows; y++)
        {
            ReadOnlySpan<byte> row = frame.GetPlane(0).Row(y);
            for (int x = 0; x < frame.Width; x++)
            {
                if (!IsNear(row.Slice(3 * x, 3), s_grey)) continue;
                (left, top, right, bottom) = (Math.Min(left, x), Math.Min(top, y), Math.Max(right, x + 1), Math.Max(bottom, y + 1));
            }
        }
        int width = right - left, height = bottom - top;
        return width > 0 && Math.Abs(width / (aspect * height) - 1) < 0.1 && (width >= frame.Width - 4 || height >= frame.Height - StatusRows - 4);
    }

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

    private async Task WaitForAsync(string pattern, Task<Finished> ended)
    {
        while (Directory.GetFiles(_files.Folder, pattern).Length == 0) await Display.AgainAsync(ended, $"{pattern} has not appeared");
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
            for (int x = 0; x + 2 < row.Length; x += 3) count += IsNear(row.Slice(x, 3), color) ? 1 : 0;
        }
        return count;
    }

    private static bool IsNear(ReadOnlySpan<byte> pixel, (int R, int G, int B) color) =>
        Math.Abs(pixel[0] - color.R) <= 6 && Math.Abs(pixel[1] - color.G) <= 6 && Math.Abs(pixel[2] - color.B) <= 6;
}
