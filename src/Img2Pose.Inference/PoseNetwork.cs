using Microsoft.ML.OnnxRuntime;

namespace Img2Pose.Inference;

/// <summary>What one run of a network shall do with its input.</summary>
/// <param name="ScoreThreshold">Poses are computed for proposals with a score above this.</param>
/// <param name="Boxes">Picture index, left, top, right, bottom of boxes that take the place of proposals; empty for the network's own.</param>
internal readonly record struct NetworkRequest(float ScoreThreshold, ReadOnlyMemory<float> Boxes = default);

/// <summary>
/// A loaded network: an input that stays in reused memory is filled, a request is run, and its results are the caller's. Shapes
/// and requests may change from run to run; nothing is kept between them. Not thread-safe.
/// </summary>
internal abstract class PoseNetwork : IDisposable
{
    /// <summary>The input of the next run, shaped; its content is undefined.</summary>
    /// <param name="count">Pictures.</param>
    /// <param name="height">Rows of the padded batch.</param>
    /// <param name="width">Columns of the padded batch.</param>
    /// <exception cref="ObjectDisposedException">The network was disposed of.</exception>
    public abstract NetworkInput Shape(int count, int height, int width);

    /// <summary>Runs the network on the input that was shaped last.</summary>
    /// <param name="request">What to do.</param>
    /// <param name="results">Receives what the network gave, checked and copied: it stays valid whatever becomes of the network.</param>
    /// <exception cref="OnnxRuntimeException">The run failed.</exception>
    /// <exception cref="NetworkOutputException">What the network gave does not fit together.</exception>
    /// <exception cref="ObjectDisposedException">The network was disposed of.</exception>
    public abstract void Run(in NetworkRequest request, NetworkResults results);

    /// <summary>Ends a run under way, or the next one, as soon as the operator at hand is done; from any thread.</summary>
    public abstract RunGuard Guard { get; }

    /// <summary>Gives back the device memory that is kept for shapes of inputs that may come again; what was shaped last is forgotten.</summary>
    public virtual void Trim()
    {
    }

    /// <summary>Ends the recording of which provider runs which node; returns a file of each part that was recorded.</summary>
    public virtual IReadOnlyList<string> EndProfiling() => [];

    /// <inheritdoc/>
    public abstract void Dispose();
}
