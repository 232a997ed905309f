[assembly: CollectionBehavior(DisableTestParallelization = true)]

namespace Img2Pose.Frames.Tests;

public sealed class FramePoolTests : IDisposable
{
    private readonly FramePool _pool = new(4);

    public void Dispose()
    {
        _pool.Dispose();
        Assert.Equal(0, FrameLeases.Outstanding);
    }

    [Theory]
    [InlineData(PixelFormat.I420, 3, 34, 18, 1)]
    [InlineData(PixelFormat.Nv12, 2, 34, 18, 2)]
    [InlineData(PixelFormat.I420P10, 3, 34, 18, 2)]
    public void Chroma_planes_are_half_as_large_rounded_up(PixelFormat format, int planes, int chromaWidth, int chromaHeight, int bytes)
    {
        using VideoFrame frame = _pool.Rent(format, 67, 35);

        Assert.Equal(planes, frame.PlaneCount);
        FramePlane chroma = frame.GetPlane(1);
        Assert.Equal((chromaWidth, chromaHeight, bytes), (chroma.Width, chroma.Height, chroma.BytesPerElement));
        Assert.True(frame.IsWritable);
        Assert.Equal((67, 35), (frame.DisplayWidth, frame.DisplayHeight));
    }

    [Theory]
    [InlineData(PixelFormat.I420)]
    [InlineData(PixelFormat.Nv12)]
    [InlineData(PixelFormat.I420P10)]
    [InlineData(PixelFormat.Rgb24)]
    public void Rows_do_not_overlap(PixelFormat format)
    {
        using VideoFrame frame = _pool.Rent(format, 66, 34);
        byte mark = 0;
        for (int i = 0; i < frame.PlaneCount; i++)
        {
            for (int y = 0; y < frame.GetPlane(i).Height; y++) frame.GetPlane(i).Row(y).Fill(++mark);
        }

        mark = 0;
        for (int i = 0; i < frame.PlaneCount; i++)
        {
            for (int y = 0; y < frame.GetPlane(i).Height; y++) Assert.True(frame.GetPlane(i).Row(y).IndexOfAnyExcept(++mark) < 0);
        }
    }

    [Fact]
    public void A_returned_frame_is_leased_again()
    {
        VideoFrame first = _pool.Rent(PixelFormat.I420, 64, 32);
        nint address = first.GetPlane(0).Address;
        first.SourceName = "a";
        first.PresentationTime = 1;
        first.Dispose();

        using VideoFrame second = _pool.Rent(PixelFormat.I420, 64, 32);

        Assert.Same(first, second);
        Assert.Equal(address, second.GetPlane(0).Address);
        Assert.Null(second.SourceName);
        Assert.Null(second.PresentationTime);
    }

    [Fact]
    public void A_new_size_empties_the_pool()
    {
        _pool.Rent(PixelFormat.I420, 64, 32).Dispose();
        Assert.Equal(1, _pool.IdleFrames);

        using VideoFrame other = _pool.Rent(PixelFormat.I420, 32, 32);
        Assert.Equal(0, _pool.IdleFrames);
        VideoFrame late = _pool.Rent(PixelFormat.Rgb24, 8, 8);
        late.Dispose();

        Assert.Equal(1, _pool.IdleFrames);
    }

    [Fact]
    public void A_frame_of_an_old_size_is_not_kept()
    {
        VideoFrame old = _pool.Rent(PixelFormat.I420, 64, 32);
        _pool.Rent(PixelFormat.I420, 32, 32).Dispose();

        old.Dispose();

        Assert.Equal(1, _pool.IdleFrames);
        using VideoFrame next = _pool.Rent(PixelFormat.I420, 32, 32);
        Assert.Equal(32, next.Width);
    }

    [Fact]
    public void No_more_than_the_capacity_is_kept()
    {
        VideoFrame[] frames = [.. Enumerable.Range(0, 6).Select(_ => _pool.Rent(PixelFormat.Rgb24, 8, 8))];
        foreach (VideoFrame frame in frames) frame.Dispose();

        Assert.Equal(4, _pool.IdleFrames);
    }

    [Fact]
    public void A_frame_may_outlive_its_pool()
    {
        FramePool pool = new();
        VideoFrame frame = pool.Rent(PixelFormat.Rgb24, 8, 8);
        pool.Dispose();

        frame.GetPlane(0).Row(0).Fill(7);
        frame.Dispose();

        Assert.Equal(0, pool.IdleFrames);
        Assert.Throws<ObjectDisposedException>(() => pool.Rent(PixelFormat.Rgb24, 8, 8));
    }

    [Fact]
    public void A_copy_has_the_samples_and_properties()
    {
        using VideoFrame frame = _pool.Rent(PixelFormat.I420, 10, 6);
        for (int i = 0; i < 3; i++)
        {
            for (int y = 0; y < frame.GetPlane(i).Height; y++) frame.GetPlane(i).Row(y).Fill((byte)(i * 20 + y));
        }
        frame.Index = 9;
        frame.PresentationTicks = 77;
        frame.DisplayWidth = 20;
        frame.Color = new ColorDescription(ColorMatrix.Bt709, true);

        using VideoFrame copy = _pool.RentCopy(frame);

        Assert.NotSame(frame, copy);
        Assert.Equal((9, 77, 20, frame.Color), (copy.Index, copy.PresentationTicks, copy.DisplayWidth, copy.Color));
        for (int i = 0; i < 3; i++)
        {
            for (int y = 0; y < frame.GetPlane(i).Height; y++) Assert.True(copy.GetPlane(i).Row(y).SequenceEqual(frame.GetPlane(i).Row(y)));
        }
    }

    [Fact]
    public void Sizes_that_are_not_positive_are_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => _pool.Rent(PixelFormat.I420, 0, 4));
        Assert.Throws<ArgumentOutOfRangeException>(() => _pool.Rent(PixelFormat.I420, 4, -1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new FramePool(0));
    }

    [Fact]
    public void Threads_that_rent_two_sizes_never_share_a_frame()
    {
        Parallel.For(0, 4, new ParallelOptions { MaxDegreeOfParallelism = 4 }, thread =>
        {
            for (int i = 0; i < 2000; i++)
            {
                int side = 8 + 8 * ((i + thread) % 2);
                using VideoFrame frame = _pool.Rent(PixelFormat.Rgb24, side, side);
                Assert.Equal(side, frame.Width);
                byte mark = (byte)(thread * 50 + i % 50);
                for (int y = 0; y < side; y++) frame.GetPlane(0).Row(y).Fill(mark);
                for (int y = 0; y < side; y++) Assert.True(frame.GetPlane(0).Row(y).IndexOfAnyExcept(mark) < 0);
            }
        });
    }
}
