namespace Img2Pose.Frames.Tests;

public sealed class VideoFrameTests
{
    private sealed class CountingOwner : IVideoFrameOwner
    {
        public int Returned;

        public void Reclaim(VideoFrame frame) => Interlocked.Increment(ref Returned);
    }

    private static VideoFrame Lease(CountingOwner owner, bool writable = true)
    {
        VideoFrame frame = new(owner);
        frame.Lease(PixelFormat.Rgb24, 4, 2, [], writable);
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

        Assert.Throws<InvalidOperationException>(() => frame.Lease(PixelFormat.Rgb24, 4, 2, [], true));
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
