#if DEBUG
using System.Collections.Concurrent;
using System.Diagnostics;
#endif

namespace Img2Pose.Frames;

/// <summary>Counts frames that are out on lease; a debug build also remembers who leased them.</summary>
public static class FrameLeases
{
    private static int s_outstanding;
#if DEBUG
    private static readonly ConcurrentDictionary<VideoFrame, StackTrace> s_stacks = new();
#endif

    /// <summary>Frames now leased in this process.</summary>
    public static int Outstanding => Volatile.Read(ref s_outstanding);

    /// <summary>In a debug build, the stacks at which the outstanding frames were leased; else empty.</summary>
    public static IReadOnlyCollection<string> OutstandingStacks =>
#if DEBUG
        [.. s_stacks.Values.Select(stack => stack.ToString())];
#else
        [];
#endif

    internal static void Track(VideoFrame frame)
    {
        Interlocked.Increment(ref s_outstanding);
#if DEBUG
        // Put into words only when somebody asks: leases are frequent.
        s_stacks[frame] = new StackTrace(skipFrames: 2, fNeedFileInfo: false);
#endif
    }

    internal static void Untrack(VideoFrame frame)
    {
        Interlocked.Decrement(ref s_outstanding);
#if DEBUG
        s_stacks.TryRemove(frame, out _);
#endif
    }
}
