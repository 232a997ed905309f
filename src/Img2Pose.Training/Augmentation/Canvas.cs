using System.Buffers;
using Img2Pose.Training.Data;

namespace Img2Pose.Training.Augmentation;

/// <summary>An integer rectangle of the canvas; right and bottom exclusive.</summary>
internal readonly record struct PixelRectangle(int Left, int Top, int Right, int Bottom);

// By hand: OpenCV's warp has no soft ellipse, places in steps of 1/32 pixel, and with a transparent border leaves out the edge.
/// <summary>The picture under construction: RGB bytes that layers are drawn on.</summary>
internal sealed class Canvas
{
    /// <summary>A black canvas.</summary>
    public Canvas(int width, int height)
        : this(width, height, new byte[width * height * 3])
    {
    }

    /// <summary>A canvas on pixels that are there; the array may be longer.</summary>
    public Canvas(int width, int height, byte[] pixels)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(pixels.Length, width * height * 3);
        Width = width;
        Height = height;
        Pixels = pixels;
    }

    /// <summary>RGB samples, row-major; on pixels that were there the array may be longer.</summary>
    public byte[] Pixels { get; }

    /// <summary>Width in pixels.</summary>
    public int Width { get; }

    /// <summary>Height in pixels.</summary>
    public int Height { get; }

    /// <summary>All of it.</summary>
    public PixelRectangle Bounds => new(0, 0, Width, Height);

    /// <summary>Fills with one colour.</summary>
    public void Fill(byte red, byte green, byte blue)
    {
        for (int i = 0; i < 3 * Width * Height; i += 3)
        {
            Pixels[i] = red;
            Pixels[i + 1] = green;
            Pixels[i + 2] = blue;
        }
    }

    /// <summary>
    /// Draws <paramref name="picture"/> through <paramref name="warp"/>, block-averaged then bilinear with half-pixel
    /// centres; only inside <paramref name="clip"/>, only where the picture is, mixed by the shape's opacity.
    /// </summary>
    public void Draw(RgbPicture picture, SimilarityWarp warp, LayerShape shape, PixelRectangle clip)
    {
        using ReducedPicture reduced = ReducedPicture.ForScale(picture, warp.Scale);
        (double x0, double y0) = warp.Invert(0.5, 0.5);
        (double x1, double y1) = warp.Invert(1.5, 0.5);
        (double x2, double y2) = warp.Invert(0.5, 1.5);
        double stepX = x1 - x0, stepY = y1 - y0;
        double perSource = 1.0 / reduced.Factor;
        float du = (float)(stepX * perSource), dv = (float)(stepY * perSource);
        byte[] samples = ArrayPool<byte>.Shared.Rent(shape.IsWhole ? 0 : 3 * Width);
        int[] opacities = ArrayPool<int>.Shared.Rent(shape.IsWhole ? 0 : Width + LayerShape.Lanes);
        for (int y = clip.Top; y < clip.Bottom; y++)
        {
            double rowX = x0 + y * (x2 - x0), rowY = y0 + y * (y2 - y0);
            int begin = clip.Left, end = clip.Right;
            Narrow(rowX, stepX, picture.Width, ref begin, ref end);
            Narrow(rowY, stepY, picture.Height, ref begin, ref end);
            shape.Narrow(rowX, rowY, stepX, stepY, ref begin, ref end);
            if (begin >= end) continue;
            Span<byte> to = Pixels.AsSpan((y * Width + begin) * 3, (end - begin) * 3);
            Span<byte> row = shape.IsWhole ? to : samples.AsSpan(0, to.Length);
            double px = rowX + begin * stepX, py = rowY + begin * stepY;
            PictureSampler.Row(reduced.Pixels, reduced.Width, reduced.Height, (float)(px * perSource - 0.5), (float)(py * perSource - 0.5), du, dv, row);
            if (shape.IsWhole) continue;
            shape.Opacities(px, py, stepX, stepY, opacities.AsSpan(0, end - begin + LayerShape.Lanes));
            Mix(row, opacities, to);
        }
        ArrayPool<byte>.Shared.Return(samples);
        ArrayPool<int>.Shared.Return(opacities);
    }

    private static void Mix(ReadOnlySpan<byte> samples, ReadOnlySpan<int> opacities, Span<byte> to)
    {
        for (int i = 0, at = 0; at < to.Length; i++, at += 3)
        {
            int opacity = opacities[i];
            if (opacity == 0) continue;
            to[at] = (byte)(to[at] + (((samples[at] - to[at]) * opacity) >> 8));
            to[at + 1] = (byte)(to[at + 1] + (((samples[at + 1] - to[at + 1]) * opacity) >> 8));
            to[at + 2] = (byte)(to[at + 2] + (((samples[at + 2] - to[at + 2]) * opacity) >> 8));
        }
    }

    /// <summary>
    /// Fills a part of the canvas with the picture's strongly blurred continuation, mirrored at its edges: colours and
    /// light fit, and nothing in it can be recognised as a face.
    /// </summary>
    public void DrawBlurredContinuation(RgbPicture picture, SimilarityWarp warp, PixelRectangle clip)
    {
        const int Cell = 16;
        int columns = (clip.Right - clip.Left) / Cell + 2, rows = (clip.Bottom - clip.Top) / Cell + 2;
        using ReducedPicture reduced = ReducedPicture.By(picture, Math.Max(8, Math.Max(picture.Width, picture.Height) / 12));
        byte[] coarse = new byte[columns * rows * 3];
        for (int row = 0; row < rows; row++)
        {
            for (int column = 0; column < columns; column++)
            {
                (double x, double y) = warp.Invert(clip.Left + (column + 0.5) * Cell, clip.Top + (row + 0.5) * Cell);
                SampleReflected(reduced, x / reduced.Factor - 0.5, y / reduced.Factor - 0.5, coarse.AsSpan((row * columns + column) * 3, 3));
            }
        }
        Draw(new RgbPicture(coarse, columns, rows), new SimilarityWarp(Cell, 0, false, clip.Left, clip.Top), LayerShape.Whole, clip);
    }

    /// <summary>Reduces [begin, end) to the x with 0 ≤ start + x·step &lt; limit.</summary>
    private static void Narrow(double start, double step, int limit, ref int begin, ref int end)
    {
        if (Math.Abs(step) < 1e-12)
        {
            if (start < 0 || start >= limit) end = begin;
            return;
        }
        double a = -start / step, b = (limit - start) / step;
        if (step < 0) (a, b) = (b, a);
        begin = (int)Math.Clamp(Math.Ceiling(a), begin, end);
        end = (int)Math.Clamp(Math.Ceiling(b), begin, end);
    }

    private static void SampleReflected(in ReducedPicture picture, double u, double v, Span<byte> to)
    {
        int x = (int)Math.Floor(u), y = (int)Math.Floor(v);
        double fx = u - x, fy = v - y;
        int x0 = Reflect(x, picture.Width), x1 = Reflect(x + 1, picture.Width);
        int y0 = Reflect(y, picture.Height), y1 = Reflect(y + 1, picture.Height);
        for (int c = 0; c < 3; c++)
        {
            double top = double.Lerp(picture.Pixels[(y0 * picture.Width + x0) * 3 + c], picture.Pixels[(y0 * picture.Width + x1) * 3 + c], fx);
            double bottom = double.Lerp(picture.Pixels[(y1 * picture.Width + x0) * 3 + c], picture.Pixels[(y1 * picture.Width + x1) * 3 + c], fx);
            to[c] = (byte)(double.Lerp(top, bottom, fy) + 0.5);
        }
    }

    private static int Reflect(int i, int count)
    {
        int period = 2 * count;
        i = (i % period + period) % period;
        return i < count ? i : period - 1 - i;
    }
}
