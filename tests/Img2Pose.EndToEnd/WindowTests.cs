using System.Diagnostics;
using System.Text.Json;
using Img2Pose.Frames;
using Img2Pose.Media;

namespace Img2Pose.EndToEnd;

/// <summary>The window, on a display that nobody sees.</summary>
public sealed class WindowTests : IDisposable
{
    private readonly Workspace _files = new();

    /// <summary>What a window is drawn by: the processor, or OpenGL, which is a rasteriser here.</summary>
    public static TheoryData<string> Drawings => ["cpu", "gpu"];

    public void Dispose() => _files.Dispose();

    [Theory]
    [MemberData(nameof(Drawings))]
    public async Task The_window_shows_what_the_encoder_gets_and_keys_save_and_quit(string drawing)
    {
        await using Display display = await Display.StartAsync();
        // Nothing moves, so that every frame of both is the same.
        string clip = await StillClipAsync(seconds: 300);
        using Process process = CommandLine.StartWith([$"DISPLAY={display.Name}", $"IMG2POSE_WINDOW={drawing}"],
            "run", clip, "--realtime", "--show", "--overlay", "mesh,box,label", "--out", _files["posed.mkv"], "--quality", "0", "--preset", "ultrafast", "--captures", _files.Folder, "--model", _files.Model, "--quiet");
        Task<Finished> ended = CommandLine.FinishAsync(process);
        string window = await display.WindowAsync(ended);
        using VideoFrame shown = await ShownAsync(display, window, ended);

        await display.PressAsync("s", "r");
        await WaitForAsync("*.png", ended);
        // A recording is of at least a few frames.
        await WaitForAsync("*.partial.mp4", ended);
        await Task.Delay(1000, TestContext.Current.CancellationToken);
        await display.PressAsync("r");
        await WaitForAsync("face-*-*.mp4", ended, without: ".partial");
        Stopwatch quitting = Stopwatch.StartNew();
        await display.PressAsync("q");
        (await ended).ShouldSucceed();

        Assert.True(quitting.Elapsed < TimeSpan.FromSeconds(60));
        using VideoFrame encoded = await FirstFrameAsync(_files["posed.mkv"], "encoded.png");
        Assert.InRange(Difference(shown, encoded), 0, 2);
        string snapshot = Assert.Single(Directory.GetFiles(_files.Folder, "face-*-*.png"));
        using VideoFrame saved = ImageFile.Read(snapshot);
        Assert.InRange(Difference(saved, encoded), 0, 2);
        using JsonDocument poses = JsonDocument.Parse(await File.ReadAllTextAsync(Path.ChangeExtension(snapshot, ".json"), TestContext.Current.CancellationToken));
        Assert.Equal(1, poses.RootElement.GetProperty("faces").GetArrayLength());
        string recording = Assert.Single(Directory.GetFiles(_files.Folder, "face-*-*.mp4"));
        Assert.InRange(await Workspace.CountFramesAsync(recording), 2, 1000);
    }

    [Theory]
    [MemberData(nameof(Drawings))]
    public async Task Layers_and_mirror_change_the_window_alone(string drawing)
    {
        await using Display display = await Display.StartAsync();
        string clip = await StillClipAsync(seconds: 300);
        using Process process = CommandLine.StartWith([$"DISPLAY={display.Name}", $"IMG2POSE_WINDOW={drawing}"],
            "run", clip, "--realtime", "--show", "--out", _files["posed.mkv"], "--quality", "0", "--preset", "ultrafast", "--model", _files.Model, "--quiet");
        Task<Finished> ended = CommandLine.FinishAsync(process);
        string window = await display.WindowAsync(ended);
        using (await ShownAsync(display, window, ended))
        {
        }

        using VideoFrame original = await FirstFrameAsync(clip, "original.png");
        await display.PressAsync("m");
        using VideoFrame plain = await ShownAsync(display, window, ended, frame => Difference(frame, original) < 2);
        await display.PressAsync("i");
        using VideoFrame mirrored = await ShownAsync(display, window, ended, frame => Difference(frame, original, mirrored: true) < 2);
        (int Width, int Height) size = await display.SizeAsync(window);
        // No window manager runs here that would do it.
        await display.PressAsync("f");
        await display.WaitForSizeAsync(window, ended, (1024, 768));
        await display.PressAsync("f");
        await display.WaitForSizeAsync(window, ended, size);
        await display.PressAsync("Escape");
        (await ended).ShouldSucceed();

        using VideoFrame encoded = await FirstFrameAsync(_files["posed.mkv"], "encoded.png");
        Assert.True(Difference(encoded, original) > 3, "the file has lost its mesh");
    }

    [Fact]
    public async Task A_screen_is_looked_at_as_a_camera_is()
    {
        await using Display display = await Display.StartAsync();
        string clip = await StillClipAsync(seconds: 300);
        using Process shows = CommandLine.StartWith([$"DISPLAY={display.Name}"], "run", clip, "--realtime", "--show", "--overlay", "none", "--model", _files.Model, "--quiet");
        Task<Finished> ended = CommandLine.FinishAsync(shows);
        string window = await display.WindowAsync(ended);
        using VideoFrame shown = await ShownAsync(display, window, ended);

        // With the network that finds people, and without a copy of the display's name in the environment.
        Finished grabbed = (await CommandLine.Img2PoseAsync(
            "run", $"screen:{display.Name}", "--frames", "3", "--overlay", "none", "--json", "-", "--out", _files["screen.mkv"], "--quality", "0", "--device", "cpu", "--quiet")).ShouldSucceed();
        await display.PressAsync("q");
        (await ended).ShouldSucceed();

        JsonElement[] frames = [.. grabbed.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement).Where(line => line.GetProperty("type").GetString() == "frame")];
        // What comes faster than it is looked at is left out.
        Assert.InRange(frames.Length, 1, 3);
        Assert.All(frames, frame => Assert.Equal(1, frame.GetProperty("faces").GetArrayLength()));
        using VideoFrame screen = await FirstFrameAsync(_files["screen.mkv"], "screen.png");
        Assert.Equal((1024, 768), (screen.Width, screen.Height));
    }

    [Fact]
    public async Task No_display_is_one_clear_line()
    {
        string clip = await _files.FaceClipAsync(frames: 4);
        using Process process = CommandLine.StartWith(["-u", "DISPLAY", "-u", "WAYLAND_DISPLAY", "-u", "SDL_VIDEODRIVER"], "run", clip, "--show", "--model", _files.Model, "--quiet");

        (await CommandLine.FinishAsync(process)).ShouldFailWith(4, "no display");
    }

    [Fact]
    public async Task Pictures_are_not_shown_in_a_window()
    {
        string picture = await DrawnFace.SaveAsync(_files["face.png"]);

        Finished run = await CommandLine.Img2PoseAsync("run", picture, "--show", "--model", _files.Model, "--quiet");

        run.ShouldFailWith(2, "--show is for videos");
    }

    private async Task<string> StillClipAsync(int seconds)
    {
        string picture = await DrawnFace.SaveAsync(_files["face.png"]);
        await CommandLine.ToolAsync("ffmpeg", "-nostdin", "-v", "error", "-y", "-loop", "1", "-framerate", "10", "-t", seconds.ToString(System.Globalization.CultureInfo.InvariantCulture), "-i", picture,
            "-c:v", "libx264", "-preset", "ultrafast", "-qp", "0", "-pix_fmt", "yuv420p", "-colorspace", "smpte170m", "-color_range", "tv", _files["face.mp4"]);
        return _files["face.mp4"];
    }

    /// <summary>Waits until the window shows a picture that pleases.</summary>
    private async Task<VideoFrame> ShownAsync(Display display, string window, Task<Finished> ended, Func<VideoFrame, bool>? pleases = null)
    {
        while (true)
        {
            VideoFrame shot = await display.ScreenshotAsync(window, _files["shot.png"]);
            // Before the first picture the window is larger, and black.
            if (shot.Width == 320 && shot.Height < 300 && (pleases ?? IsBright)(shot)) return shot;
            shot.Dispose();
            await Display.AgainAsync(ended, "the window does not show it");
        }
    }

    private static bool IsBright(VideoFrame frame) => frame.GetPlane(0).Row(10)[30] > 20;

    private async Task<VideoFrame> FirstFrameAsync(string video, string name)
    {
        await CommandLine.ToolAsync("ffmpeg", "-nostdin", "-v", "error", "-y", "-i", video, "-frames:v", "1", _files[name]);
        return ImageFile.Read(_files[name]);
    }

    private async Task WaitForAsync(string pattern, Task<Finished> ended, string? without = null)
    {
        while (!Directory.GetFiles(_files.Folder, pattern).Any(file => without is null || !file.Contains(without, StringComparison.Ordinal)))
            await Display.AgainAsync(ended, $"{pattern} has not appeared");
    }

    /// <summary>Mean difference of the values of the upper 240 rows, which the picture takes; the status line is below.</summary>
    private static double Difference(VideoFrame shown, VideoFrame picture, bool mirrored = false)
    {
        long sum = 0;
        for (int y = 0; y < 240; y++)
        {
            ReadOnlySpan<byte> a = shown.GetPlane(0).Row(y), b = picture.GetPlane(0).Row(y);
            for (int x = 0; x < 320; x++)
            {
                for (int c = 0; c < 3; c++) sum += Math.Abs(a[3 * x + c] - b[3 * (mirrored ? 319 - x : x) + c]);
            }
        }
        return sum / (240.0 * 320 * 3);
    }
}
