namespace Img2Pose.Training.Data;

/// <summary>Writes files that appear whole or not at all: NAME.partial, then a rename.</summary>
internal static class AtomicFile
{
    /// <summary>Creates or replaces <paramref name="path"/>; its folder is created.</summary>
    /// <exception cref="OutputException">It cannot be written; an earlier file of that name is untouched.</exception>
    public static void Write(string path, Action<Stream> content)
    {
        string partial = path + ".partial";
        try
        {
            if (Path.GetDirectoryName(Path.GetFullPath(path)) is { } folder) Directory.CreateDirectory(folder);
            using (FileStream stream = File.Create(partial))
            {
                content(stream);
                stream.Flush(flushToDisk: true);
            }
            File.Move(partial, path, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            TryDelete(partial);
            throw new OutputException($"{path}: cannot be written: {e.Message}", e);
        }
    }

    /// <summary>On a full disk the half-written file would keep the room that its cure needs.</summary>
    private static void TryDelete(string partial)
    {
        try
        {
            File.Delete(partial);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
        }
    }
}
