using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Img2Pose.Frames;

namespace Img2Pose.Rendering.Views;

/// <summary>
/// A copy of a part of a picture, made to be sampled at any point: four bytes a pixel (R, G, B, unused) with a border that repeats
/// the edge, averaged over squares of pixels where it is wanted smaller, mirrored where that is wanted. Points are given in
/// displayed pixels of the whole picture (of the mirrored one), pixel i covering [i, i + 1). The buffer grows and is kept.
/// </summary>
internal sealed class SourcePicture
{
    /// <summary>Pixels around the copy, so that four by four of them lie around every point inside.</summary>
    private const int Border = 2;

    private uint[] _pixels = [];
    private int[] _room = [];
    private int _stride;
    private float _scaleX, _scaleY, _offsetX, _offsetY;

    /// <summary>Width of the copy, pixels.</summary>
    public int Width { get; private set; }

    /// <summary>Height of the copy, pixels.</summary>
    public int Height { get; private set; }

    /// <summary>Copies a part of a frame in host memory.</summary>
    /// <param name="frame">The frame; its samples are only read during the call.</param>
    /// <param name="low">Corner of the part nearest to the origin, displayed pixels; clipped to the picture.</param>
    /// <param name="high">The opposite corner.</param>
    /// <param name="factor">Side of the squares of samples that become one pixel, at least 1.</param>
    /// <param name="mirror">Takes the mirrored picture, to which the corners belong then.</param>
    /// <returns>False where nothing is left of the part.</returns>
    public bool Take(VideoFrame frame, Vector2 low, Vector2 high, int factor, bool mirror = false)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(factor);
        _scaleX = (float)frame.Width / frame.DisplayWidth / factor;
        _scaleY = (float)frame.Height / frame.DisplayHeight / factor;
        int columns = frame.Width / factor, rows = frame.Height / factor;
        if (mirror) (low.X, high.X) = (frame.DisplayWidth - high.X, frame.DisplayWidth - low.X);
        int left = Bound(MathF.Floor(low.X * _scaleX), columns), right = Bound(MathF.Ceiling(high.X * _scaleX), columns);
        int top = Bound(MathF.Floor(low.Y * _scaleY), rows), bottom = Bound(MathF.Ceiling(high.Y * _scaleY), rows);
        (Width, Height) = (right - left, bottom - top);
        if (Width <= 0 || Height <= 0) return false;
        // A sample's centre lies half a pixel inside.
        (_offsetX, _offsetY) = (0.5f + (mirror ? (float)frame.Width / factor - right : left), 0.5f + top);
        _stride = Width + 2 * Border;
        int needed = checked(_stride * (Height + 2 * Border));
        if (_pixels.Length < needed) _pixels = new uint[needed];
        for (int y = 0; y < Height; y++)
        {
            Span<uint> row = _pixels.AsSpan((y + Border) * _stride + Border, Width);
            if (frame.Format == PixelFormat.Rgb24) TakeRgb(frame.GetPlane(0), left, top + y, factor, row);
            else TakeYuv(frame, left, top + y, factor, row);
            if (mirror) row.Reverse();
        }
        RepeatEdges();
        return true;
    }

    /// <summary>A pixel of the copy.</summary>
    public Vector4 Pixel(int x, int y)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)x, (uint)Width);
        uint pixel = _pixels[(y + Border) * _stride + x + Border];
        return new Vector4((byte)pixel, (byte)(pixel >> 8), (byte)(pixel >> 16), 0);
    }

    /// <summary>The point of the copy that lies at a point of the picture: to be given to <see cref="Sample"/>.</summary>
    public Vector2 Place(Vector2 point) => new(point.X * _scaleX - _offsetX, point.Y * _scaleY - _offsetY);

    /// <summary>How far inside the copy a place lies, pixels; negative outside.</summary>
    public float Inside(Vector2 place) =>
        MathF.Min(MathF.Min(place.X, place.Y), MathF.Min(Width - 1 - place.X, Height - 1 - place.Y)) + 0.5f;

    /// <summary>How sharp a part of the copy is: the mean of |2p − left − right| of green over its mean, about 0 to 1.</summary>
    /// <param name="middle">Middle of the part, displayed pixels.</param>
    /// <param name="radius">Half its side, displayed pixels.</param>
    public float Sharpness(Vector2 middle, float radius)
    {
        Vector2 low = Place(middle - new Vector2(radius)), high = Place(middle + new Vector2(radius));
        int left = Bound(low.X, Width), right = Bound(high.X, Width), top = Bound(low.Y, Height), bottom = Bound(high.Y, Height);
        long edges = 0, sum = 0;
        for (int y = top; y < bottom; y++)
        {
            ReadOnlySpan<uint> row = _pixels.AsSpan((y + Border) * _stride + Border, Width);
            for (int x = Math.Max(1, left); x < Math.Min(Width - 1, right); x++)
            {
                int green = (byte)(row[x] >> 8);
                edges += Math.Abs(2 * green - (byte)(row[x - 1] >> 8) - (byte)(row[x + 1] >> 8));
                sum += green;
            }
        }
        return sum > 0 ? (float)edges / sum : 0;
    }

    /// <summary>
    /// Colour at a place by Catmull–Rom cubic interpolation (Keys 1981, a = −½) over four by four pixels, exact at pixel centres and
    /// kept within the values of the nearest four, so that edges get no halos. Outside the copy its edge goes on.
    /// </summary>
    /// <param name="place">From <see cref="Place"/>.</param>
    /// <returns>R, G, B in 0…255; W has no meaning.</returns>
    public Vector4 Sample(Vector2 place)
    {
        // NaN clamps to NaN and would become any index; the comparison turns it into the corner.
        float x = place.X > 0 ? MathF.Min(place.X, Width - 1) : 0, y = place.Y > 0 ? MathF.Min(place.Y, Height - 1) : 0;
        int left = (int)x, top = (int)y;
        float u = x - left, v = y - top;
        int at = (top + Border - 1) * _stride + left + Border - 1;
        Vector4 across = Weights(u), down = Weights(v);
        Vector128<float> sum = down.X * Row(at, across, out _, out _);
        sum += down.Y * Row(at + _stride, across, out Vector128<float> a, out Vector128<float> b);
        sum += down.Z * Row(at + 2 * _stride, across, out Vector128<float> c, out Vector128<float> d);
        sum += down.W * Row(at + 3 * _stride, across, out _, out _);
        Vector128<float> least = Vector128.Min(Vector128.Min(a, b), Vector128.Min(c, d)), most = Vector128.Max(Vector128.Max(a, b), Vector128.Max(c, d));
        return Vector128.Min(Vector128.Max(sum, least), most).AsVector4();
    }

    /// <summary>Colour at a place, linear between the nearest four pixels: a quarter of the time of <see cref="Sample"/>, a little softer.</summary>
    /// <param name="place">From <see cref="Place"/>.</param>
    /// <returns>R, G, B in 0…255; W has no meaning.</returns>
    public Vector4 SampleLinear(Vector2 place)
    {
        float x = place.X > 0 ? MathF.Min(place.X, Width - 1) : 0, y = place.Y > 0 ? MathF.Min(place.Y, Height - 1) : 0;
        int left = (int)x, top = (int)y, at = (top + Border) * _stride + left + Border;
        ReadOnlySpan<uint> upper = _pixels.AsSpan(at, 2), lower = _pixels.AsSpan(at + _stride, 2);
        // Two channels in each half of 16 bits, weights of 8 bits.
        uint u = (uint)((x - left) * 256), v = (uint)((y - top) * 256);
        uint evenTop = Mix(upper[0] & 0xFF00FF, upper[1] & 0xFF00FF, u), evenBelow = Mix(lower[0] & 0xFF00FF, lower[1] & 0xFF00FF, u);
        uint oddTop = Mix(upper[0] >> 8 & 0xFF, upper[1] >> 8 & 0xFF, u), oddBelow = Mix(lower[0] >> 8 & 0xFF, lower[1] >> 8 & 0xFF, u);
        uint even = Mix(evenTop, evenBelow, v), odd = Mix(oddTop, oddBelow, v);
        return new Vector4(even & 0xFF, odd & 0xFF, even >> 16 & 0xFF, 0);

        static uint Mix(uint a, uint b, uint weight) => ((a * (256 - weight) + b * weight + 0x800080) >> 8) & 0xFF00FF;
    }

    private Vector128<float> Row(int at, Vector4 weights, out Vector128<float> second, out Vector128<float> third)
    {
        Vector128<byte> four = Vector128.LoadUnsafe(ref MemoryMarshal.GetReference(MemoryMarshal.AsBytes(_pixels.AsSpan(at, 4))));
        (Vector128<ushort> low, Vector128<ushort> high) = Vector128.Widen(four);
        (Vector128<uint> p0, Vector128<uint> p1) = Vector128.Widen(low);
        (Vector128<uint> p2, Vector128<uint> p3) = Vector128.Widen(high);
        second = Vector128.ConvertToSingle(p1.AsInt32());
        third = Vector128.ConvertToSingle(p2.AsInt32());
        return weights.X * Vector128.ConvertToSingle(p0.AsInt32()) + weights.Y * second + weights.Z * third + weights.W * Vector128.ConvertToSingle(p3.AsInt32());
    }

    private static Vector4 Weights(float t) => new(
        ((-0.5f * t + 1) * t - 0.5f) * t, (1.5f * t - 2.5f) * t * t + 1, ((-1.5f * t + 2) * t + 0.5f) * t, (0.5f * t - 0.5f) * t * t);

    private static int Bound(float value, int limit) => value > 0 ? (int)MathF.Min(value, limit) : 0;

    private void TakeRgb(FramePlane plane, int left, int y, int factor, Span<uint> row)
    {
        if (factor == 1)
        {
            ReadOnlySpan<byte> line = plane.Row(y).Slice(3 * left, 3 * row.Length);
            for (int x = 0; x < row.Length; x++) row[x] = Pack(line[3 * x], line[3 * x + 1], line[3 * x + 2]);
            return;
        }
        Span<int> sums = Room(3 * row.Length);
        sums.Fill(factor * factor / 2);
        for (int dy = 0; dy < factor; dy++)
        {
            ReadOnlySpan<byte> line = plane.Row(y * factor + dy).Slice(3 * factor * left, 3 * factor * row.Length);
            for (int x = 0, from = 0; x < sums.Length; x += 3)
            {
                for (int dx = 0; dx < factor; dx++, from += 3)
                {
                    sums[x] += line[from];
                    sums[x + 1] += line[from + 1];
                    sums[x + 2] += line[from + 2];
                }
            }
        }
        int all = factor * factor;
        for (int x = 0; x < row.Length; x++) row[x] = Pack(sums[3 * x] / all, sums[3 * x + 1] / all, sums[3 * x + 2] / all);
    }

    private void TakeYuv(VideoFrame frame, int left, int y, int factor, Span<uint> row)
    {
        int width = row.Length;
        Span<int> room = Room(3 * width), luma = room[..width], u = room.Slice(width, width), v = room.Slice(2 * width, width);
        bool interleaved = frame.Format == PixelFormat.Nv12;
        int shift = frame.Format == PixelFormat.I420P10 ? 2 : 0;
        Chroma(frame.GetPlane(1), interleaved ? 2 : 1, 0, shift, left, y, factor, u);
        Chroma(frame.GetPlane(interleaved ? 1 : 2), interleaved ? 2 : 1, interleaved ? 1 : 0, shift, left, y, factor, v);
        luma.Fill(factor * factor / 2);
        for (int dy = 0; dy < factor; dy++)
        {
            ReadOnlySpan<byte> line = frame.GetPlane(0).Row(y * factor + dy);
            if (shift > 0)
            {
                for (int x = 0, from = factor * left; x < width; x++)
                {
                    for (int dx = 0; dx < factor; dx++, from++) luma[x] += Component(line, from, shift);
                }
                continue;
            }
            line = line.Slice(factor * left, factor * width);
            if (factor == 2)
            {
                for (int x = 0; x < luma.Length; x++) luma[x] += line[2 * x] + line[2 * x + 1];
                continue;
            }
            for (int x = 0, from = 0; x < luma.Length; x++)
            {
                for (int dx = 0; dx < factor; dx++, from++) luma[x] += line[from];
            }
        }
        YuvWeights to = YuvWeights.Of(frame.Color);
        int all = factor * factor;
        for (int x = 0; x < row.Length; x++) row[x] = to.Rgb(all == 1 ? luma[x] : all == 4 ? luma[x] >> 2 : luma[x] / all, u[x] - 128, v[x] - 128);
    }

    private Span<int> Room(int count)
    {
        if (_room.Length < count) _room = new int[count];
        return _room.AsSpan(0, count);
    }

    /// <summary>The chroma of a row of output pixels: linear between the four nearest, sited between the luma samples.</summary>
    private static void Chroma(FramePlane plane, int step, int component, int shift, int left, int y, int factor, Span<int> values)
    {
        // The middle of the square in quarters of a chroma sample, less the half that its own centre lies inside.
        int middleY = (2 * y + 1) * factor - 2;
        int top = Math.Clamp(middleY >> 2, 0, plane.Height - 1), below = Math.Clamp((middleY >> 2) + 1, 0, plane.Height - 1), v = middleY & 3;
        ReadOnlySpan<byte> upper = plane.Row(top), lower = plane.Row(below);
        if (factor == 2)
        {
            // Each square of four has its own chroma sample.
            for (int x = 0, from = left * step + component; x < values.Length; x++, from += step) values[x] = Component(upper, from, shift);
            return;
        }
        if (factor == 1)
        {
            // Twice as many as chroma samples: each a quarter from the middle of its own.
            for (int x = 0; x < values.Length; x++)
            {
                int own = (left + x) >> 1, other = Math.Clamp(own + 2 * ((left + x) & 1) - 1, 0, plane.Width - 1);
                int first = own * step + component, second = other * step + component;
                int near = (4 - v) * Component(upper, first, shift) + v * Component(lower, first, shift);
                int far = (4 - v) * Component(upper, second, shift) + v * Component(lower, second, shift);
                values[x] = (3 * near + far + 8) >> 4;
            }
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

    private static int Component(ReadOnlySpan<byte> line, int index, int shift) =>
        shift == 0 ? line[index] : Math.Min(255, ((line[2 * index] | line[2 * index + 1] << 8) + 2) >> shift);

    private static uint Pack(int r, int g, int b) => (uint)(r | g << 8 | b << 16);

    private void RepeatEdges()
    {
        for (int y = Border; y < Height + Border; y++)
        {
            Span<uint> row = _pixels.AsSpan(y * _stride, _stride);
            row[..Border].Fill(row[Border]);
            row[(Border + Width)..].Fill(row[Border + Width - 1]);
        }
        Span<uint> first = _pixels.AsSpan(Border * _stride, _stride), last = _pixels.AsSpan((Height + Border - 1) * _stride, _stride);
        for (int y = 0; y < Border; y++)
        {
            first.CopyTo(_pixels.AsSpan(y * _stride, _stride));
            last.CopyTo(_pixels.AsSpan((Height + Border + y) * _stride, _stride));
        }
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

        public uint Rgb(int y, int u, int v)
        {
            int luma = (y - Offset) * Luma + 32768;
            return Pack(Clip(luma + RedOfV * v), Clip(luma + GreenOfU * u + GreenOfV * v), Clip(luma + BlueOfU * u));
        }

        private static int Fixed(double value) => (int)Math.Round(65536 * value);

        private static int Clip(int value) => Math.Clamp(value >> 16, 0, 255);
    }
}
