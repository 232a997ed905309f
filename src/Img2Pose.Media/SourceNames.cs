using System.IO.Enumeration;
using System.Text.RegularExpressions;

namespace Img2Pose.Media;

/// <summary>The grammar of sources: what a name refers to, and how it may be shown.</summary>
internal static partial class SourceNames
{
    public const string LavfiPrefix = "lavfi:";

    /// <summary>The name of standard input.</summary>
    public const string StandardInput = "-";

    /// <summary>What it is called in messages.</summary>
    public const string StandardInputShown = "standard input";

    // A list of a million long names is smaller.
    private const long MaxListBytes = 64L << 20;

    private static readonly string[] s_videoExtensions =
    [
        ".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".ts", ".m2ts", ".mts", ".mpg", ".mpeg", ".wmv", ".flv", ".3gp", ".ogv", ".mxf",
        ".h264", ".264", ".hevc", ".h265", ".265", ".ivf", ".y4m", ".mjpeg", ".mjpg", ".obu",
    ];

    [GeneratedRegex("^[A-Za-z][A-Za-z0-9+.-]*://")]
    private static partial Regex Scheme();

    // Everything up to the last @ before the path: passwords may hold an @ or a colon themselves. Where no port follows a colon, a
    // password with a slash or the like has torn the address apart: then up to the last @ of all.
    // An address that was taken for a file's name has lost a slash in the system's messages.
    [GeneratedRegex("(?<=://|\\b(?:rtsps?|rtmps?|https?|srt|udp):/)(?:[^/?#\\s]*:(?!\\d+(?:[/?#\\s]|$))\\S*|[^/?#\\s]+)(?=@)")]
    private static partial Regex UserInfo();

    // Cameras take them in the path, too; a stream's name may hold them (SRT).
    [GeneratedRegex("(?<=[?&;/_](?:[^=&;/\\s]*(?:pass|pwd|psw|token|secret|key|auth|sig|cred|streamid)[^=&;/\\s]*)=)[^&;\\s]*", RegexOptions.IgnoreCase)]
    private static partial Regex SecretParameter();

    /// <summary>The name with user, password and secret-looking parameters of URLs replaced by asterisks.</summary>
    public static string Mask(string source) => SecretParameter().Replace(UserInfo().Replace(source, "***"), "***");

    public static bool IsUrl(string source) => Scheme().IsMatch(source);

    /// <summary>A camera: an index or a device file.</summary>
    public static bool IsCamera(string source) =>
        source.StartsWith("/dev/video", StringComparison.Ordinal) || (source.Length > 0 && source.All(char.IsAsciiDigit) && !File.Exists(source));

    public static bool IsList(string source) => source.EndsWith(".txt", StringComparison.OrdinalIgnoreCase);

    public static bool IsPattern(string source) => source.AsSpan().IndexOfAny('*', '?') >= 0;

    /// <summary>The files of a folder, sorted by name; hidden ones left out.</summary>
    public static List<string> ListFolder(string folder)
    {
        List<string> files = [.. FileNames.Entries(folder, folders: false).Where(file => !Path.GetFileName(file).StartsWith('.'))];
        files.Sort(StringComparer.Ordinal);
        return files;
    }

    /// <summary>The videos and pictures of a folder: by name, or where that says nothing by content, since folders also hold notes and labels.</summary>
    public static List<string> ListMedia(string folder) => [.. ListFolder(folder).Where(IsMedia)];

    private static bool IsMedia(string path)
    {
        string extension = Path.GetExtension(path).ToLowerInvariant();
        if (ImageFile.HasImageExtension(path) || Array.IndexOf(s_videoExtensions, extension) >= 0) return true;
        if (extension is ".txt" or ".csv" or ".json" or ".jsonl" or ".xml" or ".md") return false;
        try
        {
            using FileStream file = new(FileNames.Open(path), FileAccess.Read);
            if (!file.CanSeek) return false;
            Span<byte> start = stackalloc byte[MediaContent.SniffBytes];
            int count = file.ReadAtLeast(start, start.Length, throwOnEndOfStream: false);
            return MediaContent.Sniff(start[..count]) != MediaKind.Unknown;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InputException)
        {
            return false;
        }
    }

    /// <summary>
    /// The path that a name means: a file: URL (RFC 8089) is taken apart, anything else is a path already.
    /// </summary>
    /// <exception cref="UsageException">It is a file: URL of another machine.</exception>
    public static string ToPath(string source)
    {
        const string Prefix = "file://";
        if (source.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase))
        {
            int slash = source.IndexOf('/', Prefix.Length);
            string host = slash < 0 ? source[Prefix.Length..] : source[Prefix.Length..slash];
            if (slash < 0 || host is not ("" or "localhost"))
                throw new UsageException($"{source}: is no file: URL of this machine; write file:///PATH, or the path alone");
            return FileNames.FromBytes(Unescape(source[slash..]));
        }
        return source;
    }

    private static byte[] Unescape(string path)
    {
        byte[] bytes = FileNames.ToBytes(path)[..^1];
        int count = 0;
        for (int i = 0; i < bytes.Length; i++)
        {
            bool escaped = bytes[i] == '%' && i + 2 < bytes.Length && char.IsAsciiHexDigit((char)bytes[i + 1]) && char.IsAsciiHexDigit((char)bytes[i + 2]);
            bytes[count++] = escaped ? Convert.FromHexString([(char)bytes[i + 1], (char)bytes[i + 2]])[0] : bytes[i];
            if (escaped) i += 2;
        }
        return bytes[..count];
    }

    /// <summary>The files that match a pattern with * and ? in any of its parts, sorted by name.</summary>
    public static List<string> Match(string pattern)
    {
        string root = Path.IsPathRooted(pattern) ? Path.GetPathRoot(pattern)! : "";
        string[] parts = pattern[root.Length..].Split(Path.DirectorySeparatorChar, StringSplitOptions.RemoveEmptyEntries);
        List<string> found = [root];
        for (int i = 0; i < parts.Length; i++)
        {
            bool last = i == parts.Length - 1;
            List<string> next = [];
            foreach (string folder in found)
            {
                string part = parts[i];
                if (!IsPattern(part))
                {
                    string path = Path.Combine(folder, part);
                    if (last ? FileNames.FileExists(path) : FileNames.FolderExists(path)) next.Add(path);
                    continue;
                }
                if (!FileNames.FolderExists(folder.Length == 0 ? "." : folder)) continue;
                foreach (string entry in FileNames.Entries(folder, folders: !last))
                {
                    string name = Path.GetFileName(entry);
                    if (name.StartsWith('.') && !part.StartsWith('.')) continue;
                    if (FileSystemName.MatchesSimpleExpression(part, name, ignoreCase: false)) next.Add(Path.Combine(folder, name));
                }
            }
            found = next;
        }
        found.Sort(StringComparer.Ordinal);
        return found;
    }

    /// <summary>
    /// What a list names, one a line: files, relative to the list's folder, with patterns and folders in their place; cameras, screens
    /// and URLs. Empty lines and # comments are skipped. No filter graphs: what is written in a list, unlike the command line, may come
    /// from a stranger.
    /// </summary>
    /// <exception cref="InputException">An entry is something else, or leads back to a list.</exception>
    public static List<string> ReadList(string path)
    {
        string folder = Path.GetDirectoryName(path) ?? "";
        List<string> entries = [];
        foreach (string line in ReadLines(path))
        {
            string entry = line.Trim();
            if (entry.Length == 0 || entry.StartsWith('#')) continue;
            if (entry.Contains('\0')) throw new InputException($"{path}: not a list of sources (one name a line)");
            if (entry.StartsWith(LavfiPrefix, StringComparison.OrdinalIgnoreCase))
                throw new InputException($"{path}: {entry}: a list holds files and streams; filter graphs are read from the command line only");
            if (LiveAddress.Is(entry))
            {
                entries.Add(entry);
                continue;
            }
            if (IsUrl(entry))
            {
                try
                {
                    entry = ToPath(entry);
                }
                catch (UsageException e)
                {
                    throw new InputException($"{path}: {e.Message}", e);
                }
            }
            entry = Path.Combine(folder.Length == 0 ? "." : folder, entry);
            if (folder.Length == 0 && entry.StartsWith("./", StringComparison.Ordinal) && entry != "./" + StandardInput) entry = entry[2..];
            List<string> files = FileNames.FolderExists(entry) ? ListMedia(entry)
                : IsPattern(entry) && !FileNames.FileExists(entry) ? Match(entry)
                : [entry];
            foreach (string file in files)
            {
                if (!IsList(file)) continue;
                throw new InputException(OutputPaths.AreSame(file, path)
                    ? $"{path}: the list names itself ({line.Trim()})"
                    : $"{path}: {file}: a list inside a list is not read");
            }
            entries.AddRange(files);
        }
        if (entries.Count == 0) throw new InputException($"{path}: the list names no source");
        return entries;
    }

    private static List<string> ReadLines(string path)
    {
        using FileStream file = new(FileNames.Open(path), FileAccess.Read);
        if (file.CanSeek && file.Length > MaxListBytes)
            throw new InputException($"{path}: the list has {file.Length} bytes, more than the limit of {MaxListBytes}");
        byte[] text = new byte[file.CanSeek ? file.Length : 0];
        int count = file.ReadAtLeast(text, text.Length, throwOnEndOfStream: false);
        ReadOnlySpan<byte> rest = text.AsSpan(0, count);
        if (rest.StartsWith("\xEF\xBB\xBF"u8)) rest = rest[3..];
        List<string> lines = [];
        while (!rest.IsEmpty)
        {
            int end = rest.IndexOf((byte)'\n');
            ReadOnlySpan<byte> line = end < 0 ? rest : rest[..end];
            lines.Add(FileNames.FromBytes(line.TrimEnd((byte)'\r')));
            rest = end < 0 ? default : rest[(end + 1)..];
        }
        return lines;
    }
}
