namespace Img2Pose.Core;

/// <summary>Room on the disk without a name: it is free again when it is closed, however the process ends.</summary>
internal static class NamelessFile
{
    /// <summary>Creates one in the folder for temporary files.</summary>
    /// <exception cref="OutputException">It cannot be created.</exception>
    public static FileStream Create()
    {
        using AtomicFile file = AtomicFile.Create(Path.Combine(Path.GetTempPath(), "img2pose"));
        try
        {
            // The name goes with the block; what was opened by it stays.
            return new FileStream(file.TemporaryPath, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite, 1 << 16);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw AtomicFile.CannotWrite(file.TemporaryPath, error);
        }
    }
}
