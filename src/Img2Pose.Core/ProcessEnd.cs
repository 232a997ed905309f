using System.Runtime.InteropServices;

namespace Img2Pose.Core;

/// <summary>The end of the process where its work cannot be waited for.</summary>
internal static partial class ProcessEnd
{
    /// <summary>
    /// Ends at once: temporary files of no use are removed, nothing else runs. <c>Environment.Exit</c> would run the
    /// exit handlers of native libraries under their own threads.
    /// </summary>
    public static void Now(int exitCode)
    {
        AtomicFile.RemoveAll();
        Exit(exitCode);
    }

    [LibraryImport("libc", EntryPoint = "_exit")]
    private static partial void Exit(int code);
}
