using Img2Pose.Frames;

namespace Img2Pose.Cuda.Tests;

/// <summary>Frames whose every sample is random: no two neighbours agree, so that a sample read from a wrong place shows.</summary>
internal static class RandomFrames
{
    public static VideoFrame Create(FramePool pool, PixelFormat format, int width, int height, int seed)
    {
        VideoFrame frame = pool.Rent(format, width, height);
        Random random = new(seed);
        for (int p = 0; p < frame.PlaneCount; p++)
        {
            FramePlane plane = frame.GetPlane(p);
            for (int y = 0; y < plane.Height; y++)
            {
                Span<byte> row = plane.Row(y);
                random.NextBytes(row);
                if (format != PixelFormat.I420P10) continue;
                // Ten bits of sixteen.
                for (int x = 1; x < row.Length; x += 2) row[x] &= 3;
            }
        }
        return frame;
    }

    /// <summary>All samples, plane by plane, without the strides.</summary>
    public static byte[] Samples(VideoFrame frame)
    {
        List<byte> samples = [];
        for (int p = 0; p < frame.PlaneCount; p++)
        {
            FramePlane plane = frame.GetPlane(p);
            for (int y = 0; y < plane.Height; y++) samples.AddRange(plane.Row(y));
        }
        return [.. samples];
    }
}
