using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using Img2Pose.Frames;
using Img2Pose.Media;
using Img2Pose.Monitor.Configuration;
using Img2Pose.Monitor.Masking;

namespace Img2Pose.Monitor.Cameras;

/// <summary>
/// A camera's pictures as many times a second as they shall be looked at, the areas that nobody may see painted over. The others are
/// counted and given back: cameras send more than anybody looks at.
/// </summary>
internal sealed class LookSource : IFrameSource
{
    private const byte Black = 0;

    private readonly IFrameSource _inner;
    private readonly IReadOnlyList<ZoneConfiguration> _masks;
    private readonly FramePool? _pool;
    private readonly long _interval;
    private readonly Action _frameCame;
    private long _due;

    /// <param name="inner">The camera, which this disposes.</param>
    /// <param name="looks">Pictures a second at most.</param>
    /// <param name="masks">Areas to paint over.</param>
    /// <param name="frameCame">Told of every picture.</param>
    public LookSource(IFrameSource inner, double looks, IReadOnlyList<ZoneConfiguration> masks, Action frameCame)
    {
        (_inner, _masks, _frameCame) = (inner, masks, frameCame);
        // What follows faces counts on the time from one look to the next.
        Info = inner.Info with { FramesPerSecond = Math.Min(inner.Info.FramesPerSecond ?? looks, looks) };
        _interval = (long)(Stopwatch.Frequency / looks);
        if (masks.Count > 0) _pool = new FramePool();
    }

    /// <inheritdoc/>
    public SourceInfo Info { get; }

    /// <inheritdoc/>
    public long DamagedFrames => _inner.DamagedFrames;

    /// <inheritdoc/>
    public bool EndedEarly => _inner.EndedEarly;

    /// <inheritdoc/>
    public long SkippedFrames => _inner.SkippedFrames;

    /// <inheritdoc/>
    public LiveStatus? Status => _inner.Status;

    /// <inheritdoc/>
    public bool TryRead([NotNullWhen(true)] out VideoFrame? frame)
    {
        while (_inner.TryRead(out frame))
        {
            _frameCame();
            long now = Stopwatch.GetTimestamp();
            if (now < _due)
            {
                frame.Dispose();
                continue;
            }
            // On the beat of its own, so that the rate holds although pictures come on another.
            _due = Math.Max(_due + _interval, now);
            if (_pool is not null) frame = PaintOver(frame, _pool);
            return true;
        }
        return false;
    }

    /// <inheritdoc/>
    public void Interrupt() => _inner.Interrupt();

    /// <inheritdoc/>
    public void Dispose()
    {
        _inner.Dispose();
        _pool?.Dispose();
    }

    private VideoFrame PaintOver(VideoFrame frame, FramePool pool)
    {
        using (frame)
        {
            VideoFrame copy = pool.RentCopy(frame);
            foreach (ZoneConfiguration mask in _masks)
                PicturePainter.Fill(copy, [.. mask.Points.Select(point => (point.X * copy.DisplayWidth, point.Y * copy.DisplayHeight))], Black);
            return copy;
        }
    }
}
