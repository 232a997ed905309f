namespace Img2Pose.Testing;

/// <summary>
/// How much managed memory a step takes once it is in its steady state. That state begins when the JIT has caught up
/// (unoptimised code allocates what optimised code does not), on a thread of its own and later the busier the machine is;
/// and a step that had to wait for another thread may allocate for the waiting. So one count says nothing: batches are
/// repeated, and the fewest bytes of any count. What a step allocates each time is in every batch.
/// </summary>
public static class Allocation
{
    /// <summary>How long the steady state is waited for; only a failing test takes it.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    /// <summary>Fails unless a batch of steps on this thread allocates at most <paramref name="bound"/> bytes a step.</summary>
    /// <param name="step">What is measured; it may not change threads.</param>
    /// <param name="steps">Steps in a batch, enough to show what grows now and then.</param>
    /// <param name="bound">Bytes a step, on average over a batch.</param>
    public static void AssertAtMost(Action step, int steps = 50, double bound = 0)
    {
        long fewest = long.MaxValue;
        long deadline = Environment.TickCount64 + (long)s_patience.TotalMilliseconds;
        do
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < steps; i++) step();
            fewest = Math.Min(fewest, GC.GetAllocatedBytesForCurrentThread() - before);
            if (fewest <= bound * steps) return;
            // Leaves the processor to the JIT, which waits for a pause in which nothing new is called.
            Thread.Sleep(50);
        }
        while (Environment.TickCount64 < deadline);
        Assert.Fail($"{steps} steps never allocated less than {fewest} bytes; at most {bound} bytes a step are allowed");
    }
}
