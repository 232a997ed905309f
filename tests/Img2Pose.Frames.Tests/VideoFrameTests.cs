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
    public void A_debug_build_remembers_who_leased()
    {
        using FramePool pool = new(1);
        using VideoFrame frame = pool.Rent(PixelFormat.Rgb24, 4, 2);
#if DEBUG
        Assert.Contains(nameof(A_debug_build_remembers_who_leased), string.Join("\n", FrameLeases.OutstandingStacks), StringComparison.Ordinal);
#else
        Assert.Empty(FrameLeases.OutstandingStacks);
#endif
    }
}
