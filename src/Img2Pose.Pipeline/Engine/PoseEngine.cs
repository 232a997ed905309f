using System.Globalization;
using Img2Pose.Cuda;
using Img2Pose.Frames;
using Img2Pose.Geometry;
using Img2Pose.Inference;
using Img2Pose.Inference.Scheduling;
using Img2Pose.Media;
using Img2Pose.Rendering.Overlay;
using Img2Pose.Tracking;

namespace Img2Pose.Pipeline;

/// <summary>
/// What a machine has once: the model on its device, the scheduler that shares it among sessions, the renderer, the cores.
/// Sessions are opened from any thread and run side by side. Disposing the engine breaks off the sessions that still run, waits
/// for them, and then frees what is native.
/// </summary>
/// <example><code>
/// await using PoseEngine engine = PoseEngine.Create(new PoseEngineOptions { Model = "img2pose-nano" });
/// await foreach (PosedFrame frame in engine.Open("clip.mp4").ReadAsync())
///     Console.WriteLine($"{frame.Index}: {frame.Faces.Count} faces");
/// </code></example>
public sealed class PoseEngine : IAsyncDisposable
{
    /// <summary>
    /// Part of the score threshold down to which a face that is being tracked stays one. Chosen on the videos at hand: backs
    /// of heads in a street score up to 0.28 with the default model as it was trained, with a threshold of 0.46; faces that turn
    /// away or get half hidden stay above 0.31.
    /// </summary>
    private const double StayingPart = 0.65;

    /// <summary>Networks side by side at most: each holds the model once.</summary>
    private const int MostWorkers = 4;
    private const int MostRasterisers = 8;

    /// <summary>Bytes of pictures that a session holds at most for the sake of poses, and frames a second where nothing says so.</summary>
    private const long MostBytesHeld = 128L << 20;
    private const double MostUsualRate = 60;

    private static readonly TimeSpan s_batchDeadline = TimeSpan.FromMilliseconds(8);

    private readonly PoseEngineOptions _options;
    private readonly PoseDetectorOptions _detection;
    private readonly DetectorRunner _first;
    private readonly LookScheduler _scheduler;
    private readonly Lock _lock = new();
    private readonly List<PoseSession> _sessions = [];
    private OverlayRenderer? _renderer;
    private int _lastNumber;
    private bool _disposed;

    private PoseEngine(ModelPackage model, PoseEngineOptions options)
    {
        _options = options;
        Model = model;
        Budget = options.Budget ?? CpuBudget.ForThisMachine(options.Sessions);
        int threads = options.Detection.Threads > 0 ? options.Detection.Threads : Budget.Inference;
        int workers = options.Workers ?? (options.LowLatency ? 1 : Math.Min(threads, MostWorkers));
        _detection = options.Detection with { Threads = Math.Max(1, threads / workers) };
        _first = OpenNetwork();
        // A GPU works on one run at a time, and on a batch almost as fast as on one picture.
        bool onCpu = _first.Detector.IsOnProcessor;
        int batch = options.MaximumBatch ?? (onCpu ? 1 : 16);
        try
        {
            DetectorRunner? opened = _first;
            _scheduler = new LookScheduler(() => FallingBack(Interlocked.Exchange(ref opened, null) ?? OpenNetwork()), new LookSchedulerOptions
            {
                Clients = options.Sessions,
                Workers = options.Workers ?? (onCpu ? workers : 1),
                MaximumBatch = batch,
                Deadline = batch > 1 && options.Sessions > 1 ? s_batchDeadline : TimeSpan.Zero,
                Warning = options.Warning,
            });
        }
        catch
        {
            _first.Dispose();
            throw;
        }
    }

    /// <summary>The model.</summary>
    public ModelPackage Model { get; }

    /// <summary>Where the network runs, for people.</summary>
    public string ProviderDescription => Workers == 1
        ? _first.Detector.ProviderDescription
        : string.Create(CultureInfo.InvariantCulture, $"{_first.Detector.ProviderDescription}, {Workers} looks at a time");

    /// <summary>Why "auto" did not use the GPU that is there, or null.</summary>
    public string? DeviceNote => _first.Detector.DeviceNote;

    /// <summary>
    /// The GPU that pictures stay on, for sources that are opened outside of the engine (<see cref="SourceOptions.Cuda"/>); null where the
    /// network takes them from the host. The engine's own, unless <see cref="PoseDetectorOptions.Cuda"/> gave it.
    /// </summary>
    public CudaDevice? Cuda => _first.Detector.Cuda;

    /// <summary>Score that a face must exceed to be reported.</summary>
    public double ScoreThreshold => _first.Detector.ScoreThreshold;

    /// <summary>Looks that are done at the same time at most.</summary>
    public int Workers => _scheduler.Workers;

    /// <summary>The cores of each engine, as shared among the sessions.</summary>
    public CpuBudget Budget { get; }

    /// <summary>Name of the renderer; null until a session draws.</summary>
    public string? RendererName
    {
        get
        {
            lock (_lock) return _renderer?.RendererName;
        }
    }

    /// <summary>Finds and loads the model, and opens it on its device.</summary>
    /// <exception cref="UsageException">An option makes no sense.</exception>
    /// <exception cref="ModelException">Model, device or a native library is at fault.</exception>
    public static PoseEngine Create(PoseEngineOptions? options = null)
    {
        options ??= new PoseEngineOptions();
        options.Validate();
        return Create(ModelPackage.Load(ModelLocator.Find(options.Model)), options);
    }

    /// <summary>Opens a model that has been loaded; <see cref="PoseEngineOptions.Model"/> is not looked at.</summary>
    /// <inheritdoc cref="Create(PoseEngineOptions?)"/>
    public static PoseEngine Create(ModelPackage model, PoseEngineOptions options)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        return new PoseEngine(model, options);
    }

    /// <summary>Opens a source by its name, in the grammar of <see cref="MediaSource"/>, as a session that has yet to run.</summary>
    /// <param name="source">A video or picture file, a folder of pictures, <c>lavfi:GRAPH</c>.</param>
    /// <param name="options">How it is worked on; null for the defaults.</param>
    /// <returns>The session; the caller disposes it, or the engine does in the end.</returns>
    /// <exception cref="InputException">The source cannot be opened or holds nothing to show.</exception>
    /// <exception cref="UsageException">The source is of no known kind, or an option makes no sense.</exception>
    /// <exception cref="ModelException">FFmpeg, or the renderer that is to draw, is missing.</exception>
    /// <exception cref="ObjectDisposedException">The engine was disposed.</exception>
    public PoseSession Open(string source, SessionOptions? options = null)
    {
        options ??= new SessionOptions();
        options.Validate();
        CancellationTokenSource interrupt = new();
        try
        {
            return Open(MediaSource.Open(source, new SourceOptions
            {
                Start = options.Start,
                Duration = options.Duration,
                RealTime = options.RealTime,
                Live = options.Live,
                Logger = options.Logger,
                Cuda = Cuda,
                DecoderThreads = Budget.Decoder,
                Cancellation = interrupt.Token,
                Warning = options.Warning,
            }), options, interrupt);
        }
        catch
        {
            interrupt.Dispose();
            throw;
        }
    }

    /// <summary>Makes a session of a source that is open, which the session owns from then on, also where this throws.</summary>
    /// <inheritdoc cref="Open(string, SessionOptions?)"/>
    public PoseSession Open(IFrameSource source, SessionOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(source);
        return Open(source, options, null);
    }

    private PoseSession Open(IFrameSource source, SessionOptions? options, CancellationTokenSource? interrupt)
    {
        try
        {
            options ??= new SessionOptions();
            options.Validate();
            // Given boxes are faces whatever they score, and scores merged over several sizes have no such scale.
            bool hasScores = options.Boxes is null && _options.Scales is null;
            bool tracks = options.Track && !source.Info.IsImages;
            bool anyRoll = options.AnyRoll ?? (options.Follow != true && source.Info.IsImages && hasScores && AnyRollDetector.IsOf(_first.Detector));
            if (anyRoll && !hasScores) throw new UsageException("Faces of any roll are looked for at one size; leave out the others.");
            bool follows = !anyRoll && Follows(options, source.Info, tracks, hasScores);
            IFaceTracker? tracker = !tracks ? null : options.Tracker ?? CreateTracker(options.Smooth, hasScores, options.Every / source.Info.FramesPerSecond);
            bool isLossless = options.PolicyOf(source.Info) == LinkPolicy.Lossless;
            PoseRefiner? refiner = follows && isLossless && !source.Info.IsLive && Cuda is null && CanWait(source.Info) && tracker is FaceTracker own ? new PoseRefiner(own) : null;
            SessionParts parts = new()
            {
                Name = NameOf(options),
                Scheduler = _scheduler,
                Tracker = tracker,
                LowestScore = tracks && hasScores ? options.LowestScore ?? StayingScore : null,
                AnyRoll = anyRoll,
                Planner = follows ? new LookPlanner(_first.Detector.Reference, BoxFactors) { DecidesAhead = isLossless, IsRefined = refiner is not null } : null,
                Refiner = refiner,
                GridOf = follows ? frame => _first.Detector.GridOf(frame, options.Size) : null,
                // Pictures are turned on the host.
                LooksOnDevice = Cuda is not null && !anyRoll,
                Composer = options.Composer ?? (options.Draw ? Overlay() : null),
                Interrupt = interrupt,
                Closed = Forget,
            };
            lock (_lock)
            {
                ObjectDisposedException.ThrowIf(_disposed, this);
                if (_sessions.Exists(session => session.Stream.Name == parts.Name)) throw new UsageException($"There is a stream called '{parts.Name}' already; give each its own name.");
                PoseSession opened = new(source, options, parts);
                _sessions.Add(opened);
                return opened;
            }
        }
        catch
        {
            source.Dispose();
            throw;
        }
    }

    /// <summary>Breaks off the sessions that still run, waits for them, and frees network and renderer.</summary>
    public async ValueTask DisposeAsync()
    {
        PoseSession[] sessions;
        lock (_lock)
        {
            if (_disposed) return;
            _disposed = true;
            sessions = [.. _sessions];
        }
        await Task.WhenAll(sessions.Select(session => session.DisposeAsync().AsTask())).ConfigureAwait(false);
        _scheduler.Dispose();
        _renderer?.Dispose();
    }

    /// <summary>A tracker as sessions have it.</summary>
    /// <param name="smooth">Whether poses are smoothed.</param>
    /// <param name="hasScores">Whether detections have scores on the detector's scale.</param>
    /// <param name="lookInterval">Seconds from one frame that is looked at to the next, or null where that is unknown.</param>
    internal FaceTracker CreateTracker(bool smooth, bool hasScores, double? lookInterval) => new(TrackerOptionsFor(smooth, hasScores, lookInterval));

    /// <summary>What <see cref="CreateTracker"/> gives its trackers.</summary>
    internal TrackerOptions TrackerOptionsFor(bool smooth, bool hasScores, double? lookInterval)
    {
        TrackerOptions usual = new();
        return usual with
        {
            Smooth = smooth,
            LookInterval = lookInterval,
            StartScore = hasScores ? ScoreThreshold : 0,
            ConfidentScore = Model.Metadata.ScoreOf(usual.ConfidentScore),
            Reference = _first.Detector.Reference,
            Factors = BoxFactors,
        };
    }

    /// <summary>Score down to which a face that is being tracked stays one.</summary>
    internal double StayingScore => Model.Metadata.PartOf(ScoreThreshold, StayingPart);

    private FaceBoxFactors BoxFactors => _options.Detection.Factors ?? Model.Metadata.BoxFactors;

    /// <summary>Whether a session follows faces: if it shall, and, where nothing is said, if it is live and can.</summary>
    /// <exception cref="UsageException">It shall, and cannot.</exception>
    private bool Follows(SessionOptions options, SourceInfo source, bool tracks, bool hasScores)
    {
        if (options.Follow == false || (options.Follow is null && (!source.IsLive || options.Every > 1))) return false;
        string? reason = !hasScores ? "given boxes and looks at several sizes have no faces to follow"
            : source.IsImages ? "single pictures have nothing to follow"
            : !tracks ? "it needs tracking"
            : !_first.Detector.CanFollow ? $"{Model.Metadata.Name} costs as much for a crop as for a picture"
            : null;
        if (reason is null || options.Follow is null) return reason is null;
        throw new UsageException($"Faces cannot be followed (--look follow): {reason}.");
    }

    /// <summary>Whether the frames from one look at the whole picture to the next may be held: what they take is bounded.</summary>
    private static bool CanWait(SourceInfo source)
    {
        double frames = PoseRefiner.LongestWait * (source.FramesPerSecond ?? MostUsualRate) + 1;
        double bytesPerPixel = source.Format is PixelFormat.I420 or PixelFormat.Nv12 ? 1.5 : 3;
        return frames <= PoseRefiner.MostWaiting && frames * source.CodedWidth * source.CodedHeight * bytesPerPixel <= MostBytesHeld;
    }

    /// <summary>A network of its own for a measurement, with the score that a tracker wants to hear of; the caller disposes it.</summary>
    internal (DetectorRunner Runner, double LowestScore) OpenForMeasurement() => (OpenNetwork(), StayingScore);

    /// <summary>The overlay as sessions have it; null where it draws nothing.</summary>
    internal IFrameComposer? Overlay() => _options.Overlay.Layers == OverlayLayers.None ? null : Renderer();

    /// <summary>The engine's renderer, opened when it is first asked for.</summary>
    /// <exception cref="ModelException">There is no OpenGL.</exception>
    internal OverlayRenderer Renderer()
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            OverlayOptions overlay = _options.Overlay;
            return _renderer ??= OverlayRenderer.Create(overlay with { RasteriserThreads = overlay.RasteriserThreads ?? (_options.LowLatency ? Math.Min(Environment.ProcessorCount, MostRasterisers) : Budget.Renderer) });
        }
    }

    private string NameOf(SessionOptions options) =>
        options.Name ?? Interlocked.Increment(ref _lastNumber).ToString(CultureInfo.InvariantCulture);

    private void Forget(PoseSession session)
    {
        lock (_lock) _sessions.Remove(session);
    }

    /// <summary>A network on a GPU, with one on the processor to take its place when it must.</summary>
    private ILookRunner FallingBack(DetectorRunner runner) => runner.Detector.Cuda is null
        ? runner
        : new FallingBackRunner(runner, () => OpenNetwork(_detection with { Device = "cpu", Cuda = null }), _options.Warning);

    private DetectorRunner OpenNetwork() => OpenNetwork(_detection);

    private DetectorRunner OpenNetwork(PoseDetectorOptions options)
    {
        PoseDetector detector = PoseDetector.Create(Model, options);
        try
        {
            return new DetectorRunner(detector, _options.Scales);
        }
        catch
        {
            detector.Dispose();
            throw;
        }
    }
}
