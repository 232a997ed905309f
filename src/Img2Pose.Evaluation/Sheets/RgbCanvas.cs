using Img2Pose.Frames;

namespace Img2Pose.Evaluation.Sheets;

/// <summary>A colour, 8 bit a channel.</summary>
internal readonly record struct Rgb(byte R, byte G, byte B);

/// <summary>Draws lines, boxes, numbers and scaled crops into an RGB frame; whatever lies outside is cut off.</summary>
internal sealed class RgbCanvas(VideoFrame frame)
{
    /// <summary>The digits 0 to 9 in 3×5 pixels, rows from the top, the left pixel in the highest of three bits.</summary>
    private static readonly byte[][] s_digits =
    [
        [7, 5, 5, 5, 7], [2, 6, 2, 2, 7], [7, 1, 7, 4, 7], [7, 1, 7, 1, 7], [5, 5, 7, 1, 1],
        [7, 4, 7, 1, 7], [7, 4, 7, 5, 7], [7, 1, 2, 2, 2], [7, 5, 7, 5, 7], [7, 5, 7, 1, 7],
    ];

    private readonly FramePlane _plane = frame.GetPlane(0);

    public void Fill(Rgb color)
    {
        for (int y = 0; y < _plane.Height; y++)
        {
            for (int x = 0; x < _plane.Width; x++) Set(x, y, color);
        }
    }

    /// <summary>A one pixel wide line.</summary>
    public void Line(double x0, double y0, double x1, double y1, Rgb color)
    {
        double length = Math.Max(Math.Abs(x1 - x0), Math.Abs(y1 - y0));
        // Far points of poses near the camera plane are no picture content.
        if (!(length < 1e5)) return;
        int steps = Math.Max(1, (int)Math.Ceiling(length));
        for (int i = 0; i <= steps; i++)
        {
            double t = (double)i / steps;
            Set((int)Math.Floor(x0 + t * (x1 - x0)), (int)Math.Floor(y0 + t * (y1 - y0)), color);
        }
    }

    /// <summary>The outline of a box, drawn inward.</summary>
    public void Rectangle(double left, double top, double right, double bottom, Rgb color, int thickness = 1)
    {
        for (int i = 0; i < thickness; i++)
        {
            double l = left + i, t = top + i, r = right - 1 - i, b = bottom - 1 - i;
            Line(l, t, r, t, color);
            Line(l, b, r, b, color);
            Line(l, t, l, b, color);
            Line(r, t, r, b, color);
        }
    }

    /// <summary>A whole number, 10 pixels high, on a black ground.</summary>
    public void Number(int number, int left, int top, Rgb color)
    {
        string digits = number.ToString(System.Globalization.CultureInfo.InvariantCulture);
        for (int y = 0; y < 14; y++)
        {
            for (int x = 0; x < digits.Length * 8 + 2; x++) Set(left + x, top + y, default);
        }
        for (int i = 0; i < digits.Length; i++)
        {
            byte[] glyph = s_digits[digits[i] - '0'];
            for (int y = 0; y < 10; y++)
            {
                for (int x = 0; x < 6; x++)
                {
                    if ((glyph[y / 2] >> (2 - x / 2) & 1) != 0) Set(left + 2 + 8 * i + x, top + 2 + y, color);
                }
            }
        }
    }

    /// <summary>
    /// Copies the square of <paramref name="source"/> at (<paramref name="x"/>, <paramref name="y"/>) of side
    /// <paramref name="side"/> into a tile, averaging where it shrinks, repeating pixels where it grows; outside stays grey.
    /// </summary>
    public void Crop(VideoFrame source, double x, double y, double side, int left, int top, int tile)
    {
        FramePlane from = source.GetPlane(0);
        double step = side / tile;
        for (int ty = 0; ty < tile; ty++)
        {
            for (int tx = 0; tx < tile; tx++)
            {
                int x0 = (int)Math.Floor(x + tx * step), y0 = (int)Math.Floor(y + ty * step);
                int x1 = Math.Max(x0 + 1, (int)Math.Floor(x + (tx + 1) * step)), y1 = Math.Max(y0 + 1, (int)Math.Floor(y + (ty + 1) * step));
                Set(left + tx, top + ty, Average(from, x0, y0, x1, y1));
            }
        }
    }

    private static Rgb Average(FramePlane plane, int x0, int y0, int x1, int y1)
    {
        int r = 0, g = 0, b = 0, n = 0;
        for (int y = Math.Max(0, y0); y < Math.Min(plane.Height, y1); y++)
        {
            ReadOnlySpan<byte> row = plane.Row(y);
            for (int x = Math.Max(0, x0); x < Math.Min(plane.Width, x1); x++)
            {
                r += row[3 * x];
                g += row[3 * x + 1];
                b += row[3 * x + 2];
                n++;
            }
        }
        return n == 0 ? new Rgb(96, 96, 96) : new Rgb((byte)(r / n), (byte)(g / n), (byte)(b / n));
    }

    private void Set(int x, int y, Rgb color)
    {
        if ((uint)x >= (uint)_plane.Width || (uint)y >= (uint)_plane.Height) return;
        Span<byte> row = _plane.Row(y);
        row[3 * x] = color.R;
        row[3 * x + 1] = color.G;
        row[3 * x + 2] = color.B;
    }
}
