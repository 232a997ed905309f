using System.Diagnostics;
using Img2Pose.Media;
using Img2Pose.Monitor.Configuration;
using Img2Pose.Monitor.Live;
using Img2Pose.Monitor.Masking;
using Img2Pose.Monitor.Safety;
using Img2Pose.Pipeline;
using Microsoft.Extensions.Logging;

namespace Img2Pose.Monitor.Cameras;

/// <summary>
/// One camera, for as long as it is configured: a session of the engine after another, whatever becomes of it. What ends a session, an
/// address that is nobody's or a source at its end, is tried again. Thread-safe; disposing it ends its session and waits for that.
/// </summary>
internal sealed class Camera : IAsyncDisposable
{
    /// <summary>Doubtful faces of a masked camera are covered down to this part of the score that makes a face one.</summary>
    private const double DoubtfulPart = 0.3;

    /// <summary>The stage of a session that is the network's.</summary>
    private const string NetworkStage = "detect";

    private static readonly TimeSpan s_scheduleStep = TimeSpan.FromSeconds(20);

    private readonly PoseEngine _engine;
    private readonly CameraEnvironment _environment;
    private readonly CancellationTokenSource _ending = new();
    private readonly RateMeter _frames = new(), _looks = new();
    private readonly Task _running;
    private LiveStatus _status = new();
    private CameraSink? _sink;
    private PoseSession? _session;
    private CameraRoute? _route;
    private string? _failure;
    // Why it was lost or not reached the last time; null once pictures come.
    private string? _trouble;
    private long _retryAt;
    private bool _isOff;
    private volatile bool _keepsNothing;
    private long _framesDone, _looksDone, _outagesBefore, _droppedBefore;
    private double _cpuBefore, _networkBefore;

    public Camera(CameraConfiguration configuration, PoseEngine engine, CameraEnvironment environment)
    {
        (Configuration, _engine, _environment) = (configuration, engine, environment);
        Gone = _ending.Token;
        // Opening a source waits for its first picture.
        _running = Task.Factory.StartNew(RunAsync, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default).Unwrap();
    }

    public CameraConfiguration Configuration { get; }

    public string Name => Configuration.Name;

    /// <summary>Fires when it is no longer watched as it is configured here.</summary>
    public CancellationToken Gone { get; }

    /// <summary>JPEGs of it.</summary>
    public CameraPictures Pictures { get; } = new();

    /// <summary>Its coded pictures, for clips and the full live view.</summary>
    public CodedFeed Feed { get; } = new();

    /// <summary>Whether what is under way is not kept any more: from now on nobody may see its faces.</summary>
    public bool KeepsNothing => _keepsNothing;

    /// <summary>What has not been kept yet never is: snapshots and clips of pictures that were not composed.</summary>
    public void KeepNothing() => _keepsNothing = true;

    /// <summary>What it is doing.</summary>
    public CameraStatus Status
    {
        get
        {
            LiveStatus reading = Volatile.Read(ref _status);
            SourceStatus source = reading.Current;
            CameraSink? sink = Volatile.Read(ref _sink);
            PoseSession? session = Volatile.Read(ref _session);
            RunReport? report = session?.Report();
            string? failure = Volatile.Read(ref _failure), trouble = Volatile.Read(ref _trouble);
            long retryAt = Volatile.Read(ref _retryAt);
            double fps = _frames.PerSecond, looks = _looks.PerSecond;
            bool isLive = failure is null && !_isOff && source.State == SourceState.Live;
            return new CameraStatus
            {
                Name = Name,
                State = State(source.State, failure, trouble),
                Reason = _isOff ? $"by its schedule ({Configuration.Schedule})" : failure ?? (isLive ? source.Reason : Volatile.Read(ref _route)?.Refusal ?? source.Reason ?? trouble),
                RetryIn = failure is not null && retryAt != 0 ? Math.Max(0, Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), retryAt).TotalSeconds) : source.RetryIn?.TotalSeconds,
                Silent = sink is { LastLook: not 0 } ? Stopwatch.GetElapsedTime(sink.LastLook).TotalSeconds : null,
                Age = sink?.Age?.Last,
                Age95 = sink?.Age?.Percentile95,
                Fps = fps,
                Looks = looks,
                Wanted = Configuration.Looks,
                IsShort = isLive && IsShortOf(looks, Configuration.Looks, fps),
                Faces = isLive ? sink?.FacesNow ?? 0 : 0,
                Outages = Volatile.Read(ref _outagesBefore) + (report?.Outages ?? 0),
                Dropped = Volatile.Read(ref _droppedBefore) + (report?.Dropped ?? 0),
                LooksDone = Interlocked.Read(ref _looksDone),
                Frames = Interlocked.Read(ref _framesDone),
                Width = session?.Info.Width ?? 0,
                Height = session?.Info.Height ?? 0,
                Codec = session?.Info.Codec,
                Masked = Configuration.Mask,
                PassesThrough = PassesThrough(session?.Info),
                Viewers = Feed.Viewers,
                Coded = Feed.Count,
                Waiting = session?.Waiting ?? 0,
                CpuSeconds = Volatile.Read(ref _cpuBefore) + (report is null ? 0 : CpuOf(report, reading)),
                NetworkSeconds = Volatile.Read(ref _networkBefore) + (report is null ? 0 : NetworkOf(report)),
            };
        }
    }

    /// <summary>Whether clearly fewer looks come than are wanted and pictures allow: a tenth is the beat of pictures against that of looks.</summary>
    internal static bool IsShortOf(double looks, double wanted, double fps) => looks > 0 && looks < 0.85 * Math.Min(wanted, fps);

    /// <summary>Its state in a word: one that was never reached is another matter for whoever runs this than one that was lost.</summary>
    private string State(SourceState source, string? failure, string? trouble)
    {
        bool isTriedAgain = failure is not null || trouble is not null || source is SourceState.Reconnecting or SourceState.Ended;
        if (_isOff) return "off";
        if (failure is null && source == SourceState.Live) return "live";
        if (!isTriedAgain) return "connecting";
        if (Interlocked.Read(ref _framesDone) == 0) return "unreached";
        return failure is not null || source == SourceState.Ended ? "failed" : "reconnecting";
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync().ConfigureAwait(false);
        // Its own loop throws nothing.
        await _running.ConfigureAwait(false);
        _ending.Dispose();
    }

    private async Task RunAsync()
    {
        CancellationToken stop = _ending.Token;
        int failures = 0;
        try
        {
            while (!stop.IsCancellationRequested)
            {
                if (Configuration.Schedule is { } schedule && !schedule.Includes(_environment.LocalNow()))
                {
                    _isOff = true;
                    await Task.Delay(s_scheduleStep, stop).ConfigureAwait(false);
                    continue;
                }
                _isOff = false;
                Stopwatch clock = Stopwatch.StartNew();
                string? reason;
                try
                {
                    reason = await WatchOnceAsync(stop).ConfigureAwait(false);
                }
                catch (Exception error) when (!stop.IsCancellationRequested)
                {
                    // An error of this program costs one camera a session, not the others theirs, nor this one all that would follow.
                    reason = $"unexpected {error.GetType().Name}: {MediaSource.Mask(error.Message.Replace(Configuration.Url, MediaSource.Mask(Configuration.Url), StringComparison.Ordinal))}";
                }
                if (stop.IsCancellationRequested) return;
                // A recording at its end begins again.
                if (reason is null) continue;
                if (Configuration.Schedule is { } hours && !hours.Includes(_environment.LocalNow())) continue;
                if (clock.Elapsed > TimeSpan.FromSeconds(30)) failures = 0;
                TimeSpan wait = _environment.RetryAfter(failures++);
                Volatile.Write(ref _retryAt, Stopwatch.GetTimestamp() + (long)(wait.TotalSeconds * Stopwatch.Frequency));
                Volatile.Write(ref _trouble, reason);
                Volatile.Write(ref _failure, reason);
                MonitorLog.CameraFailed(_environment.Logger, Name, reason, wait.TotalSeconds);
                await Task.Delay(wait, stop).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // It is no longer configured, or the monitor ends.
        }
    }

    /// <summary>One session, to its end; says why it ended, or null where a recording is through.</summary>
    private async Task<string?> WatchOnceAsync(CancellationToken stop)
    {
        CameraRoute? route = null;
        PoseSession? session = null;
        LiveStatus status = new();
        using CancellationTokenSource ending = CancellationTokenSource.CreateLinkedTokenSource(stop);
        using ITimer? clock = Configuration.Schedule is null ? null : TimeProvider.System.CreateTimer(_ => EndBySchedule(ending), null, s_scheduleStep, s_scheduleStep);
        try
        {
            route = await CameraRoute.StartAsync(Configuration, _environment.Guard, stop).ConfigureAwait(false);
            Volatile.Write(ref _route, route);
            Volatile.Write(ref _status, status);
            Volatile.Write(ref _failure, null);
            // On a thread of its own: it waits for the first picture, which of a dead camera never comes, and the pool serves everybody.
            IFrameSource opened = await OnOwnThread(() => MediaSource.Open(route.Url, new SourceOptions
            {
                Live = route.Through(new LiveSourceOptions { RtspOverUdp = Configuration.OverUdp, Insecure = Configuration.Insecure, Times = _environment.Times }),
                RealTime = true,
                Status = status,
                Logger = _environment.Logger,
                DecoderThreads = 1,
                Coded = Configuration.IsComposed ? null : Feed,
                Cancellation = ending.Token,
            })).ConfigureAwait(false);
            if (opened.Info.IsImages)
            {
                opened.Dispose();
                return "it is a picture, no video";
            }
            MaskingTracker? masking = !Configuration.Mask ? null
                : new MaskingTracker(_engine.CreateTracker(smooth: true, hasScores: true, 1 / Configuration.Looks), _engine.StayingScore);
            LookSource source = new(opened, Configuration.Looks, Configuration.Masks, FrameCame);
            session = _engine.Open(source, new SessionOptions
            {
                Name = Name,
                Policy = LinkPolicy.Latest,
                Weight = Configuration.Priority,
                Size = Configuration.Size,
                Logger = _environment.Logger,
                // Every picture of a masked camera is looked at as a whole.
                Follow = masking is null ? null : false,
                Tracker = masking,
                LowestScore = masking is null ? null : _engine.Model.Metadata.PartOf(_engine.ScoreThreshold, DoubtfulPart),
                StopReason = static () => "stopped",
            });
            CameraSink sink = new(Configuration, Pictures, PassesThrough(opened.Info) ? null : Feed, masking, _looks, Looked);
            session.AddSink(sink, "watch", LinkPolicy.Latest);
            Volatile.Write(ref _sink, sink);
            Volatile.Write(ref _session, session);
            // A recording at its own speed has no state of its own.
            if (opened.Status is null) status.Report(new SourceStatus(SourceState.Live));
            RunReport report = await session.RunAsync(ending.Token).ConfigureAwait(false);
            if (opened.Status is null && report is { Frames: > 0, Reason: null }) return null;
            return report.Reason is { } why && why != "stopped" ? why : "it has ended";
        }
        catch (OperationCanceledException) when (ending.IsCancellationRequested)
        {
            return "stopped";
        }
        catch (Img2PoseException error)
        {
            return route?.Refusal ?? error.Message;
        }
        finally
        {
            Volatile.Write(ref _session, null);
            if (session is not null)
            {
                RunReport last = session.Report();
                Volatile.Write(ref _outagesBefore, _outagesBefore + last.Outages);
                Volatile.Write(ref _droppedBefore, _droppedBefore + last.Dropped);
                Volatile.Write(ref _cpuBefore, _cpuBefore + CpuOf(last, status));
                Volatile.Write(ref _networkBefore, _networkBefore + NetworkOf(last));
                await session.DisposeAsync().ConfigureAwait(false);
            }
            Feed.Break();
            if (route is not null) await route.DisposeAsync().ConfigureAwait(false);
            _environment.Ended(this);
        }
    }

    private void EndBySchedule(CancellationTokenSource ending)
    {
        try
        {
            if (!Configuration.Schedule!.Includes(_environment.LocalNow())) ending.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The session has ended meanwhile.
        }
    }

    private static Task<T> OnOwnThread<T>(Func<T> work) => Task.Factory.StartNew(work, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    /// <summary>Processor time of the camera's own threads, seconds; the network's are shared.</summary>
    private static double CpuOf(RunReport report, LiveStatus reading) => reading.CpuSeconds + report.Stages.Where(stage => stage.Name != NetworkStage).Sum(stage => stage.ThreadCpuSeconds);

    private static double NetworkOf(RunReport report) => report.Stages.Where(stage => stage.Name == NetworkStage).Sum(stage => stage.Seconds);

    /// <summary>Whether the camera's own coding is shown and kept.</summary>
    private bool PassesThrough(SourceInfo? source) =>
        source is { Codec: "h264" } && !Configuration.IsComposed && MediaSource.IsLive(Configuration.Url) && LiveAddress.Parse(Configuration.Url).Kind == LiveKind.Network;

    /// <summary>Tells of something about it that its user should know.</summary>
    public void Warn(string message) => MonitorLog.Warning(_environment.Logger, $"Camera {Name}: {message}");

    private void FrameCame()
    {
        Interlocked.Increment(ref _framesDone);
        Volatile.Write(ref _trouble, null);
        _frames.Add();
    }

    private void Looked(CameraLook look)
    {
        Interlocked.Increment(ref _looksDone);
        _environment.Looked(this, look);
    }
}

/// <summary>What cameras are run with.</summary>
internal sealed record CameraEnvironment
{
    private static readonly double[] s_retry = [1, 2, 4, 8, 15, 30];

    public required AddressGuard Guard { get; init; }

    public required ILogger Logger { get; init; }

    /// <summary>Told of every look, on a thread of the camera's session: quick, throws nothing.</summary>
    public required Action<Camera, CameraLook> Looked { get; init; }

    /// <summary>Told that a session of a camera has ended.</summary>
    public required Action<Camera> Ended { get; init; }

    /// <summary>The time of day of schedules.</summary>
    public Func<DateTime> LocalNow { get; init; } = () => TimeProvider.System.GetLocalNow().DateTime;

    /// <summary>How long is waited after a number of failures without a picture.</summary>
    public Func<int, TimeSpan> RetryAfter { get; init; } = failures => TimeSpan.FromSeconds(s_retry[Math.Min(failures, s_retry.Length - 1)]);

    /// <summary>The times by which sources are kept alive, for tests.</summary>
    public LiveTimes Times { get; init; } = new();
}
