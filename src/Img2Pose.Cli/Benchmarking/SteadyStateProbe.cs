using Img2Pose.Frames;
using Img2Pose.Geometry;
using Img2Pose.Pipeline;

namespace Img2Pose.Cli.Benchmarking;

/// <summary>Sits at the end of a pipeline and compares the process after its warm-up with the process at its last frame.</summary>
internal sealed class SteadyStateProbe(long warmUp) : IPoseSink
{
    private long _allocatedBefore;
    private int _collectionsBefore;

    /// <summary>Frames after the warm-up.</summary>
    public long Frames { get; private set; }

    /// <summary>Managed bytes a frame, after the warm-up.</summary>
    public double AllocatedPerFrame { get; private set; }

    /// <summary>Generation-2 collections after the warm-up.</summary>
    public int FullCollections { get; private set; }

    /// <inheritdoc/>
    public void Write(VideoFrame frame, ReadOnlySpan<TrackedFace> faces)
    {
        if (frame.Index == warmUp)
        {
            _allocatedBefore = GC.GetTotalAllocatedBytes();
            _collectionsBefore = GC.CollectionCount(2);
        }
        if (frame.Index <= warmUp) return;
        Frames = frame.Index - warmUp;
        AllocatedPerFrame = (double)(GC.GetTotalAllocatedBytes() - _allocatedBefore) / Frames;
        FullCollections = GC.CollectionCount(2) - _collectionsBefore;
    }

    /// <inheritdoc/>
    public void Finish(RunReport report, bool failed)
    {
    }

    /// <inheritdoc/>
    public void Dispose()
    {
    }
}
