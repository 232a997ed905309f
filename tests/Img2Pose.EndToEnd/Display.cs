using System.Diagnostics;
using System.Globalization;
using Img2Pose.Frames;
using Img2Pose.Media;

namespace Img2Pose.EndToEnd;

/// <summary>A display that nobody sees (Xvfb), keys for its windows (xdotool), and what it shows.</summary>
internal sealed class Display : IAsyncDisposable
{
    private readonly Process _server;

    private Display(Process server, string name) => (_server, Name) = (server, name);

    /// <summary>For the variable DISPLAY.</summary>
    public string Name { get; }

    /// <summary>Starts one under a number that is free; skips the test where Xvfb or xdotool is missing.</summary>
    /// <param name="options">What Xvfb is told besides.</param>
    public static async Task<Display> StartAsync(params string[] options)
    {
        foreach (string tool in new[] { "Xvfb", "xdotool", "ffmpeg" }) Assert.SkipUnless(CommandLine.IsInstalled(tool), $"{tool} is not installed");
        ProcessStartInfo info = new("Xvfb") { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string word in (string[])["-displayfd", "1", "-screen", "0", "1024x768x24", "-nolisten", "tcp", .. options]) info.ArgumentList.Add(word);
        Process server = Process.Start(info)!;
        string? number = await server.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(TimeSpan.FromMinutes(1));
        Assert.False(string.IsNullOrEmpty(number), "Xvfb did not start");
        return new Display(server, ":" + number);
    }

    /// <summary>Waits until the program's window is there and takes keys; returns its number.</summary>
    /// <param name="ended">The program's end, which must not come first.</param>
    public async Task<string> WindowAsync(Task<Finished> ended)
    {
        while (true)
        {
            string found = await CommandLine.OutputOfToolAsync("env", $"DISPLAY={Name}", "xdotool", "search", "--onlyvisible", "--name", "^img2pose$");
            if (found.Trim() is { Length: > 0 } window)
            {
                await CommandLine.ToolAsync("env", $"DISPLAY={Name}", "xdotool", "windowfocus", "--sync", window);
                return window;
            }
            await AgainAsync(ended, "no window has appeared");
        }
    }

    /// <summary>
    /// Waits before something is looked for once more. There is no other limit than the program's own, which
    /// <see cref="CommandLine.FinishAsync"/> ends when it hangs: how long a window takes is the machine's business.
    /// </summary>
    /// <param name="ended">The program's end, which fails the test.</param>
    /// <param name="what">What had not come by then.</param>
    public static async Task AgainAsync(Task<Finished> ended, string what)
    {
        // X tells of news only those that ask it themselves; these are a shell's questions.
        if (await Task.WhenAny(ended, Task.Delay(100, TestContext.Current.CancellationToken)) != ended) return;
        Finished finished = await ended;
        Assert.Fail($"{what}, and the program ended with {finished.Code}: {finished.Error}");
    }

    /// <summary>Presses keys.</summary>
    public async Task PressAsync(params string[] keys) => await CommandLine.ToolAsync("env", [$"DISPLAY={Name}", "xdotool", "key", .. keys]);

    /// <summary>Size of a window in pixels.</summary>
    public async Task<(int Width, int Height)> SizeAsync(string window)
    {
        Dictionary<string, string> values = await GeometryAsync(window);
        return (int.Parse(values["WIDTH"], CultureInfo.InvariantCulture), int.Parse(values["HEIGHT"], CultureInfo.InvariantCulture));
    }

    /// <summary>Waits until a window has this size.</summary>
    public async Task WaitForSizeAsync(string window, Task<Finished> ended, (int Width, int Height) size)
    {
        (int Width, int Height) now;
        while ((now = await SizeAsync(window)) != size) await AgainAsync(ended, $"the window is of {now} and not of {size}");
    }

    /// <summary>Gives a window a size, as somebody does who drags its corner.</summary>
    public async Task ResizeAsync(string window, Task<Finished> ended, int width, int height)
    {
        await CommandLine.ToolAsync("env", $"DISPLAY={Name}", "xdotool", "windowsize", window, width.ToString(CultureInfo.InvariantCulture), height.ToString(CultureInfo.InvariantCulture));
        await WaitForSizeAsync(window, ended, (width, height));
    }

    /// <summary>What a window shows now; the caller disposes it.</summary>
    public async Task<VideoFrame> ScreenshotAsync(string window, string path)
    {
        Dictionary<string, string> values = await GeometryAsync(window);
        await CommandLine.ToolAsync("ffmpeg", "-nostdin", "-v", "error", "-y", "-f", "x11grab", "-draw_mouse", "0",
            "-video_size", $"{values["WIDTH"]}x{values["HEIGHT"]}", "-i", $"{Name}+{values["X"]},{values["Y"]}", "-frames:v", "1", path);
        return ImageFile.Read(path);
    }

    private async Task<Dictionary<string, string>> GeometryAsync(string window)
    {
        string geometry = await CommandLine.ToolAsync("env", $"DISPLAY={Name}", "xdotool", "getwindowgeometry", "--shell", window);
        return geometry.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split('=')).ToDictionary(pair => pair[0], pair => pair[1]);
    }

    public async ValueTask DisposeAsync()
    {
        _server.Kill();
        await _server.WaitForExitAsync();
        _server.Dispose();
    }
}
