using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Img2Pose.Training.Augmentation;

/// <summary>
/// Bilinear samples along a straight line through an RGB picture, edges repeated: the inner loop of every warp. Weights are whole
/// 256ths and sums are exact, so that the vectors and the plain loop give the same bytes on every processor.
/// </summary>
internal static unsafe class PictureSampler
{
    private const int Lanes = 8;

    /// <summary>Bytes that <see cref="Lanes"/> pixels take.</summary>
    private const int Bytes = 3 * Lanes;

    /// <summary>Writes a row of RGB pixels.</summary>
    /// <param name="source">RGB samples, row-major without padding.</param>
    /// <param name="width">Width of the source.</param>
    /// <param name="height">Height of the source.</param>
    /// <param name="u">Column of the first sample; counts from the first pixel's centre.</param>
    /// <param name="v">Row of the first sample.</param>
    /// <param name="stepU">Columns from one sample to the next.</param>
    /// <param name="stepV">Rows from one sample to the next.</param>
    /// <param name="to">Where the samples go; its length is three times their number.</param>
    /// <exception cref="ArgumentOutOfRangeException">The source is shorter than its size.</exception>
    public static void Row(ReadOnlySpan<byte> source, int width, int height, float u, float v, float stepU, float stepV, Span<byte> to)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(source.Length, checked(3 * width * height));
        fixed (byte* first = source)
        fixed (byte* target = to)
            Row(first, width, height, u, v, stepU, stepV, target, to.Length / 3);
    }

    private static void Row(byte* source, int width, int height, float u, float v, float stepU, float stepV, byte* to, int count)
    {
        int i = 0;
        // Each sample reads its right and lower neighbours, which a picture of one row or column has not.
        if (Avx2.IsSupported && width > 1 && height > 1)
        {
            // The second store of eight pixels reaches four bytes too far: into pixels that are still to come.
            for (; i + Lanes + 2 <= count; i += Lanes, to += Bytes)
                Store(Eight(source, width, height, u, v, stepU, stepV, i), to);
            byte* last = stackalloc byte[Bytes + 4];
            for (; i < count; i += Lanes, to += Bytes)
            {
                Store(Eight(source, width, height, u, v, stepU, stepV, i), last);
                Unsafe.CopyBlockUnaligned(to, last, 3 * (uint)Math.Min(Lanes, count - i));
            }
            return;
        }
        for (; i < count; i++, to += 3) One(source, width, height, u + i * stepU, v + i * stepV, to);
    }

    /// <summary>Writes one RGB pixel.</summary>
    public static void One(byte* source, int width, int height, float u, float v, byte* to)
    {
        u = Math.Clamp(u, 0, width - 1);
        v = Math.Clamp(v, 0, height - 1);
        int x = (int)u, y = (int)v;
        int fx = (int)((u - x) * 256), fy = (int)((v - y) * 256);
        byte* p00 = source + ((long)y * width + x) * 3;
        byte* p01 = x + 1 < width ? p00 + 3 : p00;
        long down = y + 1 < height ? width * 3L : 0;
        byte* p10 = p00 + down;
        byte* p11 = p01 + down;
        int w11 = fx * fy, w01 = (fx << 8) - w11, w10 = (fy << 8) - w11, w00 = 65536 - w11 - w01 - w10;
        to[0] = (byte)((p00[0] * w00 + p01[0] * w01 + p10[0] * w10 + p11[0] * w11 + 32768) >> 16);
        to[1] = (byte)((p00[1] * w00 + p01[1] * w01 + p10[1] * w10 + p11[1] * w11 + 32768) >> 16);
        to[2] = (byte)((p00[2] * w00 + p01[2] * w01 + p10[2] * w10 + p11[2] * w11 + 32768) >> 16);
    }

    /// <summary>Samples <paramref name="first"/> to <paramref name="first"/> + 7, each in the low three bytes of its lane.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Eight(byte* source, int width, int height, float u, float v, float stepU, float stepV, int first)
    {
        Vector256<float> index = Vector256.Create((float)first) + Vector256.Create(0f, 1, 2, 3, 4, 5, 6, 7);
        (Vector256<int> x, Vector256<int> fx) = Place(Vector256.Create(u) + index * stepU, width);
        (Vector256<int> y, Vector256<int> fy) = Place(Vector256.Create(v) + index * stepV, height);
        int stride = 3 * width;
        Vector256<int> at = y * stride + x + x + x;
        // Whole words, of which the last must not reach over the picture's end: it begins a byte earlier.
        Vector256<int> p00 = Avx2.GatherVector256((int*)source, at, 1), p01 = Avx2.GatherVector256((int*)(source + 3), at, 1);
        Vector256<int> p10 = Avx2.GatherVector256((int*)(source + stride), at, 1);
        Vector256<int> p11 = Avx2.GatherVector256((int*)(source + stride + 2), at, 1) >>> 8;

        Vector256<ushort> right = (fx | (fx << 16)).AsUInt16(), left = Vector256.Create((ushort)256) - right;
        Vector256<uint> topRedBlue = Across(p00, p01, left, right), bottomRedBlue = Across(p10, p11, left, right);
        Vector256<uint> topGreen = Across(p00 >>> 8, p01 >>> 8, left, right), bottomGreen = Across(p10 >>> 8, p11 >>> 8, left, right);

        Vector256<short> weights = ((Vector256.Create(256) - fy) | (fy << 16)).AsInt16();
        Vector256<uint> low = Vector256.Create(0xFFFFu);
        Vector256<int> red = Down((topRedBlue & low) | (bottomRedBlue << 16), weights);
        Vector256<int> green = Down((topGreen & low) | (bottomGreen << 16), weights);
        Vector256<int> blue = Down((topRedBlue >>> 16) | Vector256.AndNot(bottomRedBlue, low), weights);
        return (red >>> 16) | ((green >>> 8) & Vector256.Create(0xFF00)) | (blue & Vector256.Create(0xFF0000));
    }

    /// <summary>Whole coordinate, at most <paramref name="side"/> − 2, and the rest in 256ths, 256 at the last pixel.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector256<int> Whole, Vector256<int> Part) Place(Vector256<float> at, int side)
    {
        at = Vector256.Min(Vector256.Max(at, Vector256<float>.Zero), Vector256.Create((float)(side - 1)));
        Vector256<int> whole = Avx.ConvertToVector256Int32WithTruncation(at);
        Vector256<int> part = Avx.ConvertToVector256Int32WithTruncation((at - Vector256.ConvertToSingle(whole)) * 256f);
        Vector256<int> beyond = Vector256.GreaterThan(whole, Vector256.Create(side - 2));
        return (whole + beyond, part + (beyond & Vector256.Create(256)));
    }

    /// <summary>Bytes 0 and 2 of both pixels mixed, in 256ths.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<uint> Across(Vector256<int> a, Vector256<int> b, Vector256<ushort> weightA, Vector256<ushort> weightB)
    {
        Vector256<int> even = Vector256.Create(0x00FF00FF);
        return ((a & even).AsUInt16() * weightA + (b & even).AsUInt16() * weightB).AsUInt32();
    }

    /// <summary>Upper (low half) and lower value mixed, in 65536ths and rounded; the signed product takes them less 32768.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Down(Vector256<uint> pairs, Vector256<short> weights) =>
        Avx2.MultiplyAddAdjacent((pairs ^ Vector256.Create(0x80008000u)).AsInt16(), weights) + Vector256.Create(256 * 32768 + 32768);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(Vector256<int> pixels, byte* to)
    {
        Vector256<byte> order = Vector256.Create(
            (byte)0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, 255, 255, 255, 255, 0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, 255, 255, 255, 255);
        Vector256<byte> packed = Avx2.Shuffle(pixels.AsByte(), order);
        packed.GetLower().Store(to);
        packed.GetUpper().Store(to + Bytes / 2);
    }
}
