using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Img2Pose.Training.Augmentation;

/// <summary>The inner loops over RGB bytes, in whole numbers: vectors and plain loops give the same on every processor.</summary>
internal static unsafe class PixelLoops
{
    /// <summary>Replaces each sample by its channel's table: 256 values for red, then green, then blue.</summary>
    public static void LookUp(Span<byte> pixels, ReadOnlySpan<byte> table)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(table.Length, 768);
        fixed (byte* first = pixels)
        fixed (byte* red = table)
        {
            byte* green = red + 256, blue = red + 512;
            byte* end = first + pixels.Length - pixels.Length % 3;
            for (byte* at = first; at < end; at += 3)
            {
                at[0] = red[at[0]];
                at[1] = green[at[1]];
                at[2] = blue[at[2]];
            }
        }
    }

    /// <summary>Multiplies each pixel by a 3×3 matrix in 4096ths, row-major; what leaves 0…255 is cut there.</summary>
    public static void Mix(Span<byte> pixels, ReadOnlySpan<int> matrix)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(matrix.Length, 9);
        int i = 0;
        fixed (byte* first = pixels)
        fixed (int* m = matrix)
        {
            // Eight pixels are read as twice sixteen bytes, the second from the twelfth on.
            for (; i + 28 <= pixels.Length; i += 24)
            {
                byte* at = first + i;
                Vector256<int> eight = Vector256.Create(Spread(Vector128.Load(at)), Spread(Vector128.Load(at + 12))).AsInt32();
                Vector256<int> r = eight & Vector256.Create(255), g = (eight >>> 8) & Vector256.Create(255), b = (eight >>> 16) & Vector256.Create(255);
                Vector256<byte> mixed = (Channel(m, r, g, b) | (Channel(m + 3, r, g, b) << 8) | (Channel(m + 6, r, g, b) << 16)).AsByte();
                Pack(mixed.GetLower(), at);
                Pack(mixed.GetUpper(), at + 12);
            }
            for (; i + 2 < pixels.Length; i += 3)
            {
                int r = first[i], g = first[i + 1], b = first[i + 2];
                first[i] = (byte)Math.Clamp((m[0] * r + m[1] * g + m[2] * b + 2048) >> 12, 0, 255);
                first[i + 1] = (byte)Math.Clamp((m[3] * r + m[4] * g + m[5] * b + 2048) >> 12, 0, 255);
                first[i + 2] = (byte)Math.Clamp((m[6] * r + m[7] * g + m[8] * b + 2048) >> 12, 0, 255);
            }
        }
    }

    /// <summary>Adds a number to each sample; what leaves 0…255 is cut there.</summary>
    public static void Add(Span<byte> pixels, ReadOnlySpan<short> numbers)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(numbers.Length, pixels.Length);
        int i = 0;
        Vector256<short> most = Vector256.Create((short)255);
        for (; i + Vector256<byte>.Count <= pixels.Length; i += Vector256<byte>.Count)
        {
            (Vector256<ushort> low, Vector256<ushort> high) = Vector256.Widen(Vector256.Create<byte>(pixels[i..]));
            Vector256<short> a = low.AsInt16() + Vector256.Create(numbers[i..]);
            Vector256<short> b = high.AsInt16() + Vector256.Create(numbers[(i + Vector256<short>.Count)..]);
            a = Vector256.Min(Vector256.Max(a, Vector256<short>.Zero), most);
            b = Vector256.Min(Vector256.Max(b, Vector256<short>.Zero), most);
            Vector256.Narrow(a.AsUInt16(), b.AsUInt16()).CopyTo(pixels[i..]);
        }
        for (; i < pixels.Length; i++) pixels[i] = (byte)Math.Clamp(pixels[i] + numbers[i], 0, 255);
    }

    /// <summary>Weighs bytes of 2·<paramref name="radius"/> + 1 lines in 65536ths, rounded.</summary>
    /// <param name="lines">The lines, from first to last.</param>
    /// <param name="weights">Weight of the middle line, then of both its neighbours, and so on.</param>
    /// <param name="radius">Number of lines on either side.</param>
    /// <param name="to">Where <paramref name="count"/> bytes go; none of the lines may be there.</param>
    /// <param name="count">Number of bytes.</param>
    public static void Weigh(byte** lines, int* weights, int radius, byte* to, int count)
    {
        int i = 0;
        for (; i + Vector256<byte>.Count <= count; i += Vector256<byte>.Count)
        {
            (Vector256<ushort> low, Vector256<ushort> high) = Vector256.Widen(Vector256.Load(lines[radius] + i));
            (Vector256<uint> a, Vector256<uint> b) = Vector256.Widen(low);
            (Vector256<uint> c, Vector256<uint> d) = Vector256.Widen(high);
            Vector256<uint> half = Vector256.Create(32768u), weight = Vector256.Create((uint)weights[0]);
            (a, b, c, d) = (a * weight + half, b * weight + half, c * weight + half, d * weight + half);
            for (int k = 1; k <= radius; k++)
            {
                (low, high) = Vector256.Widen(Vector256.Load(lines[radius - k] + i));
                (Vector256<ushort> otherLow, Vector256<ushort> otherHigh) = Vector256.Widen(Vector256.Load(lines[radius + k] + i));
                weight = Vector256.Create((uint)weights[k]);
                (Vector256<uint> first, Vector256<uint> second) = Vector256.Widen(low + otherLow);
                a += first * weight;
                b += second * weight;
                (first, second) = Vector256.Widen(high + otherHigh);
                c += first * weight;
                d += second * weight;
            }
            Vector256.Narrow(Vector256.Narrow(a >>> 16, b >>> 16), Vector256.Narrow(c >>> 16, d >>> 16)).Store(to + i);
        }
        for (; i < count; i++)
        {
            int sum = 32768 + weights[0] * lines[radius][i];
            for (int k = 1; k <= radius; k++) sum += weights[k] * (lines[radius - k][i] + lines[radius + k][i]);
            to[i] = (byte)(sum >> 16);
        }
    }

    /// <summary>Twelve bytes to the low three of each of four lanes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<byte> Spread(Vector128<byte> pixels) =>
        Vector128.Shuffle(pixels, Vector128.Create((byte)0, 1, 2, 255, 3, 4, 5, 255, 6, 7, 8, 255, 9, 10, 11, 255));

    /// <summary>The low three bytes of four lanes to twelve bytes, and not one more.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Pack(Vector128<byte> lanes, byte* to)
    {
        Vector128<byte> packed = Vector128.Shuffle(lanes, Vector128.Create((byte)0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, 255, 255, 255, 255));
        Unsafe.WriteUnaligned(to, packed.AsUInt64().ToScalar());
        Unsafe.WriteUnaligned(to + 8, packed.AsUInt32().GetElement(2));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Channel(int* m, Vector256<int> r, Vector256<int> g, Vector256<int> b)
    {
        Vector256<int> sum = (r * m[0] + g * m[1] + b * m[2] + Vector256.Create(2048)) >> 12;
        return Vector256.Min(Vector256.Max(sum, Vector256<int>.Zero), Vector256.Create(255));
    }
}
