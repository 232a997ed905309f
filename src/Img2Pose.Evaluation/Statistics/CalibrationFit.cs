using Img2Pose.Formats.Onnx;

namespace Img2Pose.Evaluation.Statistics;

/// <summary>
/// Finds what would make scores mean precision, by maximum likelihood over the detections that score at least a fifth: a straight line
/// in the logit, with one bend where it makes the detections likelier. Those below are by far the most and nearly all wrong: with them
/// the line would fit what nobody looks at.
/// </summary>
internal static class CalibrationFit
{
    /// <summary>Detections below are left out, and the line is drawn on from those above.</summary>
    internal const double LowestScore = 0.2;

    // Below that a fit says more about chance; a bend is a number more on either side.
    private const int LeastOfEach = 10, LeastAround = 25, Iterations = 50, Bends = 40;

    /// <summary>A bend must better the log likelihood by this, as Akaike's criterion asks for its two numbers.</summary>
    private const double WorthABend = 2;

    /// <summary>The fit, or null where the detections cannot say: too few, all right or all wrong, or better ones among the lower scores.</summary>
    public static ScoreCalibration? Of(IReadOnlyCollection<ScoredHit> all)
    {
        ScoredHit[] hits = [.. all.Where(hit => hit.Score >= LowestScore).OrderBy(hit => hit.Score)];
        int right = hits.Count(hit => hit.IsHit), wrong = hits.Length - right;
        if (right < LeastOfEach || wrong < LeastOfEach) return null;
        // Platt's targets: as if one more of each kind had been seen, so that no fit runs away.
        double one = (right + 1.0) / (right + 2), zero = 1.0 / (wrong + 2);
        double[] logits = [.. hits.Select(hit => ScoreCalibration.Logit(hit.Score))], targets = [.. hits.Select(hit => hit.IsHit ? one : zero)];
        Line best = Fit(logits, targets, double.PositiveInfinity);
        double needed = best.Loss - WorthABend;
        for (int i = 1; i < Bends && logits[^1] > logits[0]; i++)
        {
            double bend = logits[0] + i * (logits[^1] - logits[0]) / Bends;
            int below = logits.Count(x => x < bend);
            if (below < LeastAround || logits.Length - below < LeastAround) continue;
            Line line = Fit(logits, targets, bend);
            if (line.Loss < Math.Min(needed, best.Loss) && line.Slope > 0 && line.Slope + line.More > 0) best = line;
        }
        return best.Slope > 0 && best.Slope + best.More > 0 ? Draw(best, Math.Log(right + 1.0)) : null;
    }

    /// <summary>The line by its points. Beyond what as many right ones can tell, it rises no faster than the logit itself.</summary>
    private static ScoreCalibration Draw(Line line, double highest)
    {
        double end = ScoreCalibration.Logit(1);
        List<(double X, double Z)> points = [(-end, line.At(-end))];
        if (double.IsFinite(line.Bend)) points.Add((line.Bend, line.At(line.Bend)));
        double slope = line.Slope + (double.IsFinite(line.Bend) ? line.More : 0), known = points[^1].X + (highest - points[^1].Z) / slope;
        if (slope > 1 && known > points[^1].X && known < end)
        {
            points.Add((known, highest));
            points.Add((end, highest + end - known));
        }
        else
        {
            points.Add((end, line.At(end)));
        }
        return new ScoreCalibration([.. points.Select(point => point.X)], [.. points.Select(point => point.Z)]);
    }

    /// <summary>Newton's method on offset, slope and what the bend adds; the likelihood has one maximum for a given bend.</summary>
    private static Line Fit(double[] logits, double[] targets, double bend)
    {
        int count = double.IsFinite(bend) ? 3 : 2;
        double[] w = [0, 1, 0];
        double loss = Loss(w);
        for (int iteration = 0; iteration < Iterations; iteration++)
        {
            double[,] curvature = new double[3, 4];
            for (int k = 0; k < 3; k++) curvature[k, k] = 1e-9;
            for (int i = 0; i < logits.Length; i++)
            {
                double[] x = [1, logits[i], Math.Max(0, logits[i] - bend)];
                double p = ScoreCalibration.Sigmoid(w[0] + w[1] * x[1] + w[2] * x[2]);
                for (int k = 0; k < count; k++)
                {
                    curvature[k, 3] += (p - targets[i]) * x[k];
                    for (int j = 0; j < count; j++) curvature[k, j] += p * (1 - p) * x[k] * x[j];
                }
            }
            double[] step = Solve(curvature, count);
            double part = 1, next = Loss(Moved(w, step, part));
            for (; !(next <= loss) && part > 1e-6; next = Loss(Moved(w, step, part))) part /= 2;
            if (!(next <= loss)) break;
            w = Moved(w, step, part);
            bool done = loss - next < 1e-10 * Math.Abs(loss);
            loss = next;
            if (done) break;
        }
        return new Line(w[0], w[1], w[2], bend, loss);

        double Loss(double[] at)
        {
            double sum = 0;
            for (int i = 0; i < logits.Length; i++)
            {
                double z = at[0] + at[1] * logits[i] + at[2] * Math.Max(0, logits[i] - bend);
                // ln(1 + e^z) − t·z without overflow.
                sum += Math.Max(z, 0) + Math.Log(1 + Math.Exp(-Math.Abs(z))) - targets[i] * z;
            }
            return sum;
        }
    }

    private static double[] Moved(double[] from, double[] step, double part) => [from[0] - part * step[0], from[1] - part * step[1], from[2] - part * step[2]];

    /// <summary>Gauss's elimination of symmetric, positive equations; the right side is the last column.</summary>
    private static double[] Solve(double[,] equations, int count)
    {
        for (int k = 0; k < count; k++)
        {
            for (int row = 0; row < count; row++)
            {
                if (row == k) continue;
                double factor = equations[row, k] / equations[k, k];
                for (int column = k; column < 4; column++) equations[row, column] -= factor * equations[k, column];
            }
        }
        double[] solved = new double[3];
        for (int k = 0; k < count; k++) solved[k] = equations[k, 3] / equations[k, k];
        return solved;
    }

    private readonly record struct Line(double Offset, double Slope, double More, double Bend, double Loss)
    {
        public double At(double logit) => Offset + Slope * logit + (logit > Bend ? More * (logit - Bend) : 0);
    }
}
