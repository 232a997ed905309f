namespace Img2Pose.Evaluation;

/// <summary>Writes files that are whole or absent: a temporary neighbour is renamed over the target at the end.</summary>
internal static class OutputFile
{
    /// <exception cref="OutputException">The file cannot be written; what was there before is untouched.</exception>
    public static void Write(string path, Action<Stream> content)
    {
        string temporary = path + ".partial";
        try
        {
            if (Path.GetDirectoryName(Path.GetFullPath(path)) is { } folder) Directory.CreateDirectory(folder);
            using (FileStream stream = File.Create(temporary)) content(stream);
            File.Move(temporary, path, overwrite: true);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new OutputException($"{path}: cannot be written: {error.Message}", error);
        }
    }
}
