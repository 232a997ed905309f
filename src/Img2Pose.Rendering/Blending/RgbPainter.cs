using System.Buffers.Binary;
using System.Numerics;
using Img2Pose.Frames;

namespace Img2Pose.Rendering.Blending;

/// <summary>Paints square RGB pictures into frames of any format, in the frame's own colours.</summary>
internal static class RgbPainter
{
    /// <summary>Paints a picture over a part of a frame, at the nearest of its pixels.</summary>
    /// <param name="frame">A writable frame in host memory.</param>
    /// <param name="left">Left edge of the part, samples, even.</param>
    /// <param name="top">Top edge, even.</param>
    /// <param name="width">Width of the part, even; it lies inside the frame.</param>
    /// <param name="height">Height of the part, even.</param>
    /// <param name="pixels">Interleaved RGB.</param>
    /// <param name="side">Side of the picture, pixels.</param>
    /// <exception cref="ArgumentException">The part does not lie inside the frame, or the buffer is too small.</exception>
    public static void Paint(VideoFrame frame, int left, int top, int width, int height, ReadOnlySpan<byte> pixels, int side)
    {
        if (left < 0 || top < 0 || width < 2 || height < 2 || left > frame.Width - width || top > frame.Height - height)
            throw new ArgumentException("The part does not lie inside the frame.", nameof(width));
        if (((left | top | width | height) & 1) != 0) throw new ArgumentException("Edges of the part must be even.", nameof(left));
        if (side < 1 || pixels.Length < 3L * side * side) throw new ArgumentException("The picture's buffer is too small.", nameof(pixels));
        // The picture was made from frames of this kind: its values are in their transfer characteristic already.
        (Vector4 first, Vector4 second, Vector4 third) = OverlayColor.Rows(frame.Format, frame.Color with { TransferTag = 2 });
        if (frame.Format == PixelFormat.Rgb24)
        {
            for (int y = 0; y < height; y++)
            {
                Span<byte> row = frame.GetPlane(0).Row(top + y).Slice(3 * left, 3 * width);
                for (int x = 0; x < width; x++) pixels.Slice(At(x, y, width, height, side), 3).CopyTo(row[(3 * x)..]);
            }
            return;
        }
        bool interleaved = frame.Format == PixelFormat.Nv12, deep = frame.Format == PixelFormat.I420P10;
        for (int y = 0; y < height; y++)
        {
            Span<byte> row = frame.GetPlane(0).Row(top + y);
            for (int x = 0; x < width; x++) Put(row, left + x, Vector4.Dot(first, Colour(pixels, At(x, y, width, height, side))), deep);
        }
        for (int y = 0; y < height; y += 2)
        {
            Span<byte> u = frame.GetPlane(1).Row((top + y) / 2), v = interleaved ? u : frame.GetPlane(2).Row((top + y) / 2);
            for (int x = 0; x < width; x += 2)
            {
                Vector4 mean = 0.25f * (Colour(pixels, At(x, y, width, height, side)) + Colour(pixels, At(x + 1, y, width, height, side))
                    + Colour(pixels, At(x, y + 1, width, height, side)) + Colour(pixels, At(x + 1, y + 1, width, height, side)));
                int at = (left + x) / 2;
                Put(u, interleaved ? 2 * at : at, Vector4.Dot(second, mean), deep);
                Put(v, interleaved ? 2 * at + 1 : at, Vector4.Dot(third, mean), deep);
            }
        }
    }

    private static int At(int x, int y, int width, int height, int side) => 3 * (y * side / height * side + x * side / width);

    private static Vector4 Colour(ReadOnlySpan<byte> pixels, int at) => new Vector4(pixels[at], pixels[at + 1], pixels[at + 2], 255) / 255;

    private static void Put(Span<byte> row, int index, float value, bool deep)
    {
        if (deep) BinaryPrimitives.WriteUInt16LittleEndian(row[(2 * index)..], (ushort)Math.Clamp(1020 * value + 0.5f, 0, 1023));
        else row[index] = (byte)Math.Clamp(255 * value + 0.5f, 0, 255);
    }
}
