using System.Buffers;
using System.Numerics;
using Img2Pose.OpenCv;
using Img2Pose.Training.Data;
using OpenCvSharp;

namespace Img2Pose.Training.Augmentation;

/// <summary>
/// A picture averaged over n×n blocks: the prefilter of a reduction by more than two, after which bilinear sampling no
/// longer skips pixels. Halves, quarters and so on are made once for each picture and kept with it, a third more memory at most:
/// a sample draws a few hundred pixels of pictures of millions. Other pixels come from the shared pool and go back on disposal.
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

    /// <summary>
    /// Prepares <paramref name="picture"/> for sampling at <paramref name="scale"/> destination pixels per source pixel: reduced by
    /// the power of two that leaves less than two pixels to one.
    /// </summary>
    public static ReducedPicture ForScale(RgbPicture picture, double scale)
    {
        int octave = OctaveFor(scale);
        RgbPicture reduced = picture.Halved(octave);
        return new ReducedPicture(reduced.Pixels, false, reduced.Width, reduced.Height, 1 << octave);
    }

    /// <summary>How often <see cref="ForScale"/> halves a picture.</summary>
    public static int OctaveFor(double scale) => scale < 0.5 ? BitOperations.Log2((uint)Math.Min(1 / scale, 1 << 20)) : 0;

    /// <summary>
    /// Averages over blocks of at most <paramref name="factor"/>, and more than three quarters of it where that is above one. What is
    /// left of a block at the right and bottom edge goes: sampling repeats the last pixel there.
    /// </summary>
    public static ReducedPicture By(RgbPicture picture, int factor)
    {
        factor = Math.Max(factor, 1 << picture.Octave);
        if (factor <= 1) return new ReducedPicture(picture.Pixels, false, picture.Width, picture.Height, 1);
        // A kept one whose blocks are a quarter or less of what is wanted, and the rest by averaging them.
        int octave = Math.Max(picture.Octave, BitOperations.Log2((uint)factor) - 2);
        RgbPicture start = picture.Halved(octave);
        int rest = factor >> octave;

        OpenCvLibrary.Require();
        int width = Math.Max(1, start.Width / rest), height = Math.Max(1, start.Height / rest);
        byte[] pixels = ArrayPool<byte>.Shared.Rent(width * height * 3);
        using Mat whole = Mat.FromPixelData(start.Height, start.Width, MatType.CV_8UC3, start.Pixels);
        using Mat blocks = new(whole, new Rect(0, 0, Math.Min(start.Width, width * rest), Math.Min(start.Height, height * rest)));
        using Mat reduced = Mat.FromPixelData(height, width, MatType.CV_8UC3, pixels);
        Cv2.Resize(blocks, reduced, reduced.Size(), interpolation: InterpolationFlags.Area);
        return new ReducedPicture(pixels, true, width, height, rest << octave);
    }

    /// <summary>Averages over blocks of two by two; a last odd column or row goes.</summary>
    internal static RgbPicture Halve(RgbPicture picture)
    {
        OpenCvLibrary.Require();
        int width = Math.Max(1, picture.Width / 2), height = Math.Max(1, picture.Height / 2);
        byte[] pixels = new byte[width * height * 3];
        using Mat whole = Mat.FromPixelData(picture.Height, picture.Width, MatType.CV_8UC3, picture.Pixels);
        using Mat blocks = new(whole, new Rect(0, 0, Math.Min(picture.Width, 2 * width), Math.Min(picture.Height, 2 * height)));
        using Mat reduced = Mat.FromPixelData(height, width, MatType.CV_8UC3, pixels);
        Cv2.Resize(blocks, reduced, reduced.Size(), interpolation: InterpolationFlags.Area);
        return new RgbPicture(pixels, width, height);
    }

    /// <summary>Gives the pixels back.</summary>
    public void Dispose()
    {
        if (_pooled) ArrayPool<byte>.Shared.Return(_pixels);
    }
}
