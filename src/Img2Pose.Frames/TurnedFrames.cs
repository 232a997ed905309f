using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Img2Pose.Frames;

/// <summary>Makes turned copies of pictures.</summary>
public static class TurnedFrames
{
    /// <summary>Leases a copy of a picture turned clockwise, with the same times and colours.</summary>
    /// <param name="pool">Where the copy comes from.</param>
    /// <param name="source">The picture, in host memory; only read.</param>
    /// <param name="quarters">Quarter turns, 1 to 3.</param>
    /// <param name="step">Only every n-th sample of every n-th row is taken, n at least 1; the displayed size stays that of the whole.</param>
    /// <exception cref="InvalidOperationException">The picture is not in host memory.</exception>
    public static VideoFrame RentTurned(this FramePool pool, VideoFrame source, int quarters, int step = 1)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(quarters, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(quarters, 3);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(step);
        bool upright = quarters == 2;
        int width = Math.Max(1, source.Width / step), height = Math.Max(1, source.Height / step);
        VideoFrame copy = pool.Rent(source.Format, upright ? width : height, upright ? height : width);
        try
        {
            for (int i = 0; i < source.PlaneCount; i++) Turn(source.GetPlane(i), copy.GetPlane(i), quarters, step);
        }
        catch
        {
            copy.Dispose();
            throw;
        }
        copy.CopyPropertiesFrom(source);
        (copy.DisplayWidth, copy.DisplayHeight) = upright ? (source.DisplayWidth, source.DisplayHeight) : (source.DisplayHeight, source.DisplayWidth);
        return copy;
    }

    /// <summary>
    /// Leases a copy of a square of a picture that is turned about a point, by bilinear interpolation; edges are repeated where the square
    /// reaches beyond the picture.
    /// </summary>
    /// <param name="pool">Where the copy comes from.</param>
    /// <param name="source">The picture, in host memory; only read.</param>
    /// <param name="centerX">The point, displayed pixels from the picture's left edge.</param>
    /// <param name="centerY">The point, displayed pixels from its top edge.</param>
    /// <param name="left">Where the square begins in the turned picture, displayed pixels to the right of the point.</param>
    /// <param name="top">Where it begins, displayed pixels below the point.</param>
    /// <param name="side">Its side, displayed pixels, at least 1.</param>
    /// <param name="angle">Radians clockwise by which the picture is turned.</param>
    /// <param name="samples">Samples of a side of the copy, at least 1; fewer than the picture has there are left out, not averaged.</param>
    /// <exception cref="InvalidOperationException">The picture is not in host memory.</exception>
    public static VideoFrame RentTurned(
        this FramePool pool, VideoFrame source, double centerX, double centerY, double left, double top, int side, double angle, int samples)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(side);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(samples);
        VideoFrame copy = pool.Rent(source.Format, samples, samples);
        try
        {
            bool wide = source.Format is PixelFormat.I420P10 or PixelFormat.P010;
            for (int i = 0; i < source.PlaneCount; i++)
            {
                FramePlane from = source.GetPlane(i), to = copy.GetPlane(i);
                Affine warp = Affine.Of(source, from, to, centerX, centerY, left, top, side, angle);
                if (wide) Warp<ushort>(from, to, warp);
                else Warp<byte>(from, to, warp);
            }
        }
        catch
        {
            copy.Dispose();
            throw;
        }
        copy.CopyPropertiesFrom(source);
        (copy.DisplayWidth, copy.DisplayHeight) = (side, side);
        return copy;
    }

    /// <summary>From an element of the copy to the element of the picture's plane: (XX·x + XY·y + X, YX·x + YY·y + Y).</summary>
    private readonly record struct Affine(double XX, double XY, double X, double YX, double YY, double Y)
    {
        public static Affine Of(VideoFrame source, FramePlane from, FramePlane to, double centerX, double centerY, double left, double top, int side, double angle)
        {
            (double sin, double cos) = Math.SinCos(angle);
            double column = (double)from.Width / source.DisplayWidth, row = (double)from.Height / source.DisplayHeight;
            double stepX = (double)side / to.Width, stepY = (double)side / to.Height;
            // Elements count from their middles, pixels from the edge.
            double x = left + 0.5 * stepX, y = top + 0.5 * stepY;
            return new Affine(
                column * cos * stepX, column * sin * stepY, column * (centerX + cos * x + sin * y) - 0.5,
                -row * sin * stepX, row * cos * stepY, row * (centerY - sin * x + cos * y) - 0.5);
        }
    }

    private static void Warp<T>(FramePlane from, FramePlane to, in Affine warp) where T : unmanaged, IBinaryInteger<T>
    {
        const uint One = 256;
        int channels = from.BytesPerElement / Unsafe.SizeOf<T>(), lastX = from.Width - 1, lastY = from.Height - 1;
        for (int y = 0; y < to.Height; y++)
        {
            Span<T> row = MemoryMarshal.Cast<byte, T>(to.Row(y));
            for (int x = 0; x < to.Width; x++)
            {
                // In parts of 1/256, rounded: a whole number that comes out a trifle below itself is still one.
                uint sourceX = (uint)(One * Math.Clamp(warp.XX * x + warp.XY * y + warp.X, 0, lastX) + 0.5);
                uint sourceY = (uint)(One * Math.Clamp(warp.YX * x + warp.YY * y + warp.Y, 0, lastY) + 0.5);
                int x0 = (int)(sourceX / One), y0 = (int)(sourceY / One);
                uint fx = sourceX % One, fy = sourceY % One;
                int first = channels * x0, second = channels * Math.Min(x0 + 1, lastX);
                ReadOnlySpan<T> upper = MemoryMarshal.Cast<byte, T>(from.Row(y0)), lower = MemoryMarshal.Cast<byte, T>(from.Row(Math.Min(y0 + 1, lastY)));
                for (int c = 0; c < channels; c++)
                {
                    uint above = (One - fx) * uint.CreateTruncating(upper[first + c]) + fx * uint.CreateTruncating(upper[second + c]);
                    uint below = (One - fx) * uint.CreateTruncating(lower[first + c]) + fx * uint.CreateTruncating(lower[second + c]);
                    row[channels * x + c] = T.CreateTruncating(((One - fy) * above + fy * below + One * One / 2) / (One * One));
                }
            }
        }
    }

    private static void Turn(FramePlane from, FramePlane to, int quarters, int step)
    {
        int bytes = from.BytesPerElement;
        for (int y = 0; y < to.Height; y++)
        {
            Span<byte> row = to.Row(y);
            for (int x = 0; x < to.Width; x++)
            {
                (int column, int line) = quarters switch
                {
                    1 => (y, to.Width - 1 - x),
                    2 => (to.Width - 1 - x, to.Height - 1 - y),
                    _ => (to.Height - 1 - y, x),
                };
                // Planes of half the size may be a sample short of what the step asks for.
                column = Math.Min(step * column, from.Width - 1);
                line = Math.Min(step * line, from.Height - 1);
                from.Row(line).Slice(column * bytes, bytes).CopyTo(row[(x * bytes)..]);
            }
        }
    }
}
