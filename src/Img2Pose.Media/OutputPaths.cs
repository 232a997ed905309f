namespace Img2Pose.Media;

/// <summary>Names of outputs while they are incomplete, and the errors of those that cannot be written.</summary>
public static class OutputPaths
{
    /// <summary><c>NAME.partial.EXT</c> beside <c>NAME.EXT</c>.</summary>
    public static string Partial(string path)
    {
        string extension = Path.GetExtension(path);
        return $"{path[..^extension.Length]}.partial{extension}";
    }

    /// <summary>Whether two names lead to the same file or folder, through links in any of their parts, too.</summary>
    public static bool AreSame(string first, string second) => string.Equals(Resolve(first), Resolve(second), StringComparison.Ordinal);

    private static string Resolve(string path)
    {
        string resolved = path;
        try
        {
            string full = Path.GetFullPath(path);
            resolved = Path.GetPathRoot(full) ?? "";
            foreach (string part in full[resolved.Length..].Split(Path.DirectorySeparatorChar, StringSplitOptions.RemoveEmptyEntries))
            {
                resolved = Path.Combine(resolved, part);
                FileSystemInfo info = Directory.Exists(resolved) ? new DirectoryInfo(resolved) : new FileInfo(resolved);
                if (info.Exists && info.ResolveLinkTarget(returnFinalTarget: true) is { } target) resolved = target.FullName;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            // What cannot be resolved further is compared as far as it could be.
        }
        return resolved;
    }

    internal static OutputException CannotWrite(string path, Exception cause)
    {
        string why = cause switch
        {
            DirectoryNotFoundException => "its folder does not exist",
            UnauthorizedAccessException when Directory.Exists(path) => "is a directory, a file name is needed",
            UnauthorizedAccessException => "permission denied",
            _ => cause.Message,
        };
        return new OutputException($"{path}: cannot be written: {why}", cause);
    }
}
