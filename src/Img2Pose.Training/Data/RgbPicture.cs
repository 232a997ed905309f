using Img2Pose.Training.Augmentation;

namespace Img2Pose.Training.Data;

/// <summary>A decoded picture: RGB bytes, row-major, three bytes a pixel, no padding.</summary>
public sealed class RgbPicture
{
    private readonly int _octave;
    private RgbPicture? _half;

    private RgbPicture(byte[] pixels, RgbPicture? half, int width, int height, int octave)
    {
        _half = half;
        _octave = octave;
        Pixels = pixels;
        Width = width;
        Height = height;
    }

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

    /// <summary>Wraps the beginning of a longer array that somebody else gives back.</summary>
    internal static RgbPicture Borrow(byte[] pixels, int width, int height)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(pixels.Length, width * height * 3);
        return new RgbPicture(pixels, null, width, height, 0);
    }

    /// <summary>A picture of which there is nothing finer than <paramref name="level"/>, which is it halved <paramref name="octave"/> times.</summary>
    internal static RgbPicture OfLevel(RgbPicture level, int octave, int width, int height) =>
        octave == 0 ? level : new RgbPicture([], level, width, height, octave);

    /// <summary>Halvings of the finest that there is: 0 for all but those made for small faces, which have no <see cref="Pixels"/>.</summary>
    internal int Octave => _octave;

    /// <summary>The samples: R, G, B of the first pixel of the first row, and so on.</summary>
    public byte[] Pixels { get; }

    /// <summary>Width in pixels.</summary>
    public int Width { get; }

    /// <summary>Height in pixels.</summary>
    public int Height { get; }

    /// <summary>The picture averaged over blocks of two to the power of <paramref name="octave"/>, at least a pixel; made at the first call and kept.</summary>
    internal RgbPicture Halved(int octave)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(octave, _octave);
        RgbPicture picture = _octave > 0 ? _half! : this;
        for (int i = _octave; i < octave && Math.Max(picture.Width, picture.Height) > 1; i++)
        {
            // Two threads may make it at once; both are alike, and one is kept.
            picture = picture._half ?? Interlocked.CompareExchange(ref picture._half, ReducedPicture.Halve(picture), null) ?? picture._half!;
        }
        return picture;
    }
}
