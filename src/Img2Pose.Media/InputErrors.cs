namespace Img2Pose.Media;

/// <summary>The one-line errors for inputs that cannot be opened.</summary>
internal static class InputErrors
{
    public static InputException CannotOpen(string path, Exception cause)
    {
        string why = cause switch
        {
            FileNotFoundException or DirectoryNotFoundException => "no such file",
            UnauthorizedAccessException when Directory.Exists(path) => "is a directory, a file is needed",
            UnauthorizedAccessException => "permission denied",
            _ => $"cannot be read: {cause.Message}",
        };
        return new InputException($"{path}: {why}", cause);
    }
}
