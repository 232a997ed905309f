using Img2Pose.Formats;
using Img2Pose.Geometry;

namespace Img2Pose.Evaluation.Pack;

/// <summary>Something that went wrong in one picture.</summary>
/// <param name="Sample">Index of the sample.</param>
/// <param name="Box">Where: the annotated face, or the false alarm.</param>
/// <param name="Description">What, one line.</param>
/// <param name="TruePose">The annotated pose, where it is about a pose.</param>
/// <param name="FoundPose">The found pose, where it is about a pose.</param>
public sealed record PackFailure(int Sample, Box Box, string Description, Pose? TruePose = null, Pose? FoundPose = null);

/// <summary>The failures of a detector on a pack, each list from the worst on.</summary>
/// <param name="Misses">Scored faces of at least 32 pixels that were not found at the threshold, the largest first.</param>
/// <param name="FalseAlarms">False alarms in complete pictures at the threshold, the surest first.</param>
/// <param name="WorstPoses">Found faces by falling rotation error.</param>
public sealed record PackFailures(
    IReadOnlyList<PackFailure> Misses, IReadOnlyList<PackFailure> FalseAlarms, IReadOnlyList<PackFailure> WorstPoses)
{
    /// <summary>Finds the failures by the rules of <see cref="PackEvaluator"/>.</summary>
    public static PackFailures Find(IReadOnlyList<PackSample> samples, double threshold)
    {
        MatchedPicture[] pictures = [.. samples.Select(sample => new MatchedPicture(sample, threshold))];
        List<(double Rank, PackFailure Failure)> misses = [], alarms = [];
        for (int i = 0; i < pictures.Length; i++)
        {
            MatchedPicture picture = pictures[i];
            AnnotatedImage annotation = picture.Annotation;
            for (int f = 0; f < annotation.Faces.Count; f++)
            {
                AnnotatedFace face = annotation.Faces[f];
                if (!PackRules.IsScoredForDetection(face) || picture.Found(picture.Large, f) is not null) continue;
                int late = Array.IndexOf(picture.Large, f);
                string best = late < 0 ? "no box at any score" : FormattableString.Invariant($"best score {picture.Detections[late].Score:0.000}");
                misses.Add((face.Size, new PackFailure(i, face.Box, FormattableString.Invariant($"missed, {face.Size:0} px, {face.Label}, {best}"))));
            }
            for (int d = 0; annotation.Complete && d < picture.AboveThreshold; d++)
            {
                if (picture.Large[d] != FaceMatcher.FalseAlarm) continue;
                FaceDetection detection = picture.Detections[d];
                double overlap = annotation.Faces.Count == 0 ? 0 : annotation.Faces.Max(face => face.Box.IntersectionOverUnion(detection.Box));
                alarms.Add((detection.Score, new PackFailure(
                    i, detection.Box, FormattableString.Invariant($"false alarm, score {detection.Score:0.000}, best overlap with a face {overlap:0.00}"))));
            }
        }

        List<(double Rank, PackFailure Failure)> poses = [];
        foreach (FacePose pose in new FacePoses(pictures).Labelled(null))
        {
            if (!pose.IsFound) continue;
            AnnotatedFace face = pictures[pose.Picture].Annotation.Faces[pose.Face];
            FaceDetection found = pictures[pose.Picture].Found(pictures[pose.Picture].ForPose, pose.Face)!.Value;
            EulerAngles truth = EulerAngles.FromRotationVector(face.Pose!.Value.Rotation), guess = EulerAngles.FromRotationVector(found.Pose.Rotation);
            poses.Add((pose.Errors.Geodesic, new PackFailure(
                pose.Picture, face.Box,
                FormattableString.Invariant($"rotation off by {pose.Errors.Geodesic:0.0} deg, {face.Label}, true yaw/pitch/roll {truth.Yaw:0}/{truth.Pitch:0}/{truth.Roll:0}, found {guess.Yaw:0}/{guess.Pitch:0}/{guess.Roll:0}, {face.Size:0} px"),
                face.Pose, found.Pose)));
        }
        return new PackFailures(Ranked(misses), Ranked(alarms), Ranked(poses));

        static IReadOnlyList<PackFailure> Ranked(List<(double Rank, PackFailure Failure)> failures) =>
            [.. failures.OrderByDescending(entry => entry.Rank).Select(entry => entry.Failure)];
    }
}
