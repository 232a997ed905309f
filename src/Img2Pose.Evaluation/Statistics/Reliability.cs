using Img2Pose.Formats.Onnx;

namespace Img2Pose.Evaluation.Statistics;

/// <summary>Detections of one range of scores.</summary>
/// <param name="From">Lowest score, inclusive.</param>
/// <param name="To">Highest, exclusive (the last one inclusive).</param>
/// <param name="Count">Detections that count.</param>
/// <param name="Score">Their mean score; NaN without any.</param>
/// <param name="Precision">Part of them that are faces; NaN without any.</param>
public sealed record ReliabilityBin(double From, double To, int Count, double Score, double Precision);

/// <summary>Whether scores mean what they say: precision by score, and the expected calibration error (Naeini, Cooper and Hauskrecht 2015).</summary>
/// <param name="Bins">Ten ranges of a tenth.</param>
/// <param name="Error">Mean over detections of |precision − score| of their range; NaN without detections.</param>
/// <param name="Calibration">What would mend it, or null where the detections cannot say: too few, all right or all wrong, or better ones among the lower scores.</param>
public sealed record Reliability(IReadOnlyList<ReliabilityBin> Bins, double Error, ScoreCalibration? Calibration)
{
    private const int Ranges = 10;

    /// <summary>Takes the measure of detections of which each is right or wrong.</summary>
    internal static Reliability Of(IReadOnlyCollection<ScoredHit> hits)
    {
        List<ReliabilityBin> bins = [];
        double error = 0;
        for (int i = 0; i < Ranges; i++)
        {
            ScoredHit[] own = [.. hits.Where(hit => Math.Min((int)(hit.Score * Ranges), Ranges - 1) == i)];
            double score = own.Length == 0 ? double.NaN : own.Average(hit => hit.Score), precision = own.Length == 0 ? double.NaN : own.Average(hit => hit.IsHit ? 1.0 : 0);
            if (own.Length > 0) error += own.Length * Math.Abs(precision - score) / hits.Count;
            bins.Add(new ReliabilityBin((double)i / Ranges, (double)(i + 1) / Ranges, own.Length, score, precision));
        }
        return new Reliability(bins, hits.Count == 0 ? double.NaN : error, CalibrationFit.Of(hits));
    }
}
