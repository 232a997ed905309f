using Img2Pose.Frames;
using Img2Pose.Rendering.Overlay;

namespace Img2Pose.Rendering.Blending;

/// <summary>
/// Lays a drawn tile over a rectangle of a picture: out = overlay + picture · (1 − opacity), each rounded to nearest. The
/// tile's pixels are four bytes: the picture's own three components times the opacity, then the opacity. A chroma sample
/// takes the mean of its four pixels. Where the opacity is 0 a sample keeps its exact value.
/// </summary>
internal static unsafe class OverlayBlender
{
    /// <summary>Blends one region of a tile into a frame.</summary>
    /// <param name="frame">The picture; writable.</param>
    /// <param name="tile">The region's first pixel in the tile.</param>
    /// <param name="tileStride">Bytes from one row of the tile to the next.</param>
    /// <param name="tileBytes">Bytes that are there from <paramref name="tile"/> on.</param>
    /// <param name="region">The rectangle of the picture; begins at even numbers.</param>
    /// <param name="vectorised">False for the plain loops that define the result.</param>
    /// <exception cref="ArgumentException">The region does not begin in the picture, or does not lie in the tile.</exception>
    public static void Blend(VideoFrame frame, byte* tile, int tileStride, long tileBytes, in OverlayRegion region, bool vectorised = true)
    {
        if (region.X < 0 || region.Y < 0 || region.X >= frame.Width || region.Y >= frame.Height || ((region.X | region.Y) & 1) != 0 || region.Width <= 0 || region.Height <= 0)
            throw new ArgumentException($"{region} does not begin in a picture of {frame.Width}×{frame.Height}.", nameof(region));
        if (tileStride < 4L * region.Width || tileBytes < checked((region.Height - 1L) * tileStride + 4L * region.Width))
            throw new ArgumentException($"{region} does not lie in {tileBytes} bytes of rows of {tileStride}.", nameof(tileBytes));
        int width = Math.Min(region.Width, frame.Width - region.X), height = Math.Min(region.Height, frame.Height - region.Y);
        int chromaWidth = region.Width / 2, chromaHeight = region.Height / 2;
        FramePlane first = frame.GetPlane(0);
        switch (frame.Format)
        {
            case PixelFormat.Rgb24:
                for (int y = 0; y < height; y++)
                {
                    byte* row = first.Data + (long)(region.Y + y) * first.Stride + 3L * region.X;
                    RgbRow(row, tile + (long)y * tileStride, width, vectorised);
                }
                return;
            case PixelFormat.I420P10:
                int scale = TenBitScale(frame.Color.FullRange);
                for (int y = 0; y < height; y++)
                {
                    ushort* row = (ushort*)(first.Data + (long)(region.Y + y) * first.Stride) + region.X;
                    LumaRow10(row, tile + (long)y * tileStride, width, scale, vectorised);
                }
                for (int plane = 1; plane < 3; plane++)
                {
                    FramePlane chroma = frame.GetPlane(plane);
                    for (int y = 0; y < Math.Min(chromaHeight, chroma.Height - region.Y / 2); y++)
                    {
                        ushort* row = (ushort*)(chroma.Data + (long)(region.Y / 2 + y) * chroma.Stride) + region.X / 2;
                        byte* pixels = tile + 2L * y * tileStride;
                        int count = Math.Min(chromaWidth, chroma.Width - region.X / 2);
                        ChromaRow10(row, pixels, pixels + tileStride, count, plane, scale, vectorised);
                    }
                }
                return;
            default:
                for (int y = 0; y < height; y++)
                {
                    byte* row = first.Data + (long)(region.Y + y) * first.Stride + region.X;
                    LumaRow(row, tile + (long)y * tileStride, width, vectorised);
                }
                BlendChroma(frame, tile, tileStride, region, vectorised);
                return;
        }
    }

    /// <summary>The 16.16 factor from eight bits to ten: 4, or 1023/255 where the range is full.</summary>
    internal static int TenBitScale(bool fullRange) => fullRange ? (1023 * 65536 + 127) / 255 : 4 * 65536;

    private static void BlendChroma(VideoFrame frame, byte* tile, int tileStride, in OverlayRegion region, bool vectorised)
    {
        int planes = frame.Format == PixelFormat.Nv12 ? 1 : 2;
        for (int plane = 1; plane <= planes; plane++)
        {
            FramePlane chroma = frame.GetPlane(plane);
            int count = Math.Min(region.Width / 2, chroma.Width - region.X / 2);
            int height = Math.Min(region.Height / 2, chroma.Height - region.Y / 2);
            for (int y = 0; y < height; y++)
            {
                byte* row = chroma.Data + (long)(region.Y / 2 + y) * chroma.Stride;
                byte* pixels = tile + 2L * y * tileStride;
                if (planes == 1) ChromaPairRow(row + region.X, pixels, pixels + tileStride, count, vectorised);
                else ChromaRow(row + region.X / 2, pixels, pixels + tileStride, count, plane, vectorised);
            }
        }
    }

    private static void LumaRow(byte* row, byte* pixels, int count, bool vectorised)
    {
        int x = vectorised ? OverlayBlenderVectors.LumaRow(row, pixels, count) : 0;
        for (; x < count; x++) row[x] = Over(pixels[4 * x], pixels[4 * x + 3], row[x]);
    }

    private static void ChromaRow(byte* row, byte* upper, byte* lower, int count, int component, bool vectorised)
    {
        int x = vectorised ? OverlayBlenderVectors.ChromaRow(row, upper, lower, count, component) : 0;
        for (; x < count; x++)
            row[x] = Over(Mean(upper, lower, x, component), Mean(upper, lower, x, 3), row[x]);
    }

    private static void ChromaPairRow(byte* row, byte* upper, byte* lower, int count, bool vectorised)
    {
        int x = vectorised ? OverlayBlenderVectors.ChromaPairRow(row, upper, lower, count) : 0;
        for (; x < count; x++)
        {
            int opacity = Mean(upper, lower, x, 3);
            row[2 * x] = Over(Mean(upper, lower, x, 1), opacity, row[2 * x]);
            row[2 * x + 1] = Over(Mean(upper, lower, x, 2), opacity, row[2 * x + 1]);
        }
    }

    private static void RgbRow(byte* row, byte* pixels, int count, bool vectorised)
    {
        int x = vectorised ? OverlayBlenderVectors.RgbRow(row, pixels, count) : 0;
        for (; x < count; x++)
        {
            int opacity = pixels[4 * x + 3];
            for (int c = 0; c < 3; c++) row[3 * x + c] = Over(pixels[4 * x + c], opacity, row[3 * x + c]);
        }
    }

    private static void LumaRow10(ushort* row, byte* pixels, int count, int scale, bool vectorised)
    {
        int x = vectorised ? OverlayBlenderVectors.LumaRow10(row, pixels, count, scale) : 0;
        for (; x < count; x++) row[x] = Over10(pixels[4 * x], pixels[4 * x + 3], row[x], scale);
    }

    private static void ChromaRow10(ushort* row, byte* upper, byte* lower, int count, int component, int scale, bool vectorised)
    {
        int x = vectorised ? OverlayBlenderVectors.ChromaRow10(row, upper, lower, count, component, scale) : 0;
        for (; x < count; x++)
            row[x] = Over10(Mean(upper, lower, x, component), Mean(upper, lower, x, 3), row[x], scale);
    }

    private static int Mean(byte* upper, byte* lower, int x, int component) =>
        (upper[8 * x + component] + upper[8 * x + 4 + component] + lower[8 * x + component] + lower[8 * x + 4 + component] + 2) >> 2;

    private static byte Over(int overlay, int opacity, int below) =>
        (byte)Math.Min(255, overlay + (below * (255 - opacity) + 127) / 255);

    private static ushort Over10(int overlay, int opacity, int below, int scale) =>
        (ushort)Math.Min(1023, ((overlay * scale + 32768) >> 16) + (below * (255 - opacity) + 127) / 255);
}
