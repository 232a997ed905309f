using Img2Pose.Frames;

namespace Img2Pose.Inference.Tests;

/// <summary>Frames with made-up samples.</summary>
internal static class TestFrames
{
    /// <summary>A frame of smooth gradients with noise on top, the same for the same seed.</summary>
    public static VideoFrame Create(FramePool pool, PixelFormat format, int width, int height, int seed = 1)
    {
        VideoFrame frame = pool.Rent(format, width, height);
        Random random = new(seed);
        int bytes = format == PixelFormat.I420P10 ? 2 : 1;
        for (int p = 0; p < frame.PlaneCount; p++)
        {
            FramePlane plane = frame.GetPlane(p);
            for (int y = 0; y < plane.Height; y++)
            {
                Span<byte> row = plane.Row(y);
                for (int x = 0; x < row.Length / bytes; x++)
                {
                    int value = Math.Clamp((60 * p + 3 * x + 2 * y) % 256 + random.Next(-9, 10), 0, 255);
                    if (bytes == 1) row[x] = (byte)value;
                    else BitConverter.TryWriteBytes(row[(2 * x)..], (ushort)(4 * value + random.Next(4)));
                }
            }
        }
        return frame;
    }

    /// <summary>A frame of one colour.</summary>
    public static VideoFrame Plain(FramePool pool, PixelFormat format, int width, int height, params ReadOnlySpan<int> samples)
    {
        VideoFrame frame = pool.Rent(format, width, height);
        for (int p = 0; p < frame.PlaneCount; p++)
        {
            FramePlane plane = frame.GetPlane(p);
            for (int y = 0; y < plane.Height; y++)
            {
                Span<byte> row = plane.Row(y);
                for (int x = 0; x < plane.Width; x++)
                {
                    if (format == PixelFormat.Rgb24) for (int c = 0; c < 3; c++) row[3 * x + c] = (byte)samples[c];
                    else if (format == PixelFormat.I420P10) BitConverter.TryWriteBytes(row[(2 * x)..], (ushort)samples[p]);
                    else if (format == PixelFormat.Nv12 && p == 1) (row[2 * x], row[2 * x + 1]) = ((byte)samples[1], (byte)samples[2]);
                    else row[x] = (byte)samples[p];
                }
            }
        }
        return frame;
    }
}
