using System.Runtime.CompilerServices;

namespace Img2Pose.Frames;

/// <summary>
/// The planes that a picture of a format and size has. One place says it, so that whoever makes frames and whoever reads their
/// memory agree; sizes are computed in checked arithmetic.
/// </summary>
internal readonly struct FrameShape
{
    /// <summary>Longest side, samples: products of sides, bytes and counts stay far from the end of 64 bits.</summary>
    public const int LongestSide = 1 << 28;

    private readonly Three _planes;

    /// <exception cref="ArgumentOutOfRangeException">A side is not positive or beyond <see cref="LongestSide"/>, or there is no such format.</exception>
    public FrameShape(PixelFormat format, int width, int height)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(height);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(width, LongestSide);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(height, LongestSide);
        int chromaWidth = (width + 1) / 2, chromaHeight = (height + 1) / 2;
        switch (format)
        {
            case PixelFormat.Rgb24:
                PlaneCount = 1;
                _planes[0] = new PlaneShape(width, height, 3);
                break;
            case PixelFormat.Nv12 or PixelFormat.P010:
                int sample = format == PixelFormat.P010 ? 2 : 1;
                PlaneCount = 2;
                _planes[0] = new PlaneShape(width, height, sample);
                _planes[1] = new PlaneShape(chromaWidth, chromaHeight, 2 * sample);
                break;
            case PixelFormat.I420 or PixelFormat.I420P10:
                int bytes = format == PixelFormat.I420P10 ? 2 : 1;
                PlaneCount = 3;
                _planes[0] = new PlaneShape(width, height, bytes);
                _planes[1] = _planes[2] = new PlaneShape(chromaWidth, chromaHeight, bytes);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(format));
        }
    }

    /// <summary>Number of planes.</summary>
    public int PlaneCount { get; }

    /// <summary>One plane.</summary>
    public PlaneShape this[int index] => (uint)index < (uint)PlaneCount ? _planes[index] : throw new ArgumentOutOfRangeException(nameof(index));

    [InlineArray(3)]
    private struct Three
    {
        private PlaneShape _first;
    }
}

/// <summary>Size of a plane.</summary>
/// <param name="Width">Elements in a row.</param>
/// <param name="Height">Rows.</param>
/// <param name="Bytes">Bytes of an element.</param>
internal readonly record struct PlaneShape(int Width, int Height, int Bytes)
{
    /// <summary>Bytes of a row that carry samples.</summary>
    public long RowBytes => (long)Width * Bytes;

    /// <summary>Bytes from the first sample to the end of the last row, which need not be a whole stride.</summary>
    public long Extent(long stride) => checked((Height - 1) * stride + RowBytes);
}
