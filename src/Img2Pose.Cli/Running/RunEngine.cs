using Img2Pose.Formats;
using Img2Pose.Geometry;
using Img2Pose.Inference;
using Img2Pose.Pipeline;
using Img2Pose.Rendering.Overlay;
using Img2Pose.Tracking;

namespace Img2Pose.Cli.Running;

/// <summary>What serves every source of a job: the network, the renderer, the boxes. Created once, when the first source is open.</summary>
internal sealed class RunEngine : IDisposable
{
    /// <summary>
    /// Part of the score threshold down to which a face that is being tracked stays one. Chosen on the videos at hand: backs
    /// of heads in a street score up to 0.28 with the default model, whose threshold is 0.46; faces that turn away or get
    /// half hidden stay above 0.31.
    /// </summary>
    private const double StayingPart = 0.65;

    private readonly OverlayRenderer? _renderer;
    private readonly BoxTable? _boxes;
    private readonly MultiScaleDetector? _scales;

    private RunEngine(ModelPackage model, PoseDetector detector, OverlayRenderer? renderer, BoxTable? boxes, MultiScaleDetector? scales)
    {
        Model = model;
        Detector = detector;
        _renderer = renderer;
        _boxes = boxes;
        _scales = scales;
        Composer = renderer is null ? null : new OverlayStage(renderer);
    }

    /// <summary>The boxes that the user gave, or null.</summary>
    public BoxTable? Boxes => _boxes;

    /// <summary>The model.</summary>
    public ModelPackage Model { get; }

    /// <summary>The network.</summary>
    public PoseDetector Detector { get; }

    /// <summary>The overlay as a stage, or null where nothing is drawn.</summary>
    public IFrameComposer? Composer { get; }

    /// <summary>Name of the renderer, or null where nothing is drawn.</summary>
    public string? RendererName => _renderer?.RendererName;

    /// <summary>Loads model, network and renderer.</summary>
    /// <exception cref="ModelException">Model, device or a native library is at fault.</exception>
    /// <exception cref="InputException">The boxes or the reference points cannot be read.</exception>
    public static RunEngine Create(RunSettings settings, CpuBudget budget)
    {
        BoxTable? boxes = settings.Boxes is null ? null : BoxTable.Load(settings.Boxes);
        ReferenceFace? reference = settings.Reference is null ? null : ReferenceFaceFiles.Load(settings.Reference);
        ModelPackage model = ModelPackage.Load(ModelLocator.Find(settings.Model));
        PoseDetectorOptions options = new()
        {
            Device = settings.Device,
            Threads = settings.Threads ?? budget.Inference,
            ScoreThreshold = settings.Score,
            NmsThreshold = settings.Nms,
            Size = settings.Size,
            Reference = reference,
        };
        PoseDetector detector = PoseDetector.Create(model, settings.Detection.Apply(options, model));
        try
        {
            MultiScaleDetector? scales = settings.Detection.Over(detector);
            OverlayRenderer? renderer = settings.Output is null || settings.Overlay == OverlayLayers.None
                ? null
                : OverlayRenderer.Create(new OverlayOptions
                {
                    Layers = settings.Overlay,
                    Alpha = settings.Alpha,
                    Reference = reference,
                    RasteriserThreads = budget.Renderer,
                });
            return new RunEngine(model, detector, renderer, boxes, scales);
        }
        catch
        {
            detector.Dispose();
            throw;
        }
    }

    /// <summary>The network as a stage, without a tracker after it.</summary>
    public NetworkDetector CreateDetector() => new(Detector, _boxes, _scales);

    /// <summary>The network and a tracker as stages that belong together.</summary>
    /// <param name="smooth">Whether poses are smoothed.</param>
    /// <param name="lookInterval">Seconds from one frame that is looked at to the next, or null where that is unknown.</param>
    public (NetworkDetector Detector, TrackerStage Tracker) CreateTracked(bool smooth = true, double? lookInterval = null)
    {
        // Given boxes are faces whatever they score, and scores merged over several sizes have no such scale.
        bool both = _boxes is null && _scales is null;
        TrackerOptions options = new()
        {
            Smooth = smooth,
            LookInterval = lookInterval,
            StartScore = both ? Detector.ScoreThreshold : 0,
            Reference = Detector.Reference,
            Factors = Model.Metadata.BoxFactors,
        };
        double? lowest = both ? StayingPart * Detector.ScoreThreshold : null;
        return (new NetworkDetector(Detector, _boxes, _scales, lowest), new TrackerStage(new FaceTracker(options)));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _renderer?.Dispose();
        Detector.Dispose();
    }
}
