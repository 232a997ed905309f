namespace Img2Pose.Pipeline;

/// <summary>
/// How old frames were when a sink was done with them, in buckets that widen by 9 %: quantiles are right to within that.
/// Written by one thread, readable from any; allocates nothing once created.
/// </summary>
internal sealed class AgeStatistics
{
    private const double Smallest = 1e-4;
    private const int PerOctave = 8;
    // Up to 100 seconds; what is older is in the last one.
    private readonly long[] _buckets = new long[PerOctave * 20 + 1];
    private double _maximum;

    /// <summary>Adds a frame's age in seconds.</summary>
    public void Add(double seconds)
    {
        int bucket = seconds <= Smallest ? 0 : (int)Math.Ceiling(PerOctave * Math.Log2(seconds / Smallest));
        Interlocked.Increment(ref _buckets[Math.Min(bucket, _buckets.Length - 1)]);
        if (seconds > Volatile.Read(ref _maximum)) Volatile.Write(ref _maximum, seconds);
    }

    /// <summary>Median, 95th percentile and maximum, or null where nothing was added.</summary>
    public AgeReport? Describe()
    {
        long total = 0;
        for (int i = 0; i < _buckets.Length; i++) total += Interlocked.Read(ref _buckets[i]);
        double maximum = Volatile.Read(ref _maximum);
        return total == 0 ? null : new AgeReport(Quantile(0.5, total, maximum), Quantile(0.95, total, maximum), maximum);
    }

    private double Quantile(double part, long total, double maximum)
    {
        long before = 0;
        for (int i = 0; i < _buckets.Length; i++)
        {
            before += Interlocked.Read(ref _buckets[i]);
            if (before >= part * total) return Math.Min(maximum, Smallest * Math.Pow(2, (double)i / PerOctave));
        }
        return maximum;
    }
}
