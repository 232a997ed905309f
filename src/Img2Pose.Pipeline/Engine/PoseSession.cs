using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using Img2Pose.Frames;
using Img2Pose.Geometry;
using Img2Pose.Inference.Scheduling;
using Img2Pose.Media;
using Img2Pose.Tracking;

namespace Img2Pose.Pipeline;

/// <summary>
/// One source on its way to its sinks: decode → look → track → compose → sinks, each stage on its own thread, joined by bounded
/// links. It runs once, by <see cref="RunAsync"/> or <see cref="ReadAsync"/>, and is disposed after that. Members may be called
/// from any thread, but sinks are added before it runs.
/// </summary>
/// <remarks>
/// Ownership: the session owns its source and its sinks and disposes them when it is disposed, after its stages have ended.
/// Errors: the first exception of a stage or sink ends this session and is what running throws; other sessions go on. A live
/// session goes on without a sink that fails, and ends with the last one.
/// </remarks>
public sealed partial class PoseSession : IAsyncDisposable
{
    private readonly IFrameSource _source;
    private readonly SessionOptions _options;
    private readonly LookScheduler _scheduler;
    private readonly IFaceTracker? _tracker;
    private readonly IFrameComposer? _composer;
    private readonly double? _lowestScore;
    private readonly bool _anyRoll;
    private readonly Action<PoseSession> _closed;
    private readonly SessionLog _log;
    private readonly LinkPolicy _policy;
    private readonly int _capacity;
    private readonly StageGroup _group;
    private readonly PosedFrame.Pool _posed = new();
    private readonly FramePool _copies = new();
    private readonly List<SinkStage> _sinks = [];
    private readonly List<Link<PosedFrame>> _links = [];
    private readonly Link<PosedFrame> _decoded;
    private readonly Link<PosedFrame> _looked;
    private readonly Link<PosedFrame>? _tracked;
    private readonly LookStage _looks;
    private readonly StageTimer _decode;
    private readonly StageTimer _look;
    private readonly StageTimer _track;
    private readonly StageTimer _compose;
    private readonly Stopwatch _clock = new();
    private readonly CancellationTokenSource _closing = new();
    private readonly CancellationTokenSource? _interrupt;
    private readonly SceneCuts _cuts = new();
    private int _outages;
    private bool _isOut;
    private bool _keepsUndrawn;
    private int _scene;
    private int _trackedScene;
    private Link<PosedFrame>? _reader;
    private Task<RunReport>? _running;
    private string? _reason;
    private long _frames;
    private long _faces;
    private int _started;
    private int _disposed;

    internal PoseSession(IFrameSource source, SessionOptions options, SessionParts parts)
    {
        _source = source;
        _options = options;
        (_scheduler, _tracker, _composer, _refiner, _lowestScore, _anyRoll, _closed) = (parts.Scheduler, parts.Tracker, parts.Composer, parts.Refiner, parts.LowestScore, parts.AnyRoll, parts.Closed);
        _interrupt = parts.Interrupt;
        _looksOnDevice = parts.LooksOnDevice;
        Stream = new StreamId(parts.Name);
        _log = new SessionLog(options.Logger, parts.Name, options.Clock);
        _group = new StageGroup(parts.Name);
        _policy = options.PolicyOf(source.Info);
        _capacity = _policy == LinkPolicy.Latest ? 1 : options.LinkCapacity;
        _decoded = Connect("frames", _capacity, _policy);
        _looked = Connect("looks", LookStage.Room(_scheduler.Depth, _capacity, _policy), LinkPolicy.Lossless);
        _tracked = _composer is null ? null : Connect("poses", _capacity, _policy);
        _decode = new StageTimer("decode", parts.Name);
        _look = new StageTimer("detect", parts.Name);
        _track = new StageTimer("track", parts.Name);
        _compose = new StageTimer("compose", parts.Name);
        FollowPlanning? follow = parts.Planner is null || parts.GridOf is null ? null
            : new FollowPlanning(parts.Planner, source.Info.TimeOf, parts.GridOf);
        _looks = new LookStage(_decoded, _looked, _scheduler.Depth, _look, follow, looksAhead: _policy == LinkPolicy.Lossless);
    }

    /// <summary>The stream's name in frames and metrics.</summary>
    public StreamId Stream { get; }

    /// <summary>What is known about the source.</summary>
    public SourceInfo Info => _source.Info;

    /// <summary>The state of a live source, to look at or to be told of; null where the source is recorded.</summary>
    public LiveStatus? Status => _source.Status;

    /// <summary>Whether the session waits for its slowest part or skips frames.</summary>
    public LinkPolicy Policy => _policy;

    /// <summary>Frames that have been handed to the sinks so far.</summary>
    public long FramesDone => Interlocked.Read(ref _frames);

    /// <summary>Frames that wait between its stages now.</summary>
    internal int Waiting => _links.Sum(static link => link.Depth);

    /// <summary>Faces found in those frames, <see cref="TrackedFace.IsFound"/>.</summary>
    public long FacesFound => Interlocked.Read(ref _faces);

    /// <summary>Time since the session began to run.</summary>
    public TimeSpan Elapsed => _clock.Elapsed;

    /// <summary>Adds a sink of composed frames, which the session then owns.</summary>
    /// <param name="sink">The sink.</param>
    /// <param name="name">Name of its stage and link.</param>
    /// <param name="policy">Whether the session waits for it or it misses frames; null: as the session.</param>
    /// <exception cref="InvalidOperationException">The session has begun to run.</exception>
    public void AddSink(IFrameSink sink, string name = "frames", LinkPolicy? policy = null)
    {
        ArgumentNullException.ThrowIfNull(sink);
        Add(sink, null, name, policy);
    }

    /// <summary>Adds a sink of poses, which the session then owns.</summary>
    /// <inheritdoc cref="AddSink(IFrameSink, string, LinkPolicy?)"/>
    public void AddSink(IPoseSink sink, string name = "poses", LinkPolicy? policy = null)
    {
        ArgumentNullException.ThrowIfNull(sink);
        Add(null, sink, name, policy);
    }

    /// <summary>
    /// Runs to the end of the source, or until <paramref name="stop"/> fires: then no further frame is read, those under
    /// way are finished, and the outputs are completed.
    /// </summary>
    /// <returns>What was done.</returns>
    /// <exception cref="InvalidOperationException">The session has run before.</exception>
    /// <exception cref="Img2PoseException">
    /// The first error of any stage: <see cref="InputException"/> of the source, <see cref="ModelException"/> of network or
    /// renderer, <see cref="OutputException"/> of a sink. The outputs stay marked as partial. What a caller's own source, composer
    /// or sink throws comes as it is.
    /// </exception>
    public Task<RunReport> RunAsync(CancellationToken stop = default)
    {
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed) != 0, this);
        if (Interlocked.Exchange(ref _started, 1) != 0) throw new InvalidOperationException("A session runs once; open the source again.");
        _running = RunStagesAsync(stop);
        return _running;
    }

    /// <summary>
    /// Runs the session and gives its frames to a loop, the newest ones where the session is live and the loop is slow. A frame is
    /// lent until the next step; <see cref="PosedFrame.Retain"/> keeps it. Leaving the loop early stops the session.
    /// </summary>
    /// <param name="stop">Ends the loop with an <see cref="OperationCanceledException"/>, after the outputs have been completed.</param>
    /// <exception cref="OperationCanceledException"><paramref name="stop"/> has fired.</exception>
    /// <inheritdoc cref="RunAsync"/>
    public async IAsyncEnumerable<PosedFrame> ReadAsync([EnumeratorCancellation] CancellationToken stop = default)
    {
        if (_started != 0) throw new InvalidOperationException("A session runs once; open the source again.");
        Link<PosedFrame> link = _reader = NewLink("reader", _capacity, _policy);
        _group.ConnectReader(link);
        _links.Add(link);
        using CancellationTokenSource ending = CancellationTokenSource.CreateLinkedTokenSource(stop);
        Task<RunReport> running = RunAsync(ending.Token);
        try
        {
            while (await link.WaitToReadAsync().ConfigureAwait(false))
            {
                while (link.TryRead(out PosedFrame? frame))
                {
                    using (frame)
                    {
                        stop.ThrowIfCancellationRequested();
                        yield return frame;
                    }
                }
            }
            await running.ConfigureAwait(false);
            stop.ThrowIfCancellationRequested();
        }
        finally
        {
            await ending.CancelAsync().ConfigureAwait(false);
            await EmptyAsync(link).ConfigureAwait(false);
            // Its error has been thrown above, unless the loop was left early: then nobody wants to know.
            await Task.WhenAny(running).ConfigureAwait(false);
        }
    }

    /// <summary>What has been done so far.</summary>
    public RunReport Report()
    {
        AgeReport? age = null;
        foreach (SinkStage sink in _sinks)
        {
            if (sink.Age is { } own && (age is null || own.Percentile95 > age.Value.Percentile95)) age = own;
        }
        return new RunReport
        {
            Frames = FramesDone,
            Faces = FacesFound,
            Dropped = _source.SkippedFrames + _links.Sum(link => link.Dropped),
            Outages = Volatile.Read(ref _outages),
            Damaged = _source.DamagedFrames,
            Seconds = _clock.Elapsed.TotalSeconds,
            Reason = _reason,
            Age = age,
            IsLive = _source.Info.IsLive,
            Failures = [.. _sinks.Where(sink => sink.Failure is not null).Select(sink => new SinkFailure(sink.Name, sink.Failure!.Message))],
            Stages = [_decode.Describe(), _look.Describe(), _track.Describe(), .. _composer is null ? Array.Empty<StageReport>() : [_compose.Describe()], .. _sinks.Select(sink => sink.Describe())],
            Links = [.. _links.Select(link => link.Describe())],
        };
    }

    /// <summary>
    /// Disposes sinks and source. A session that still runs is broken off and its stages waited for; its outputs stay marked as
    /// partial (<see cref="RunAsync"/>'s token is what ends a session properly).
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0) return;
        // Broken off before the source is told to end: else a short session may still complete its outputs.
        if (_running is not null) _group.Abort(new OperationCanceledException("The session was disposed while it ran."));
        await _closing.CancelAsync().ConfigureAwait(false);
        if (_running is not null) await Task.WhenAny(_running).ConfigureAwait(false);
        // For a loop that was neither finished nor left.
        _reader?.Drain();
        foreach (SinkStage sink in _sinks) sink.Close();
        _source.Dispose();
        _copies.Dispose();
        _device?.Dispose();
        _closing.Dispose();
        _interrupt?.Dispose();
        _closed(this);
    }

    private Link<PosedFrame> Connect(string name, int capacity, LinkPolicy policy)
    {
        Link<PosedFrame> link = _group.Connect(NewLink(name, capacity, policy));
        _links.Add(link);
        return link;
    }

    private Link<PosedFrame> NewLink(string name, int capacity, LinkPolicy policy) =>
        new(name, capacity, policy, Stream.Name, policy == LinkPolicy.Latest ? new DropNotice(_log, name) : null);

    private void Add(IFrameSink? frames, IPoseSink? poses, string name, LinkPolicy? policy)
    {
        if (_started != 0) throw new InvalidOperationException("Sinks are added before a session runs.");
        string unique = name;
        for (int i = 2; _sinks.Exists(sink => sink.Name == unique); i++) unique = $"{name} {i}";
        LinkPolicy own = policy ?? _policy;
        Link<PosedFrame> link = Connect(unique, own == LinkPolicy.Latest ? 1 : _options.LinkCapacity, own);
        // A live session goes on without a sink that fails: the others are not to blame, and what they miss does not come again.
        Action<SinkStage, Exception>? failed = _source.Info.IsLive ? SinkFailed : null;
        SinkStage sink = new(unique, frames, poses, link, Stream.Name, failed);
        _sinks.Add(sink);
        _keepsUndrawn |= sink.NeedsUndrawn;
        _needsHost |= sink.NeedsHost;
    }

    /// <summary>A sink of a live session has failed: told once; the session ends with it only if it was the last one.</summary>
    private void SinkFailed(SinkStage sink, Exception error)
    {
        if (_reader is null && _sinks.TrueForAll(other => other.Failure is not null)) ExceptionDispatchInfo.Throw(error);
        _options.SinkFailed?.Invoke(sink.Name, error);
    }

    private async Task<RunReport> RunStagesAsync(CancellationToken stop)
    {
        using CancellationTokenSource ending = CancellationTokenSource.CreateLinkedTokenSource(stop, _closing.Token);
        // A source that waits for a picture is told not to; one that decodes a file sees the token between two frames.
        using CancellationTokenRegistration waking = ending.Token.Register(static session => ((PoseSession)session!).InterruptSource(), this);
        _looks.Join(_scheduler, _options.Weight);
        using CancellationTokenRegistration leavingOut = ending.Token.Register(static looks => ((LookStage)looks!).Stop(), _looks);
        _group.AtEnd(_looks.Leave);
        _group.AtEnd(LeaveOutHeld);
        _group.AtAbort(InterruptSource);
        _clock.Start();
        // The source may hear of the caller's token before the linked one does: both say that the end is not the source's own.
        _group.AddSource(_decode.Name, () => ReadFramesAsync(() => stop.IsCancellationRequested || ending.IsCancellationRequested));
        _group.AddStage(_track.Name, _looked, TrackAsync, FinishTrackingAsync);
        if (_tracked is not null) _group.AddStage(_compose.Name, _tracked, ComposeAsync, CompleteSinks);
        foreach (SinkStage sink in _sinks) _group.AddStage(sink.Name, sink.Link, sink.HandleAsync, sink.Complete);
        _log.Started(_source.Info.Name, _policy, _sinks.Count);
        try
        {
            if (_source.Status is { } status) status.Changed += TellSinks;
            await _group.RunAsync().ConfigureAwait(false);
            _clock.Stop();
            RunReport report = Report();
            foreach (SinkStage sink in _sinks) sink.Finish(report, failed: false);
            // A summary that could not be written is a failure, too.
            if (_sinks.Exists(sink => sink.Failure is not null)) report = Report();
            _log.Ended(report);
            return report;
        }
        catch (Exception error)
        {
            _clock.Stop();
            _reason = error.Message;
            FinishAfterError();
            _log.Failed(Report(), error);
            throw;
        }
        finally
        {
            if (_source.Status is { } status) status.Changed -= TellSinks;
        }
    }

    /// <summary>Passes on what happens to a live source; its ordinary end is in the summary.</summary>
    private void TellSinks(SourceStatus status)
    {
        if (status.State == SourceState.Ended) return;
        // A new state of the same outage is no further outage.
        bool isOut = status.State == SourceState.Reconnecting;
        if (isOut && !_isOut) Interlocked.Increment(ref _outages);
        _isOut = isOut;
        foreach (SinkStage sink in _sinks) sink.Tell(status, _group.Abort);
    }

    private async Task ReadFramesAsync(Func<bool> isStopping)
    {
        for (long count = 0; count != _options.MaximumFrames; count++)
        {
            _group.ThrowIfAborted();
            if (isStopping())
            {
                _reason = _options.StopReason();
                break;
            }
            StageTimer.Work work = _decode.Begin();
            bool more = _source.TryRead(out VideoFrame? frame);
            work.End(more);
            if (!more)
            {
                // Told to stop while it waited, or at its end.
                if (isStopping()) _reason = _options.StopReason();
                else if (_source.EndedEarly) _reason = "the source ends early";
                break;
            }
            if (frame!.CaptureTime == 0) frame.CaptureTime = Stopwatch.GetTimestamp();
            frame.Stream = Stream;
            PosedFrame item = _posed.Rent(frame);
            try
            {
                TakeFromDevice(item);
                Ask(item, count);
            }
            catch
            {
                item.Dispose();
                throw;
            }
            await _looks.WriteAsync(item);
        }
        _looks.Complete();
    }

    private void InterruptSource()
    {
        _interrupt?.Cancel();
        _source.Interrupt();
        foreach (SinkStage sink in _sinks) sink.Interrupt();
    }

    /// <summary>Decides what the network is asked about a frame.</summary>
    /// <exception cref="InputException">A given box lies outside the picture.</exception>
    private void Ask(PosedFrame item, long count)
    {
        VideoFrame frame = item.Frame;
        if (_tracker is not null && _cuts.Observe(frame, _source.Info.TimeOf(frame), _readBrightness ??= ReadBrightness)) _scene++;
        item.Scene = _scene;
        item.LookedAt = count % (_source.Info.IsImages ? 1 : _options.Every) == 0;
        (item.Look.ScoreThreshold, item.Look.IsAnyRoll, item.Look.Size) = (_lowestScore, _anyRoll, _options.Size);
        if (_options.Boxes is not { } table) return;
        List<Box> boxes = table.ListFor(frame.Index, frame.SourceName);
        foreach (ref readonly Box box in CollectionsMarshal.AsSpan(boxes))
        {
            if (box.Right <= 0 || box.Bottom <= 0 || box.Left >= frame.DisplayWidth || box.Top >= frame.DisplayHeight)
                throw new InputException(FormattableString.Invariant(
                    $"{table.Path}: the box {box.Left},{box.Top},{box.Right},{box.Bottom} of {frame.SourceName ?? $"frame {frame.Index}"} lies outside the picture of {frame.DisplayWidth}×{frame.DisplayHeight} pixels."));
        }
        item.Look.Boxes = boxes;
    }

    private ValueTask TrackAsync(PosedFrame item)
    {
        _looks.Taken();
        int ready = 0;
        try
        {
            StageTimer.Work work = _track.Begin();
            Track(item);
            if (_refiner is not null) ready = Refine(_refiner, item);
            if (_tracked is null) BringToHost(item);
            work.End();
        }
        catch
        {
            item.Dispose();
            throw;
        }
        if (_refiner is null) return HandOnAsync(item);
        _held.Enqueue(item);
        return HandOnHeldAsync(ready);
    }

    /// <summary>Hands a frame whose faces are known to the composer, or where there is none to the sinks.</summary>
    private ValueTask HandOnAsync(PosedFrame item) => _tracked is null ? HandOutAsync(item) : _tracked.WriteAsync(item);

    private ValueTask ComposeAsync(PosedFrame item)
    {
        try
        {
            StageTimer.Work work = _compose.Begin();
            if (item.FaceList.Count > 0) Compose(item);
            BringToHost(item);
            work.End();
        }
        catch
        {
            item.Dispose();
            throw;
        }
        return HandOutAsync(item);
    }

    /// <summary>Gives a frame to every sink; one that has no room holds up the session or misses it, as its policy says.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask HandOutAsync(PosedFrame item)
    {
        using (item)
        {
            Interlocked.Increment(ref _frames);
            foreach (ref readonly TrackedFace face in item.FaceSpan)
            {
                if (face.IsFound) Interlocked.Increment(ref _faces);
            }
            for (int i = 0; i < _sinks.Count; i++) await _sinks[i].Link.WriteAsync(item.Retain());
            if (_reader is not null) await _reader.WriteAsync(item.Retain());
        }
    }

    private void CompleteSinks()
    {
        foreach (SinkStage sink in _sinks) sink.Link.Complete();
        _reader?.Complete();
    }

    private void FinishAfterError()
    {
        RunReport report = Report();
        foreach (SinkStage sink in _sinks)
        {
            try
            {
                sink.Finish(report, failed: true);
            }
            catch (Exception)
            {
                // The summary could not be written either, most likely for the same cause; the first error is the one that counts.
            }
        }
    }

    /// <summary>Releases what comes until the link ends, so that nobody waits for a reader that has gone.</summary>
    private static async Task EmptyAsync(Link<PosedFrame> link)
    {
        try
        {
            while (await link.WaitToReadAsync().ConfigureAwait(false)) link.Drain();
        }
        catch (Exception)
        {
            // The session's error; it reaches whoever waits for the session.
        }
    }
}
