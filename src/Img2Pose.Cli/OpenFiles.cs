using System.Runtime.InteropServices;

namespace Img2Pose.Cli;

/// <summary>
/// Whether the process may have as many files open as it needs. Asked before anything else, by means that load nothing: without room
/// the runtime cannot open its own libraries, and ends with a stack trace wherever it first wants one.
/// </summary>
internal static unsafe class OpenFiles
{
    // Some 115 were needed for a video in and a video out; several files side by side need more, and are told by the system.
    private const ulong Fewest = 160;

    private const int OpenFilesResource = 7;

    private const int StandardErrorDescriptor = 2;

    /// <summary>Whether the limit on open files suffices to start; where not, says so on standard error.</summary>
    public static bool AreEnough()
    {
        Limit limit;
        if (GetLimit(OpenFilesResource, &limit) != 0 || limit.Soft >= Fewest) return true;
        Write("img2pose: the limit on open files (ulimit -n) is below 160, and the program cannot start; raise it.\n"u8);
        return false;
    }

    private static void Write(ReadOnlySpan<byte> text)
    {
        fixed (byte* start = text) _ = Write(StandardErrorDescriptor, start, (nuint)text.Length);
    }

    [DllImport("libc", EntryPoint = "getrlimit")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int GetLimit(int resource, Limit* limit);

    [DllImport("libc", EntryPoint = "write")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern nint Write(int descriptor, byte* text, nuint length);

    [StructLayout(LayoutKind.Sequential)]
    private struct Limit
    {
        public ulong Soft;
        public ulong Hard;
    }
}
