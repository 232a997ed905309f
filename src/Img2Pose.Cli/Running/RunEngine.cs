using Img2Pose.Geometry;
using Img2Pose.Inference;
using Img2Pose.Pipeline;
using Img2Pose.Rendering.Overlay;

namespace Img2Pose.Cli.Running;

/// <summary>What serves every source of a job: the network, the renderer, the boxes. Created once, when the first source is open.</summary>
internal sealed class RunEngine : IDisposable
{
    private readonly OverlayRenderer? _renderer;

    private RunEngine(ModelPackage model, PoseDetector detector, OverlayRenderer? renderer, IFrameDetector stage)
    {
        Model = model;
        Detector = detector;
        _renderer = renderer;
        DetectorStage = stage;
        Composer = renderer is null ? null : new OverlayStage(renderer);
    }

    /// <summary>The model.</summary>
    public ModelPackage Model { get; }

    /// <summary>The network.</summary>
    public PoseDetector Detector { get; }

    /// <summary>The network as a stage.</summary>
    public IFrameDetector DetectorStage { get; }

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
        ReferenceFace? reference = settings.Reference is null ? null : ReferenceFace.Load(settings.Reference);
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
            NetworkDetector stage = new(detector, boxes, settings.Detection.Over(detector));
            OverlayRenderer? renderer = settings.Output is null || settings.Overlay == OverlayLayers.None
                ? null
                : OverlayRenderer.Create(new OverlayOptions
                {
                    Layers = settings.Overlay,
                    Alpha = settings.Alpha,
                    Reference = reference,
                    RasteriserThreads = budget.Renderer,
                });
            return new RunEngine(model, detector, renderer, stage);
        }
        catch
        {
            detector.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _renderer?.Dispose();
        Detector.Dispose();
    }
}
