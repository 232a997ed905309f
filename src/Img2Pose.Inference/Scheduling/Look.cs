using Img2Pose.Frames;
using Img2Pose.Geometry;

namespace Img2Pose.Inference.Scheduling;

/// <summary>
/// One look of the network at a picture: what is asked, and what it found. Reused from picture to picture. It belongs to its
/// client until the scheduler takes it, to the scheduler until it is handed back, and is never touched by both.
/// </summary>
public sealed class Look
{
    /// <summary>The picture; held by the client until the look is handed back.</summary>
    public VideoFrame? Frame { get; set; }

    /// <summary>Faces score above this, in [0, 1); null: as the detector was told.</summary>
    public double? ScoreThreshold { get; set; }

    /// <summary>The size of the picture for the network, as <see cref="SizeRule.WithSize"/> has it; null: the detector's own.</summary>
    public int? Size { get; set; }

    /// <summary>Boxes to pose instead of looking for faces, in displayed pixels; null: look for faces.</summary>
    public List<Box>? Boxes { get; set; }

    /// <summary>
    /// Faces to look for in crops around where they are expected, beside or instead of the whole picture. Empty where
    /// <see cref="IsFollowing"/> is false.
    /// </summary>
    public List<FaceToFollow> Following { get; } = new(8);

    /// <summary>Whether faces are followed from picture to picture, so that what crops see is to be known of every face that is found.</summary>
    public bool IsFollowing { get; set; }

    /// <summary>
    /// Whether faces that are found in the whole picture are looked at in crops, too, since the next looks will be at those. Without
    /// effect where nobody is followed.
    /// </summary>
    public bool IsComparing { get; set; } = true;

    /// <summary>
    /// Whether the whole picture is looked at. A look that follows faces may find that this is needed, and then says so here.
    /// </summary>
    public bool IsWhole { get; set; } = true;

    /// <summary>
    /// What a look of the same size and threshold has found in the whole of this picture already, which a look that follows faces then does not look at
    /// again; null: nothing is known.
    /// </summary>
    public List<FaceDetection>? Known { get; set; }

    /// <summary>Whether faces of any roll are looked for, upside-down ones among them: four looks and small crops (<see cref="AnyRollDetector"/>). Not where faces are followed.</summary>
    public bool IsAnyRoll { get; set; }

    /// <summary>What was found, in displayed pixels.</summary>
    public List<FaceDetection> Faces { get; } = new(16);

    /// <summary>For each of <see cref="Faces"/> the crop that shows it, and what is known of its pose there; empty where faces are not followed.</summary>
    public List<FollowedCrop> Crops { get; } = new(16);

    /// <summary>The parts that were looked at, in displayed pixels; empty where the whole picture was.</summary>
    public List<Box> LookedAt { get; } = new(8);

    /// <summary>Whatever the client wants to find again when the look is handed back.</summary>
    public object? Owner { get; init; }

    /// <summary>Wall time of the look; its share where several were done in one run.</summary>
    public TimeSpan Duration { get; internal set; }

    /// <summary>CPU time of the scheduler's thread for it; threads inside the native engine are not in it.</summary>
    public TimeSpan ThreadCpu { get; internal set; }

    /// <summary>Makes it a look at a whole picture of nothing known, for another picture.</summary>
    public void Reset()
    {
        (Frame, Boxes, Known, ScoreThreshold, Size, IsFollowing, IsComparing, IsWhole, IsAnyRoll) = (null, null, null, null, null, false, true, true, false);
        Following.Clear();
        Faces.Clear();
        Crops.Clear();
        LookedAt.Clear();
    }
}
