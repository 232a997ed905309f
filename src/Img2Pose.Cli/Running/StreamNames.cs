using Img2Pose.Media;

namespace Img2Pose.Cli.Running;

/// <summary>What a source is called in metrics and in the names of files.</summary>
internal static class StreamNames
{
    /// <summary>A live source's name for people: as it was given, without what is secret; of a camera's number the device.</summary>
    public static string Shown(string source)
    {
        string shown = MediaSource.Mask(source);
        return shown.All(char.IsAsciiDigit) ? "/dev/video" + shown : shown;
    }

    /// <summary>
    /// A file's name without extension; of a live source host and path, or the device, with nothing in it that a file's name cannot
    /// have or that is secret.
    /// </summary>
    public static string Of(string source)
    {
        if (!MediaSource.IsLive(source)) return Path.GetFileNameWithoutExtension(source);
        string shown = Shown(source);
        int scheme = shown.IndexOf("://", StringComparison.Ordinal);
        if (scheme >= 0)
        {
            shown = shown[(scheme + 3)..].Replace("***@", "", StringComparison.Ordinal);
            int query = shown.AsSpan().IndexOfAny("?#");
            if (query >= 0) shown = shown[..query];
        }
        else if (shown.StartsWith("/dev/", StringComparison.Ordinal))
        {
            shown = shown["/dev/".Length..];
        }
        string name = string.Concat(shown.Trim('/').Select(letter => char.IsAsciiLetterOrDigit(letter) || letter is '.' or '-' ? letter : '_')).Trim('.', '_');
        return name.Length > 0 ? name : "stream";
    }
}
