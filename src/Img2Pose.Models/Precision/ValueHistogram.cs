namespace Img2Pose.Models.Precision;

/// <summary>Smallest and largest number that eight bits stand for; 0 lies between them.</summary>
/// <param name="Low">At most 0.</param>
/// <param name="High">At least 0, and above <paramref name="Low"/>.</param>
public readonly record struct ValueRange(float Low, float High)
{
    /// <summary>Distance of neighbouring numbers of 256.</summary>
    public float Scale => (High - Low) / 255;

    /// <summary>Which of the 256 stands for 0.</summary>
    public byte ZeroPoint => (byte)Math.Clamp(MathF.Round(-Low / Scale), 0, 255);
}

/// <summary>
/// How often a value of a network took which numbers, over all calibration pictures; from it the range of eight bits that loses least.
/// </summary>
public sealed class ValueHistogram
{
    private const int Bins = 4096, Half = Bins / 2;

    private readonly long[] _counts = new long[Bins];
    private double _limit;
    private float _low, _high;

    /// <summary>Whether nothing has been counted.</summary>
    public bool IsEmpty { get; private set; } = true;

    /// <summary>Counts the numbers of a tensor.</summary>
    /// <exception cref="ModelException">One is not finite.</exception>
    public void Add(ReadOnlySpan<float> values)
    {
        if (values.IsEmpty) return;
        IsEmpty = false;
        (float low, float high) = (_low, _high);
        foreach (float value in values)
        {
            if (!float.IsFinite(value)) throw new ModelException("A value of the network is not finite for a calibration picture; its weights cannot be used.");
            (low, high) = (Math.Min(low, value), Math.Max(high, value));
        }
        (_low, _high) = (low, high);
        Widen(Math.Max(high, -low));
        if (_limit == 0) return;
        double perUnit = Half / _limit;
        foreach (float value in values) _counts[Math.Min((int)((value + _limit) * perUnit), Bins - 1)]++;
    }

    /// <summary>
    /// The range with the least mean squared error: what lies outside is cut off, what lies inside is rounded with a variance of a
    /// twelfth of the squared step. (Nagel et al., "A White Paper on Neural Network Quantization", arXiv:2106.08295, section 3.1.)
    /// </summary>
    public ValueRange Best()
    {
        if (_limit == 0) return new ValueRange(0, 1);
        const int Steps = 40;
        ValueRange best = new(_low, _high);
        double least = double.MaxValue;
        int lowest = _low < 0 ? Steps / 4 : Steps;
        for (int i = lowest; i <= Steps; i++)
        {
            for (int j = _high > 0 ? Steps / 4 : Steps; j <= Steps; j++)
            {
                ValueRange range = new(_low * i / Steps, _high * j / Steps);
                double error = ErrorOf(range);
                if (error < least) (best, least) = (range, error);
            }
        }
        return best;
    }

    private double ErrorOf(ValueRange range)
    {
        double rounding = (double)range.Scale * range.Scale / 12, width = _limit / Half, sum = 0;
        for (int bin = 0; bin < Bins; bin++)
        {
            if (_counts[bin] == 0) continue;
            double value = (bin - Half + 0.5) * width;
            double outside = value > range.High ? value - range.High : value < range.Low ? range.Low - value : 0;
            sum += _counts[bin] * (outside > 0 ? outside * outside : rounding);
        }
        return sum;
    }

    // The bins cover [-limit, limit]; doubling it joins pairs of them.
    private void Widen(float largest)
    {
        if (largest <= 0) return;
        if (_limit == 0) _limit = largest;
        while (_limit < largest)
        {
            long[] joined = new long[Bins];
            for (int bin = 0; bin < Bins; bin++) joined[Half / 2 + bin / 2] += _counts[bin];
            joined.CopyTo(_counts, 0);
            _limit *= 2;
        }
    }
}
