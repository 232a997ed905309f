using Img2Pose.Core;

namespace Img2Pose.Media;

/// <summary>Names of outputs while they are incomplete, and the errors of those that cannot be written.</summary>
public static class OutputPaths
{
    /// <summary><c>NAME.partial.EXT</c> beside <c>NAME.EXT</c>.</summary>
    public static string Partial(string path) => TemporaryName.Readable(path, 1);

    /// <summary>Whether two names lead to the same file or folder, through links in any of their parts, too.</summary>
    public static bool AreSame(string first, string second) => FileRoles.AreSame(first, second);

    internal static OutputException CannotWrite(string path, Exception cause) => AtomicFile.CannotWrite(path, cause);
}
