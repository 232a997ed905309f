using System.Buffers.Binary;
using Img2Pose.Frames;

namespace Img2Pose.Rendering.Tests.Views;

/// <summary>Frames in YUV, BT.601 of limited range, made from RGB pixels in doubles.</summary>
internal static class YuvPicture
{
    /// <summary>Converts a picture of even sides.</summary>
    public static VideoFrame Of(FramePool pool, byte[] rgb, int width, int height, PixelFormat format)
    {
        VideoFrame frame = pool.Rent(format, width, height);
        frame.Color = new ColorDescription(ColorMatrix.Bt601, FullRange: false);
        for (int y = 0; y < height; y++)
        {
            for (int x = 0; x < width; x++) Put(frame.GetPlane(0).Row(y), x, 16 + 219.0 / 255 * Luma(rgb, 3 * (y * width + x)), format);
        }
        for (int y = 0; y < height / 2; y++)
        {
            for (int x = 0; x < width / 2; x++)
            {
                double u = 0, v = 0;
                foreach (int i in (int[])[2 * y * width + 2 * x, 2 * y * width + 2 * x + 1, (2 * y + 1) * width + 2 * x, (2 * y + 1) * width + 2 * x + 1])
                {
                    double luma = Luma(rgb, 3 * i);
                    u += (rgb[3 * i + 2] - luma) / (2 * (1 - 0.114)) / 4;
                    v += (rgb[3 * i] - luma) / (2 * (1 - 0.299)) / 4;
                }
                (u, v) = (128 + 224.0 / 255 * u, 128 + 224.0 / 255 * v);
                if (format == PixelFormat.Nv12)
                {
                    Put(frame.GetPlane(1).Row(y), 2 * x, u, format);
                    Put(frame.GetPlane(1).Row(y), 2 * x + 1, v, format);
                }
                else
                {
                    Put(frame.GetPlane(1).Row(y), x, u, format);
                    Put(frame.GetPlane(2).Row(y), x, v, format);
                }
            }
        }
        return frame;
    }

    private static double Luma(byte[] rgb, int at) => 0.299 * rgb[at] + 0.587 * rgb[at + 1] + 0.114 * rgb[at + 2];

    private static void Put(Span<byte> row, int index, double value, PixelFormat format)
    {
        if (format == PixelFormat.I420P10) BinaryPrimitives.WriteUInt16LittleEndian(row[(2 * index)..], (ushort)Math.Round(4 * value));
        else row[index] = (byte)Math.Round(value);
    }
}
