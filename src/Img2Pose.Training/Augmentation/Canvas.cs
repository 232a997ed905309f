using Img2Pose.Training.Data;

namespace Img2Pose.Training.Augmentation;

/// <summary>What part of a picture a layer shows, in the picture's own pixels.</summary>
/// <param name="CenterX">Middle of the ellipse.</param>
/// <param name="CenterY">Middle of the ellipse.</param>
/// <param name="RadiusX">Half width of the ellipse; infinite for the whole picture.</param>
/// <param name="RadiusY">Half height of the ellipse.</param>
/// <param name="Feather">Soft part of the radius, 0 (hard edge) to 1.</param>
internal readonly record struct LayerShape(double CenterX, double CenterY, double RadiusX, double RadiusY, double Feather)
{
    /// <summary>The whole picture.</summary>
    public static LayerShape Whole => new(0, 0, double.PositiveInfinity, double.PositiveInfinity, 0);

    /// <summary>Whether nothing is cut away.</summary>
    public bool IsWhole => double.IsInfinity(RadiusX);

    /// <summary>Opacity in [0, 1] at a point of the picture.</summary>
    public double Opacity(double x, double y)
    {
        if (IsWhole) return 1;
        double distance = double.Hypot((x - CenterX) / RadiusX, (y - CenterY) / RadiusY);
        return Feather <= 0 ? (distance <= 1 ? 1 : 0) : Math.Clamp((1 - distance) / Feather, 0, 1);
    }
}

/// <summary>An integer rectangle of the canvas; right and bottom exclusive.</summary>
internal readonly record struct PixelRectangle(int Left, int Top, int Right, int Bottom);

// By hand: OpenCV's warp has no soft ellipse, places in steps of 1/32 pixel, and with a transparent border leaves out the edge.
/// <summary>The picture under construction: RGB bytes that layers are drawn on.</summary>
internal sealed class Canvas
{
    /// <summary>A black canvas.</summary>
    public Canvas(int width, int height)
    {
        Width = width;
        Height = height;
        Pixels = new byte[width * height * 3];
    }

    /// <summary>RGB samples, row-major.</summary>
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
        for (int i = 0; i < Pixels.Length; i += 3)
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
    public unsafe void Draw(RgbPicture picture, SimilarityWarp warp, LayerShape shape, PixelRectangle clip)
    {
        using ReducedPicture reduced = ReducedPicture.ForScale(picture, warp.Scale);
        (double x0, double y0) = warp.Invert(0.5, 0.5);
        (double x1, double y1) = warp.Invert(1.5, 0.5);
        (double x2, double y2) = warp.Invert(0.5, 1.5);
        double stepX = x1 - x0, stepY = y1 - y0;
        double perSource = 1.0 / reduced.Factor;
        byte* sample = stackalloc byte[3];
        fixed (byte* source = reduced.Pixels)
        fixed (byte* target = Pixels)
        {
            for (int y = clip.Top; y < clip.Bottom; y++)
            {
                double rowX = x0 + y * (x2 - x0), rowY = y0 + y * (y2 - y0);
                int begin = clip.Left, end = clip.Right;
                Narrow(rowX, stepX, picture.Width, ref begin, ref end);
                Narrow(rowY, stepY, picture.Height, ref begin, ref end);
                byte* to = target + ((long)y * Width + begin) * 3;
                if (shape.IsWhole)
                {
                    float u = (float)((rowX + begin * stepX) * perSource - 0.5), du = (float)(stepX * perSource);
                    float v = (float)((rowY + begin * stepY) * perSource - 0.5), dv = (float)(stepY * perSource);
                    for (int i = 0; i < end - begin; i++, to += 3)
                        Sample(source, reduced.Width, reduced.Height, u + i * du, v + i * dv, to);
                }
                else
                {
                    for (int x = begin; x < end; x++, to += 3)
                    {
                        double px = rowX + x * stepX, py = rowY + x * stepY;
                        int opacity = (int)(256 * shape.Opacity(px, py));
                        if (opacity == 0) continue;
                        Sample(source, reduced.Width, reduced.Height,
                            (float)(px * perSource - 0.5), (float)(py * perSource - 0.5), sample);
                        for (int c = 0; c < 3; c++) to[c] = (byte)(to[c] + (((sample[c] - to[c]) * opacity) >> 8));
                    }
                }
            }
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

    /// <summary>Bilinear with edge repetition; coordinates count from the first pixel's centre.</summary>
    private static unsafe void Sample(byte* source, int width, int height, float u, float v, byte* to)
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
}
