namespace Img2Pose.Media;

/// <summary>Names of outputs while they are incomplete, and the errors of those that cannot be written.</summary>
internal static class OutputPaths
{
    /// <summary><c>NAME.partial.EXT</c> beside <c>NAME.EXT</c>.</summary>
    public static string Partial(string path)
    {
        string extension = Path.GetExtension(path);
        return $"{path[..^extension.Length]}.partial{extension}";
    }

    /// <summary>Whether two names lead to the same existing file, through links too.</summary>
    public static bool AreSame(string first, string second)
    {
        if (!File.Exists(first) || !File.Exists(second)) return false;
        return Target(first) == Target(second);

        static string Target(string path) => File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? Path.GetFullPath(path);
    }

    public static OutputException CannotWrite(string path, Exception cause)
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
