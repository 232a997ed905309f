namespace Img2Pose.Pipeline;

/// <summary>
/// Shares the machine's cores out among the engines, each of which would otherwise start a thread for every core and
/// fight the rest. The shares are a starting point that docs/performance.md says how to measure.
/// </summary>
/// <param name="Decoder">Threads of the video decoder.</param>
/// <param name="Inference">Threads of ONNX Runtime inside an operator.</param>
/// <param name="Encoder">Threads of the video encoder.</param>
/// <param name="Renderer">Threads of the software rasteriser (llvmpipe).</param>
public sealed record CpuBudget(int Decoder, int Inference, int Encoder, int Renderer)
{
    /// <summary>The shares for a number of cores.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than one core.</exception>
    public static CpuBudget ForCores(int cores)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(cores);
        // Inference is the largest part, so it may use every core; decoding is the smallest and runs ahead anyhow.
        return new CpuBudget(
            Decoder: Math.Clamp(cores / 2, 1, 4),
            Inference: Math.Min(cores, 16),
            Encoder: Math.Clamp(cores, 1, 8),
            Renderer: Math.Clamp(cores / 2, 1, 8));
    }

    /// <summary>The shares for the cores that this process may run on.</summary>
    public static CpuBudget ForThisMachine() => ForCores(Environment.ProcessorCount);
}
