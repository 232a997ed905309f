using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using Img2Pose.Frames;

namespace Img2Pose.Media;

/// <summary>
/// A camera, a screen or a stream of the network: one connection after another, each on a thread of its own
/// (<see cref="LiveConnection"/>), with a wait between them that grows. Whoever reads drives it: all decisions are taken in
/// <see cref="TryRead"/>, which waits for the newest picture, the end of the connection, the next try or a stop, whichever comes first.
/// </summary>
internal sealed class LiveSource : IFrameSource, ISoundSource
{
    // What usually ends at once is waited for, so that nothing is left over; the rest cleans up by itself.
    private static readonly TimeSpan s_patience = TimeSpan.FromMilliseconds(400);

    // Connections that hang where nobody can interrupt them, at most: no further try until one has come back.
    private const int MostLeft = 3;

    private readonly object _gate = new();
    private readonly LiveAddress _address;
    private readonly SourceOptions _options;
    private readonly LiveTimes _times;
    private readonly SourceLog _log;
    private readonly CancellationTokenRegistration _cancellation;
    private readonly List<LiveConnection> _left = [];
    private readonly Random _random = new();
    private LiveConnection? _connection;
    private VideoFrame? _first;
    private LiveShape? _shape;
    private string? _reason;
    private bool _interrupted;
    private bool _disposed;
    private bool _wasLive;
    private bool _isLive;
    private bool _newConnection;
    private int _failures;
    private long _liveSince, _lastPicture, _outSince, _retryAt;
    private long _skippedBefore, _damagedBefore, _frames;
    private double _timeBefore = double.NaN, _lastOut = double.NaN, _origin;
    private long _captureBefore;
    private int _timeline = 1;

    private LiveSource(LiveAddress address, SourceOptions options)
    {
        (_address, _options, _times) = (address, options, options.Live.Times);
        _log = new SourceLog(options.Logger);
        Status = options.Status ?? new LiveStatus();
        _outSince = Stopwatch.GetTimestamp();
        _cancellation = options.Cancellation.Register(static source => ((LiveSource)source!).Interrupt(), this);
    }

    /// <summary>
    /// Opens a live source: waits for its first picture, trying again where waiting can help. What turns out to be a recording on a
    /// server is read like a file.
    /// </summary>
    /// <exception cref="InputException">It cannot be opened, and waiting would not help, or is not wanted.</exception>
    /// <exception cref="UsageException">Its name, or an option, makes no sense.</exception>
    /// <exception cref="OperationCanceledException">The options' token fired first.</exception>
    public static IFrameSource Open(string name, SourceOptions options)
    {
        if (options.Start is not null) throw new UsageException($"{SourceNames.Mask(name)}: a live source has no beginning to count from; leave out the start");
        LiveAddress address = LiveAddress.Parse(name);
        if (options.Live.ShownAs is { } shown) address = address with { Name = shown };
        LiveSource source = new(address, options);
        try
        {
            if (source.TryReadNext(out source._first)) return source;
            if (source.TakeRecording() is { } recording) return recording;
            options.Cancellation.ThrowIfCancellationRequested();
            throw new InputException($"{address.Name}: it ended before its first picture");
        }
        catch
        {
            source.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    [AllowNull]
    public SourceInfo Info { get; private set; } = null!;

    /// <inheritdoc/>
    public LiveStatus Status { get; }

    /// <inheritdoc/>
    public LiveSound? Sound { get; private set; }

    /// <inheritdoc/>
    public long DamagedFrames
    {
        get
        {
            lock (_gate) return _damagedBefore + (_connection?.Damaged ?? 0);
        }
    }

    /// <inheritdoc/>
    public long SkippedFrames
    {
        get
        {
            lock (_gate) return _skippedBefore + (_connection?.Skipped ?? 0);
        }
    }

    /// <summary>Options that FFmpeg did not take at the last opening, for the test that there are none.</summary>
    internal string[] UnusedOptions { get; private set; } = [];

    /// <inheritdoc/>
    public bool TryRead([NotNullWhen(true)] out VideoFrame? frame)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        frame = Interlocked.Exchange(ref _first, null);
        return frame is not null || TryReadNext(out frame);
    }

    /// <inheritdoc/>
    public void Interrupt()
    {
        lock (_gate)
        {
            _interrupted = true;
            Monitor.PulseAll(_gate);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        LiveConnection[] ending;
        lock (_gate)
        {
            if (_disposed) return;
            _disposed = true;
            _interrupted = true;
            if (_connection is not null) Leave(_connection);
            _connection = null;
            ending = [.. _left];
            Monitor.PulseAll(_gate);
        }
        _cancellation.Dispose();
        _first?.Dispose();
        // A connection that is left over gives it nothing more.
        Sound?.Dispose();
        Stopwatch clock = Stopwatch.StartNew();
        foreach (LiveConnection connection in ending)
        {
            if (connection.Join(s_patience > clock.Elapsed ? s_patience - clock.Elapsed : TimeSpan.Zero)) continue;
            _log.Left(_address);
        }
        Status.End();
    }

    private bool TryReadNext([NotNullWhen(true)] out VideoFrame? frame)
    {
        frame = null;
        while (true)
        {
            VideoFrame? taken = null;
            LiveFailure? failure = null;
            lock (_gate)
            {
                while (taken is null && failure is null)
                {
                    if (_interrupted) break;
                    if (_connection is { } connection)
                    {
                        if (connection.TryTake(out taken)) break;
                        if (connection.Recorded is not null) return false;
                        if (connection.Error is { } error) System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(error);
                        failure = connection.Failure;
                        if (failure is null && Stopwatch.GetTimestamp() > connection.Overdue)
                            failure = new LiveFailure(LiveFailureKind.Lost, _isLive ? "nothing has come for too long" : "it does not answer in time");
                        if (failure is not null) break;
                        Wait(connection.Overdue);
                    }
                    else if (Stopwatch.GetTimestamp() < _retryAt)
                    {
                        Wait(_retryAt);
                    }
                    else if (MayConnect())
                    {
                        Connect();
                    }
                }
                if (taken is not null) Describe(_connection!);
                if (failure is not null) Drop();
            }
            if (taken is not null)
            {
                Stamp(taken);
                BeLive(taken);
                if (_options.Duration is { } limit && taken.PresentationTime >= limit.TotalSeconds)
                {
                    taken.Dispose();
                    Status.End();
                    return false;
                }
                frame = taken;
                return true;
            }
            if (failure is null || !TryAgainAfter(failure))
            {
                Status.End(failure?.Reason);
                return false;
            }
        }
    }

    /// <summary>Waits for news, at most until a timestamp.</summary>
    private void Wait(long until)
    {
        double left = Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), until).TotalMilliseconds;
        // Rounded up, or it would turn round on the last millisecond; an hour is as good as any longer time.
        Monitor.Wait(_gate, (int)Math.Clamp(Math.Ceiling(left), 1, 3_600_000));
    }

    private bool MayConnect()
    {
        _left.RemoveAll(connection => connection.Join(TimeSpan.Zero));
        if (_left.Count < MostLeft) return true;
        // Asked again a little later; a stop wakes it.
        Wait(Stopwatch.GetTimestamp() + Stopwatch.Frequency / 4);
        return false;
    }

    private void Connect()
    {
        if (_reason is null) _log.Connecting(_address);
        else Status.Report(Status.Current with { RetryAt = 0, Since = Stopwatch.GetTimestamp() });
        _connection = new LiveConnection(_address, _options, _shape, Sound, _log, _gate);
        _newConnection = true;
        _connection.Start();
    }

    private void Leave(LiveConnection connection)
    {
        _skippedBefore += connection.Skipped;
        _damagedBefore += connection.Damaged;
        connection.Leave();
        _left.Add(connection);
    }

    private void Drop()
    {
        Leave(_connection!);
        _connection = null;
    }

    private void Describe(LiveConnection connection)
    {
        UnusedOptions = connection.UnusedOptions;
        _shape ??= connection.Shape;
        Sound ??= connection.Sound;
    }

    /// <summary>Plans the next try; false where the source ends instead.</summary>
    private bool TryAgainAfter(LiveFailure failure)
    {
        bool wasLive = _isLive;
        long now = Stopwatch.GetTimestamp();
        if (wasLive && Stopwatch.GetElapsedTime(_liveSince, now).TotalSeconds >= _times.Health) _failures = 0;
        if (!_options.Live.Reconnect)
        {
            if (failure.Kind == LiveFailureKind.Ended && _wasLive) return false;
            throw GivenUp(failure);
        }
        if (failure.Kind == LiveFailureKind.Incurable && !_wasLive) throw GivenUp(failure);
        double wait = failure.Kind == LiveFailureKind.Password ? _times.Password : _times.Retry[Math.Min(_failures, _times.Retry.Count - 1)];
        // Cameras behind one switch are not all asked at the same moment.
        wait *= 0.8 + 0.4 * _random.NextDouble();
        _failures++;
        _log.Lost(_address, failure.Reason, wait, isNew: wasLive || _reason != failure.Reason);
        _reason = failure.Reason;
        if (wasLive) _outSince = _lastPicture;
        _isLive = false;
        _retryAt = now + (long)(wait * Stopwatch.Frequency);
        Status.Report(new SourceStatus(SourceState.Reconnecting) { Reason = failure.Reason, Attempt = _failures, RetryAt = _retryAt, Since = now, Timeline = _timeline });
        return true;
    }

    private InputException GivenUp(LiveFailure failure)
    {
        Status.End(failure.Reason);
        return new InputException($"{_address.Name}: {failure.Reason}");
    }

    private void BeLive(VideoFrame frame)
    {
        _lastPicture = Stopwatch.GetTimestamp();
        if (Info is null)
        {
            LiveConnection connection = _connection!;
            Info = new SourceInfo
            {
                Name = _address.Name,
                Width = frame.DisplayWidth,
                Height = frame.DisplayHeight,
                CodedWidth = frame.Width,
                CodedHeight = frame.Height,
                SampleAspectRatio = _shape!.Value.Aspect,
                Format = frame.Format,
                Color = frame.Color,
                FramesPerSecond = connection.FramesPerSecond,
                IsLive = true,
                Codec = connection.Codec,
            };
            _log.Live(_address, Info);
        }
        if (_isLive) return;
        TimeSpan? outage = _wasLive || _reason is not null ? Stopwatch.GetElapsedTime(_outSince, _lastPicture) : null;
        if (outage is { } gone) _log.Back(_address, gone.TotalSeconds);
        (_isLive, _wasLive, _reason) = (true, true, null);
        _liveSince = _lastPicture;
        Status.Report(new SourceStatus(SourceState.Live) { Outage = outage, Timeline = _timeline });
    }

    /// <summary>
    /// Gives a frame its number and its time: seconds since the source's first picture, going on over connections and jumps of its clock
    /// by the time that has passed here, never back.
    /// </summary>
    private void Stamp(VideoFrame frame)
    {
        double time = frame.PresentationTime ?? 0;
        double passed = _captureBefore == 0 ? 0 : Stopwatch.GetElapsedTime(_captureBefore, frame.CaptureTime).TotalSeconds;
        if (double.IsNaN(_lastOut))
        {
            _origin = -time;
        }
        else if (_newConnection || ArrivalClock.HasJumped(_timeBefore, time, passed))
        {
            _origin = _lastOut + Math.Max(passed, 0.001) - time;
            _timeline++;
            if (_isLive) Status.Report(new SourceStatus(SourceState.Live) { Reason = "its clock jumped", Timeline = _timeline });
        }
        _newConnection = false;
        double now = Math.Max(time + _origin, double.IsNaN(_lastOut) ? 0 : _lastOut + 1e-6);
        (_timeBefore, _captureBefore, _lastOut) = (time, frame.CaptureTime, now);
        frame.PresentationTime = now;
        frame.PresentationTicks = (long)Math.Round(now * 1_000_000);
        frame.Index = _frames++ + SkippedFrames;
    }

    private VideoStreamSource? TakeRecording()
    {
        InputHandle? input;
        ReadInterrupt interrupt;
        lock (_gate)
        {
            input = _connection?.Recorded;
            if (input is null) return null;
            interrupt = _connection!.Interrupt;
            _connection = null;
        }
        Dispose();
        return VideoStreamSource.OpenRemote(_address.Name, input, interrupt, _options);
    }
}
