namespace Img2Pose.Evaluation.Statistics;

/// <summary>A number with its 95 % interval; null where there was nothing to measure, or the number is infinite.</summary>
/// <param name="Value">The estimate.</param>
/// <param name="Low">The 2.5 % quantile of the bootstrap replicates.</param>
/// <param name="High">The 97.5 % quantile.</param>
/// <param name="Count">How many faces (or pictures, for rates per picture) it is over.</param>
public readonly record struct Measure(double? Value, double? Low, double? High, int Count);

/// <summary>
/// Percentile intervals by resampling whole pictures with replacement, since faces of one picture are not independent
/// (cluster bootstrap; Davison and Hinkley, Bootstrap Methods and their Application, 1997, section 3.8). The same seed gives
/// the same interval on every machine.
/// </summary>
internal sealed class Bootstrap(int pictureCount, int replicates, ulong seed)
{
    private readonly int[] _weights = new int[pictureCount];

    public Measure Measure(Statistic statistic)
    {
        Array.Fill(_weights, 1);
        double estimate = statistic.Evaluate(_weights);
        List<double> resampled = new(replicates);
        SplitMix64 random = new(seed);
        for (int i = 0; i < replicates && statistic.Count > 0; i++)
        {
            Resample(statistic.Pictures, ref random);
            double value = statistic.Evaluate(_weights);
            // A resample without a single face says nothing.
            if (!double.IsNaN(value)) resampled.Add(value);
        }
        return new Measure(
            Finite(estimate), Finite(Quantile(resampled, 0.025)), Finite(Quantile(resampled, 0.975)), statistic.Count);
    }

    private void Resample(ReadOnlySpan<int> pictures, ref SplitMix64 random)
    {
        Array.Clear(_weights);
        for (int i = 0; i < pictures.Length; i++) _weights[pictures[random.Below(pictures.Length)]]++;
    }

    private static double Quantile(List<double> values, double probability)
    {
        if (values.Count == 0) return double.NaN;
        values.Sort();
        double position = probability * (values.Count - 1);
        int below = (int)Math.Floor(position);
        double lower = values[below], upper = values[Math.Min(below + 1, values.Count - 1)];
        return lower == upper ? lower : lower + (position - below) * (upper - lower);
    }

    private static double? Finite(double value) => double.IsFinite(value) ? value : null;
}

/// <summary>SplitMix64 (Steele, Lea and Flood, OOPSLA 2014), written out so that a seed means the same for good.</summary>
internal struct SplitMix64(ulong seed)
{
    private ulong _state = seed;

    public ulong Next()
    {
        ulong z = _state += 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }

    /// <summary>Uniform in [0, bound); the bias of the multiplication is below bound/2⁶⁴.</summary>
    public int Below(int bound) => (int)Math.BigMul(Next(), (ulong)bound, out _);
}
