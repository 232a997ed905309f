using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.InteropServices;
using Img2Pose.Frames;
using Img2Pose.Geometry;
using Img2Pose.Inference.Scheduling;

namespace Img2Pose.Pipeline;

/// <summary>
/// A picture with the faces that were found in it. A pooled, reference-counted lease: whoever holds it disposes it once, and
/// must not touch it afterwards, since it is used for another picture then. What it says may be read on any thread.
/// </summary>
public sealed class PosedFrame : IDisposable
{
    private readonly Pool _pool;
    private readonly List<TrackedFace> _faces = new(16);
    private VideoFrame? _frame;
    private VideoFrame? _undrawn;
    private HolderCount _holders;
    private Look? _ahead;

    private PosedFrame(Pool pool)
    {
        _pool = pool;
        Look = new Look { Owner = this };
    }

    /// <summary>The picture, with what the session draws on it. Its samples are valid as long as this is held; only read them.</summary>
    /// <exception cref="ObjectDisposedException">Nobody holds this any more.</exception>
    public VideoFrame Frame => _frame ?? throw new ObjectDisposedException(nameof(PosedFrame));

    /// <summary>The faces, by ascending identity; boxes and poses in displayed pixels under the camera of the picture.</summary>
    public IReadOnlyList<TrackedFace> Faces => _faces;

    /// <summary>Position in the source, from 0.</summary>
    public long Index => Frame.Index;

    /// <summary>Presentation time in seconds as in the source, or null.</summary>
    public double? PresentationTime => Frame.PresentationTime;

    /// <summary>The stream that it belongs to.</summary>
    public StreamId Stream => Frame.Stream;

    /// <summary>Time since the picture was taken; for a file since it was decoded.</summary>
    public TimeSpan Age => Stopwatch.GetElapsedTime(Frame.CaptureTime);

    /// <summary>Whether the network looked at this picture; else the faces are predicted from earlier ones, or interpolated between looks before and after it.</summary>
    public bool LookedAt { get; internal set; }

    /// <summary>Keeps the frame beyond the time that it was lent for; each call needs a <see cref="Dispose"/> of its own. Returns this.</summary>
    /// <exception cref="ObjectDisposedException">Nobody holds this any more.</exception>
    public PosedFrame Retain()
    {
        _holders.Add(this);
        return this;
    }

    /// <summary>Gives up one reference; the last one gives the picture back.</summary>
    public void Dispose()
    {
        if (!_holders.Remove()) return;
        _frame!.Dispose();
        _undrawn?.Dispose();
        (_frame, _undrawn) = (null, null);
        _faces.Clear();
        Look.Reset();
        _ahead?.Reset();
        (AheadState, AheadError) = (AheadLookState.None, null);
        (LookedAt, IsLookedUp, IsLeftOut, Scene, Error) = (false, false, false, 0, null);
        _pool.Return(this);
    }

    /// <summary>Number of the scene, where scenes are told apart; the same in frames that no cut lies between.</summary>
    internal int Scene { get; set; }

    /// <summary>The question to the network, and its answer.</summary>
    internal Look Look { get; }

    /// <summary>A look at the whole of it before its turn: what is asked, and its answer.</summary>
    internal Look Ahead => _ahead ??= new Look { Owner = this };

    /// <summary>How far <see cref="Ahead"/> is.</summary>
    internal AheadLookState AheadState { get; set; }

    /// <summary>Why that look has no answer, or null.</summary>
    internal Exception? AheadError { get; set; }

    /// <summary>Whether the network is done with it, or was not asked.</summary>
    internal bool IsLookedUp { get; set; }

    /// <summary>Whether its look was broken off because the session is to stop.</summary>
    internal bool IsLeftOut { get; set; }

    /// <summary>Why the network has no answer, or null.</summary>
    internal Exception? Error { get; set; }

    /// <summary>The faces, for the stages.</summary>
    internal List<TrackedFace> FaceList => _faces;

    /// <summary>The faces, for the sinks.</summary>
    internal ReadOnlySpan<TrackedFace> FaceSpan => CollectionsMarshal.AsSpan(_faces);

    /// <summary>The picture as the source gave it, where the session keeps that; else the same as <see cref="Frame"/>.</summary>
    internal VideoFrame Undrawn => _undrawn ?? Frame;

    /// <summary>Puts a copy that is to be drawn on in the place of the current frame. For the sole holder.</summary>
    /// <param name="copy">The copy, which this owns from then on.</param>
    /// <param name="keep">Keep the current frame as <see cref="Undrawn"/> instead of giving it back.</param>
    internal void Replace(VideoFrame copy, bool keep)
    {
        if (keep) _undrawn = _frame;
        else _frame?.Dispose();
        _frame = copy;
    }

    /// <summary>Puts host frames in the place of those in a device's memory. For the sole holder.</summary>
    /// <param name="download">Makes the host's copy of a frame.</param>
    internal void BringToHost(Func<VideoFrame, VideoFrame> download)
    {
        if (_frame is { } frame && frame.Memory != MemoryKind.Host)
        {
            _frame = download(frame);
            frame.Dispose();
        }
        if (_undrawn is not { } undrawn || undrawn.Memory == MemoryKind.Host) return;
        _undrawn = download(undrawn);
        undrawn.Dispose();
    }

    /// <summary>Recycles the objects of one session.</summary>
    internal sealed class Pool
    {
        private readonly ConcurrentQueue<PosedFrame> _free = new();

        /// <summary>Takes charge of <paramref name="frame"/>; the caller is the only holder.</summary>
        public PosedFrame Rent(VideoFrame frame)
        {
            if (!_free.TryDequeue(out PosedFrame? posed)) posed = new PosedFrame(this);
            posed._frame = frame;
            // An interlocked write: whoever holds it sees the picture.
            bool begun = posed._holders.TryBegin();
            Debug.Assert(begun, "A posed frame lay in the pool while somebody held it.");
            return posed;
        }

        internal void Return(PosedFrame frame) => _free.Enqueue(frame);
    }
}

/// <summary>How far a look at a frame before its turn is.</summary>
internal enum AheadLookState
{
    /// <summary>Nobody asked for it.</summary>
    None,

    /// <summary>The scheduler has it.</summary>
    UnderWay,

    /// <summary>It has been handed back.</summary>
    Done,
}
