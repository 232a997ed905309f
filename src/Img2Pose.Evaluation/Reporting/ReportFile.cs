using Img2Pose.Core;

namespace Img2Pose.Evaluation.Reporting;

/// <summary>Writes files that are whole or absent.</summary>
public static class ReportFile
{
    /// <summary>Writes a file; folders on the way are made.</summary>
    /// <param name="path">The target.</param>
    /// <param name="content">Writes the content to the stream that it is given.</param>
    /// <exception cref="OutputException">The file cannot be written; what was there before is untouched.</exception>
    public static void Write(string path, Action<Stream> content) => AtomicFile.Write(path, content, createFolder: true);
}
