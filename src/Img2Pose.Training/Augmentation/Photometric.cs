using System.Buffers;

namespace Img2Pose.Training.Augmentation;

/// <summary>
/// Changes of light, colour, sharpness and noise on a finished RGB picture. Nothing moves by more than the blur's own
/// radius, so labels stay.
/// </summary>
internal static class Photometric
{
    /// <summary>Applies a random selection.</summary>
    /// <param name="pixels">RGB samples, row-major; changed in place.</param>
    /// <param name="width">Width.</param>
    /// <param name="height">Height.</param>
    /// <param name="random">The sample's random numbers.</param>
    public static void Apply(Span<byte> pixels, int width, int height, ref SampleRandom random)
    {
        if (random.Chance(0.12)) LoseResolution(pixels, width, height, random.LogUniform(1.4, 3.5));
        if (random.Chance(0.15)) Blur(pixels, width, height, random.LogUniform(0.5, 2.2));
        if (random.Chance(0.04)) MotionBlur(pixels, width, height, 3 + 2 * random.Below(3), random.Chance(0.6));
        if (random.Chance(0.3)) MixChannels(pixels, ref random);
        if (random.Chance(0.8)) AdjustLevels(pixels, ref random);
        if (random.Chance(0.2)) AddNoise(pixels, random.LogUniform(1.5, 16), random.Chance(0.5), ref random);
        if (random.Chance(0.3)) JpegArtifacts.Apply(pixels, width, height, 25 + random.Below(65));
    }

    /// <summary>Brightness, contrast, gamma and colour temperature by one table a channel.</summary>
    public static void AdjustLevels(Span<byte> pixels, ref SampleRandom random)
    {
        double gain = random.LogUniform(0.72, 1.35);
        double contrast = random.LogUniform(0.72, 1.3);
        double gamma = random.LogUniform(0.75, 1.35);
        double lift = random.Uniform(-15, 15);
        Span<double> curve = stackalloc double[256];
        for (int v = 0; v < 256; v++) curve[v] = 255 * Math.Pow(v / 255.0, gamma);
        Span<byte> table = stackalloc byte[768];
        for (int c = 0; c < 3; c++)
        {
            double channelGain = gain * random.LogUniform(0.9, 1.11);
            for (int v = 0; v < 256; v++)
            {
                double x = ((curve[v] * channelGain) - 128) * contrast + 128 + lift;
                table[c * 256 + v] = (byte)Math.Clamp(x + 0.5, 0, 255);
            }
        }
        PixelLoops.LookUp(pixels, table);
    }

    /// <summary>Saturation and hue as one 3×3 matrix; every fourth time all grey.</summary>
    public static void MixChannels(Span<byte> pixels, ref SampleRandom random)
    {
        double saturation = random.Chance(0.25) ? 0 : random.Uniform(0.4, 1.5);
        double hue = random.Chance(0.5) ? 0 : random.Uniform(-0.25, 0.25);
        (double sin, double cos) = Math.SinCos(hue);
        Span<int> m = stackalloc int[9];
        ReadOnlySpan<double> luma = [0.299, 0.587, 0.114];
        for (int row = 0; row < 3; row++)
        {
            for (int column = 0; column < 3; column++)
            {
                // Rotation about the grey axis (1,1,1)/sqrt 3, then a pull toward the luma.
                double axis = (1 - cos) / 3;
                double turn = row == column ? cos + axis
                    : axis + ((column - row + 3) % 3 == 2 ? 1 : -1) * sin / Math.Sqrt(3);
                m[row * 3 + column] = (int)Math.Round(4096 * (saturation * turn + (1 - saturation) * luma[column]));
            }
        }
        PixelLoops.Mix(pixels, m);
    }

    /// <summary>Normal noise of the given standard deviation, per sample or (sensor without colour) per pixel.</summary>
    public static void AddNoise(Span<byte> pixels, double sigma, bool grey, ref SampleRandom random)
    {
        // Sums of four uniform bytes are normal enough.
        double scale = sigma / Math.Sqrt(4 * (256.0 * 256 - 1) / 12);
        int factor = (int)Math.Round(scale * 65536);
        NoiseBytes noise = new(ref random);
        Span<short> block = stackalloc short[3 * NoiseBlock], greys = stackalloc short[NoiseBlock];
        for (int at = 0; at < pixels.Length; at += block.Length)
        {
            if (grey)
            {
                noise.Fill(greys, factor);
                for (int i = 0; i < greys.Length; i++) block[3 * i] = block[3 * i + 1] = block[3 * i + 2] = greys[i];
            }
            else
            {
                noise.Fill(block, factor);
            }
            Span<byte> part = pixels[at..Math.Min(at + block.Length, pixels.Length)];
            PixelLoops.Add(part, block[..part.Length]);
        }
    }

    // Pixels whose noise is drawn at once.
    private const int NoiseBlock = 256;

    // Widest blur, pixels, and how far it reaches.
    private const double LargestBlur = 12;
    private const int LargestRadius = 30;

    /// <summary>Gaussian blur, edges repeated; <paramref name="sigma"/> at most 12 pixels.</summary>
    public static void Blur(Span<byte> pixels, int width, int height, double sigma)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(sigma, LargestBlur);
        int radius = Math.Max(1, (int)Math.Ceiling(2.5 * sigma));
        Span<int> kernel = (stackalloc int[2 * LargestRadius + 1])[..(2 * radius + 1)];
        double total = 0;
        for (int i = -radius; i <= radius; i++) total += Math.Exp(-0.5 * i * i / (sigma * sigma));
        int rest = 65536;
        for (int i = -radius; i <= radius; i++)
        {
            kernel[i + radius] = (int)Math.Round(65536 * Math.Exp(-0.5 * i * i / (sigma * sigma)) / total);
            rest -= kernel[i + radius];
        }
        kernel[radius] += rest;
        Convolve(pixels, width, height, kernel, horizontal: true);
        Convolve(pixels, width, height, kernel, horizontal: false);
    }

    // Longest trace of a moving camera, pixels.
    private const int LongestMotion = 15;

    /// <summary>A box blur along one axis, as of a moving camera; <paramref name="length"/> odd, 1 to 15 pixels.</summary>
    public static void MotionBlur(Span<byte> pixels, int width, int height, int length, bool horizontal)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(length, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, LongestMotion);
        Span<int> kernel = (stackalloc int[LongestMotion])[..length];
        kernel.Fill(65536 / length);
        kernel[length / 2] += 65536 - length * (65536 / length);
        Convolve(pixels, width, height, kernel, horizontal);
    }

    /// <summary>Reduces by <paramref name="factor"/> (block average and bilinear) and enlarges again bilinearly.</summary>
    public static void LoseResolution(Span<byte> pixels, int width, int height, double factor)
    {
        int smallWidth = Math.Max(2, (int)Math.Round(width / factor));
        int smallHeight = Math.Max(2, (int)Math.Round(height / factor));
        // One scale for both sides keeps the labels: the small picture may show a little more or less than the large one.
        double scale = 1 / factor;
        byte[] whole = ArrayPool<byte>.Shared.Rent(pixels.Length);
        pixels.CopyTo(whole);
        Canvas small = new(smallWidth + 1, smallHeight + 1);
        small.Draw(Data.RgbPicture.Borrow(whole, width, height), new SimilarityWarp(scale, 0, false, 0, 0), LayerShape.Whole, small.Bounds);
        RepeatEdges(small, (int)(width * scale), (int)(height * scale));
        Array.Clear(whole, 0, pixels.Length);
        Canvas large = new(width, height, whole);
        large.Draw(new Data.RgbPicture(small.Pixels, small.Width, small.Height), new SimilarityWarp(factor, 0, false, 0, 0), LayerShape.Whole, large.Bounds);
        whole.AsSpan(0, pixels.Length).CopyTo(pixels);
        ArrayPool<byte>.Shared.Return(whole);
    }

    /// <summary>Copies the last drawn column and row over the undrawn ones beyond.</summary>
    private static void RepeatEdges(Canvas canvas, int drawnWidth, int drawnHeight)
    {
        for (int y = 0; y < canvas.Height; y++)
        {
            int fromY = Math.Min(y, drawnHeight - 1);
            for (int x = 0; x < canvas.Width; x++)
            {
                int fromX = Math.Min(x, drawnWidth - 1);
                if (fromX == x && fromY == y) continue;
                canvas.Pixels.AsSpan((fromY * canvas.Width + fromX) * 3, 3).CopyTo(canvas.Pixels.AsSpan((y * canvas.Width + x) * 3));
            }
        }
    }

    /// <summary>Weighs neighbours along one axis by a symmetric kernel of odd length whose sum is 65536, edges repeated.</summary>
    private static unsafe void Convolve(Span<byte> pixels, int width, int height, ReadOnlySpan<int> kernel, bool horizontal)
    {
        int radius = kernel.Length / 2, stride = 3 * width;
        byte[] buffer = ArrayPool<byte>.Shared.Rent(horizontal ? stride + 6 * radius : stride * height);
        byte** taps = stackalloc byte*[2 * LargestRadius + 1];
        fixed (byte* picture = pixels)
        fixed (byte* copy = buffer)
        fixed (int* weights = kernel[radius..])
        {
            if (!horizontal) pixels[..(stride * height)].CopyTo(buffer);
            for (int y = 0; y < height; y++)
            {
                byte* row = picture + (long)y * stride;
                if (horizontal)
                {
                    new Span<byte>(row, stride).CopyTo(buffer.AsSpan(3 * radius));
                    for (int i = 0; i < 3 * radius; i++)
                    {
                        copy[i] = row[i % 3];
                        copy[3 * radius + stride + i] = row[stride - 3 + i % 3];
                    }
                }
                for (int k = 0; k < kernel.Length; k++)
                    taps[k] = horizontal ? copy + 3 * k : copy + (long)Math.Clamp(y + k - radius, 0, height - 1) * stride;
                PixelLoops.Weigh(taps, weights, radius, row, stride);
            }
        }
        ArrayPool<byte>.Shared.Return(buffer);
    }
}
