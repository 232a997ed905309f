using System.Runtime.Intrinsics;

namespace Img2Pose.Rendering.Blending;

/// <summary>
/// The blend's loops on vectors of eight pixels. Each returns how many samples it did; the plain loops of
/// <see cref="OverlayBlender"/> do the rest and define the result, which is the same to the bit.
/// </summary>
internal static unsafe class OverlayBlenderVectors
{
    private static bool Available => Vector256.IsHardwareAccelerated;

    public static int LumaRow(byte* row, byte* pixels, int count)
    {
        int x = 0;
        if (!Available) return x;
        for (; x + 8 <= count; x += 8)
        {
            Vector256<uint> overlay = Vector256.Load((uint*)(pixels + 4 * x));
            // The region around a face is mostly empty; where a whole block is, nothing changes.
            if (overlay == Vector256<uint>.Zero) continue;
            Store8(row + x, Over(overlay & Vector256.Create(255u), overlay >>> 24, Load8(row + x)));
        }
        return x;
    }

    public static int ChromaRow(byte* row, byte* upper, byte* lower, int count, int component)
    {
        int x = 0;
        if (!Available) return x;
        for (; x + 8 <= count; x += 8)
        {
            if (!Means(upper + 8 * x, lower + 8 * x, component, out Vector256<uint> overlay, out Vector256<uint> opacity)) continue;
            Store8(row + x, Over(overlay, opacity, Load8(row + x)));
        }
        return x;
    }

    public static int ChromaPairRow(byte* row, byte* upper, byte* lower, int count)
    {
        int x = 0;
        if (!Available) return x;
        for (; x + 8 <= count; x += 8)
        {
            if (!Means(upper + 8 * x, lower + 8 * x, 1, out Vector256<uint> u, out Vector256<uint> opacity)) continue;
            Means(upper + 8 * x, lower + 8 * x, 2, out Vector256<uint> v, out _);
            Vector256<uint> below = Vector256.WidenLower(Vector128.Load((ushort*)row + x).ToVector256Unsafe());
            Vector256<uint> mixed = Over(u, opacity, below & Vector256.Create(255u)) | (Over(v, opacity, below >>> 8) << 8);
            Vector256.Narrow(mixed, mixed).GetLower().Store((ushort*)row + x);
        }
        return x;
    }

    public static int RgbRow(byte* row, byte* pixels, int count)
    {
        int x = 0;
        if (!Vector128.IsHardwareAccelerated) return x;
        Vector128<byte> spread = Vector128.Create((byte)0, 1, 2, 255, 3, 4, 5, 255, 6, 7, 8, 255, 9, 10, 11, 255);
        Vector128<byte> gather = Vector128.Create((byte)0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, 255, 255, 255, 255);
        Vector128<byte> opacityOf = Vector128.Create((byte)3, 3, 3, 3, 7, 7, 7, 7, 11, 11, 11, 11, 15, 15, 15, 15);
        // Four pixels at a time; loads and stores reach four bytes past them, so the last two pixels stay for the plain loop.
        for (; x + 6 <= count; x += 4)
        {
            Vector128<byte> overlay = Vector128.Load(pixels + 4 * x);
            if (overlay == Vector128<byte>.Zero) continue;
            Vector128<byte> below = Vector128.Load(row + 3 * x);
            Vector128<byte> spaced = Vector128.Shuffle(below, spread);
            Vector128<byte> rest = Vector128.Create((byte)255) - Vector128.Shuffle(overlay, opacityOf);
            (Vector128<ushort> low, Vector128<ushort> high) = Vector128.Widen(spaced);
            (Vector128<ushort> restLow, Vector128<ushort> restHigh) = Vector128.Widen(rest);
            (Vector128<ushort> overLow, Vector128<ushort> overHigh) = Vector128.Widen(overlay);
            Vector128<ushort> top = Vector128.Create((ushort)255);
            Vector128<ushort> mixedLow = Vector128.Min(overLow + Divide255(low * restLow), top);
            Vector128<ushort> mixedHigh = Vector128.Min(overHigh + Divide255(high * restHigh), top);
            Vector128<byte> packed = Vector128.Shuffle(Vector128.Narrow(mixedLow, mixedHigh), gather);
            // The four bytes after the four pixels are put back as they were.
            packed |= below & Vector128.Create(0u, 0, 0, uint.MaxValue).AsByte();
            packed.Store(row + 3 * x);
        }
        return x;
    }

    public static int LumaRow10(ushort* row, byte* pixels, int count, int scale)
    {
        int x = 0;
        if (!Available) return x;
        for (; x + 8 <= count; x += 8)
        {
            Vector256<uint> overlay = Vector256.Load((uint*)(pixels + 4 * x));
            if (overlay == Vector256<uint>.Zero) continue;
            Vector256<uint> below = Vector256.WidenLower(Vector128.Load(row + x).ToVector256Unsafe());
            Vector256<uint> mixed = Over10(overlay & Vector256.Create(255u), overlay >>> 24, below, scale);
            Vector256.Narrow(mixed, mixed).GetLower().Store(row + x);
        }
        return x;
    }

    public static int ChromaRow10(ushort* row, byte* upper, byte* lower, int count, int component, int scale)
    {
        int x = 0;
        if (!Available) return x;
        for (; x + 8 <= count; x += 8)
        {
            if (!Means(upper + 8 * x, lower + 8 * x, component, out Vector256<uint> overlay, out Vector256<uint> opacity)) continue;
            Vector256<uint> below = Vector256.WidenLower(Vector128.Load(row + x).ToVector256Unsafe());
            Vector256<uint> mixed = Over10(overlay, opacity, below, scale);
            Vector256.Narrow(mixed, mixed).GetLower().Store(row + x);
        }
        return x;
    }

    /// <summary>Means of eight blocks of 2 × 2 pixels; false when all of them are empty.</summary>
    private static bool Means(byte* upper, byte* lower, int component, out Vector256<uint> overlay, out Vector256<uint> opacity)
    {
        Vector256<ulong> a = Vector256.Load((ulong*)upper), b = Vector256.Load((ulong*)(upper + 32));
        Vector256<ulong> c = Vector256.Load((ulong*)lower), d = Vector256.Load((ulong*)(lower + 32));
        if ((a | b | c | d) == Vector256<ulong>.Zero)
        {
            overlay = opacity = Vector256<uint>.Zero;
            return false;
        }
        overlay = Sum(a, b, c, d, 8 * component);
        opacity = Sum(a, b, c, d, 24);
        return true;
    }

    private static Vector256<uint> Sum(
        Vector256<ulong> a, Vector256<ulong> b, Vector256<ulong> c, Vector256<ulong> d, int shift)
    {
        // Each 64-bit lane holds two neighbouring pixels.
        Vector256<ulong> mask = Vector256.Create(255ul);
        Vector256<ulong> left = ((a >>> shift) & mask) + ((a >>> (32 + shift)) & mask) + ((c >>> shift) & mask) + ((c >>> (32 + shift)) & mask);
        Vector256<ulong> right = ((b >>> shift) & mask) + ((b >>> (32 + shift)) & mask) + ((d >>> shift) & mask) + ((d >>> (32 + shift)) & mask);
        return (Vector256.Narrow(left, right) + Vector256.Create(2u)) >>> 2;
    }

    private static Vector256<uint> Over(Vector256<uint> overlay, Vector256<uint> opacity, Vector256<uint> below)
    {
        Vector256<uint> product = below * (Vector256.Create(255u) - opacity) + Vector256.Create(128u);
        return Vector256.Min(overlay + ((product + (product >>> 8)) >>> 8), Vector256.Create(255u));
    }

    private static Vector256<uint> Over10(Vector256<uint> overlay, Vector256<uint> opacity, Vector256<uint> below, int scale)
    {
        Vector256<uint> product = below * (Vector256.Create(255u) - opacity);
        // Below 2^18 a product and its 255th part round exactly in single precision: the nearest half lies 1/510 away.
        Vector256<float> quotient = Vector256.ConvertToSingle(product.AsInt32()) * (1f / 255);
        Vector256<uint> rest = Vector256.ConvertToInt32(quotient + Vector256.Create(0.5f)).AsUInt32();
        Vector256<uint> scaled = (overlay * Vector256.Create((uint)scale) + Vector256.Create(32768u)) >>> 16;
        return Vector256.Min(scaled + rest, Vector256.Create(1023u));
    }

    private static Vector128<ushort> Divide255(Vector128<ushort> product)
    {
        // Rounds product / 255 to nearest for every product of two bytes.
        product += Vector128.Create((ushort)128);
        return (product + (product >>> 8)) >>> 8;
    }

    private static Vector256<uint> Load8(byte* samples)
    {
        Vector128<ushort> wide = Vector128.WidenLower(Vector128.CreateScalarUnsafe(*(ulong*)samples).AsByte());
        return Vector256.Create(Vector128.WidenLower(wide), Vector128.WidenUpper(wide));
    }

    private static void Store8(byte* samples, Vector256<uint> values)
    {
        Vector128<ushort> wide = Vector128.Narrow(values.GetLower(), values.GetUpper());
        *(ulong*)samples = Vector128.Narrow(wide, wide).AsUInt64().ToScalar();
    }
}
