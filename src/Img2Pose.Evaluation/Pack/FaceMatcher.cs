using Img2Pose.Formats;
using Img2Pose.Geometry;

namespace Img2Pose.Evaluation.Pack;

/// <summary>
/// Assigns detections to annotated faces: in order of falling score each detection takes the best overlapping free face that
/// counts; one that finds none but overlaps a face that does not count is left out; any other is a false alarm. Since later
/// detections never change earlier assignments, the assignment at a threshold is the prefix of the one without.
/// </summary>
internal static class FaceMatcher
{
    /// <summary>The detection overlaps no face well enough, or only faces that better detections took.</summary>
    public const int FalseAlarm = -1;

    /// <summary>The detection overlaps a face that does not count: neither right nor wrong.</summary>
    public const int LeftOut = -2;

    /// <param name="faces">The annotated faces.</param>
    /// <param name="detections">The detections, by falling score.</param>
    /// <param name="overlap">The least intersection over union that makes a match.</param>
    /// <param name="counts">Which faces count.</param>
    /// <returns>For each detection the index of its face, or <see cref="FalseAlarm"/> or <see cref="LeftOut"/>.</returns>
    public static int[] Match(
        IReadOnlyList<AnnotatedFace> faces, ReadOnlySpan<FaceDetection> detections, double overlap, Func<AnnotatedFace, bool> counts)
    {
        bool[] taken = new bool[faces.Count];
        int[] assigned = new int[detections.Length];
        for (int d = 0; d < detections.Length; d++)
        {
            int best = FalseAlarm;
            double bestOverlap = overlap;
            bool overlapsOther = false;
            for (int f = 0; f < faces.Count; f++)
            {
                double iou = faces[f].Box.IntersectionOverUnion(detections[d].Box);
                if (iou < overlap) continue;
                if (!counts(faces[f])) overlapsOther = true;
                else if (!taken[f] && (best < 0 || iou > bestOverlap)) (best, bestOverlap) = (f, iou);
            }
            if (best >= 0) taken[best] = true;
            assigned[d] = best >= 0 ? best : overlapsOther ? LeftOut : FalseAlarm;
        }
        return assigned;
    }
}
