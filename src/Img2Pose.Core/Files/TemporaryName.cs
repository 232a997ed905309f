using System.Globalization;
using System.Text;

namespace Img2Pose.Core;

/// <summary>How a file is called while it is incomplete. Every such name holds ".partial" and fits where the final one does.</summary>
internal static class TemporaryName
{
    /// <summary>The longest name that Linux's file systems take, bytes.</summary>
    public const int LongestName = 255;

    private const string Alphabet = "abcdefghijklmnopqrstuvwxyz0123456789";

    /// <summary>
    /// For a file whose beginning is worth keeping: <c>NAME.partial.EXT</c> first, then <c>NAME.partial-2.EXT</c> and so on.
    /// It keeps the extension, so that what is there can be played or read.
    /// </summary>
    /// <param name="path">The final name.</param>
    /// <param name="attempt">From 1.</param>
    public static string Readable(string path, int attempt)
    {
        string extension = Path.GetExtension(path);
        // What looks like an extension may be most of the name.
        if (Encoding.UTF8.GetByteCount(extension) > 32) extension = "";
        string mark = attempt == 1 ? ".partial" : string.Create(CultureInfo.InvariantCulture, $".partial-{attempt}");
        return Beside(path, Path.GetFileName(path)[..^extension.Length], mark + extension);
    }

    /// <summary>For a file whose beginning is worth nothing: <c>NAME.EXT.xxxxxxxx.partial</c>, different every time.</summary>
    public static string Unique(string path) =>
        Beside(path, Path.GetFileName(path), $".{Random.Shared.GetString(Alphabet, 8)}.partial");

    /// <summary>As much of a name as leaves room for what is put behind it, whole characters.</summary>
    /// <param name="stem">The beginning.</param>
    /// <param name="endBytes">Bytes of the rest, in UTF-8.</param>
    public static string Fit(string stem, int endBytes)
    {
        int room = LongestName - endBytes;
        if (Encoding.UTF8.GetByteCount(stem) <= room) return stem;
        StringBuilder name = new();
        foreach (Rune rune in stem.EnumerateRunes())
        {
            if ((room -= rune.Utf8SequenceLength) < 0) break;
            name.Append(rune.ToString());
        }
        return name.ToString();
    }

    private static string Beside(string path, string stem, string end) =>
        path[..^Path.GetFileName(path).Length] + Fit(stem, Encoding.UTF8.GetByteCount(end)) + end;
}
