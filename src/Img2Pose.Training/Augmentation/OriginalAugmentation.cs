using Img2Pose.Geometry;
using Img2Pose.Training.Data;

namespace Img2Pose.Training.Augmentation;

/// <summary>The random numbers that <see cref="OriginalAugmentation"/> asks for.</summary>
internal interface IAugmentationDraws
{
    /// <summary>Uniform in [<paramref name="low"/>, <paramref name="high"/>).</summary>
    double Uniform(double low, double high);

    /// <summary>A uniform integer, both bounds included.</summary>
    int Integer(int low, int high);

    /// <summary>Standard normal.</summary>
    double Normal();
}

/// <summary>Draws of one sample, the same on every machine.</summary>
internal sealed class SampleDraws(ulong seed, long index) : IAugmentationDraws
{
    private SampleRandom _random = new(seed, index);

    public double Uniform(double low, double high) => _random.Uniform(low, high);

    public int Integer(int low, int high) => low + _random.Below(high - low + 1);

    public double Normal() => _random.Normal();
}

/// <summary>A face of a picture: its box in whole pixels, and 5 or 68 points, or null where nobody marked them.</summary>
internal sealed record MarkedFace(Box Box, (double X, double Y)[]? Points);

/// <summary>
/// The augmentations that the paper's network was trained with (golden/geometry/augmentation.json): mirror, crop, noise and
/// contrast. One thing differs: a crop starts at any row, while the original's always starts at row 0 (Q17).
/// </summary>
internal static class OriginalAugmentation
{
    private const int CropAttempts = 10;

    // Where each point of the mirrored face comes from: left and right change places.
    private static readonly int[] s_mirrored5 = [1, 0, 2, 4, 3];
    private static readonly int[] s_mirrored68 =
    [
        16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 26, 25, 24, 23, 22, 21, 20, 19, 18, 17, 27, 28, 29, 30, 35, 34, 33, 32, 31,
        45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40, 54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55, 64, 63, 62, 61, 60, 67, 66, 65,
    ];

    /// <summary>The face in the picture's mirror image.</summary>
    internal static MarkedFace Mirror(MarkedFace face, int width)
    {
        Box box = new(width - face.Box.Right, face.Box.Top, width - face.Box.Left, face.Box.Bottom);
        if (face.Points is not { } points) return new MarkedFace(box, null);
        int[] order = points.Length == 5 ? s_mirrored5 : s_mirrored68;
        return new MarkedFace(box, [.. order.Select(from => (width - points[from].X, points[from].Y))]);
    }

    /// <summary>The face as the window shows it, or null where its centre or one of its points lies outside, or it has none.</summary>
    internal static MarkedFace? Crop(MarkedFace face, PixelRectangle window)
    {
        Box box = face.Box;
        double centerX = box.Left + Math.Floor(box.Width / 2), centerY = box.Top + Math.Floor(box.Height / 2);
        bool inside = centerX > window.Left && centerX < window.Right && centerY > window.Top && centerY < window.Bottom;
        if (!inside || face.Points is not { } points) return null;
        if (points.Any(point => point.X < window.Left || point.X > window.Right || point.Y < window.Top || point.Y > window.Bottom)) return null;
        return new MarkedFace(
            new Box(
                Math.Max(box.Left - window.Left, 0), Math.Max(box.Top - window.Top, 0),
                Math.Min(box.Right - window.Left, window.Right - window.Left), Math.Min(box.Bottom - window.Top, window.Bottom - window.Top)),
            [.. points.Select(point => (point.X - window.Left, point.Y - window.Top))]);
    }

    /// <summary>A window of 70 to 100 % of the picture's sides that keeps a face, or the whole picture after ten tries.</summary>
    internal static PixelRectangle DrawCrop(int width, int height, IReadOnlyList<MarkedFace> faces, IAugmentationDraws draws)
    {
        for (int attempt = 0; attempt < CropAttempts; attempt++)
        {
            double share = draws.Uniform(0.7, 1);
            int cropWidth = (int)(width * share), cropHeight = (int)(height * share);
            int left = draws.Integer(0, width - cropWidth), top = draws.Integer(0, height - cropHeight);
            PixelRectangle window = new(left, top, left + cropWidth, top + cropHeight);
            if (faces.Any(face => Crop(face, window) is not null)) return window;
        }
        return new PixelRectangle(0, 0, width, height);
    }

    /// <summary>The mirror image.</summary>
    internal static RgbPicture Mirror(RgbPicture picture)
    {
        byte[] pixels = new byte[picture.Pixels.Length];
        for (int y = 0; y < picture.Height; y++)
        {
            int row = y * picture.Width * 3;
            for (int x = 0; x < picture.Width; x++)
                picture.Pixels.AsSpan(row + 3 * x, 3).CopyTo(pixels.AsSpan(row + 3 * (picture.Width - 1 - x)));
        }
        return new RgbPicture(pixels, picture.Width, picture.Height);
    }

    /// <summary>The window's pixels.</summary>
    internal static RgbPicture Crop(RgbPicture picture, PixelRectangle window)
    {
        int width = window.Right - window.Left, height = window.Bottom - window.Top;
        byte[] pixels = new byte[width * height * 3];
        for (int y = 0; y < height; y++)
            picture.Pixels.AsSpan(((window.Top + y) * picture.Width + window.Left) * 3, width * 3).CopyTo(pixels.AsSpan(y * width * 3));
        return new RgbPicture(pixels, width, height);
    }

    /// <summary>Half the time, contrast about the mean grey changes by a factor of 0.5 to 1.5.</summary>
    internal static void ChangeContrast(byte[] pixels, IAugmentationDraws draws)
    {
        if (draws.Integer(0, 1) == 0) return;
        float factor = (float)draws.Uniform(0.5, 1.5);
        long sum = 0;
        // Rec. 601 luma in 16-bit fixed point, as Pillow's conversion to grey.
        for (int i = 0; i < pixels.Length; i += 3) sum += (19595 * pixels[i] + 38470 * pixels[i + 1] + 7471 * pixels[i + 2] + 0x8000) >> 16;
        int grey = (int)((double)sum / (pixels.Length / 3) + 0.5);
        for (int i = 0; i < pixels.Length; i++) pixels[i] = (byte)Math.Clamp(grey + factor * (pixels[i] - grey), 0, 255);
    }

    /// <summary>One time in five: Gaussian noise, salt and pepper, or Poisson noise.</summary>
    internal static void AddNoise(byte[] pixels, int width, int height, IAugmentationDraws draws)
    {
        if (draws.Integer(0, 4) != 4) return;
        switch (draws.Integer(0, 2))
        {
            case 0:
                double deviation = Math.Sqrt(0.1);
                for (int i = 0; i < pixels.Length; i++) pixels[i] = (byte)Math.Clamp(pixels[i] + deviation * draws.Normal(), 0, 255);
                break;
            case 1:
                int count = (int)Math.Ceiling(0.004 * width * height * 0.5);
                Sprinkle(pixels, width, height, count, 255, draws);
                Sprinkle(pixels, width, height, count, 0, draws);
                break;
            default:
                // Pictures with few colours get coarser noise: the count of values, rounded up to a power of two, is the gain.
                double gain = Math.Pow(2, Math.Ceiling(Math.Log2(pixels.Distinct().Count())));
                for (int i = 0; i < pixels.Length; i++) pixels[i] = (byte)Math.Clamp(Poisson(pixels[i] * gain, draws) / gain, 0, 255);
                break;
        }
    }

    private static void Sprinkle(byte[] pixels, int width, int height, int count, byte value, IAugmentationDraws draws)
    {
        for (int i = 0; i < count; i++)
        {
            int at = (draws.Integer(0, Math.Max(0, height - 2)) * width + draws.Integer(0, Math.Max(0, width - 2))) * 3;
            pixels.AsSpan(at, 3).Fill(value);
        }
    }

    /// <summary>Knuth's product of uniforms for small means; a normal, rounded, for others.</summary>
    private static double Poisson(double mean, IAugmentationDraws draws)
    {
        if (mean > 64) return Math.Max(0, Math.Round(mean + Math.Sqrt(mean) * draws.Normal()));
        double limit = Math.Exp(-mean), product = 1;
        int count = -1;
        do
        {
            product *= draws.Uniform(0, 1);
            count++;
        }
        while (product > limit);
        return count;
    }
}
