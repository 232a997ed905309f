namespace Img2Pose.Evaluation.Statistics;

/// <summary>Detections of one range of scores.</summary>
/// <param name="From">Lowest score, inclusive.</param>
/// <param name="To">Highest, exclusive (the last one inclusive).</param>
/// <param name="Count">Detections that count.</param>
/// <param name="Score">Their mean score; NaN without any.</param>
/// <param name="Precision">Part of them that are faces; NaN without any.</param>
public sealed record ReliabilityBin(double From, double To, int Count, double Score, double Precision);

/// <summary>
/// What makes a score s mean a precision of s: σ(slope · ln(s / (1 − s)) + offset), by maximum likelihood (Platt 1999, on the logit).
/// </summary>
/// <param name="Slope">Positive: the order of scores stays.</param>
/// <param name="Offset">Added after it.</param>
public sealed record ScoreCalibration(double Slope, double Offset)
{
    // Scores of 0 and 1 have no logit.
    private const double Margin = 1e-6;

    /// <summary>The calibrated score.</summary>
    public double Apply(double score) => 1 / (1 + Math.Exp(-(Slope * Logit(score) + Offset)));

    internal static double Logit(double score)
    {
        double inside = Math.Clamp(score, Margin, 1 - Margin);
        return Math.Log(inside / (1 - inside));
    }
}

/// <summary>Whether scores mean what they say: precision by score, and the expected calibration error (Naeini, Cooper and Hauskrecht 2015).</summary>
/// <param name="Bins">Ten ranges of a tenth.</param>
/// <param name="Error">Mean over detections of |precision − score| of their range; NaN without detections.</param>
/// <param name="Calibration">What would mend it, or null where the detections cannot say: too few, all right or all wrong, or better ones among the lower scores.</param>
public sealed record Reliability(IReadOnlyList<ReliabilityBin> Bins, double Error, ScoreCalibration? Calibration)
{
    private const int Ranges = 10, Iterations = 50;

    // Below that a fit of two numbers says more about chance.
    private const int LeastOfEach = 10;

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
        return new Reliability(bins, hits.Count == 0 ? double.NaN : error, Fit(hits));
    }

    /// <summary>Newton's method on the two numbers; the likelihood has one maximum.</summary>
    private static ScoreCalibration? Fit(IReadOnlyCollection<ScoredHit> hits)
    {
        int right = hits.Count(hit => hit.IsHit), wrong = hits.Count - right;
        if (right < LeastOfEach || wrong < LeastOfEach) return null;
        // Platt's targets: as if one more of each kind had been seen, so that no fit runs away.
        double one = (right + 1.0) / (right + 2), zero = 1.0 / (wrong + 2);
        (double X, double Target)[] points = [.. hits.Select(hit => (ScoreCalibration.Logit(hit.Score), hit.IsHit ? one : zero))];
        (double slope, double offset) = (1, 0);
        double loss = Loss(slope, offset);
        for (int i = 0; i < Iterations; i++)
        {
            double gs = 0, go = 0, ss = 1e-9, so = 0, oo = 1e-9;
            foreach ((double x, double target) in points)
            {
                double p = 1 / (1 + Math.Exp(-(slope * x + offset))), w = p * (1 - p);
                gs += (p - target) * x;
                go += p - target;
                ss += w * x * x;
                so += w * x;
                oo += w;
            }
            double determinant = ss * oo - so * so, ds = (oo * gs - so * go) / determinant, step = 1;
            double shift = (ss * go - so * gs) / determinant;
            double next = Loss(slope - ds, offset - shift);
            for (; next > loss && step > 1e-6; next = Loss(slope - step * ds, offset - step * shift)) step /= 2;
            (slope, offset) = (slope - step * ds, offset - step * shift);
            bool done = loss - next < 1e-10 * Math.Abs(loss);
            loss = next;
            if (done) break;
        }
        return slope > 0 ? new ScoreCalibration(slope, offset) : null;

        double Loss(double s, double o) => points.Sum(point =>
        {
            double z = s * point.X + o;
            // ln(1 + e^z) − t·z without overflow.
            return Math.Max(z, 0) + Math.Log(1 + Math.Exp(-Math.Abs(z))) - point.Target * z;
        });
    }
}
