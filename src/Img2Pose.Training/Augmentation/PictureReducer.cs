using System.Buffers;
using Img2Pose.OpenCv;
using Img2Pose.Training.Data;
using OpenCvSharp;

namespace Img2Pose.Training.Augmentation;

/// <summary>
/// A picture averaged over n×n blocks: the prefilter of a reduction by more than two, after which bilinear sampling no
/// longer skips pixels. Pixels come from the shared pool and go back on disposal.
/// </summary>
internal readonly struct ReducedPicture : IDisposable
{
    private readonly byte[] _pixels;
    private readonly bool _pooled;

    private ReducedPicture(byte[] pixels, bool pooled, int width, int height, int factor)
    {
        _pixels = pixels;
        _pooled = pooled;
        Width = width;
        Height = height;
        Factor = factor;
    }

    /// <summary>RGB samples, row-major, <see cref="Width"/> × <see cref="Height"/> × 3; the array may be longer.</summary>
    public byte[] Pixels => _pixels;

    /// <summary>Width after reduction.</summary>
    public int Width { get; }

    /// <summary>Height after reduction.</summary>
    public int Height { get; }

    /// <summary>Source pixels per reduced pixel.</summary>
    public int Factor { get; }

    /// <summary>Prepares <paramref name="picture"/> for sampling at <paramref name="scale"/> destination pixels per source pixel.</summary>
    public static ReducedPicture ForScale(RgbPicture picture, double scale) => By(picture, scale < 0.5 ? (int)(1 / scale) : 1);

    /// <summary>
    /// Averages over blocks of <paramref name="factor"/>. What is left of a block at the right and bottom edge goes: sampling
    /// repeats the last pixel there.
    /// </summary>
    public static ReducedPicture By(RgbPicture picture, int factor)
    {
        if (factor <= 1) return new ReducedPicture(picture.Pixels, false, picture.Width, picture.Height, 1);

        OpenCvLibrary.Require();
        int width = Math.Max(1, picture.Width / factor), height = Math.Max(1, picture.Height / factor);
        byte[] pixels = ArrayPool<byte>.Shared.Rent(width * height * 3);
        using Mat whole = Mat.FromPixelData(picture.Height, picture.Width, MatType.CV_8UC3, picture.Pixels);
        using Mat blocks = new(whole, new Rect(0, 0, Math.Min(picture.Width, width * factor), Math.Min(picture.Height, height * factor)));
        using Mat reduced = Mat.FromPixelData(height, width, MatType.CV_8UC3, pixels);
        Cv2.Resize(blocks, reduced, reduced.Size(), interpolation: InterpolationFlags.Area);
        return new ReducedPicture(pixels, true, width, height, factor);
    }

    /// <summary>Gives the pixels back.</summary>
    public void Dispose()
    {
        if (_pooled) ArrayPool<byte>.Shared.Return(_pixels);
    }
}
