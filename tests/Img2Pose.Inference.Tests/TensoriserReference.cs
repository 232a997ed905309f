using Img2Pose.Frames;

namespace Img2Pose.Inference.Tests;

/// <summary>
/// The tensoriser's result by definition: each value on its own, in double precision, with none of the program's code for
/// sampling or colours. Slow.
/// </summary>
internal static class TensoriserReference
{
    private static readonly double[] s_mean = [0.485, 0.456, 0.406];
    private static readonly double[] s_stddev = [0.229, 0.224, 0.225];

    public static Normalisation Normalisation { get; } = new(s_mean, s_stddev);

    public static double[] Create(VideoFrame frame, int width, int height, bool prefilter, int paddedWidth, int paddedHeight, bool mirror = false)
    {
        double[] result = new double[3 * paddedWidth * paddedHeight];
        for (int y = 0; y < height; y++)
        {
            double v = (y + 0.5) * frame.Height / height;
            for (int x = 0; x < width; x++)
            {
                double u = (x + 0.5) * frame.Width / width;
                if (mirror) u = frame.Width - u;
                double[] rgb = Rgb(frame, u, v, (double)frame.Width / width, (double)frame.Height / height, prefilter);
                for (int c = 0; c < 3; c++)
                    result[(c * paddedHeight + y) * paddedWidth + x] = (Math.Clamp(rgb[c], 0, 255) / 255 - s_mean[c]) / s_stddev[c];
            }
        }
        return result;
    }

    private static double[] Rgb(VideoFrame frame, double u, double v, double scaleX, double scaleY, bool prefilter)
    {
        if (frame.Format == PixelFormat.Rgb24)
        {
            FramePlane plane = frame.GetPlane(0);
            return [.. Enumerable.Range(0, 3).Select(c => Sample(u, v, scaleX, scaleY, plane.Width, plane.Height, prefilter, (x, y) => plane.Row(y)[3 * x + c]))];
        }
        FramePlane luma = frame.GetPlane(0);
        bool ten = frame.Format == PixelFormat.I420P10;
        double l = Sample(u, v, scaleX, scaleY, luma.Width, luma.Height, prefilter, (x, y) => Read(luma, ten, x, y));
        int chromaWidth = (frame.Width + 1) / 2, chromaHeight = (frame.Height + 1) / 2;
        double[] chroma = new double[2];
        for (int c = 0; c < 2; c++)
        {
            int component = c;
            // Chroma lies on every other luma column and between two luma rows.
            chroma[c] = Sample(u / 2 + 0.25, v / 2, scaleX / 2, scaleY / 2, chromaWidth, chromaHeight, prefilter, (x, y) =>
                frame.Format == PixelFormat.Nv12 ? frame.GetPlane(1).Row(y)[2 * x + component] : Read(frame.GetPlane(1 + component), ten, x, y));
        }
        double unit = ten ? 4 : 1, full = ten ? 1023 : 255;
        double lumaRange = frame.Color.FullRange ? full : 219 * unit, chromaRange = frame.Color.FullRange ? full : 224 * unit;
        l = (l - (frame.Color.FullRange ? 0 : 16 * unit)) / lumaRange;
        double cb = (chroma[0] - 128 * unit) / chromaRange, cr = (chroma[1] - 128 * unit) / chromaRange;
        (double kr, double kb) = frame.Color.Matrix switch
        {
            ColorMatrix.Bt601 => (0.299, 0.114),
            ColorMatrix.Bt709 => (0.2126, 0.0722),
            _ => (0.2627, 0.0593),
        };
        double red = l + 2 * (1 - kr) * cr, blue = l + 2 * (1 - kb) * cb;
        return [255 * red, 255 * (l - kr * red - kb * blue) / (1 - kr - kb), 255 * blue];
    }

    private static double Read(FramePlane plane, bool ten, int x, int y) =>
        ten ? BitConverter.ToUInt16(plane.Row(y)[(2 * x)..]) : plane.Row(y)[x];

    private static double Sample(double u, double v, double scaleX, double scaleY, int width, int height, bool prefilter, Func<int, int, double> read)
    {
        int blockX = prefilter && scaleX > 2 ? (int)scaleX : 1, blockY = prefilter && scaleY > 2 ? (int)scaleY : 1;
        double x = Math.Clamp(u / blockX - 0.5, 0, (width - 1) / blockX), y = Math.Clamp(v / blockY - 0.5, 0, (height - 1) / blockY);
        double result = 0;
        for (int j = 0; j < 2; j++)
        {
            for (int i = 0; i < 2; i++)
            {
                double weight = (i == 0 ? 1 - (x - Math.Floor(x)) : x - Math.Floor(x)) * (j == 0 ? 1 - (y - Math.Floor(y)) : y - Math.Floor(y));
                if (weight > 0) result += weight * Block((int)x + i, (int)y + j);
            }
        }
        return result;

        double Block(int bx, int by)
        {
            double sum = 0;
            int count = 0;
            for (int py = by * blockY; py < Math.Min(height, (by + 1) * blockY); py++)
            {
                for (int px = bx * blockX; px < Math.Min(width, (bx + 1) * blockX); px++, count++) sum += read(px, py);
            }
            return sum / count;
        }
    }
}
