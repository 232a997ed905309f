using System.Diagnostics;
using System.Numerics;
using System.Runtime.CompilerServices;
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
    public const int Border = 2;

    private uint[] _pixels = [];
    private readonly YuvRows _yuv = new();
    private int[] _room = [];
    private int _stride;
    private float _scaleX, _scaleY, _offsetX, _offsetY;
    // The last pixel of the copy: column, row.
    private Vector128<float> _last;
    private Vector128<int> _lastPixel;

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
        _lastPixel = Vector128.Create(Width - 1, Height - 1, 0, 0);
        _last = Vector128.ConvertToSingle(_lastPixel);
        int needed = checked(_stride * (Height + 2 * Border));
        if (_pixels.Length < needed) _pixels = new uint[needed];
        for (int y = 0; y < Height; y++)
        {
            Span<uint> row = _pixels.AsSpan((y + Border) * _stride + Border, Width);
            if (frame.Format == PixelFormat.Rgb24) TakeRgb(frame.GetPlane(0), left, top + y, factor, row);
            else _yuv.Take(frame, left, top + y, factor, row);
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

    /// <summary>All pixels row after row, with the border of <see cref="Border"/>; they last until the next <see cref="Take"/>.</summary>
    /// <param name="columns">Pixels of a row, the border included.</param>
    /// <param name="rows">Rows, the border included.</param>
    public ReadOnlySpan<uint> Pixels(out int columns, out int rows)
    {
        (columns, rows) = (_stride, Height + 2 * Border);
        return _pixels.AsSpan(0, columns * rows);
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

    /// <summary>The mean of four colours around a place, where the picture is finer than what is drawn of it.</summary>
    /// <param name="place">From <see cref="Place"/>.</param>
    /// <param name="softness">Half the side of the square whose corners are looked up, pixels; 0 for the place alone.</param>
    public Vector4 SampleSoft(Vector2 place, float softness)
    {
        if (softness == 0) return Sample(place);
        Vector2 diagonal = new(softness), other = new(softness, -softness);
        return 0.25f * (Sample(place - diagonal) + Sample(place + diagonal) + Sample(place - other) + Sample(place + other));
    }

    /// <summary>Colour at a place, linear between the nearest four pixels: faster than <see cref="Sample"/> and a little softer.</summary>
    /// <param name="place">X and Y are those of <see cref="Place"/>; Z and W have no meaning.</param>
    /// <returns>R, G, B in 0…255; W has no meaning.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector4 SampleLinear(Vector4 place)
    {
        // What processors make of what is not a number differs, so that the whole pixel is bounded, too.
        Vector128<float> point = Vector128.MinNative(Vector128.MaxNative(place.AsVector128(), Vector128<float>.Zero), _last);
        Vector128<int> pixel = Vector128.Min(Vector128.Max(Vector128.ConvertToInt32Native(point), Vector128<int>.Zero), _lastPixel);
        Vector128<float> beyond = point - Vector128.ConvertToSingle(pixel);
        int at = (pixel[1] + Border) * _stride + pixel[0] + Border;
        // Two pixels of two rows, eight channels in 16 bits each: down with weights of 8 bits, then across.
        // The place is clamped to the copy, which has pixels on every side of it: both reads lie within.
        Debug.Assert(at >= 0 && at + _stride + 2 <= _pixels.Length);
        ref uint first = ref Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(_pixels), at);
        ulong upper = Unsafe.ReadUnaligned<ulong>(ref Unsafe.As<uint, byte>(ref first)), lower = Unsafe.ReadUnaligned<ulong>(ref Unsafe.As<uint, byte>(ref Unsafe.Add(ref first, _stride)));
        ushort v = (ushort)Vector128.ConvertToInt32Native(beyond * 256f)[1];
        Vector128<ushort> both = Vector128.WidenLower(Vector128.CreateScalarUnsafe(upper).AsByte()) * (ushort)(256 - v)
            + Vector128.WidenLower(Vector128.CreateScalarUnsafe(lower).AsByte()) * v;
        (Vector128<uint> one, Vector128<uint> second) = Vector128.Widen(both);
        Vector128<float> from = Vector128.ConvertToSingle(one.AsInt32()), to = Vector128.ConvertToSingle(second.AsInt32());
        return ((from + beyond[0] * (to - from)) * (1f / 256)).AsVector4();
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

    private Span<int> Room(int count)
    {
        if (_room.Length < count) _room = new int[count];
        return _room.AsSpan(0, count);
    }

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
}
