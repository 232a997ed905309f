using Img2Pose.Cuda;
using Img2Pose.Geometry;

namespace Img2Pose.Inference;

/// <summary>How faces are looked for. What is null is as the model says.</summary>
public sealed record PoseDetectorOptions
{
    /// <summary>
    /// "auto", "cpu", "cuda", or "cuda+cpu": pictures are prepared on the GPU, and the network runs on the processor, for machines that have
    /// a driver and not what the network wants.
    /// </summary>
    public string Device { get; init; } = "auto";

    /// <summary>The GPU, where others use it too, such as a source that decodes on it; disposed after the detector. Null: opened where it is needed.</summary>
    public CudaDevice? Cuda { get; init; }

    /// <summary>How the network computes on a GPU.</summary>
    public CudaProviderOptions Provider { get; init; } = new();

    /// <summary>
    /// Tells that the program is to end: a second later a run under way is ended, too, and it and later calls end with
    /// <see cref="OperationCanceledException"/>.
    /// </summary>
    public CancellationToken Stop { get; init; }

    /// <summary>Threads of ONNX Runtime within an operator; 0 for one a core.</summary>
    public int Threads { get; init; }

    /// <summary>Threads of the tensoriser, at least 1.</summary>
    public int TensoriserThreads { get; init; } = 1;

    /// <summary>Faces must score strictly more than this, in [0, 1).</summary>
    public double? ScoreThreshold { get; init; }

    /// <summary>A box goes when its intersection over union with a better one is strictly above this, in (0, 1].</summary>
    public double? NmsThreshold { get; init; }

    /// <summary>
    /// A box also goes when more than this share of the smaller of it and a better one lies in both, in (0, 1]: the nested
    /// duplicates that intersection over union lets pass. Null, the default, for never.
    /// </summary>
    public double? NestedThreshold { get; init; }

    /// <summary>
    /// Whether a face's pose is the mean of what all cells of a one-stage network say of it that see it, rather than what the best one says.
    /// The original's networks, which pose each face once, are not concerned.
    /// </summary>
    public bool PoseVoting { get; init; } = true;

    /// <summary>Size of the picture for the network: its long side, or its short side for models of the min-max rule.</summary>
    public int? Size { get; init; }

    /// <summary>The whole size rule, for what <see cref="Size"/> cannot say; <see cref="Size"/> is applied to it.</summary>
    public SizeRule? SizeRule { get; init; }

    /// <summary>Anchors kept per level before suppression, for two-stage networks on the CPU.</summary>
    public int? ProposalsBefore { get; init; }

    /// <summary>Proposals kept per picture, for two-stage networks on the CPU.</summary>
    public int? ProposalsAfter { get; init; }

    /// <summary>Most faces a picture, best first.</summary>
    public int MaxDetections { get; init; } = 1000;

    /// <summary>Enlargement of the box around the projected face.</summary>
    public FaceBoxFactors? Factors { get; init; }

    /// <summary>The face whose projected points make the box; the default reference face where it is null.</summary>
    public ReferenceFace? Reference { get; init; }

    /// <summary>
    /// The original's arithmetic (box centres truncated, faces outside the picture kept with inverted boxes). Null: for
    /// models of the min-max size rule only, which are the original's.
    /// </summary>
    public bool? OriginalArithmetic { get; init; }

    /// <summary>
    /// Poses stay relative to the intrinsics of the resized picture and boxes are only scaled, which is what the original
    /// returns (golden quirk Q9). By default a pose refers to the displayed picture, so that it projects onto it.
    /// </summary>
    public bool OriginalCoordinates { get; init; }

    /// <summary>Checks that the numbers make sense; those that depend on the model are checked when it is opened.</summary>
    /// <exception cref="UsageException">One does not; the message names it.</exception>
    public void Validate()
    {
        if (Threads < 0) throw new UsageException($"The number of threads {Threads} is negative.");
        if (TensoriserThreads < 1) throw new UsageException($"The number of tensoriser threads {TensoriserThreads} is not positive.");
        if (MaxDetections < 1) throw new UsageException($"The number of faces {MaxDetections} is not positive.");
        if (ProposalsBefore < 1 || ProposalsAfter < 1) throw new UsageException("The numbers of proposals must be at least 1.");
        if (ScoreThreshold is { } score && !(score is >= 0 and < 1)) throw Outside("score threshold", score, "[0, 1)");
        if (NmsThreshold is { } overlap && !(overlap is > 0 and <= 1)) throw Outside("overlap threshold", overlap, "(0, 1]");
        if (NestedThreshold is { } nested && !(nested is > 0 and <= 1)) throw Outside("nesting threshold", nested, "(0, 1]");
    }

    private static UsageException Outside(string what, double value, string range) =>
        new(FormattableString.Invariant($"The {what} {value} is not in {range}."));
}
