using System.Runtime.Intrinsics;

namespace Img2Pose.Training.Augmentation;

/// <summary>
/// Noise over whole spans: four xoshiro256++ side by side, seeded from the sample's numbers, and sums of four of their bytes.
/// </summary>
internal struct NoiseBytes
{
    private Vector256<ulong> _s0, _s1, _s2, _s3;

    /// <summary>Takes sixteen numbers as the state.</summary>
    public NoiseBytes(ref SampleRandom random)
    {
        _s0 = Vector256.Create(random.NextBits(), random.NextBits(), random.NextBits(), random.NextBits());
        _s1 = Vector256.Create(random.NextBits(), random.NextBits(), random.NextBits(), random.NextBits());
        _s2 = Vector256.Create(random.NextBits(), random.NextBits(), random.NextBits(), random.NextBits());
        _s3 = Vector256.Create(random.NextBits(), random.NextBits(), random.NextBits(), random.NextBits());
    }

    /// <summary>Sums of four uniform bytes less their mean, times <paramref name="factor"/> 65536ths, rounded.</summary>
    /// <param name="to">Where they go; its length is a multiple of 32.</param>
    /// <param name="factor">0 to 65536.</param>
    public void Fill(Span<short> to, int factor)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(to.Length % Vector256<byte>.Count, 0);
        for (int i = 0; i < to.Length; i += Vector256<byte>.Count)
        {
            (Vector256<ushort> low, Vector256<ushort> high) = Vector256.Widen(Next());
            for (int draw = 1; draw < 4; draw++)
            {
                (Vector256<ushort> moreLow, Vector256<ushort> moreHigh) = Vector256.Widen(Next());
                low += moreLow;
                high += moreHigh;
            }
            Scaled(low, factor).CopyTo(to[i..]);
            Scaled(high, factor).CopyTo(to[(i + Vector256<short>.Count)..]);
        }
    }

    private static Vector256<short> Scaled(Vector256<ushort> sums, int factor)
    {
        (Vector256<int> a, Vector256<int> b) = Vector256.Widen(sums.AsInt16() - Vector256.Create((short)510));
        return Vector256.Narrow((a * factor + Vector256.Create(32768)) >> 16, (b * factor + Vector256.Create(32768)) >> 16);
    }

    private Vector256<byte> Next()
    {
        Vector256<ulong> sum = _s0 + _s3, result = ((sum << 23) | (sum >>> 41)) + _s0, t = _s1 << 17;
        _s2 ^= _s0;
        _s3 ^= _s1;
        _s1 ^= _s2;
        _s0 ^= _s3;
        _s2 ^= t;
        _s3 = (_s3 << 45) | (_s3 >>> 19);
        return result.AsByte();
    }
}
