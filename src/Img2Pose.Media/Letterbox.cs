using System.Runtime.InteropServices;
using Img2Pose.Frames;

namespace Img2Pose.Media;

/// <summary>Fits pictures into frames of another size, whole, in proportion, centred on black.</summary>
internal static class Letterbox
{
    /// <summary>Scales <paramref name="source"/> into <paramref name="target"/>, a writable frame of the same format.</summary>
    public static void Fit(PixelConverter converter, VideoFrame source, in ColorDescription color, VideoFrame target)
    {
        (int x, int y, int width, int height) = Place(source.Width, source.Height, target.Width, target.Height);
        FillBlack(target, color.FullRange);
        PictureLayout layout = new(PixelFormats.ToNative(source.Format), source.Width, source.Height, color.Matrix,
            source.Format == PixelFormat.Rgb24 || color.FullRange, ChromaLeft: true);
        converter.Convert(source, layout, target, layout with { Width = width, Height = height }, x, y);
    }

    /// <summary>The rectangle of the fitted picture; its corner is even, so that chroma samples stay whole.</summary>
    internal static (int X, int Y, int Width, int Height) Place(int width, int height, int targetWidth, int targetHeight)
    {
        double scale = Math.Min((double)targetWidth / width, (double)targetHeight / height);
        int fittedWidth = Math.Clamp((int)Math.Round(width * scale), 1, targetWidth);
        int fittedHeight = Math.Clamp((int)Math.Round(height * scale), 1, targetHeight);
        return ((targetWidth - fittedWidth) / 4 * 2, (targetHeight - fittedHeight) / 4 * 2, fittedWidth, fittedHeight);
    }

    private static void FillBlack(VideoFrame frame, bool fullRange)
    {
        for (int i = 0; i < frame.PlaneCount; i++)
        {
            FramePlane plane = frame.GetPlane(i);
            bool luma = i == 0;
            for (int y = 0; y < plane.Height; y++)
            {
                switch (frame.Format)
                {
                    case PixelFormat.Rgb24:
                        plane.Row(y).Clear();
                        break;
                    case PixelFormat.I420P10:
                        MemoryMarshal.Cast<byte, ushort>(plane.Row(y)).Fill((ushort)(!luma ? 512 : fullRange ? 0 : 64));
                        break;
                    default:
                        plane.Row(y).Fill((byte)(!luma ? 128 : fullRange ? 0 : 16));
                        break;
                }
            }
        }
    }
}
