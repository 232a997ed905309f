namespace Img2Pose.Frames.Tests;

public sealed class VideoFrameTests
{
    private sealed class CountingOwner : IVideoFrameOwner
    {
        public int Returned;

        public void Reclaim(VideoFrame frame) => Interlocked.Increment(ref Returned);
    }

    // Never read.
    private static readonly FramePlane s_plane = new(0x1000, MemoryKind.Host, 12, 4, 2, 3);

    private static VideoFrame Lease(CountingOwner owner, bool writable = true)
    {
        VideoFrame frame = new(owner);
        frame.Lease(PixelFormat.Rgb24, 4, 2, [s_plane], writable);
        return frame;
    }

    [Fact]
    public void The_last_holder_returns_the_frame_once()
    {
        CountingOwner owner = new();
        VideoFrame frame = Lease(owner);
        frame.AddReference();

        frame.Dispose();
        Assert.Equal((0, 1), (owner.Returned, FrameLeases.Outstanding));
        frame.Dispose();

        Assert.Equal((1, 0), (owner.Returned, FrameLeases.Outstanding));
    }

    [Fact]
    public void Only_a_sole_holder_may_write()
    {
        CountingOwner owner = new();
        VideoFrame frame = Lease(owner);
        Assert.True(frame.IsWritable);

        frame.AddReference();
        Assert.False(frame.IsWritable);
        frame.Dispose();
        Assert.True(frame.IsWritable);
        frame.Dispose();

        using VideoFrame readOnly = Lease(owner, writable: false);
        Assert.False(readOnly.IsWritable);
    }

    [Fact]
    public void A_returned_frame_is_out_of_reach()
    {
        CountingOwner owner = new();
        VideoFrame frame = Lease(owner);
        frame.Dispose();

        Assert.Throws<ObjectDisposedException>(() => frame.GetPlane(0));
        Assert.Throws<ObjectDisposedException>(frame.AddReference);
        Assert.Equal(1, owner.Returned);
    }

    [Fact]
    public void A_leased_frame_is_not_leased_again()
    {
        using VideoFrame frame = Lease(new CountingOwner());

        Assert.Throws<InvalidOperationException>(() => frame.Lease(PixelFormat.Rgb24, 4, 2, [s_plane], true));
    }

    [Fact]
    public void A_plane_or_row_that_is_not_there_is_refused()
    {
        using FramePool pool = new(1);
        using VideoFrame frame = pool.Rent(PixelFormat.Rgb24, 4, 2);

        Assert.Throws<ArgumentOutOfRangeException>(() => frame.GetPlane(1));
        Assert.Throws<ArgumentOutOfRangeException>(() => frame.GetPlane(0).Row(2).Length);
    }

    [Fact]
    public void Holders_on_many_threads_return_a_frame_exactly_once()
    {
        CountingOwner owner = new();
        for (int round = 0; round < 200; round++)
        {
            VideoFrame frame = Lease(owner);
            for (int i = 0; i < 7; i++) frame.AddReference();
            Parallel.For(0, 8, _ => frame.Dispose());
        }

        Assert.Equal(200, owner.Returned);
        Assert.Equal(0, FrameLeases.Outstanding);
    }

    [Fact]
    public void Who_leased_is_remembered_on_request_until_the_frame_comes_back()
    {
        using FramePool pool = new(1);
        FrameLeases.RecordsStacks = true;
        VideoFrame frame = pool.Rent(PixelFormat.Rgb24, 4, 2);
        FrameLeases.RecordsStacks = false;

        string stacks = string.Join("\n", FrameLeases.OutstandingStacks);
        frame.Dispose();
        using VideoFrame unrecorded = pool.Rent(PixelFormat.Rgb24, 4, 2);

        Assert.Contains(nameof(Who_leased_is_remembered_on_request_until_the_frame_comes_back), stacks, StringComparison.Ordinal);
        Assert.Empty(FrameLeases.OutstandingStacks);
    }

    [Fact]
    public void Planes_on_a_device_are_described_but_not_read()
    {
        CountingOwner owner = new();
        using VideoFrame frame = new(owner);
        frame.Lease(PixelFormat.Nv12, 4, 2, [new FramePlane(0x1000, MemoryKind.Cuda, 512, 4, 2, 1), new FramePlane(0x2000, MemoryKind.Cuda, 512, 2, 1, 2)], writable: false);

        Assert.Equal((MemoryKind.Cuda, 0x2000, 512), (frame.Memory, frame.GetPlane(1).Address, frame.GetPlane(1).Stride));
        InvalidOperationException error = Assert.Throws<InvalidOperationException>(() => frame.GetPlane(0).Row(0).Length);
        Assert.Contains("Cuda", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_planes_of_a_frame_lie_in_memory_of_one_kind()
    {
        VideoFrame frame = new(new CountingOwner());

        Assert.Throws<ArgumentException>(() => frame.Lease(
            PixelFormat.Nv12, 4, 2, [new FramePlane(0x1000, MemoryKind.Cuda, 512, 4, 2, 1), new FramePlane(0x2000, MemoryKind.Host, 512, 2, 1, 2)], false));
    }

    public static TheoryData<PixelFormat, int, int, (int Stride, int Width, int Height, int Bytes)[]> WrongPlanes => new()
    {
        // Too few, too many, too low, too narrow, of other samples.
        { PixelFormat.Rgb24, 4, 2, [] },
        { PixelFormat.Rgb24, 4, 2, [(12, 4, 2, 3), (12, 4, 2, 3)] },
        { PixelFormat.Rgb24, 4, 2, [(12, 4, 1, 3)] },
        { PixelFormat.Rgb24, 4, 2, [(12, 3, 2, 3)] },
        { PixelFormat.Rgb24, 4, 2, [(12, 4, 2, 1)] },
        { PixelFormat.I420, 5, 3, [(8, 5, 3, 1), (8, 2, 2, 1), (8, 3, 2, 1)] },
        { PixelFormat.I420, 5, 3, [(8, 5, 3, 1), (8, 3, 2, 1), (8, 3, 1, 1)] },
        { PixelFormat.I420P10, 4, 2, [(8, 4, 2, 1), (8, 2, 1, 1), (8, 2, 1, 1)] },
        { PixelFormat.Nv12, 4, 2, [(8, 4, 2, 1), (8, 2, 1, 1)] },
        { PixelFormat.Nv12, 4, 2, [(8, 4, 2, 1), (8, 2, 1, 2), (8, 2, 1, 2)] },
        { (PixelFormat)99, 4, 2, [(12, 4, 2, 3)] },
    };

    [Theory]
    [MemberData(nameof(WrongPlanes))]
    public void Planes_that_do_not_make_the_picture_are_refused(PixelFormat format, int width, int height, (int Stride, int Width, int Height, int Bytes)[] planes)
    {
        VideoFrame frame = new(new CountingOwner());

        Assert.ThrowsAny<ArgumentException>(() => frame.Lease(
            format, width, height, [.. planes.Select(plane => new FramePlane(0x1000, MemoryKind.Host, plane.Stride, plane.Width, plane.Height, plane.Bytes))], false));

        Assert.Equal(0, FrameLeases.Outstanding);
    }

    [Theory]
    [InlineData(int.MaxValue, 2)]
    [InlineData(2, int.MaxValue)]
    [InlineData(int.MaxValue, int.MaxValue)]
    [InlineData(0, 5)]
    [InlineData(5, -1)]
    public void A_size_that_no_picture_has_is_refused_before_memory_is_asked_for(int width, int height)
    {
        using FramePool pool = new();

        foreach (PixelFormat format in Enum.GetValues<PixelFormat>()) Assert.Throws<ArgumentOutOfRangeException>(() => pool.Rent(format, width, height));
    }

    [Fact]
    public void A_frame_on_a_device_is_not_copied_by_a_pool_and_nothing_leaks()
    {
        using FramePool pool = new(1);
        using VideoFrame frame = new(new CountingOwner());
        frame.Lease(PixelFormat.Rgb24, 4, 2, [new FramePlane(0x1000, MemoryKind.Cuda, 12, 4, 2, 3)], writable: false);

        Assert.Throws<InvalidOperationException>(() => pool.RentCopy(frame));

        Assert.Equal((1, 1), (pool.IdleFrames, FrameLeases.Outstanding));
    }

    [Theory]
    [InlineData(0, 2, 1, 64)]
    [InlineData(4, 0, 1, 64)]
    [InlineData(4, 2, 3, 11)]
    public void A_plane_of_impossible_shape_is_refused(int width, int height, int bytes, int stride) =>
        Assert.ThrowsAny<ArgumentOutOfRangeException>(() => new FramePlane(0x1000, MemoryKind.Host, stride, width, height, bytes));

    [Fact]
    public void A_copied_or_new_lease_carries_time_and_stream_or_none()
    {
        using FramePool pool = new(2);
        VideoFrame frame = pool.Rent(PixelFormat.Rgb24, 4, 2);
        (frame.CaptureTime, frame.Stream, frame.Rotation) = (77, new StreamId("door"), 90);

        VideoFrame copy = pool.RentCopy(frame);
        (long, StreamId, int) copied = (copy.CaptureTime, copy.Stream, copy.Rotation);
        copy.Dispose();
        frame.Dispose();
        using VideoFrame fresh = pool.Rent(PixelFormat.Rgb24, 4, 2);

        Assert.Equal((77, new StreamId("door"), 90), copied);
        Assert.Equal((0, default(StreamId), 0), (fresh.CaptureTime, fresh.Stream, fresh.Rotation));
    }
}
