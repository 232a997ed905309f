using Microsoft.ML.OnnxRuntime;

namespace Img2Pose.Inference;

/// <summary>What a network gave; spans are valid until it is disposed of, or the next run.</summary>
internal readonly ref struct NetworkResults(
    ReadOnlySpan<float> proposals, ReadOnlySpan<long> imageIndex, ReadOnlySpan<float> scores, ReadOnlySpan<long> poseIndex,
    ReadOnlySpan<float> poses, IDisposable? owner) : IDisposable
{
    /// <summary>Left, top, right, bottom of each proposal, pixels of the resized picture.</summary>
    public ReadOnlySpan<float> Proposals { get; } = proposals;

    /// <summary>Picture of each proposal.</summary>
    public ReadOnlySpan<long> ImageIndex { get; } = imageIndex;

    /// <summary>Face score of each proposal.</summary>
    public ReadOnlySpan<float> Scores { get; } = scores;

    /// <summary>The proposals that have poses.</summary>
    public ReadOnlySpan<long> PoseIndex { get; } = poseIndex;

    /// <summary>Six box-relative pose numbers each.</summary>
    public ReadOnlySpan<float> Poses { get; } = poses;

    public void Dispose() => owner?.Dispose();
}

/// <summary>A loaded network with inputs that stay in reused memory. Shapes may change from call to call. Not thread-safe.</summary>
internal abstract class PoseNetwork : IDisposable
{
    /// <summary>Poses are computed for proposals with a score above this.</summary>
    public abstract float ScoreThreshold { set; }

    /// <summary>Sets the shape of the next run's input and returns it: 3 planes a picture, and height and width of each before padding.</summary>
    public abstract void Shape(int count, int height, int width, out Span<float> image, out Span<long> sizes);

    /// <summary>Lets the next runs make their own proposals.</summary>
    public abstract void UseProposals();

    /// <summary>Sets the boxes that take the place of proposals, and returns them: picture index, left, top, right, bottom each.</summary>
    public abstract Span<float> UseBoxes(int count);

    /// <summary>Runs the network; the caller disposes of the results before the next run.</summary>
    /// <exception cref="OnnxRuntimeException">The run failed.</exception>
    public abstract NetworkResults Run();

    /// <inheritdoc/>
    public abstract void Dispose();
}
