using Img2Pose.Frames;

namespace Img2Pose.Media.Tests;

public sealed class ImageFileTests : ClipTests
{
    private static byte[] Pixels(VideoFrame frame)
    {
        FramePlane plane = frame.GetPlane(0);
        byte[] pixels = new byte[plane.RowBytes * plane.Height];
        for (int y = 0; y < plane.Height; y++) plane.Row(y).CopyTo(pixels.AsSpan(y * plane.RowBytes));
        return pixels;
    }

    private byte[] ReadPixels(string name, out int width, out int height)
    {
        using VideoFrame frame = ImageFile.Read(At(name));
        Assert.Equal(PixelFormat.Rgb24, frame.Format);
        (width, height) = (frame.Width, frame.Height);
        return Pixels(frame);
    }

    /// <summary>Writes a smooth coloured picture that lossy formats keep well.</summary>
    private byte[] Reference(string name, int width, int height)
    {
        using FramePool pool = new(1);
        using VideoFrame frame = pool.Rent(PixelFormat.Rgb24, width, height);
        for (int y = 0; y < height; y++)
        {
            Span<byte> row = frame.GetPlane(0).Row(y);
            for (int x = 0; x < width; x++)
            {
                row[x * 3] = (byte)(40 + 180 * x / width);
                row[x * 3 + 1] = (byte)(30 + 200 * y / height);
                row[x * 3 + 2] = (byte)(128 + 90 * Math.Sin(x * 0.05 + y * 0.03));
            }
        }
        ImageFile.Write(At(name), frame);
        return Pixels(frame);
    }

    private static double MeanDifference(byte[] a, byte[] b)
    {
        Assert.Equal(a.Length, b.Length);
        return a.Zip(b).Average(pair => Math.Abs(pair.First - pair.Second));
    }

    [Fact]
    public void Png_is_written_and_read_without_loss()
    {
        byte[] reference = Reference("a.png", 101, 67);

        Assert.Equal(reference, ReadPixels("a.png", out int width, out int height));
        Assert.Equal((101, 67), (width, height));
        Assert.False(File.Exists(At("a.partial.png")));
    }

    [Theory]
    [InlineData("b.bmp", "", 0)]
    [InlineData("b.ppm", "", 0)]
    [InlineData("b.tiff", "", 0)]
    [InlineData("b.webp", "-lossless 1", 0)]
    [InlineData("b.png", "-pix_fmt rgb48be", 0)]
    [InlineData("b.png", "-pix_fmt rgba", 0)]
    [InlineData("b.jp2", "-pix_fmt rgb24 -c:v jpeg2000 -pred 1", 0)]
    [InlineData("b.webp", "-quality 95", 2)]
    [InlineData("b.jpg", "-q:v 1 -pix_fmt yuvj444p", 1.5)]
    [InlineData("b.jpg", "-q:v 1 -pix_fmt yuvj420p", 1.5)]
    public void Every_format_is_read_as_rgb(string name, string options, double tolerance)
    {
        byte[] reference = Reference("a.png", 100, 68);
        Ffmpeg($"-i a.png {options} {name}");

        Assert.InRange(MeanDifference(reference, ReadPixels(name, out _, out _)), 0, tolerance);
    }

    [Fact]
    public void Grey_jpeg_is_full_range()
    {
        Reference("a.png", 100, 68);
        Ffmpeg("-i a.png -pix_fmt gray grey.png");
        Ffmpeg("-i grey.png -pix_fmt gray -c:v mjpeg -strict unofficial -q:v 1 grey.jpg");

        // Read as video range, values would be stretched by a sixth.
        Assert.InRange(MeanDifference(ReadPixels("grey.png", out _, out _), ReadPixels("grey.jpg", out _, out _)), 0, 1);
    }

    [Theory]
    [InlineData(92, 1.5)]
    [InlineData(60, 4)]
    public void Jpeg_is_written_close_to_the_original(int quality, double tolerance)
    {
        byte[] reference = Reference("a.png", 101, 67);
        using (VideoFrame frame = ImageFile.Read(At("a.png"))) ImageFile.Write(At("a.jpg"), frame, quality);

        Assert.InRange(MeanDifference(reference, ReadPixels("a.jpg", out _, out _)), 0, tolerance);
    }

    [Fact]
    public void Lower_quality_makes_smaller_files()
    {
        Reference("a.png", 200, 160);
        using VideoFrame frame = ImageFile.Read(At("a.png"));
        long[] sizes = [.. new[] { 95, 75, 40 }.Select(quality =>
        {
            ImageFile.Write(At("q.jpg"), frame, quality);
            return new FileInfo(At("q.jpg")).Length;
        })];

        Assert.True(sizes[0] > sizes[1] && sizes[1] > sizes[2], string.Join(", ", sizes));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    [InlineData(8)]
    public void Exif_orientation_is_applied_unless_the_stored_rows_are_asked_for(int orientation)
    {
        byte[] reference = Reference("a.png", 40, 24);
        byte[] file = File.ReadAllBytes(At("a.png"));
        byte[] exif = [(byte)'I', (byte)'I', 42, 0, 8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, (byte)orientation, 0, 0, 0, 0, 0, 0, 0];
        // Between the header chunk, which ends at 33, and the rest. A wrong checksum of an ancillary chunk is forgiven.
        byte[] chunk = [0, 0, 0, (byte)exif.Length, .. "eXIf"u8, .. exif, 0, 0, 0, 0];
        byte[] tagged = [.. file[..33], .. chunk, .. file[33..]];

        using VideoFrame frame = ImageFile.Decode(tagged, "tagged.png");

        (int width, int height) = orientation >= 5 ? (24, 40) : (40, 24);
        Assert.Equal((width, height), (frame.Width, frame.Height));
        for (int y = 0; y < height; y++)
        {
            for (int x = 0; x < width; x++)
            {
                // EXIF 2.32, table of the tag Orientation: where row 0 and column 0 of the stored picture are shown.
                (int sx, int sy) = orientation switch
                {
                    1 => (x, y),
                    2 => (39 - x, y),
                    3 => (39 - x, 23 - y),
                    4 => (x, 23 - y),
                    5 => (y, x),
                    6 => (y, 23 - x),
                    7 => (39 - y, 23 - x),
                    _ => (39 - y, x),
                };
                Assert.True(
                    frame.GetPlane(0).Row(y).Slice(x * 3, 3).SequenceEqual(reference.AsSpan((sy * 40 + sx) * 3, 3)), $"({x}, {y})");
            }
        }

        Assert.Equal(orientation == 1, ImageFile.IsStoredUpright(tagged));
        using VideoFrame stored = ImageFile.DecodeAsStored(tagged, "tagged.png");
        Assert.Equal((40, 24), (stored.Width, stored.Height));
        for (int y = 0; y < 24; y++) Assert.True(stored.GetPlane(0).Row(y)[..120].SequenceEqual(reference.AsSpan(y * 120, 120)), $"row {y}");
    }

    [Fact]
    public void Damaged_pictures_are_errors_that_name_the_file()
    {
        Reference("a.png", 100, 68);
        byte[] file = File.ReadAllBytes(At("a.png"));

        AssertError([], "is empty");
        AssertError("words, no picture"u8.ToArray(), "not a picture");
        AssertError(file[..20], "cannot be decoded");

        static void AssertError(byte[] data, string words)
        {
            InputException error = Assert.Throws<InputException>(() => ImageFile.Decode(data, "x.png"));
            Assert.StartsWith("x.png: ", error.Message, StringComparison.Ordinal);
            Assert.Contains(words, error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_damaged_picture_does_not_harm_the_next()
    {
        byte[] reference = Reference("a.png", 100, 68);
        byte[] file = File.ReadAllBytes(At("a.png"));
        Random random = new(3);
        for (int i = 0; i < 40; i++)
        {
            byte[] broken = [.. file];
            for (int k = 0; k < 30; k++) broken[random.Next(8, broken.Length)] = (byte)random.Next(256);
            try
            {
                ImageFile.Decode(broken, "broken.png").Dispose();
            }
            catch (InputException)
            {
                // Either outcome is right for a random fault; a crash or a harmed successor is not.
            }
        }

        Assert.Equal(reference, ReadPixels("a.png", out _, out _));
    }

    [Fact]
    public void A_header_cut_anywhere_is_never_a_crash()
    {
        Reference("a.png", 64, 48);
        Ffmpeg("-i a.png b.jpg");
        Ffmpeg("-i a.png b.webp");
        foreach (string name in new[] { "a.png", "b.jpg", "b.webp" })
        {
            byte[] file = File.ReadAllBytes(At(name));
            for (int length = 0; length < Math.Min(file.Length, 300); length++) _ = ImageHeader.Read(file.AsSpan(0, length));
        }
    }

    [Fact]
    public void A_picture_beyond_the_limit_is_refused_before_it_is_decoded()
    {
        // The header says 16,384 × 16,384; there is nothing behind it.
        byte[] header = [.. "\x89PNG\r\n\x1A\n"u8, 0, 0, 0, 13, .. "IHDR"u8, 0, 0, 64, 0, 0, 0, 64, 0, 8, 2, 0, 0, 0, 0, 0, 0, 0];
        header[0] = 0x89;
        byte[] file = [0x89, .. header.AsSpan(header.AsSpan().IndexOf("PNG"u8))];

        InputException error = Assert.Throws<InputException>(() => ImageFile.Decode(file, "huge.png"));

        Assert.Contains("16384x16384", error.Message, StringComparison.Ordinal);
        Assert.Contains("MediaLimits.MaxPixels", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void One_pixel_is_a_picture()
    {
        byte[] reference = Reference("a.png", 1, 1);

        Assert.Equal(reference, ReadPixels("a.png", out int width, out int height));
        Assert.Equal((1, 1), (width, height));
    }

    [Fact]
    public void Pictures_decode_on_many_threads_at_once()
    {
        byte[] reference = Reference("a.png", 100, 68);
        Reference("b.png", 60, 90);

        Parallel.For(0, 64, new ParallelOptions { MaxDegreeOfParallelism = 4 }, i =>
        {
            using VideoFrame other = ImageFile.Read(At("b.png"));
            using VideoFrame frame = ImageFile.Read(At("a.png"));
            Assert.Equal(reference, Pixels(frame));
        });
    }

    [Fact]
    public void Outputs_that_cannot_be_written_are_errors()
    {
        Reference("a.png", 16, 16);
        using VideoFrame frame = ImageFile.Read(At("a.png"));

        Assert.Throws<OutputException>(() => ImageFile.Write(At("missing/a.png"), frame));
        Assert.Throws<UsageException>(() => ImageFile.Write(At("a.webp"), frame));
        Assert.Throws<UsageException>(() => ImageFile.Write(At("a.jpg"), frame, 0));
    }

    /// <summary>A video's black and white are 16 and 235, a JPEG's 0 and 255; below a quality of 90 both have the same layout of samples.</summary>
    [Theory]
    [InlineData(75)]
    [InlineData(95)]
    public void A_JPEG_of_a_video_frame_has_the_whole_range(int quality)
    {
        using FramePool pool = new(1);
        using (VideoFrame frame = pool.Rent(PixelFormat.I420, 64, 32))
        {
            for (int plane = 0; plane < 3; plane++)
            {
                for (int y = 0; y < frame.GetPlane(plane).Height; y++)
                {
                    Span<byte> row = frame.GetPlane(plane).Row(y);
                    row.Fill(plane == 0 ? (byte)16 : (byte)128);
                    if (plane == 0) row[32..].Fill(235);
                }
            }
            ImageFile.Write(At("range.jpg"), frame, quality);
        }

        byte[] pixels = ReadPixels("range.jpg", out _, out _);

        Assert.InRange(pixels[3 * 8], 0, 6);
        Assert.InRange(pixels[3 * 56], 249, 255);
    }
}
