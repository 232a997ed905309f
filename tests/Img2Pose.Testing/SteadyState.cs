namespace Img2Pose.Testing;

/// <summary>What code allocates once it is warm.</summary>
public static class SteadyState
{
    /// <summary>
    /// The managed bytes that one call allocates on its own thread. Unoptimised code allocates what optimised code does not, and
    /// when the compiler has caught up depends on the machine and its load: calls are repeated until one stays within the
    /// bound, or 20 seconds have passed.
    /// </summary>
    /// <param name="call">What is measured; it must do its work on the calling thread.</param>
    /// <param name="bound">Bytes that the test allows.</param>
    /// <param name="cancellation">Ends the waiting.</param>
    /// <returns>The bytes of the last call.</returns>
    public static async Task<long> AllocatedAsync(Action call, long bound, CancellationToken cancellation)
    {
        long end = Environment.TickCount64 + 20_000;
        while (true)
        {
            long allocated = Measure(call);
            if (allocated <= bound || Environment.TickCount64 >= end) return allocated;
            await Task.Delay(50, cancellation).ConfigureAwait(false);
        }
    }

    private static long Measure(Action call)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        call();
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }
}
