using Img2Pose.Inference;
using Img2Pose.Rendering.Overlay;

namespace Img2Pose.Pipeline;

/// <summary>What an engine is made of. Checked when it is created; what is null is chosen.</summary>
public sealed record PoseEngineOptions
{
    /// <summary>
    /// Name or file of the model; null: <see cref="ModelLocator.DefaultName"/>. A name is looked up beside the program, in the
    /// folder <c>models</c> and in the folder that <c>IMG2POSE_MODELS</c> names.
    /// </summary>
    public string? Model { get; init; }

    /// <summary>
    /// Device, sizes and thresholds. Its <see cref="PoseDetectorOptions.Threads"/> are those of all networks together; 0: as the
    /// budget says.
    /// </summary>
    public PoseDetectorOptions Detection { get; init; } = new();

    /// <summary>Sizes at which every picture is looked at; null: one look at the model's own size.</summary>
    public MultiScaleOptions? Scales { get; init; }

    /// <summary>What is drawn on the frames of sessions that draw. The rasteriser's threads are the budget's where it names none.</summary>
    public OverlayOptions Overlay { get; init; } = new();

    /// <summary>Sessions that will run side by side, which share the machine's cores; at least 1. More may be opened all the same.</summary>
    public int Sessions { get; init; } = 1;

    /// <summary>Looks done at the same time, each on its share of the network's threads; null: chosen by device and cores.</summary>
    public int? Workers { get; init; }

    /// <summary>
    /// Whether each picture shall be done soon rather than many in a time, as for one live session: one look after another, each with all
    /// of the network's threads, and a rasteriser with every core. It costs a little more in all.
    /// </summary>
    public bool LowLatency { get; init; }

    /// <summary>Looks of several sessions done in one run of the network at most; null: chosen by device.</summary>
    public int? MaximumBatch { get; init; }

    /// <summary>Cores for decoders, networks, encoders and rasteriser; null: chosen for this machine and the number of sessions.</summary>
    public CpuBudget? Budget { get; init; }

    /// <summary>Told, in one line, of what the engine does without. Called on any thread.</summary>
    public Action<string>? Warning { get; init; }

    /// <exception cref="UsageException">A value is out of range.</exception>
    internal void Validate()
    {
        if (Sessions is < 1 or > 10_000) throw new UsageException($"{Sessions} sessions are not between 1 and 10000.");
        if (Workers is < 1 or > 64) throw new UsageException($"{Workers} looks at the same time are not between 1 and 64.");
        if (MaximumBatch is < 1 or > 256) throw new UsageException($"A batch of {MaximumBatch} looks is not between 1 and 256.");
        Budget?.Validate();
        Detection.Validate();
        Scales?.Validate();
        Overlay.Validate();
    }
}
