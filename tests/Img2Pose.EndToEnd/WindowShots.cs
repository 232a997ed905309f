using Img2Pose.Frames;

namespace Img2Pose.EndToEnd;

/// <summary>Looks at a program's window again and again.</summary>
/// <param name="display">Where the window is.</param>
/// <param name="window">Its number.</param>
/// <param name="ended">The program's end, which fails the test where it comes first; a program that hangs is ended.</param>
/// <param name="path">Where a picture may be written.</param>
internal sealed class WindowShots(Display display, string window, Task<Finished> ended, string path)
{
    /// <summary>Waits until the window shows what pleases; the caller disposes it.</summary>
    public async Task<VideoFrame> UntilAsync(string what, Func<VideoFrame, bool> pleases)
    {
        while (true)
        {
            VideoFrame shot = await display.ScreenshotAsync(window, path);
            if (pleases(shot)) return shot;
            shot.Dispose();
            await AgainAsync(what);
        }
    }

    /// <summary>Waits until something holds.</summary>
    public async Task UntilAsync(string what, Func<bool> holds)
    {
        while (!holds()) await AgainAsync(what);
    }

    private async Task AgainAsync(string what)
    {
        // X tells of news only those that ask it themselves; these are a shell's questions.
        if (await Task.WhenAny(ended, Task.Delay(50, TestContext.Current.CancellationToken)) != ended) return;
        Finished finished = await ended;
        Assert.Fail($"before {what} the program ended with {finished.Code}: {finished.Error}");
    }

    /// <summary>Mean difference of the values of a part of two pictures.</summary>
    public static double Difference(VideoFrame one, VideoFrame other, int left, int top, int right, int bottom, bool mirrored = false)
    {
        long sum = 0;
        for (int y = top; y < bottom; y++)
        {
            ReadOnlySpan<byte> a = one.GetPlane(0).Row(y), b = other.GetPlane(0).Row(y);
            for (int x = left; x < right; x++)
            {
                int at = mirrored ? one.Width - 1 - x : x;
                for (int c = 0; c < 3; c++) sum += Math.Abs(a[3 * x + c] - b[3 * at + c]);
            }
        }
        return sum / (3.0 * (right - left) * (bottom - top));
    }

    /// <summary>Pixels of a colour, or nearly so, in a part of a picture.</summary>
    public static int Count(VideoFrame frame, (int R, int G, int B) color, int left, int top, int right, int bottom) =>
        Count(frame, left, top, right, bottom, (r, g, b) => Math.Abs(r - color.R) <= 6 && Math.Abs(g - color.G) <= 6 && Math.Abs(b - color.B) <= 6);

    /// <summary>Pixels of lettering in a part of a picture that is dark without it.</summary>
    public static int Lettering(VideoFrame frame, int left, int top, int right, int bottom) =>
        Count(frame, left, top, right, bottom, (r, _, _) => r > 110);

    private static int Count(VideoFrame frame, int left, int top, int right, int bottom, Func<int, int, int, bool> counts)
    {
        int count = 0;
        for (int y = top; y < bottom; y++)
        {
            ReadOnlySpan<byte> row = frame.GetPlane(0).Row(y);
            for (int x = left; x < right; x++)
            {
                if (counts(row[3 * x], row[3 * x + 1], row[3 * x + 2])) count++;
            }
        }
        return count;
    }
}
