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

    /// <summary>Boxes to pose instead of looking for faces, in displayed pixels; null: look for faces.</summary>
    public List<Box>? Boxes { get; set; }

    /// <summary>What was found, in displayed pixels.</summary>
    public List<FaceDetection> Faces { get; } = new(16);

    /// <summary>Whatever the client wants to find again when the look is handed back.</summary>
    public object? Owner { get; init; }

    /// <summary>Wall time of the look; its share where several were done in one run.</summary>
    public TimeSpan Duration { get; internal set; }

    /// <summary>CPU time of the scheduler's thread for it; threads inside the native engine are not in it.</summary>
    public TimeSpan ThreadCpu { get; internal set; }
}
