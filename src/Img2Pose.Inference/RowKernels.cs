using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Img2Pose.Inference;

/// <summary>
/// The inner loops of the tensoriser, one row each. Pointers are to <c>count</c> elements; rows need no alignment. Where a
/// loop is left after the last whole vector, the rest is done one element at a time by the same formula.
/// </summary>
internal static unsafe class RowKernels
{
    private const int Lanes = 8;

    /// <summary>destination = weight · source, 8-bit samples.</summary>
    public static void Scale(byte* source, float weight, float* destination, int count)
    {
        Vector256<float> w = Vector256.Create(weight);
        int i = 0;
        for (; i <= count - Lanes; i += Lanes) (w * Load(source + i)).Store(destination + i);
        for (; i < count; i++) destination[i] = weight * source[i];
    }

    /// <summary>destination = weight · source, samples of up to 16 bits.</summary>
    public static void Scale(ushort* source, float weight, float* destination, int count)
    {
        Vector256<float> w = Vector256.Create(weight);
        int i = 0;
        for (; i <= count - Lanes; i += Lanes) (w * Load(source + i)).Store(destination + i);
        for (; i < count; i++) destination[i] = weight * source[i];
    }

    /// <summary>destination += weight · source, 8-bit samples.</summary>
    public static void Add(byte* source, float weight, float* destination, int count)
    {
        Vector256<float> w = Vector256.Create(weight);
        int i = 0;
        for (; i <= count - Lanes; i += Lanes)
            (Vector256.Load(destination + i) + w * Load(source + i)).Store(destination + i);
        for (; i < count; i++) destination[i] += weight * source[i];
    }

    /// <summary>destination += weight · source, samples of up to 16 bits.</summary>
    public static void Add(ushort* source, float weight, float* destination, int count)
    {
        Vector256<float> w = Vector256.Create(weight);
        int i = 0;
        for (; i <= count - Lanes; i += Lanes)
            (Vector256.Load(destination + i) + w * Load(source + i)).Store(destination + i);
        for (; i < count; i++) destination[i] += weight * source[i];
    }

    /// <summary>destination = a · first + b · second, 8-bit samples: the two rows that most target rows lie between.</summary>
    public static void Mix(byte* first, float a, byte* second, float b, float* destination, int count)
    {
        Vector256<float> wa = Vector256.Create(a), wb = Vector256.Create(b);
        int i = 0;
        for (; i <= count - Lanes; i += Lanes) (wa * Load(first + i) + wb * Load(second + i)).Store(destination + i);
        for (; i < count; i++) destination[i] = a * first[i] + b * second[i];
    }

    /// <summary>destination = a · first + b · second, samples of up to 16 bits.</summary>
    public static void Mix(ushort* first, float a, ushort* second, float b, float* destination, int count)
    {
        Vector256<float> wa = Vector256.Create(a), wb = Vector256.Create(b);
        int i = 0;
        for (; i <= count - Lanes; i += Lanes) (wa * Load(first + i) + wb * Load(second + i)).Store(destination + i);
        for (; i < count; i++) destination[i] = a * first[i] + b * second[i];
    }

    /// <summary>
    /// Means of blocks along a row of interleaved channels, in place of them: block b of channel c goes to
    /// <c>destination[b · channels + c]</c>. <paramref name="destination"/> may be <paramref name="source"/>.
    /// </summary>
    public static void AverageBlocks(float* source, float* destination, int samples, int channels, int block)
    {
        for (int start = 0; start < samples; start += block)
        {
            int length = Math.Min(block, samples - start);
            float share = 1f / length;
            float* from = source + start * channels;
            for (int c = 0; c < channels; c++)
            {
                float sum = 0;
                for (int i = 0; i < length; i++) sum += from[i * channels + c];
                destination[start / block * channels + c] = sum * share;
            }
        }
    }

    /// <summary>destination[d] = (source[2d] + source[2d + 1]) / 2.</summary>
    public static void Halve(float* source, float* destination, int count)
    {
        int d = 0;
        Vector256<float> half = Vector256.Create(0.5f);
        if (Avx2.IsSupported)
        {
            for (; d <= count - Lanes; d += Lanes)
            {
                // hadd works within 128-bit halves; the permutation puts the four pairs of sums in order.
                Vector256<float> sums = Avx.HorizontalAdd(Vector256.Load(source + 2 * d), Vector256.Load(source + 2 * d + Lanes));
                (half * Avx2.Permute4x64(sums.AsDouble(), 0b_11_01_10_00).AsSingle()).Store(destination + d);
            }
        }
        for (; d < count; d++) destination[d] = 0.5f * (source[2 * d] + source[2 * d + 1]);
    }

    /// <summary>destination[d] = (1 − weights[d]) · source[first[d]] + weights[d] · source[second[d]].</summary>
    public static void Sample(float* source, int* first, int* second, float* weights, float* destination, int count)
    {
        int d = 0;
        if (Avx2.IsSupported)
        {
            Vector256<float> one = Vector256.Create(1f);
            for (; d <= count - Lanes; d += Lanes)
            {
                Vector256<float> a = Avx2.GatherVector256(source, Vector256.Load(first + d), sizeof(float));
                Vector256<float> b = Avx2.GatherVector256(source, Vector256.Load(second + d), sizeof(float));
                Vector256<float> w = Vector256.Load(weights + d);
                ((one - w) * a + w * b).Store(destination + d);
            }
        }
        for (; d < count; d++) destination[d] = (1 - weights[d]) * source[first[d]] + weights[d] * source[second[d]];
    }

    /// <summary>
    /// Converts a row of Y, Cb and Cr to normalised R, G and B: each is clamped to 0…255, then scaled and shifted.
    /// </summary>
    public static void YuvToTensor(
        float* y, float* cb, float* cr, in ColorConversion color, in Normalisation normalisation,
        float* red, float* green, float* blue, int count)
    {
        Vector256<float> luma = Vector256.Create(color.Luma), lumaOffset = Vector256.Create(color.LumaOffset);
        Vector256<float> chromaOffset = Vector256.Create(color.ChromaOffset);
        Vector256<float> redFromCr = Vector256.Create(color.RedFromCr), blueFromCb = Vector256.Create(color.BlueFromCb);
        Vector256<float> greenFromCb = Vector256.Create(color.GreenFromCb), greenFromCr = Vector256.Create(color.GreenFromCr);
        int i = 0;
        for (; i <= count - Lanes; i += Lanes)
        {
            Vector256<float> l = luma * (Vector256.Load(y + i) - lumaOffset);
            Vector256<float> u = Vector256.Load(cb + i) - chromaOffset, v = Vector256.Load(cr + i) - chromaOffset;
            Finish(l + redFromCr * v, normalisation.RedScale, normalisation.RedOffset).Store(red + i);
            Finish(l + greenFromCb * u + greenFromCr * v, normalisation.GreenScale, normalisation.GreenOffset).Store(green + i);
            Finish(l + blueFromCb * u, normalisation.BlueScale, normalisation.BlueOffset).Store(blue + i);
        }
        for (; i < count; i++)
        {
            float l = color.Luma * (y[i] - color.LumaOffset), u = cb[i] - color.ChromaOffset, v = cr[i] - color.ChromaOffset;
            red[i] = Finish(l + color.RedFromCr * v, normalisation.RedScale, normalisation.RedOffset);
            green[i] = Finish(l + color.GreenFromCb * u + color.GreenFromCr * v, normalisation.GreenScale, normalisation.GreenOffset);
            blue[i] = Finish(l + color.BlueFromCb * u, normalisation.BlueScale, normalisation.BlueOffset);
        }
    }

    /// <summary>row = scale · row + offset, in place.</summary>
    public static void Normalise(float* row, float scale, float offset, int count)
    {
        Vector256<float> s = Vector256.Create(scale), o = Vector256.Create(offset);
        int i = 0;
        for (; i <= count - Lanes; i += Lanes) (s * Vector256.Load(row + i) + o).Store(row + i);
        for (; i < count; i++) row[i] = scale * row[i] + offset;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Finish(Vector256<float> value, float scale, float offset) =>
        Vector256.Create(scale) * Vector256.Min(Vector256.Max(value, Vector256<float>.Zero), Vector256.Create(255f)) + Vector256.Create(offset);

    private static float Finish(float value, float scale, float offset) => scale * Math.Clamp(value, 0, 255) + offset;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Load(byte* source)
    {
        if (Avx2.IsSupported) return Vector256.ConvertToSingle(Avx2.ConvertToVector256Int32(source));
        Vector128<ushort> wide = Vector128.WidenLower(Vector128.CreateScalarUnsafe(Unsafe.ReadUnaligned<ulong>(source)).AsByte());
        return Vector256.ConvertToSingle(Vector256.Create(Vector128.WidenLower(wide), Vector128.WidenUpper(wide)).AsInt32());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Load(ushort* source)
    {
        Vector128<ushort> row = Vector128.Load(source);
        return Vector256.ConvertToSingle(Vector256.Create(Vector128.WidenLower(row), Vector128.WidenUpper(row)).AsInt32());
    }
}
