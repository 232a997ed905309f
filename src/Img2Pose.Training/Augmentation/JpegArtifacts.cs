using System.Runtime.Intrinsics;

namespace Img2Pose.Training.Augmentation;

/// <summary>
/// What JPEG coding does to a picture, without the coding: YCbCr, chroma halved, 8×8 DCT quantised with the tables of
/// ITU-T T.81 annex K scaled by the usual quality rule, and back.
/// </summary>
internal static class JpegArtifacts
{
    private static ReadOnlySpan<byte> LumaTable =>
    [
        16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62,
        18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
    ];

    private static ReadOnlySpan<byte> ChromaTable =>
    [
        17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99, 99, 99, 47, 66, 99, 99, 99, 99, 99, 99,
        99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
    ];

    /// <summary>Row u, column x of the orthonormal DCT-II.</summary>
    private static readonly float[] Transform = MakeTransform();

    /// <summary>The transform's transpose.</summary>
    private static readonly float[] Inverse = Transpose(Transform);

    /// <summary>Degrades RGB pixels as a JPEG of <paramref name="quality"/> (1–100) would.</summary>
    public static void Apply(Span<byte> pixels, int width, int height, int quality)
    {
        int wide = (width + 15) & ~15, high = (height + 15) & ~15;
        float[] luma = new float[wide * high];
        float[] blue = new float[wide * high / 4], red = new float[wide * high / 4];
        Split(pixels, width, height, wide, high, luma, blue, red);
        Quantise(luma, wide, high, Steps(LumaTable, quality));
        Quantise(blue, wide / 2, high / 2, Steps(ChromaTable, quality));
        Quantise(red, wide / 2, high / 2, Steps(ChromaTable, quality));
        for (int y = 0; y < height; y++)
        {
            for (int x = 0; x < width; x++)
            {
                float l = luma[y * wide + x] + 128;
                int chroma = (y / 2) * (wide / 2) + x / 2;
                float b = blue[chroma], r = red[chroma];
                int to = (y * width + x) * 3;
                pixels[to] = ToByte(l + 1.402f * r);
                pixels[to + 1] = ToByte(l - 0.344136f * b - 0.714136f * r);
                pixels[to + 2] = ToByte(l + 1.772f * b);
            }
        }
    }

    private static byte ToByte(float value) => (byte)Math.Clamp(value + 0.5f, 0, 255);

    private static void Split(
        ReadOnlySpan<byte> pixels, int width, int height, int wide, int high, float[] luma, float[] blue, float[] red)
    {
        for (int y = 0; y < high; y++)
        {
            int fromY = Math.Min(y, height - 1);
            for (int x = 0; x < wide; x++)
            {
                int from = (fromY * width + Math.Min(x, width - 1)) * 3;
                float r = pixels[from], g = pixels[from + 1], b = pixels[from + 2];
                luma[y * wide + x] = 0.299f * r + 0.587f * g + 0.114f * b - 128;
                int chroma = (y / 2) * (wide / 2) + x / 2;
                blue[chroma] += 0.25f * (-0.168736f * r - 0.331264f * g + 0.5f * b);
                red[chroma] += 0.25f * (0.5f * r - 0.418688f * g - 0.081312f * b);
            }
        }
    }

    private static float[] Steps(ReadOnlySpan<byte> table, int quality)
    {
        int scale = quality < 50 ? 5000 / Math.Max(1, quality) : 200 - 2 * quality;
        float[] steps = new float[64];
        for (int i = 0; i < 64; i++) steps[i] = Math.Clamp((table[i] * scale + 50) / 100, 1, 255);
        return steps;
    }

    private static void Quantise(float[] plane, int width, int height, float[] steps)
    {
        Span<float> block = stackalloc float[64];
        Span<float> other = stackalloc float[64];
        for (int top = 0; top < height; top += 8)
        {
            for (int left = 0; left < width; left += 8)
            {
                for (int y = 0; y < 8; y++) plane.AsSpan((top + y) * width + left, 8).CopyTo(block[(8 * y)..]);
                Multiply(Transform, block, other);
                Multiply(other, Inverse, block);
                for (int i = 0; i < 64; i += 8)
                {
                    Vector256<float> step = Vector256.Create(steps.AsSpan(i, 8));
                    (Vector256.Round(Vector256.Create(block.Slice(i, 8)) / step) * step).CopyTo(block[i..]);
                }
                Multiply(Inverse, block, other);
                Multiply(other, Transform, block);
                for (int y = 0; y < 8; y++) block.Slice(8 * y, 8).CopyTo(plane.AsSpan((top + y) * width + left, 8));
            }
        }
    }

    private static void Multiply(ReadOnlySpan<float> a, ReadOnlySpan<float> b, Span<float> product)
    {
        Vector256<float> b0 = Vector256.Create(b[..8]), b1 = Vector256.Create(b[8..16]), b2 = Vector256.Create(b[16..24]),
            b3 = Vector256.Create(b[24..32]), b4 = Vector256.Create(b[32..40]), b5 = Vector256.Create(b[40..48]),
            b6 = Vector256.Create(b[48..56]), b7 = Vector256.Create(b[56..64]);
        for (int row = 0; row < 64; row += 8)
        {
            Vector256<float> sum = a[row] * b0 + a[row + 1] * b1 + a[row + 2] * b2 + a[row + 3] * b3
                + a[row + 4] * b4 + a[row + 5] * b5 + a[row + 6] * b6 + a[row + 7] * b7;
            sum.CopyTo(product[row..]);
        }
    }

    private static float[] MakeTransform()
    {
        float[] matrix = new float[64];
        for (int u = 0; u < 8; u++)
        {
            for (int x = 0; x < 8; x++)
                matrix[u * 8 + x] = (float)(Math.Sqrt(u == 0 ? 0.125 : 0.25) * Math.Cos((2 * x + 1) * u * Math.PI / 16));
        }
        return matrix;
    }

    private static float[] Transpose(float[] matrix)
    {
        float[] transposed = new float[64];
        for (int i = 0; i < 64; i++) transposed[i % 8 * 8 + i / 8] = matrix[i];
        return transposed;
    }
}
