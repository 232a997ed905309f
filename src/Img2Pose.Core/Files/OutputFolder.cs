namespace Img2Pose.Core;

/// <summary>Makes the folders that outputs go to.</summary>
internal static class OutputFolder
{
    /// <summary>Makes a folder and those above it where they are missing; returns its full name.</summary>
    /// <exception cref="OutputException">It cannot be made.</exception>
    public static string Create(string folder)
    {
        try
        {
            return Directory.CreateDirectory(folder).FullName;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            string why = error is UnauthorizedAccessException ? "permission denied" : error.Message.TrimEnd('.');
            throw new OutputException($"{folder}: the folder cannot be made: {why}.", error);
        }
    }
}
