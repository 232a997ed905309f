using System.Runtime.InteropServices;
using Img2Pose.Frames;

namespace Img2Pose.Monitor.Masking;

/// <summary>Fills areas of frames with one grey that nothing shines through. Frames are writable and in host memory.</summary>
internal static class PicturePainter
{
    /// <summary>Fills a polygon, every pixel that it touches included.</summary>
    /// <param name="frame">Written in place.</param>
    /// <param name="points">Corners in displayed pixels of the frame.</param>
    /// <param name="grey">Brightness, 0…255.</param>
    public static void Fill(VideoFrame frame, ReadOnlySpan<(double X, double Y)> points, byte grey)
    {
        double scaleX = (double)frame.Width / frame.DisplayWidth, scaleY = (double)frame.Height / frame.DisplayHeight;
        double top = double.PositiveInfinity, bottom = double.NegativeInfinity;
        foreach ((double _, double y) in points) (top, bottom) = (Math.Min(top, y * scaleY), Math.Max(bottom, y * scaleY));
        // Rows in pairs, since chroma has one for two.
        int first = Math.Max(0, (int)Math.Floor(top)) & ~1, last = Math.Min(frame.Height, (int)Math.Ceiling(bottom) + 1);
        for (int y = first; y < last; y += 2)
        {
            (double left, double right) = Extent(points, scaleX, scaleY, y, y + 2);
            if (left > right) continue;
            int from = Math.Clamp((int)Math.Floor(left), 0, frame.Width) & ~1, to = Math.Min(frame.Width, ((int)Math.Ceiling(right) + 2) & ~1);
            if (from >= to) continue;
            FillRows(frame, y, Math.Min(y + 2, frame.Height), from, to, grey);
        }
    }

    /// <summary>How far a polygon reaches to both sides between two heights. The area between is filled, so what is hollow is covered, too.</summary>
    private static (double Left, double Right) Extent(ReadOnlySpan<(double X, double Y)> points, double scaleX, double scaleY, double top, double bottom)
    {
        double left = double.PositiveInfinity, right = double.NegativeInfinity;
        for (int i = 0; i < points.Length; i++)
        {
            (double ax, double ay) = (points[i].X * scaleX, points[i].Y * scaleY);
            (double X, double Y) next = points[(i + 1) % points.Length];
            (double bx, double by) = (next.X * scaleX, next.Y * scaleY);
            if (Math.Max(ay, by) < top || Math.Min(ay, by) > bottom) continue;
            foreach (double y in (ReadOnlySpan<double>)[Math.Clamp(top, Math.Min(ay, by), Math.Max(ay, by)), Math.Clamp(bottom, Math.Min(ay, by), Math.Max(ay, by))])
            {
                double part = Math.Abs(by - ay) < 1e-9 ? 0 : (y - ay) / (by - ay);
                double x = ax + part * (bx - ax);
                (left, right) = (Math.Min(left, x), Math.Max(right, x));
            }
            // A level side lies between both heights with all its length.
            if (Math.Abs(by - ay) < 1e-9) (left, right) = (Math.Min(left, Math.Min(ax, bx)), Math.Max(right, Math.Max(ax, bx)));
        }
        return (left, right);
    }

    private static void FillRows(VideoFrame frame, int top, int bottom, int from, int to, byte grey)
    {
        bool rgb = frame.Format == PixelFormat.Rgb24, deep = frame.Format == PixelFormat.I420P10;
        int luma = frame.Color.FullRange ? grey : 16 + grey * 219 / 255;
        for (int y = top; y < bottom; y++)
        {
            Span<byte> row = frame.GetPlane(0).Row(y);
            if (rgb) row[(3 * from)..Math.Min(row.Length, 3 * to)].Fill(grey);
            else if (deep) MemoryMarshal.Cast<byte, ushort>(row)[from..Math.Min(row.Length / 2, to)].Fill((ushort)(luma * 4));
            else row[from..Math.Min(row.Length, to)].Fill((byte)luma);
        }
        if (rgb) return;
        for (int plane = 1; plane < frame.PlaneCount; plane++)
        {
            FramePlane chroma = frame.GetPlane(plane);
            int y = top / 2;
            if (y >= chroma.Height) continue;
            Span<byte> row = chroma.Row(y);
            int begin = from / 2, end = Math.Min(chroma.Width, (to + 1) / 2);
            if (begin >= end) continue;
            if (deep) MemoryMarshal.Cast<byte, ushort>(row)[begin..end].Fill(512);
            else row[(begin * chroma.BytesPerElement)..(end * chroma.BytesPerElement)].Fill(128);
        }
    }
}
