using System.Runtime.InteropServices;

namespace Img2Pose.Monitor;

/// <summary>
/// Keeps the C library from holding memory that nobody uses. Each connection to a camera has a thread of its own, on which FFmpeg allocates;
/// glibc gives threads up to eight arenas for each processor, and hardly returns what is freed in the middle of one. After fifty outages of
/// four cameras on two cores 16 arenas held 156 MB, of which 68 were in use, and grew with every outage; what is done here ends that
/// (docs/monitor.md). Thread-safe; does nothing where the C library is another one.
/// </summary>
internal static class NativeMemory
{
    /// <summary>malloc.h: M_ARENA_MAX.</summary>
    private const int ArenaMax = -8;

    /// <summary>Lets new threads share few arenas. To be called before there are many threads.</summary>
    public static void LimitArenas() => Try(static () => mallopt(ArenaMax, Math.Clamp(Environment.ProcessorCount / 2, 2, 8)));

    /// <summary>Gives pages back that nobody uses; takes some milliseconds, in which others who allocate may wait.</summary>
    public static void Return() => Try(static () => malloc_trim(0));

    private static void Try(Func<int> call)
    {
        try
        {
            _ = call();
        }
        catch (EntryPointNotFoundException)
        {
            // Not glibc.
        }
    }

    [DllImport("libc")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int mallopt(int parameter, int value);

    [DllImport("libc")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int malloc_trim(nuint pad);
}
