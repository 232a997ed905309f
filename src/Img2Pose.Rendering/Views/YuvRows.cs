using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Img2Pose.Frames;

namespace Img2Pose.Rendering.Views;

/// <summary>
/// Rows of a YUV picture as packed RGB (R in the lowest byte), averaged over squares of samples. Chroma is linear between the
/// nearest samples, sited between the luma samples. Buffers grow and are kept.
/// </summary>
internal sealed class YuvRows
{
    private int[] _luma = [], _u = [], _v = [], _column = [];

    /// <summary>Converts a row.</summary>
    /// <param name="frame">I420, NV12 or 10-bit I420, in host memory.</param>
    /// <param name="left">First column of the row that is made.</param>
    /// <param name="y">The row that is made, of a picture of a <paramref name="factor"/>-th of the size.</param>
    /// <param name="factor">Side of the squares of samples that become one pixel, at least 1.</param>
    /// <param name="row">Receives the pixels, all of which lie inside the picture.</param>
    public void Take(VideoFrame frame, int left, int y, int factor, Span<uint> row)
    {
        Reserve(row.Length);
        bool interleaved = frame.Format == PixelFormat.Nv12;
        int shift = frame.Format == PixelFormat.I420P10 ? 2 : 0;
        Chroma(frame.GetPlane(1), interleaved ? 2 : 1, 0, shift, left, y, factor, _u.AsSpan(0, row.Length));
        Chroma(frame.GetPlane(interleaved ? 1 : 2), interleaved ? 2 : 1, interleaved ? 1 : 0, shift, left, y, factor, _v.AsSpan(0, row.Length));
        Luma(frame.GetPlane(0), shift, left, y, factor, _luma.AsSpan(0, row.Length));
        YuvWeights.Of(frame.Color).Convert(_luma.AsSpan(0, row.Length), _u.AsSpan(0, row.Length), _v.AsSpan(0, row.Length), row);
    }

    private void Reserve(int count)
    {
        if (_luma.Length >= count) return;
        (_luma, _u, _v, _column) = (new int[count], new int[count], new int[count], new int[count + 4]);
    }

    private static void Luma(FramePlane plane, int shift, int left, int y, int factor, Span<int> luma)
    {
        if (shift == 0 && factor == 1)
        {
            Widen(plane.Row(y).Slice(left, luma.Length), luma);
            return;
        }
        luma.Fill(factor * factor / 2);
        for (int dy = 0; dy < factor; dy++)
        {
            ReadOnlySpan<byte> line = plane.Row(y * factor + dy);
            if (shift > 0)
            {
                for (int x = 0, from = factor * left; x < luma.Length; x++)
                {
                    for (int dx = 0; dx < factor; dx++, from++) luma[x] += Component(line, from, shift);
                }
                continue;
            }
            line = line.Slice(factor * left, factor * luma.Length);
            if (factor == 2)
            {
                AddPairs(line, luma);
                continue;
            }
            for (int x = 0, from = 0; x < luma.Length; x++)
            {
                for (int dx = 0; dx < factor; dx++, from++) luma[x] += line[from];
            }
        }
        if (factor == 1) return;
        if (factor == 2)
        {
            for (int x = 0; x < luma.Length; x++) luma[x] >>= 2;
            return;
        }
        for (int x = 0; x < luma.Length; x++) luma[x] /= factor * factor;
    }

    private void Chroma(FramePlane plane, int step, int component, int shift, int left, int y, int factor, Span<int> values)
    {
        // The middle of the square in quarters of a chroma sample, less the half that its own centre lies inside.
        int middleY = (2 * y + 1) * factor - 2;
        int top = Math.Clamp(middleY >> 2, 0, plane.Height - 1), below = Math.Clamp((middleY >> 2) + 1, 0, plane.Height - 1), v = middleY & 3;
        ReadOnlySpan<byte> upper = plane.Row(top), lower = plane.Row(below);
        if (factor == 2)
        {
            // Each square of four has its own chroma sample.
            if (shift == 0 && step == 1)
            {
                Widen(upper.Slice(left, values.Length), values);
                return;
            }
            for (int x = 0, from = left * step + component; x < values.Length; x++, from += step) values[x] = Component(upper, from, shift);
            return;
        }
        if (factor == 1)
        {
            DoubledChroma(upper, lower, v, plane.Width, step, component, shift, left, values);
            return;
        }
        for (int x = 0; x < values.Length; x++)
        {
            int middleX = (2 * (left + x) + 1) * factor - 2, u = middleX & 3;
            int first = Math.Clamp(middleX >> 2, 0, plane.Width - 1) * step + component, second = Math.Clamp((middleX >> 2) + 1, 0, plane.Width - 1) * step + component;
            int above = (4 - u) * Component(upper, first, shift) + u * Component(upper, second, shift);
            int under = (4 - u) * Component(lower, first, shift) + u * Component(lower, second, shift);
            values[x] = ((4 - v) * above + v * under + 8) >> 4;
        }
    }

    /// <summary>Twice as many as chroma samples: each a quarter from the middle of its own, and so are the rows.</summary>
    private void DoubledChroma(ReadOnlySpan<byte> upper, ReadOnlySpan<byte> lower, int v, int width, int step, int component, int shift, int left, Span<int> values)
    {
        int first = (left >> 1) - 1, count = ((left + values.Length - 1) >> 1) + 1 - first + 1;
        Span<int> column = _column.AsSpan(0, count);
        for (int i = 0; i < count; i++)
        {
            int from = Math.Clamp(first + i, 0, width - 1) * step + component;
            column[i] = (4 - v) * Component(upper, from, shift) + v * Component(lower, from, shift);
        }
        for (int x = 0, at = (left >> 1) - first, odd = left & 1; x < values.Length; x++)
        {
            values[x] = (3 * column[at] + column[at + 2 * odd - 1] + 8) >> 4;
            at += odd;
            odd ^= 1;
        }
    }

    private static int Component(ReadOnlySpan<byte> line, int index, int shift) =>
        shift == 0 ? line[index] : Math.Min(255, ((line[2 * index] | line[2 * index + 1] << 8) + 2) >> shift);

    private static void Widen(ReadOnlySpan<byte> from, Span<int> to)
    {
        int x = 0;
        for (; x + 16 <= to.Length; x += 16)
        {
            (Vector128<ushort> low, Vector128<ushort> high) = Vector128.Widen(Vector128.Create(from.Slice(x, 16)));
            Store(low, to[x..], add: false);
            Store(high, to[(x + 8)..], add: false);
        }
        for (; x < to.Length; x++) to[x] = from[x];
    }

    /// <summary>Adds the sums of neighbours.</summary>
    private static void AddPairs(ReadOnlySpan<byte> from, Span<int> to)
    {
        int x = 0;
        for (; x + 8 <= to.Length; x += 8)
        {
            Vector128<ushort> pairs = Vector128.Create(from.Slice(2 * x, 16)).AsUInt16();
            Store((pairs & Vector128.Create((ushort)0xFF)) + (pairs >> 8), to[x..], add: true);
        }
        for (; x < to.Length; x++) to[x] += from[2 * x] + from[2 * x + 1];
    }

    private static void Store(Vector128<ushort> values, Span<int> to, bool add)
    {
        (Vector128<uint> low, Vector128<uint> high) = Vector128.Widen(values);
        (Vector128<int> first, Vector128<int> second) = (low.AsInt32(), high.AsInt32());
        if (add) (first, second) = (first + Vector128.Create(to[..4]), second + Vector128.Create(to.Slice(4, 4)));
        first.CopyTo(to);
        second.CopyTo(to[4..]);
    }

    /// <summary>YUV of 8 bits to RGB, in 65536ths.</summary>
    private readonly record struct YuvWeights(int Offset, int Luma, int RedOfV, int GreenOfU, int GreenOfV, int BlueOfU)
    {
        public static YuvWeights Of(ColorDescription color)
        {
            (double red, double blue) = LumaWeights.Of(color.Matrix);
            double green = 1 - red - blue, luma = color.FullRange ? 1 : 255.0 / 219, chroma = color.FullRange ? 1 : 255.0 / 224;
            return new YuvWeights(
                color.FullRange ? 0 : 16, Fixed(luma), Fixed(2 * (1 - red) * chroma), Fixed(-2 * (1 - blue) * blue / green * chroma),
                Fixed(-2 * (1 - red) * red / green * chroma), Fixed(2 * (1 - blue) * chroma));
        }

        /// <summary>Converts pixels, as many at once as fit into a register.</summary>
        public void Convert(ReadOnlySpan<int> luma, ReadOnlySpan<int> u, ReadOnlySpan<int> v, Span<uint> rgb)
        {
            ReadOnlySpan<Vector<int>> ys = MemoryMarshal.Cast<int, Vector<int>>(luma), us = MemoryMarshal.Cast<int, Vector<int>>(u), vs = MemoryMarshal.Cast<int, Vector<int>>(v);
            Span<Vector<int>> packed = MemoryMarshal.Cast<uint, Vector<int>>(rgb);
            Vector<int> middle = new(128), half = new(32768), offset = new(Offset);
            for (int i = 0; i < packed.Length; i++)
            {
                Vector<int> bright = (ys[i] - offset) * Luma + half, blueness = us[i] - middle, redness = vs[i] - middle;
                packed[i] = Clip(bright + RedOfV * redness)
                    | Vector.ShiftLeft(Clip(bright + GreenOfU * blueness + GreenOfV * redness), 8)
                    | Vector.ShiftLeft(Clip(bright + BlueOfU * blueness), 16);
            }
            for (int x = packed.Length * Vector<int>.Count; x < rgb.Length; x++)
            {
                int bright = (luma[x] - Offset) * Luma + 32768, blueness = u[x] - 128, redness = v[x] - 128;
                rgb[x] = (uint)(Clip(bright + RedOfV * redness) | Clip(bright + GreenOfU * blueness + GreenOfV * redness) << 8 | Clip(bright + BlueOfU * blueness) << 16);
            }
        }

        private static int Fixed(double value) => (int)Math.Round(65536 * value);

        private static int Clip(int value) => Math.Clamp(value >> 16, 0, 255);

        private static Vector<int> Clip(Vector<int> value) =>
            Vector.Min(Vector.Max(Vector.ShiftRightArithmetic(value, 16), Vector<int>.Zero), new Vector<int>(255));
    }
}
