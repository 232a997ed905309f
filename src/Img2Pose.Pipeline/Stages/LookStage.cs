using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using Img2Pose.Inference.Scheduling;
using Img2Pose.Tracking;

namespace Img2Pose.Pipeline;

/// <summary>
/// A session's side of the scheduler: a link of frames that wait for their turn, the frames under way in their order, and a link
/// of those that are done. The scheduler takes a frame only while there is room for its result, so handing it back never waits.
/// </summary>
internal sealed class LookStage : ILookClient
{
    /// <summary>Frames that are held for the sake of those among them that can be looked at before their turn, at most, and their bytes.</summary>
    private const int MostAhead = 12;
    private const long MostBytesAhead = 64L << 20;

    private readonly Lock _lock = new();
    private readonly Queue<PosedFrame> _underWay = new();
    private readonly Queue<PosedFrame> _ahead = new();
    private readonly Link<PosedFrame> _waiting;
    private readonly Link<PosedFrame> _done;
    private readonly StageTimer _timer;
    private readonly int _depth;
    private readonly FollowPlanning? _follow;
    private readonly bool _looksAhead;
    private LookClient? _client;
    private bool _stopping;
    private bool _cutOff;
    private int _scene;

    /// <summary>Creates the stage.</summary>
    /// <param name="waiting">What it takes frames from; its policy is the session's.</param>
    /// <param name="done">What it hands frames to, of the capacity <see cref="Room"/>.</param>
    /// <param name="depth">Looks under way at the same time.</param>
    /// <param name="timer">Adds up the looks.</param>
    /// <param name="follow">Plans looks that follow faces; null: frames say themselves whether they are looked at.</param>
    /// <param name="looksAhead">Whether frames that wait are looked at before their turn where that is decided already.</param>
    public LookStage(Link<PosedFrame> waiting, Link<PosedFrame> done, int depth, StageTimer timer, FollowPlanning? follow = null, bool looksAhead = false)
    {
        _follow = follow;
        _looksAhead = looksAhead && follow is not null && depth > 1;
        _waiting = waiting;
        _done = done;
        _depth = depth;
        _timer = timer;
    }

    /// <summary>Frames that a stage of this depth holds behind the waiting link: those under way and those that are done.</summary>
    public static int Room(int depth, int capacity, LinkPolicy policy) => policy == LinkPolicy.Latest ? depth : Math.Max(depth, capacity);

    /// <summary>Joins the scheduler.</summary>
    public void Join(LookScheduler scheduler, double weight) => _client = scheduler.Add(this, weight);

    /// <summary>The place in the scheduler, once joined.</summary>
    public LookClient Client => _client!;

    /// <summary>Hands a frame over, waiting while a lossless link is full.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    public async ValueTask WriteAsync(PosedFrame frame)
    {
        await _waiting.WriteAsync(frame);
        Client.Signal();
    }

    /// <summary>No more frames come.</summary>
    public void Complete()
    {
        _waiting.Complete();
        lock (_lock) HandOn();
        Client.Signal();
    }

    /// <summary>
    /// The session is told to stop: frames that wait for their look are left out, so that it ends after the looks under way, however
    /// slow the network is; a look that is broken off for that is the first that is left out, and no error.
    /// </summary>
    public void Stop()
    {
        lock (_lock)
        {
            _stopping = true;
            LeaveOutWaiting();
            HandOn();
        }
        Client.Signal();
    }

    /// <summary>The reader has taken a frame from the link of those done.</summary>
    public void Taken() => Client.Signal();

    /// <summary>The faces of a frame are known, which is what a frame behind it is planned with.</summary>
    public void Tracked(PosedFrame frame, IFaceTracker tracker)
    {
        if (_follow is null) return;
        lock (_lock) _follow.Tracked(frame, tracker);
        Client.Signal();
    }

    /// <summary>After the other stages have ended: leaves the scheduler, and releases what is under way.</summary>
    public void Leave()
    {
        _client?.Remove();
        lock (_lock)
        {
            while (_underWay.TryDequeue(out PosedFrame? frame)) frame.Dispose();
            LeaveOutWaiting();
        }
    }

    /// <inheritdoc/>
    public bool TryTake([NotNullWhen(true)] out Look? look)
    {
        lock (_lock)
        {
            if (_stopping) LeaveOutWaiting();
            while (Looking() < _depth && _follow is not { IsReady: false } && _underWay.Count + _done.Depth < _done.Capacity && TryTakeFrame(out PosedFrame? frame))
            {
                _underWay.Enqueue(frame);
                if (_follow is not null) _follow.Plan(frame);
                // What is known of the faces ends with the scene, so the first frame of the next that comes here is looked at.
                else frame.LookedAt |= frame.Scene != _scene;
                _scene = frame.Scene;
                if (frame.LookedAt && frame.AheadError is null)
                {
                    look = frame.Look;
                    look.Frame = frame.Frame;
                    look.Known = frame.AheadState == AheadLookState.Done ? frame.Ahead.Faces : null;
                    return true;
                }
                frame.Error = frame.AheadError;
                _timer.Add(TimeSpan.Zero, TimeSpan.Zero);
                frame.IsLookedUp = true;
                HandOn();
            }
            HandOn();
            return TryLookAhead(out look);
        }
    }

    /// <inheritdoc/>
    public void HandBack(Look look, Exception? failure)
    {
        PosedFrame frame = (PosedFrame)look.Owner!;
        lock (_lock)
        {
            if (look != frame.Look)
            {
                HandBackAhead(frame, failure);
                return;
            }
            look.Frame = null;
            bool brokenOff = _stopping && failure is OperationCanceledException;
            frame.Error = brokenOff ? null : failure;
            frame.IsLookedUp = true;
            frame.IsLeftOut = brokenOff;
            if (_stopping) LeaveOutWaiting();
            if (failure is null)
            {
                bool hasAhead = frame.AheadState == AheadLookState.Done;
                _timer.Add(look.Duration + (hasAhead ? frame.Ahead.Duration : TimeSpan.Zero), look.ThreadCpu + (hasAhead ? frame.Ahead.ThreadCpu : TimeSpan.Zero));
                EngineMetrics.Looked(frame.Frame.Stream.Name, look.IsWhole);
            }
            HandOn();
        }
    }

    /// <summary>The next frame whose turn it is, unless it is being looked at ahead of its turn still.</summary>
    private bool TryTakeFrame([NotNullWhen(true)] out PosedFrame? frame)
    {
        if (!_ahead.TryPeek(out frame)) return _waiting.TryRead(out frame);
        if (frame.AheadState == AheadLookState.UnderWay) return false;
        _ahead.Dequeue();
        return true;
    }

    /// <summary>
    /// The whole of a frame that waits, where it is decided that it will be looked at, whatever is found until its turn: nothing has to be known for
    /// that, so the network does not wait until those before it have been looked at one by one.
    /// </summary>
    private bool TryLookAhead([NotNullWhen(true)] out Look? look)
    {
        look = null;
        if (!_looksAhead || _stopping) return false;
        int place = 0;
        long bytes = 0;
        foreach (PosedFrame frame in _ahead)
        {
            bytes += BytesOf(frame);
            if (IsNewlyDecided(frame, ++place, out look)) return true;
        }
        while (_ahead.Count < MostAhead && bytes < MostBytesAhead && _waiting.TryRead(out PosedFrame? frame))
        {
            _ahead.Enqueue(frame);
            bytes += BytesOf(frame);
            if (IsNewlyDecided(frame, ++place, out look)) return true;
        }
        return false;
    }

    private bool IsNewlyDecided(PosedFrame frame, int place, [NotNullWhen(true)] out Look? look)
    {
        look = null;
        if (!_follow!.IsDecided(frame, place) || frame.AheadState != AheadLookState.None) return false;
        look = frame.Ahead;
        (look.Frame, look.ScoreThreshold, look.Size) = (frame.Frame, frame.Look.ScoreThreshold, frame.Look.Size);
        frame.AheadState = AheadLookState.UnderWay;
        // The look's own hold, since the frame may be left out before it ends.
        frame.Retain();
        return true;
    }

    private void HandBackAhead(PosedFrame frame, Exception? failure)
    {
        frame.Ahead.Frame = null;
        frame.AheadError = failure;
        frame.AheadState = AheadLookState.Done;
        frame.Dispose();
        if (_stopping) LeaveOutWaiting();
        HandOn();
    }

    private static long BytesOf(PosedFrame frame)
    {
        long bytes = 0;
        for (int i = 0; i < frame.Frame.PlaneCount; i++) bytes += (long)frame.Frame.GetPlane(i).Stride * frame.Frame.GetPlane(i).Height;
        return bytes;
    }

    private void LeaveOutWaiting()
    {
        while (_ahead.TryDequeue(out PosedFrame? frame)) frame.Dispose();
        LeaveOutUnread();
    }

    private void LeaveOutUnread()
    {
        while (_waiting.TryRead(out PosedFrame? frame)) frame.Dispose();
    }

    private int Looking()
    {
        int count = 0;
        foreach (PosedFrame frame in _underWay)
        {
            if (!frame.IsLookedUp) count++;
        }
        return count;
    }

    /// <summary>Hands on, in order, what is done; after the last frame, ends the link.</summary>
    private void HandOn()
    {
        while (_underWay.TryPeek(out PosedFrame? frame) && frame.IsLookedUp)
        {
            _underWay.Dequeue();
            // What follows a frame that is left out is left out, too: outputs end where they end.
            _cutOff |= frame.IsLeftOut;
            if (_cutOff)
            {
                frame.Dispose();
            }
            else if (frame.Error is { } error)
            {
                frame.Dispose();
                _done.Complete(error);
            }
            // There is room, unless the session was aborted and the link is closed.
            else if (!_done.TryWrite(frame)) frame.Dispose();
        }
        if (_underWay.Count == 0 && _ahead.Count == 0 && _waiting.IsFinished) _done.Complete();
    }
}
