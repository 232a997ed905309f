using Img2Pose.Evaluation.Statistics;
using Img2Pose.Geometry;

namespace Img2Pose.Evaluation.Wider;

/// <summary>The result on one subset.</summary>
/// <param name="Difficulty">The subset.</param>
/// <param name="AveragePrecision">Area under the precision envelope, in [0, 1].</param>
/// <param name="Faces">Faces that count.</param>
/// <param name="Points">Precision and recall at the 1000 thresholds.</param>
public sealed record WiderResult(
    WiderDifficulty Difficulty, double AveragePrecision, int Faces, IReadOnlyList<PrecisionRecallPoint> Points);

/// <summary>
/// The official protocol of WIDER FACE (Yang et al., CVPR 2016; the benchmark's evaluation description): scores are brought
/// to [0, 1] over the whole set; in each picture detections, best first, go to the first best-overlapping face; one at an
/// overlap of 0.5 with a face outside the subset is no proposal, and that face can no longer count; 1000 thresholds
/// 1 − t/1000; the area under the precision envelope. Overlaps count edge pixels (+1).
/// </summary>
public static class WiderEvaluator
{
    private const int Thresholds = 1000;
    private const double Overlap = 0.5;

    /// <summary>Evaluates all three subsets.</summary>
    /// <param name="pictures">The ground truth.</param>
    /// <param name="detections">For each picture its detections.</param>
    public static WiderResult[] Evaluate(IReadOnlyList<WiderPicture> pictures, IReadOnlyList<IReadOnlyList<WiderDetection>> detections)
    {
        if (detections.Count != pictures.Count) throw new ArgumentException("There must be one list of detections a picture.", nameof(detections));
        WiderDetection[][] normalised = Normalise(detections);
        return [.. Enum.GetValues<WiderDifficulty>().Select(difficulty => Evaluate(pictures, normalised, difficulty))];
    }

    private static WiderResult Evaluate(IReadOnlyList<WiderPicture> pictures, WiderDetection[][] detections, WiderDifficulty difficulty)
    {
        long[] proposals = new long[Thresholds], found = new long[Thresholds];
        int faces = 0;
        for (int i = 0; i < pictures.Count; i++)
        {
            // Counted also in pictures that the official evaluation then skips.
            faces += pictures[i].Counted[difficulty].Count;
            if (pictures[i].Faces.Count > 0 && detections[i].Length > 0) Add(pictures[i], pictures[i].Counted[difficulty], detections[i], proposals, found);
        }
        PrecisionRecallPoint[] points = [.. Enumerable.Range(0, Thresholds).Select(t => new PrecisionRecallPoint(
            Threshold(t), faces == 0 ? 0 : (double)found[t] / faces, proposals[t] == 0 ? 0 : (double)found[t] / proposals[t]))];
        return new WiderResult(difficulty, EnvelopeArea(points), faces, points);
    }

    private static double Threshold(int index) => 1 - (double)(index + 1) / Thresholds;

    private static void Add(
        WiderPicture picture, IReadOnlyList<int> counted, WiderDetection[] detections, long[] proposals, long[] found)
    {
        bool[] counts = new bool[picture.Faces.Count], taken = new bool[picture.Faces.Count];
        foreach (int index in counted) counts[index] = true;
        int[] proposalsSoFar = new int[detections.Length], foundSoFar = new int[detections.Length];
        int proposed = 0, hits = 0;
        for (int d = 0; d < detections.Length; d++)
        {
            (int face, double overlap) = BestFace(picture.Faces, detections[d].Box);
            bool onFace = overlap >= Overlap;
            if (!onFace || counts[face]) proposed++;
            if (onFace && counts[face] && !taken[face])
            {
                taken[face] = true;
                hits++;
            }
            (proposalsSoFar[d], foundSoFar[d]) = (proposed, hits);
        }

        int reached = 0;
        for (int t = 0; t < Thresholds; t++)
        {
            while (reached < detections.Length && detections[reached].Score >= Threshold(t)) reached++;
            if (reached == 0) continue;
            proposals[t] += proposalsSoFar[reached - 1];
            found[t] += foundSoFar[reached - 1];
        }
    }

    private static (int Face, double Overlap) BestFace(IReadOnlyList<Box> faces, Box detection)
    {
        (int best, double overlap) = (0, double.NegativeInfinity);
        for (int f = 0; f < faces.Count; f++)
        {
            double iou = BoxVoting.InclusiveIntersectionOverUnion(faces[f], detection);
            if (iou > overlap) (best, overlap) = (f, iou);
        }
        return (best, overlap);
    }

    private static double EnvelopeArea(PrecisionRecallPoint[] points)
    {
        double area = 0, envelope = 0;
        for (int i = points.Length - 1; i >= 0; i--)
        {
            envelope = Math.Max(envelope, points[i].Precision);
            area += envelope * (points[i].Recall - (i > 0 ? points[i - 1].Recall : 0));
        }
        return area;
    }

    private static WiderDetection[][] Normalise(IReadOnlyList<IReadOnlyList<WiderDetection>> detections)
    {
        double low = double.PositiveInfinity, high = double.NegativeInfinity;
        foreach (WiderDetection detection in detections.SelectMany(list => list))
            (low, high) = (Math.Min(low, detection.Score), Math.Max(high, detection.Score));
        // One score for all carries no ranking: all count as sure rather than as NaN.
        double Scaled(double score) => high > low ? (score - low) / (high - low) : 1;
        return [.. detections.Select(list => list.OrderByDescending(d => d.Score).Select(d => d with { Score = Scaled(d.Score) }).ToArray())];
    }
}
