namespace Img2Pose.Pipeline;

/// <summary>
/// Shares the machine's cores out among the engines, each of which would otherwise start a thread for every core and
/// fight the rest. The shares are a starting point that docs/performance.md says how to measure.
/// </summary>
/// <param name="Decoder">Threads of a session's video decoder.</param>
/// <param name="Inference">Threads of ONNX Runtime, over all networks that work at the same time.</param>
/// <param name="Encoder">Threads of a session's video encoder.</param>
/// <param name="Renderer">Threads of the software rasteriser (llvmpipe).</param>
public sealed record CpuBudget(int Decoder, int Inference, int Encoder, int Renderer)
{
    /// <summary>The shares for a number of cores, and of sessions that run side by side.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than one core or session.</exception>
    public static CpuBudget ForCores(int cores, int sessions = 1)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(cores);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(sessions);
        // What each session has for itself; side by side they fill the cores without threads of their own.
        int own = Math.Max(1, cores / sessions);
        // Inference is the largest part, so it may use every core; decoding is the smallest and runs ahead anyhow.
        return new CpuBudget(
            Decoder: Math.Clamp(own / 2, 1, 4),
            Inference: Math.Min(cores, 16),
            Encoder: Math.Clamp(own, 1, 8),
            Renderer: Math.Clamp(cores / 2, 1, 8));
    }

    /// <exception cref="UsageException">A share is out of range.</exception>
    internal void Validate()
    {
        foreach (int threads in (ReadOnlySpan<int>)[Decoder, Inference, Encoder, Renderer])
        {
            if (threads is < 1 or > 1024) throw new UsageException($"Each share of the cores is 1 to 1024 threads, not {threads}.");
        }
    }

    /// <summary>The shares for the cores that this process may run on.</summary>
    public static CpuBudget ForThisMachine(int sessions = 1) => ForCores(Environment.ProcessorCount, sessions);
}
