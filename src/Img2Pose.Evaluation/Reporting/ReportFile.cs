namespace Img2Pose.Evaluation.Reporting;

/// <summary>Writes files that are whole or absent: a temporary neighbour is renamed over the target at the end.</summary>
public static class ReportFile
{
    /// <summary>Writes a file; folders on the way are made.</summary>
    /// <param name="path">The target.</param>
    /// <param name="content">Writes the content to the stream that it is given.</param>
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
