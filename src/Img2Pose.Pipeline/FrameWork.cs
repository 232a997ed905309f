using System.Collections.Concurrent;
using Img2Pose.Frames;
using Img2Pose.Geometry;

namespace Img2Pose.Pipeline;

/// <summary>A frame on its way through the stages, with what they found. Pooled: disposing it gives the frame back and recycles the lists.</summary>
internal sealed class FrameWork : IDisposable
{
    private readonly Pool _pool;
    private VideoFrame? _frame;

    private FrameWork(Pool pool) => _pool = pool;

    /// <summary>The frame; replaced by a writable copy where something is drawn on it.</summary>
    public VideoFrame Frame => _frame ?? throw new ObjectDisposedException(nameof(FrameWork));

    /// <summary>What the network saw.</summary>
    public List<FaceDetection> Detections { get; } = new(16);

    /// <summary>What is drawn and written.</summary>
    public List<TrackedFace> Faces { get; } = new(16);

    /// <summary>Whether the network looked at this frame.</summary>
    public bool LookedAt { get; set; }

    /// <summary>Whether another scene begins with this frame.</summary>
    public bool IsCut { get; set; }

    /// <summary>Stopwatch timestamp at which the frame left the decoder.</summary>
    public long DecodedAt { get; set; }

    /// <summary>Puts another frame in the place of the current one, which is given back.</summary>
    public void Replace(VideoFrame frame)
    {
        _frame?.Dispose();
        _frame = frame;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        VideoFrame? frame = Interlocked.Exchange(ref _frame, null);
        if (frame is null) return;
        frame.Dispose();
        Detections.Clear();
        Faces.Clear();
        LookedAt = IsCut = false;
        _pool.Return(this);
    }

    /// <summary>Recycles the objects of one run.</summary>
    internal sealed class Pool
    {
        private readonly ConcurrentQueue<FrameWork> _free = new();

        /// <summary>Takes charge of <paramref name="frame"/>.</summary>
        public FrameWork Rent(VideoFrame frame)
        {
            if (!_free.TryDequeue(out FrameWork? work)) work = new FrameWork(this);
            work._frame = frame;
            return work;
        }

        internal void Return(FrameWork work) => _free.Enqueue(work);
    }
}
