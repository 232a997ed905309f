using FsCheck;
using FsCheck.Fluent;
using Img2Pose.Frames;
using Img2Pose.Geometry;
using Img2Pose.Testing;

namespace Img2Pose.Inference.Tests;

public sealed class TensoriserTests
{
    // The ratio of sizes is rounded to single precision: a sample moves by up to 1e-5 pixels, and the test frames change by
    // up to 250 of 255, or 4 standard deviations, from one pixel to the next.
    private const double Tolerance = 2e-4;

    [Theory]
    [InlineData(PixelFormat.I420, 128, 72, 64, 36, false, false)]
    [InlineData(PixelFormat.Nv12, 128, 72, 64, 36, false, false)]
    [InlineData(PixelFormat.I420P10, 128, 72, 64, 36, false, false)]
    [InlineData(PixelFormat.Rgb24, 128, 72, 64, 36, false, false)]
    [InlineData(PixelFormat.I420, 101, 67, 77, 51, false, false)]
    [InlineData(PixelFormat.Nv12, 101, 67, 77, 51, false, true)]
    [InlineData(PixelFormat.I420P10, 101, 67, 133, 90, false, false)]
    [InlineData(PixelFormat.Rgb24, 101, 67, 133, 90, false, true)]
    [InlineData(PixelFormat.I420, 331, 187, 61, 40, true, false)]
    [InlineData(PixelFormat.Nv12, 331, 187, 61, 40, true, false)]
    [InlineData(PixelFormat.I420P10, 331, 187, 61, 40, true, false)]
    [InlineData(PixelFormat.Rgb24, 331, 187, 61, 40, true, false)]
    [InlineData(PixelFormat.Rgb24, 64, 40, 64, 40, true, false)]
    [InlineData(PixelFormat.I420, 1, 1, 1, 1, true, false)]
    [InlineData(PixelFormat.Nv12, 2, 3, 9, 1, false, false)]
    public void Every_format_gives_the_values_of_the_slow_reference(
        PixelFormat format, int width, int height, int targetWidth, int targetHeight, bool prefilter, bool mirror)
    {
        using FramePool pool = new();
        using VideoFrame frame = TestFrames.Create(pool, format, width, height);

        AssertMatchesReference(frame, targetWidth, targetHeight, prefilter, mirror);
    }

    [Theory]
    [InlineData(ColorMatrix.Bt601, false)]
    [InlineData(ColorMatrix.Bt601, true)]
    [InlineData(ColorMatrix.Bt709, false)]
    [InlineData(ColorMatrix.Bt709, true)]
    [InlineData(ColorMatrix.Bt2020, false)]
    [InlineData(ColorMatrix.Bt2020, true)]
    public void Every_matrix_and_range_gives_the_values_of_the_slow_reference(ColorMatrix matrix, bool fullRange)
    {
        using FramePool pool = new();
        using VideoFrame frame = TestFrames.Create(pool, PixelFormat.I420, 90, 50);
        using VideoFrame ten = TestFrames.Create(pool, PixelFormat.I420P10, 90, 50);
        frame.Color = ten.Color = new ColorDescription(matrix, fullRange);

        AssertMatchesReference(frame, 60, 40, prefilter: false, mirror: false);
        AssertMatchesReference(ten, 60, 40, prefilter: false, mirror: false);
    }

    [Fact]
    public void Any_size_to_any_size_gives_the_values_of_the_slow_reference()
    {
        Gen<(int, int, int, int, int, bool, bool)> sizes =
            from format in Gen.Choose(0, 3)
            from width in Gen.Choose(1, 70)
            from height in Gen.Choose(1, 50)
            from targetWidth in Gen.Choose(1, 60)
            from targetHeight in Gen.Choose(1, 40)
            from prefilter in Gen.Elements(true, false)
            from mirror in Gen.Elements(true, false)
            select (format, width, height, targetWidth, targetHeight, prefilter, mirror);
        using FramePool pool = new();
        Prop.ForAll(Arb.From(sizes), size =>
        {
            (int format, int width, int height, int targetWidth, int targetHeight, bool prefilter, bool mirror) = size;
            // Mirrored block means start at the other end; by definition they differ where blocks do not fill the side.
            using VideoFrame frame = TestFrames.Create(pool, (PixelFormat)format, width, height, width * height);
            AssertMatchesReference(frame, targetWidth, targetHeight, prefilter, mirror);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(150));
    }

    [Fact]
    public void Everything_outside_the_picture_is_zero()
    {
        using FramePool pool = new();
        using VideoFrame frame = TestFrames.Create(pool, PixelFormat.I420, 50, 30);
        using Tensoriser tensoriser = new(TensoriserReference.Normalisation, prefilter: false);
        float[] tensor = new float[3 * 64 * 64];
        tensor.AsSpan().Fill(float.NaN);

        tensoriser.Write(frame, 50, 30, tensor, 64, 64);

        for (int c = 0; c < 3; c++)
        {
            for (int y = 0; y < 64; y++)
            {
                for (int x = 0; x < 64; x++)
                {
                    float value = tensor[(c * 64 + y) * 64 + x];
                    if (x < 50 && y < 30) Assert.True(float.IsFinite(value));
                    else Assert.Equal(0f, value);
                }
            }
        }
    }

    [Theory]
    [InlineData(PixelFormat.I420)]
    [InlineData(PixelFormat.Nv12)]
    [InlineData(PixelFormat.I420P10)]
    [InlineData(PixelFormat.Rgb24)]
    public void A_part_of_a_picture_gives_what_a_picture_of_that_part_gives(PixelFormat format)
    {
        const int Width = 90, Height = 61;
        using FramePool pool = new();
        using VideoFrame frame = TestFrames.Create(pool, format, Width, Height);
        using Tensoriser tensoriser = new(TensoriserReference.Normalisation, prefilter: true);
        Random random = new(3);
        float[] fromPart = new float[3 * 64 * 64], fromPicture = new float[3 * 64 * 64];
        // More sizes than plans are kept, in turn with sizes seen before.
        for (int i = 0; i < 90; i++)
        {
            int left = 2 * random.Next(30), top = 2 * random.Next(20), width = 1 + random.Next(Width - left), height = 1 + random.Next(Height - top);
            if (i % 3 == 2) (left, top, width, height) = (2 * random.Next(5), 2 * random.Next(5), 40, 30);
            using VideoFrame part = Copy(pool, frame, left, top, width, height);
            fromPart.AsSpan().Fill(float.NaN);

            tensoriser.Write(frame, new PictureRegion(left, top, width, height), 48, 33, fromPart, 64, 64);

            tensoriser.Write(part, 48, 33, fromPicture, 64, 64);
            Assert.Equal(fromPicture, fromPart);
        }
    }

    [Fact]
    public void A_part_that_is_not_inside_the_picture_or_begins_between_chroma_samples_is_refused()
    {
        using FramePool pool = new();
        using VideoFrame frame = TestFrames.Create(pool, PixelFormat.I420, 50, 30);
        using Tensoriser tensoriser = new(TensoriserReference.Normalisation, prefilter: false);
        float[] tensor = new float[3 * 64 * 64];

        foreach (PictureRegion wrong in (ReadOnlySpan<PictureRegion>)[new(-2, 0, 10, 10), new(42, 0, 10, 10), new(0, 22, 10, 10), new(0, 0, 0, 10), new(1, 0, 10, 10), new(0, 3, 10, 10)])
            Assert.Throws<ArgumentException>(() => tensoriser.Write(frame, wrong, 10, 10, tensor, 64, 64));
    }

    private static VideoFrame Copy(FramePool pool, VideoFrame frame, int left, int top, int width, int height)
    {
        VideoFrame part = pool.Rent(frame.Format, width, height);
        part.Color = frame.Color;
        for (int p = 0; p < part.PlaneCount; p++)
        {
            FramePlane from = frame.GetPlane(p), to = part.GetPlane(p);
            int halving = p == 0 ? 1 : 2;
            for (int y = 0; y < to.Height; y++)
                from.Row(top / halving + y).Slice(left / halving * from.BytesPerElement, to.RowBytes).CopyTo(to.Row(y));
        }
        return part;
    }

    [Fact]
    public void White_in_limited_range_is_white()
    {
        using FramePool pool = new();
        using VideoFrame frame = TestFrames.Plain(pool, PixelFormat.I420, 20, 12, 235, 128, 128);
        frame.Color = new ColorDescription(ColorMatrix.Bt709, FullRange: false);
        using Tensoriser tensoriser = new(new Normalisation([0, 0, 0], [1, 1, 1]), prefilter: false);
        float[] tensor = new float[3 * 10 * 6];

        tensoriser.Write(frame, 10, 6, tensor, 10, 6);

        Assert.All(tensor, value => Assert.Equal(1f, value, 1e-5f));
    }

    [Fact]
    public void Several_threads_write_what_one_writes()
    {
        using FramePool pool = new();
        using VideoFrame frame = TestFrames.Create(pool, PixelFormat.I420, 203, 151);
        using Tensoriser one = new(TensoriserReference.Normalisation, prefilter: true);
        using Tensoriser three = new(TensoriserReference.Normalisation, prefilter: true, threads: 3);
        float[] expected = new float[3 * 96 * 64], actual = new float[3 * 96 * 64];

        one.Write(frame, 80, 60, expected, 96, 64);
        three.Write(frame, 80, 60, actual, 96, 64);

        Assert.Equal(expected, actual);
    }

    [Fact]
    public void More_threads_than_rows_are_no_problem()
    {
        using FramePool pool = new();
        using VideoFrame frame = TestFrames.Create(pool, PixelFormat.Rgb24, 9, 2);
        using Tensoriser tensoriser = new(TensoriserReference.Normalisation, prefilter: false, threads: 8);
        float[] tensor = new float[3 * 9 * 2];

        tensoriser.Write(frame, 9, 2, tensor, 9, 2);

        Assert.All(tensor, value => Assert.True(float.IsFinite(value)));
    }

    [Fact]
    public void A_frame_of_the_same_size_costs_no_allocation()
    {
        using FramePool pool = new();
        using VideoFrame frame = TestFrames.Create(pool, PixelFormat.I420, 320, 180);
        using Tensoriser tensoriser = new(TensoriserReference.Normalisation, prefilter: true);
        float[] tensor = new float[3 * 160 * 96];

        Allocation.AssertAtMost(() => tensoriser.Write(frame, 160, 90, tensor, 160, 96), steps: 10);
    }

    [Fact]
    public void A_destination_that_is_too_small_is_refused()
    {
        using FramePool pool = new();
        using VideoFrame frame = TestFrames.Create(pool, PixelFormat.Rgb24, 8, 8);
        using Tensoriser tensoriser = new(TensoriserReference.Normalisation, prefilter: false);

        Assert.Throws<ArgumentException>(() => tensoriser.Write(frame, 8, 8, new float[191], 8, 8));
        Assert.Throws<ArgumentException>(() => tensoriser.Write(frame, 9, 8, new float[192], 8, 8));
    }

    private static void AssertMatchesReference(VideoFrame frame, int width, int height, bool prefilter, bool mirror)
    {
        int paddedWidth = width + 3, paddedHeight = height + 2;
        using Tensoriser tensoriser = new(TensoriserReference.Normalisation, prefilter);
        float[] actual = new float[3 * paddedWidth * paddedHeight];

        tensoriser.Write(frame, width, height, actual, paddedWidth, paddedHeight, mirror);

        double[] expected = TensoriserReference.Create(frame, width, height, prefilter, paddedWidth, paddedHeight, mirror);
        double worst = 0;
        for (int i = 0; i < expected.Length; i++) worst = Math.Max(worst, Math.Abs(expected[i] - actual[i]));
        Assert.True(worst < Tolerance,
            $"{frame.Format} {frame.Width}×{frame.Height} → {width}×{height}, prefilter {prefilter}, mirror {mirror}: off by {worst}");
    }
}
