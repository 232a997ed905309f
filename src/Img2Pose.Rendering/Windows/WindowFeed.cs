using System.Diagnostics;
using System.Runtime.InteropServices;
using Img2Pose.Frames;
using Img2Pose.Geometry;

namespace Img2Pose.Rendering.Windows;

/// <summary>
/// One picture of a window: takes frames from a session's sink thread, and gives the newest to the window's. A frame counts as
/// written when it can be seen, so that its age is that of what is seen.
/// </summary>
internal sealed class WindowFeed : IUndrawnFrameSink
{
    /// <summary>
    /// The longest that a frame waits to be seen. A window that cannot draw (its display hangs) must not keep a session from ending;
    /// nothing but time tells.
    /// </summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(1);

    private readonly PoseWindow _window;
    private readonly object _lock = new();
    private readonly List<TrackedFace> _waitingFaces = new(16);
    private readonly List<TrackedFace> _faces = new(16);
    private VideoFrame? _waiting, _waitingUndrawn;
    private long _handedIn, _taken;
    private bool _closed;

    public WindowFeed(PoseWindow window, WindowFeedOptions options, IPictureScaler scaler)
    {
        _window = window;
        Options = options;
        Scaler = scaler;
    }

    public WindowFeedOptions Options { get; }

    /// <summary>Scales this feed's pictures; used by the window's thread.</summary>
    public IPictureScaler Scaler { get; }

    /// <summary>Copies that are drawn on; used by the window's thread.</summary>
    public FramePool Copies { get; } = new(2);

    /// <summary>What is shown, with what the session draws; the window's thread's.</summary>
    public VideoFrame? Frame { get; private set; }

    /// <summary>The same picture without it.</summary>
    public VideoFrame? Undrawn { get; private set; }

    /// <summary>The faces in it.</summary>
    public ReadOnlySpan<TrackedFace> Faces => CollectionsMarshal.AsSpan(_faces);

    /// <summary>Number of the shown picture; 0 before the first. Frames are used again and again, so that the object does not tell.</summary>
    public long Number { get; private set; }

    /// <summary>How fast and how old pictures are shown.</summary>
    public FeedPace Pace { get; } = new();

    /// <summary>Where the picture is in the window.</summary>
    public WindowArea Area { get; set; }

    /// <summary>Whether the shown picture has yet to be drawn.</summary>
    public bool IsDirty { get; set; }

    /// <summary>Whether the session that feeds it has ended.</summary>
    public bool IsEnded { get; private set; }

    /// <summary>Size in square pixels of what is shown; (0, 0) before the first picture.</summary>
    public (int Width, int Height) Size => Frame is null ? (0, 0) : (Frame.DisplayWidth, Frame.DisplayHeight);

    /// <inheritdoc/>
    public void Write(VideoFrame frame, ReadOnlySpan<TrackedFace> faces) => Write(frame, frame, faces);

    /// <inheritdoc/>
    public void Write(VideoFrame frame, VideoFrame undrawn, ReadOnlySpan<TrackedFace> faces)
    {
        long number;
        lock (_lock)
        {
            // Paused: what comes now is not to be seen.
            if (_closed || _window.IsPaused) return;
            _waiting?.Dispose();
            _waitingUndrawn?.Dispose();
            _waiting = frame.AddReference();
            _waitingUndrawn = undrawn.AddReference();
            _waitingFaces.Clear();
            foreach (ref readonly TrackedFace face in faces) _waitingFaces.Add(face);
            number = ++_handedIn;
        }
        _window.Wake();
        long start = Stopwatch.GetTimestamp();
        lock (_lock)
        {
            while (_taken < number && !_closed)
            {
                TimeSpan left = s_patience - Stopwatch.GetElapsedTime(start);
                if (left <= TimeSpan.Zero || !Monitor.Wait(_lock, left)) break;
            }
        }
    }

    /// <summary>Takes over the newest frame, if there is one. For the window's thread.</summary>
    /// <returns>Its number, for <see cref="Shown"/>; 0 where nothing new has come.</returns>
    public long Take()
    {
        lock (_lock)
        {
            if (_waiting is null) return 0;
            Frame?.Dispose();
            Undrawn?.Dispose();
            (Frame, Undrawn, _waiting, _waitingUndrawn) = (_waiting, _waitingUndrawn, null, null);
            _faces.Clear();
            _faces.AddRange(CollectionsMarshal.AsSpan(_waitingFaces));
            IsDirty = true;
            return Number = _handedIn;
        }
    }

    /// <summary>The frame of this number can be seen: who wrote it, or an older one, goes on.</summary>
    public void Shown(long number)
    {
        lock (_lock)
        {
            _taken = Math.Max(_taken, number);
            Monitor.PulseAll(_lock);
        }
    }

    /// <inheritdoc/>
    public void Complete()
    {
    }

    /// <inheritdoc/>
    public void Interrupt() => Release();

    /// <summary>Ends every wait, for good.</summary>
    public void Release()
    {
        lock (_lock)
        {
            _closed = true;
            Monitor.PulseAll(_lock);
        }
    }

    /// <summary>The session is done with it. Its last picture stays.</summary>
    public void Dispose()
    {
        Release();
        IsEnded = true;
        _window.Wake();
    }

    /// <summary>Gives everything back. For the window's thread, when nothing is drawn any more.</summary>
    public void Free()
    {
        Release();
        lock (_lock)
        {
            _waiting?.Dispose();
            _waitingUndrawn?.Dispose();
            Frame?.Dispose();
            Undrawn?.Dispose();
            (Frame, Undrawn, _waiting, _waitingUndrawn) = (null, null, null, null);
        }
        Scaler.Dispose();
        Copies.Dispose();
    }
}

/// <summary>Frames a second and their mean age over the last second or so. Used by one thread; allocates nothing.</summary>
internal sealed class FeedPace
{
    private static readonly double s_window = 1.0;
    private long _since;
    private int _count;
    private double _ages;

    /// <summary>Frames a second; 0 before the first second is over.</summary>
    public double FramesPerSecond { get; private set; }

    /// <summary>Seconds from capture until it could be seen.</summary>
    public double Age { get; private set; }

    /// <summary>A frame can be seen.</summary>
    /// <param name="captureTime">When it was taken, on the monotonic clock.</param>
    public void Shown(long captureTime)
    {
        long now = Stopwatch.GetTimestamp();
        if (_since == 0) _since = now;
        _count++;
        _ages += Stopwatch.GetElapsedTime(captureTime, now).TotalSeconds;
        Settle(now);
    }

    /// <summary>Time passes without a frame.</summary>
    public void Tick() => Settle(Stopwatch.GetTimestamp());

    private void Settle(long now)
    {
        double passed = Stopwatch.GetElapsedTime(_since, now).TotalSeconds;
        if (_since == 0 || passed < s_window) return;
        FramesPerSecond = _count / passed;
        if (_count > 0) Age = _ages / _count;
        (_since, _count, _ages) = (now, 0, 0);
    }
}
