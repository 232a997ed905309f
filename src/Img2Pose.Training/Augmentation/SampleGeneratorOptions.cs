using Img2Pose.Geometry;

namespace Img2Pose.Training.Augmentation;

/// <summary>How training samples are made.</summary>
public sealed record SampleGeneratorOptions
{
    /// <summary>Width of a sample, pixels.</summary>
    public int Width { get; init; } = 320;

    /// <summary>Height of a sample, pixels.</summary>
    public int Height { get; init; } = 320;

    /// <summary>Reference face whose projected points give boxes and re-derived poses.</summary>
    public ReferenceFace Reference { get; init; } = ReferenceFace.Default;

    /// <summary>Larger side of the smallest anchor face made, pixels.</summary>
    public double SmallestFace { get; init; } = 12;

    /// <summary>Larger side of the largest anchor face made, as a part of the sample's shorter side.</summary>
    public double LargestFace { get; init; } = 0.95;

    /// <summary>Faces whose larger side is below this are ignored, pixels.</summary>
    public double MinimumFace { get; init; } = 10;

    /// <summary>A face is ignored when less than this part of its box is to be seen.</summary>
    public double MinimumVisible { get; init; } = 0.6;

    /// <summary>Greatest enlargement of a picture.</summary>
    public double MaximumEnlargement { get; init; } = 2.5;

    /// <summary>Part of the samples that hold no face at all, where background pictures exist.</summary>
    public double BackgroundShare { get; init; } = 0.09;

    /// <summary>Part of the samples that are mosaics of several pictures.</summary>
    public double MosaicShare { get; init; } = 0.15;

    /// <summary>Part of the samples where faces are pasted into another scene.</summary>
    public double PasteShare { get; init; } = 0.2;

    /// <summary>Part of the samples with pasted faces that are crowds of small ones.</summary>
    public double CrowdShare { get; init; } = 0.35;

    /// <summary>
    /// Part of the samples that are turned by any angle; the others stay within 45°, most within 25°. None by default: a
    /// network finds faces of every roll in looks at turned pictures, and what it learns of them costs it upright ones.
    /// </summary>
    public double AnyRollShare { get; init; }

    /// <summary>Probability that something is drawn over a face.</summary>
    public double OccluderChance { get; init; } = 0.2;

    /// <summary>Probability that drawings which look a little like faces stand in a sample, unlabelled.</summary>
    public double DecoyChance { get; init; } = 0.35;

    /// <summary>How much more often a face with a yaw of 35° or a pitch of 30° and more is drawn than a frontal one.</summary>
    public double TurnedFaceWeight { get; init; } = 5;

    /// <summary>Weight of each data set by name; those not named weigh 1.</summary>
    public IReadOnlyDictionary<string, double> SetWeights { get; init; } = new Dictionary<string, double>();

    /// <summary>Whether light, colour, sharpness and noise are varied.</summary>
    public bool VaryAppearance { get; init; } = true;

    /// <summary>Folder of the face-mesh pack for synthetic large poses, or null for none.</summary>
    public string? MeshFolder { get; init; }

    /// <summary>Part of the drawn faces that are turned to a large pose, of those that suit it; needs <see cref="MeshFolder"/>.</summary>
    public double TurnedFaceShare { get; init; } = 0.25;

    /// <summary>Part of the drawn faces that are rendered heads; needs <see cref="MeshFolder"/>.</summary>
    public double RenderedHeadShare { get; init; } = 0.04;

    /// <summary>Threads that decode pictures at the start; 0: one a processor.</summary>
    public int LoadThreads { get; init; }
}
