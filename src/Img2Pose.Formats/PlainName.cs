namespace Img2Pose.Formats;

/// <summary>
/// The one rule for a name that came from a file and becomes the name of a file to write: a single, visible segment of a
/// path. Names are data; what they cannot do is choose the folder.
/// </summary>
internal static class PlainName
{
    private const int LongestName = 200;

    /// <summary>The name itself where it may stand in a path.</summary>
    /// <param name="name">What a file gave.</param>
    /// <param name="source">Where it came from, for the message.</param>
    /// <exception cref="InputException">It is empty, too long, hidden, or holds a separator or a character that is not printable.</exception>
    public static string Require(string name, string source)
    {
        string? reason = name.Length == 0 ? "is empty"
            : name.Length > LongestName ? $"has {name.Length} characters, above the limit of {LongestName}"
            : name[0] == '.' ? "begins with a dot"
            : name.AsSpan().ContainsAny('/', '\\', ':') ? "holds a path separator"
            : name.AsSpan().ContainsAnyInRange('\0', '\x1f') || name.AsSpan().ContainsAnyInRange('\x7f', '\x9f') || name.Any(char.IsSurrogate) ? "holds a character that is not printable"
            : null;
        return reason is null ? name : throw new InputException($"{source}: the name '{Printable(name)}' {reason}, so no file is written under it");
    }

    private static string Printable(string name) =>
        string.Concat(name.Take(60).Select(c => char.IsControl(c) || char.IsSurrogate(c) ? '?' : c)) + (name.Length > 60 ? "…" : "");
}
