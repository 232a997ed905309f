namespace Img2Pose.Evaluation.Statistics;

/// <summary>One number measured in one picture.</summary>
/// <param name="Picture">Index of the picture.</param>
/// <param name="Value">The number.</param>
internal readonly record struct Observation(int Picture, double Value);

/// <summary>
/// A number computed over pictures, each of which may count several times: once each gives the estimate, a resampled
/// number of times a bootstrap replicate. NaN where the pictures hold nothing to compute it from.
/// </summary>
internal abstract class Statistic(int[] pictures, int count)
{
    /// <summary>The distinct pictures that the number is computed over; the units of resampling.</summary>
    public ReadOnlySpan<int> Pictures => pictures;

    /// <summary>How many things were counted: faces, or pictures.</summary>
    public int Count { get; } = count;

    /// <summary>The number when picture i counts <paramref name="weights"/>[i] times.</summary>
    public abstract double Evaluate(ReadOnlySpan<int> weights);

    protected static int[] PicturesOf(IEnumerable<Observation> observations) =>
        [.. observations.Select(o => o.Picture).Distinct().Order()];
}

/// <summary>The mean of observations: a rate, a recall, a mean absolute error.</summary>
internal sealed class MeanStatistic(IReadOnlyList<Observation> observations)
    : Statistic(PicturesOf(observations), observations.Count)
{
    private readonly Observation[] _observations = [.. observations];

    public override double Evaluate(ReadOnlySpan<int> weights)
    {
        double sum = 0;
        long total = 0;
        foreach (Observation o in _observations)
        {
            sum += weights[o.Picture] * o.Value;
            total += weights[o.Picture];
        }
        return total == 0 ? double.NaN : sum / total;
    }
}

/// <summary>
/// A quantile of observations by linear interpolation between order statistics (Hyndman and Fan's type 7, NumPy's default).
/// </summary>
internal sealed class QuantileStatistic(IReadOnlyList<Observation> observations, double probability)
    : Statistic(PicturesOf(observations), observations.Count)
{
    private readonly Observation[] _sorted = [.. observations.OrderBy(o => o.Value)];

    public override double Evaluate(ReadOnlySpan<int> weights)
    {
        long total = 0;
        foreach (Observation o in _sorted) total += weights[o.Picture];
        if (total == 0) return double.NaN;

        double position = probability * (total - 1);
        long below = (long)Math.Floor(position);
        double lower = At(below, weights);
        double fraction = position - below;
        // Not lower + fraction * difference where they are equal: infinity minus infinity is no number.
        if (fraction == 0) return lower;
        double upper = At(below + 1, weights);
        return lower == upper ? lower : lower + fraction * (upper - lower);
    }

    private double At(long index, ReadOnlySpan<int> weights)
    {
        foreach (Observation o in _sorted)
        {
            index -= weights[o.Picture];
            if (index < 0) return o.Value;
        }
        throw new ArgumentOutOfRangeException(nameof(index));
    }
}
