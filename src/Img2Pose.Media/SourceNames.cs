using System.IO.Enumeration;
using System.Text.RegularExpressions;

namespace Img2Pose.Media;

/// <summary>The grammar of sources: what a name refers to, and how it may be shown.</summary>
internal static partial class SourceNames
{
    public const string LavfiPrefix = "lavfi:";

    [GeneratedRegex("^[A-Za-z][A-Za-z0-9+.-]*://")]
    private static partial Regex Scheme();

    // Everything up to the last @ before the path: passwords may hold an @ or a colon themselves.
    [GeneratedRegex("(?<=://)[^/?#\\s]*(?=@)")]
    private static partial Regex UserInfo();

    [GeneratedRegex("(?<=[?&;](?:[^=&;\\s]*(?:pass|pwd|token|secret|key|auth|sig|cred)[^=&;\\s]*)=)[^&;#\\s]*", RegexOptions.IgnoreCase)]
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
        List<string> files = [.. Directory.EnumerateFiles(folder).Where(file => !Path.GetFileName(file).StartsWith('.'))];
        files.Sort(StringComparer.Ordinal);
        return files;
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
                string searched = folder.Length == 0 ? "." : folder;
                if (!IsPattern(part))
                {
                    string path = Path.Combine(folder, part);
                    if (last ? File.Exists(path) : Directory.Exists(path)) next.Add(path);
                    continue;
                }
                if (!Directory.Exists(searched)) continue;
                IEnumerable<string> entries = last ? Directory.EnumerateFiles(searched) : Directory.EnumerateDirectories(searched);
                foreach (string entry in entries)
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

    /// <summary>The entries of a list file: one a line, relative to the list's folder; empty lines and # comments are skipped.</summary>
    public static List<string> ReadList(string path)
    {
        string[] lines;
        try
        {
            lines = File.ReadAllLines(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw InputErrors.CannotOpen(path, e);
        }
        string folder = Path.GetDirectoryName(path) ?? "";
        List<string> entries = [];
        foreach (string line in lines)
        {
            string entry = line.Trim();
            if (entry.Length == 0 || entry.StartsWith('#')) continue;
            if (entry.Contains('\0')) throw new InputException($"{path}: not a list of sources (one name a line)");
            bool standsAlone = IsUrl(entry) || IsCamera(entry) || entry.StartsWith(LavfiPrefix, StringComparison.Ordinal);
            entry = standsAlone ? entry : Path.Combine(folder, entry);
            if (IsList(entry)) throw new InputException($"{path}: {entry}: a list inside a list is not read");
            entries.Add(entry);
        }
        if (entries.Count == 0) throw new InputException($"{path}: the list names no source");
        return entries;
    }
}
