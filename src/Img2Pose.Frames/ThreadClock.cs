using System.Runtime.InteropServices;

namespace Img2Pose.Frames;

/// <summary>The CPU time of the calling thread: clock_gettime(2) with CLOCK_THREAD_CPUTIME_ID.</summary>
internal static partial class ThreadClock
{
    private const int ThreadCpuTime = 3;

    /// <summary>Nanoseconds of CPU time that the calling thread has used; 0 where the clock is missing.</summary>
    public static long Nanoseconds =>
        OperatingSystem.IsLinux() && GetTime(ThreadCpuTime, out TimeSpec time) == 0
            ? time.Seconds * 1_000_000_000 + time.Nanoseconds
            : 0;

    [LibraryImport("libc", EntryPoint = "clock_gettime")]
    private static partial int GetTime(int clock, out TimeSpec time);

    private struct TimeSpec
    {
        public long Seconds;
        public long Nanoseconds;
    }
}
