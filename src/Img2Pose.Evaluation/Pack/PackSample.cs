using Img2Pose.Formats;
using Img2Pose.Geometry;

namespace Img2Pose.Evaluation.Pack;

/// <summary>A picture of a pack and what a detector found in it.</summary>
/// <param name="Annotation">The picture's annotation.</param>
/// <param name="Detections">Everything found, in any order, down to a score well below the threshold of use.</param>
public sealed record PackSample(AnnotatedImage Annotation, IReadOnlyList<FaceDetection> Detections);

/// <summary>A sample with its detections in order and assigned to faces in the three ways that the rules need.</summary>
internal sealed class MatchedPicture
{
    public MatchedPicture(PackSample sample, double threshold)
    {
        Annotation = sample.Annotation;
        Detections = [.. sample.Detections.OrderByDescending(detection => detection.Score)];
        AboveThreshold = Detections.Count(detection => detection.Score > threshold);
        IReadOnlyList<AnnotatedFace> faces = Annotation.Faces;
        Large = FaceMatcher.Match(faces, Detections, PackRules.DetectionOverlap, PackRules.IsScoredForDetection);
        LargeLoosely = FaceMatcher.Match(faces, Detections, PackRules.PoseOverlap, PackRules.IsScoredForDetection);
        AnySize = FaceMatcher.Match(faces, Detections, PackRules.DetectionOverlap, face => !face.Ignore);
        ForPose = FaceMatcher.Match(faces, Detections, PackRules.PoseOverlap, face => !face.Ignore);
    }

    public AnnotatedImage Annotation { get; }

    /// <summary>By falling score.</summary>
    public FaceDetection[] Detections { get; }

    /// <summary>How many of the first detections score more than the threshold, as the detector itself selects.</summary>
    public int AboveThreshold { get; }

    /// <summary>Assignment at IoU 0.5 to faces of at least 32 pixels.</summary>
    public int[] Large { get; }

    /// <summary>The same at IoU 0.4.</summary>
    public int[] LargeLoosely { get; }

    /// <summary>Assignment at IoU 0.5 to faces of any size.</summary>
    public int[] AnySize { get; }

    /// <summary>Assignment at IoU 0.4 to faces of any size.</summary>
    public int[] ForPose { get; }

    /// <summary>The detection of use that is assigned to face <paramref name="face"/>, or null.</summary>
    public FaceDetection? Found(int[] assignment, int face)
    {
        int index = Array.IndexOf(assignment, face, 0, AboveThreshold);
        return index < 0 ? null : Detections[index];
    }
}

/// <summary>The fixed numbers of the protocol.</summary>
internal static class PackRules
{
    public const double DetectionOverlap = 0.5;
    public const double PoseOverlap = 0.4;
    public const double SmallestScoredFace = 32;

    /// <summary>The rotation error of a face that was not found, degrees: the largest that there is.</summary>
    public const double MissedRotation = 180;

    /// <summary>The angle error of a face that was not found, degrees.</summary>
    public const double MissedAngle = 90;

    public static bool IsScoredForDetection(AnnotatedFace face) => !face.Ignore && face.Size >= SmallestScoredFace;
}
