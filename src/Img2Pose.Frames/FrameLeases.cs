using System.Collections.Concurrent;
using System.Diagnostics;

namespace Img2Pose.Frames;

/// <summary>Counts frames that are out on lease, and remembers on request who leased them. Thread-safe.</summary>
public static class FrameLeases
{
    private static readonly ConcurrentDictionary<VideoFrame, StackTrace> s_stacks = new();
    private static int s_outstanding;
    private static volatile bool s_recordsStacks;
    private static volatile bool s_everRecorded;

    /// <summary>Frames now leased in this process.</summary>
    public static int Outstanding => Volatile.Read(ref s_outstanding);

    /// <summary>
    /// Whether the stack of every lease is remembered until the frame comes back. Off by default, since it costs some
    /// microseconds and an allocation a frame; for tests and for looking for a leak.
    /// </summary>
    public static bool RecordsStacks
    {
        get => s_recordsStacks;
        set
        {
            s_recordsStacks = value;
            if (value) s_everRecorded = true;
        }
    }

    /// <summary>The stacks at which outstanding frames were leased while <see cref="RecordsStacks"/> was on.</summary>
    public static IReadOnlyCollection<string> OutstandingStacks => [.. s_stacks.Values.Select(stack => stack.ToString())];

    internal static void Track(VideoFrame frame)
    {
        Interlocked.Increment(ref s_outstanding);
        // Put into words only when somebody asks: leases are frequent.
        if (s_recordsStacks) s_stacks[frame] = new StackTrace(skipFrames: 2, fNeedFileInfo: false);
    }

    internal static void Untrack(VideoFrame frame)
    {
        Interlocked.Decrement(ref s_outstanding);
        if (s_everRecorded) s_stacks.TryRemove(frame, out _);
    }
}
