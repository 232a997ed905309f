using Img2Pose.Training.Augmentation;

namespace Img2Pose.Training.Data;

/// <summary>A decoded picture: RGB bytes, row-major, three bytes a pixel, no padding.</summary>
public sealed class RgbPicture
{
    private RgbPicture? _half;

    /// <summary>Wraps <paramref name="pixels"/> without copying.</summary>
    /// <exception cref="ArgumentException">The array's length is not width × height × 3.</exception>
    public RgbPicture(byte[] pixels, int width, int height)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(height);
        if (pixels.Length != width * height * 3)
            throw new ArgumentException($"{pixels.Length} bytes are no {width}x{height} RGB picture.", nameof(pixels));
        Pixels = pixels;
        Width = width;
        Height = height;
    }

    /// <summary>The samples: R, G, B of the first pixel of the first row, and so on.</summary>
    public byte[] Pixels { get; }

    /// <summary>Width in pixels.</summary>
    public int Width { get; }

    /// <summary>Height in pixels.</summary>
    public int Height { get; }

    /// <summary>The picture averaged over blocks of two to the power of <paramref name="octave"/>, at least a pixel; made at the first call and kept.</summary>
    internal RgbPicture Halved(int octave)
    {
        RgbPicture picture = this;
        for (int i = 0; i < octave && Math.Max(picture.Width, picture.Height) > 1; i++)
        {
            // Two threads may make it at once; both are alike, and one is kept.
            picture = picture._half ?? Interlocked.CompareExchange(ref picture._half, ReducedPicture.Halve(picture), null) ?? picture._half!;
        }
        return picture;
    }
}
