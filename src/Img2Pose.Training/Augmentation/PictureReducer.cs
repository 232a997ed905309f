using System.Buffers;
using Img2Pose.Training.Data;

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

    /// <summary>Averages over blocks of <paramref name="factor"/>; blocks cut by the right and bottom edge average what is there.</summary>
    public static ReducedPicture By(RgbPicture picture, int factor)
    {
        if (factor <= 1) return new ReducedPicture(picture.Pixels, false, picture.Width, picture.Height, 1);

        int width = (picture.Width + factor - 1) / factor;
        int height = (picture.Height + factor - 1) / factor;
        byte[] pixels = ArrayPool<byte>.Shared.Rent(width * height * 3);
        int[] sums = ArrayPool<int>.Shared.Rent(width * 3);
        for (int y = 0; y < height; y++)
        {
            int top = y * factor;
            int rows = Math.Min(factor, picture.Height - top);
            AddRows(picture, top, rows, factor, sums.AsSpan(0, width * 3));
            for (int x = 0; x < width; x++)
            {
                int count = rows * Math.Min(factor, picture.Width - x * factor);
                // Reciprocal in 16.16 with rounding: exact to a level for up to 65536 pixels a block.
                long reciprocal = ((1L << 24) + count / 2) / count;
                int to = (y * width + x) * 3;
                for (int c = 0; c < 3; c++) pixels[to + c] = (byte)((sums[x * 3 + c] * reciprocal + (1 << 23)) >> 24);
            }
        }
        ArrayPool<int>.Shared.Return(sums);
        return new ReducedPicture(pixels, true, width, height, factor);
    }

    /// <summary>Gives the pixels back.</summary>
    public void Dispose()
    {
        if (_pooled) ArrayPool<byte>.Shared.Return(_pixels);
    }

    private static unsafe void AddRows(RgbPicture picture, int top, int rows, int factor, Span<int> sums)
    {
        sums.Clear();
        int width = picture.Width;
        fixed (byte* pixels = picture.Pixels)
        fixed (int* sum = sums)
        {
            for (int y = 0; y < rows; y++)
            {
                byte* p = pixels + (long)(top + y) * width * 3;
                int* s = sum;
                for (int x = 0; x < width; s += 3)
                {
                    int end = Math.Min(x + factor, width);
                    int r = 0, g = 0, b = 0;
                    for (; x < end; x++, p += 3)
                    {
                        r += p[0];
                        g += p[1];
                        b += p[2];
                    }
                    s[0] += r;
                    s[1] += g;
                    s[2] += b;
                }
            }
        }
    }
}
