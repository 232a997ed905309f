using Img2Pose.Training.Augmentation;
using Img2Pose.Training.Data;

namespace Img2Pose.Training.Tests.Augmentation;

/// <summary>The loops that samples are made by, against the plain formulas that they stand for.</summary>
public sealed class PixelLoopTests
{
    [Theory]
    [InlineData(23, 17, 1.0, 0.0)]
    [InlineData(23, 17, 0.7, 0.4)]
    [InlineData(23, 17, 3.1, -2.0)]
    [InlineData(1, 17, 2.0, 0.3)]
    [InlineData(23, 1, 2.0, 0.3)]
    [InlineData(2, 2, 5.0, 1.0)]
    public void A_row_of_samples_is_the_bilinear_one(int width, int height, double scale, double angle)
    {
        byte[] picture = Noise(3 * width * height);
        float stepU = (float)(Math.Cos(angle) / scale), stepV = (float)(Math.Sin(angle) / scale);
        foreach (int count in (int[])[1, 7, 8, 9, 10, 11, 18, 45])
        {
            byte[] row = new byte[3 * count + 5];
            PictureSampler.Row(picture, width, height, -2.3f, 1.6f, stepU, stepV, row.AsSpan(0, 3 * count));

            for (int i = 0; i < count; i++)
            {
                for (int c = 0; c < 3; c++)
                    Assert.Equal(Bilinear(picture, width, height, -2.3f + i * stepU, 1.6f + i * stepV, c), row[3 * i + c]);
            }
            Assert.All(row[(3 * count)..], rest => Assert.Equal(0, rest));
        }
    }

    [Theory]
    [InlineData(0.3)]
    [InlineData(0)]
    public void A_line_of_opacities_is_that_of_its_points_and_zero_where_it_is_narrowed_to_nothing(double feather)
    {
        LayerShape shape = new(20, 15, 9, 6, feather);
        for (int y = 0; y < 30; y++)
        {
            int begin = 0, end = 40;
            shape.Narrow(0.5, y, 0.97, 0.1, ref begin, ref end);
            int[] opacities = new int[40 + LayerShape.Lanes];
            shape.Opacities(0.5, y, 0.97, 0.1, opacities);

            for (int i = 0; i < 40; i++)
            {
                double opacity = 256 * shape.Opacity(0.5 + 0.97 * i, y + 0.1 * i);
                // Single and double precision may fall on either side of a step.
                if (feather > 0) Assert.InRange(opacities[i], (int)opacity - 1, (int)opacity + 1);
                if (i < begin || i >= end) Assert.True(opacity < 0.01, $"{i}, {y}: {opacity}");
            }
        }
    }

    [Theory]
    [InlineData(37, 11, 0.6)]
    [InlineData(37, 11, 2.2)]
    [InlineData(5, 40, 1.5)]
    public void A_blur_weighs_by_the_normal_curve(int width, int height, double sigma)
    {
        byte[] picture = Noise(3 * width * height), blurred = [.. picture];

        Photometric.Blur(blurred, width, height, sigma);

        int radius = Math.Max(1, (int)Math.Ceiling(2.5 * sigma));
        double[] weights = [.. Enumerable.Range(-radius, 2 * radius + 1).Select(i => Math.Exp(-0.5 * i * i / (sigma * sigma)))];
        double total = weights.Sum();
        for (int y = 0; y < height; y++)
        {
            for (int i = 0; i < 3 * width; i++)
            {
                double sum = 0;
                for (int a = -radius; a <= radius; a++)
                {
                    for (int b = -radius; b <= radius; b++)
                    {
                        int row = Math.Clamp(y + a, 0, height - 1), column = Math.Clamp(i / 3 + b, 0, width - 1);
                        sum += weights[a + radius] * weights[b + radius] / (total * total) * picture[3 * (row * width + column) + i % 3];
                    }
                }
                // Either pass rounds once.
                Assert.InRange(blurred[3 * width * y + i], sum - 1.05, sum + 1.05);
            }
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_moving_camera_averages_along_its_axis(bool horizontal)
    {
        const int Width = 21, Height = 13;
        byte[] picture = Noise(3 * Width * Height), blurred = [.. picture];

        Photometric.MotionBlur(blurred, Width, Height, 5, horizontal);

        for (int y = 0; y < Height; y++)
        {
            for (int x = 0; x < Width; x++)
            {
                double mean = Enumerable.Range(-2, 5).Average(k => horizontal
                    ? picture[3 * (y * Width + Math.Clamp(x + k, 0, Width - 1))]
                    : (double)picture[3 * (Math.Clamp(y + k, 0, Height - 1) * Width + x)]);
                Assert.InRange(blurred[3 * (y * Width + x)], mean - 0.6, mean + 0.6);
            }
        }
    }

    [Fact]
    public void Channels_are_mixed_by_the_matrix_and_cut_at_both_ends()
    {
        byte[] picture = Noise(3 * 77), mixed = [.. picture];
        int[] m = [6000, -1500, 300, -200, 3000, 1300, 900, -5000, 8000];

        PixelLoops.Mix(mixed, m);

        for (int i = 0; i < picture.Length; i++)
        {
            int at = i - i % 3, row = 3 * (i % 3);
            int sum = m[row] * picture[at] + m[row + 1] * picture[at + 1] + m[row + 2] * picture[at + 2];
            Assert.Equal((byte)Math.Clamp((sum + 2048) >> 12, 0, 255), mixed[i]);
        }
    }

    [Fact]
    public void Every_channel_has_its_own_table()
    {
        byte[] picture = Noise(3 * 77), looked = [.. picture], table = Noise(768);

        PixelLoops.LookUp(looked, table);

        for (int i = 0; i < picture.Length; i++) Assert.Equal(table[256 * (i % 3) + picture[i]], looked[i]);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Noise_has_the_deviation_that_was_asked_for(bool grey)
    {
        SampleRandom random = new(5, 9);
        byte[] pixels = new byte[3 * 50021];
        Array.Fill(pixels, (byte)128);

        Photometric.AddNoise(pixels, 12, grey, ref random);

        double[] noise = [.. pixels.Select(p => p - 128.0)];
        double deviation = Math.Sqrt(noise.Average(n => n * n));
        // Of 50021 independent draws at least the mean's own deviation is 12/√50021 = 0.054, the deviation's 0.038.
        Assert.InRange(noise.Average(), -0.27, 0.27);
        Assert.InRange(deviation, 11.8, 12.2);
        double together = Enumerable.Range(0, noise.Length / 3).Average(i => noise[3 * i] * noise[3 * i + 1]) / (deviation * deviation);
        Assert.InRange(together, grey ? 0.999 : -0.03, grey ? 1.001 : 0.03);
    }

    [Fact]
    public void A_picture_halved_for_small_faces_has_nothing_finer()
    {
        RgbPicture whole = new(Noise(3 * 40 * 20), 40, 20);

        RgbPicture coarse = RgbPicture.OfLevel(whole.Halved(2), 2, 40, 20);

        Assert.Equal((40, 20), (coarse.Width, coarse.Height));
        Assert.Equal(whole.Halved(3).Pixels, coarse.Halved(3).Pixels);
        Assert.Throws<ArgumentOutOfRangeException>(() => coarse.Halved(1));
    }

    private static byte Bilinear(byte[] picture, int width, int height, float u, float v, int channel)
    {
        u = Math.Clamp(u, 0, width - 1);
        v = Math.Clamp(v, 0, height - 1);
        int x = (int)u, y = (int)v, right = Math.Min(x + 1, width - 1), down = Math.Min(y + 1, height - 1);
        int fx = (int)((u - x) * 256), fy = (int)((v - y) * 256);
        int top = (256 - fx) * At(x, y) + fx * At(right, y), bottom = (256 - fx) * At(x, down) + fx * At(right, down);
        return (byte)(((256 - fy) * top + fy * bottom + 32768) >> 16);

        int At(int column, int row) => picture[3 * (row * width + column) + channel];
    }

    private static byte[] Noise(int length)
    {
        byte[] bytes = new byte[length];
        new Random(length).NextBytes(bytes);
        return bytes;
    }
}
