using Img2Pose.Frames;

namespace Img2Pose.Cuda.Tests;

/// <summary>Frames that are leased in device memory: copies, and the way back to the host.</summary>
[Collection(nameof(EmulatorCollection))]
public sealed class UploadTests : IDisposable
{
    private readonly Emulator _emulator = new();

    public void Dispose() => _emulator.Dispose();

    [Theory]
    [InlineData(PixelFormat.I420, "held")]
    [InlineData(PixelFormat.Nv12, "held")]
    [InlineData(PixelFormat.I420P10, "delayed")]
    [InlineData(PixelFormat.Rgb24, "eager")]
    public void Copies_on_the_device_and_on_the_host_have_the_frames_samples(PixelFormat format, string pace)
    {
        Emulator.Set("STREAMS", pace);
        using CudaDevice device = CudaDevice.Open();
        using CudaQueue up = new(device), across = new(device);
        using FramePool pool = new();
        using DeviceFrames frames = new(device);
        using HostFrames host = new(device);
        for (int round = 0; round < 5; round++)
        {
            using VideoFrame source = RandomFrames.Create(pool, format, 75, 41, round), first = frames.Rent(format, 75, 41);
            source.Index = round;
            first.CopyPropertiesFrom(source);
            Fill(source, first, up, device);
            using VideoFrame second = frames.RentCopy(first, across);
            using VideoFrame back = host.Download(second);

            Assert.Equal(round, back.Index);
            Assert.True(back.IsWritable && second.IsWritable);
            Assert.Equal(RandomFrames.Samples(source), RandomFrames.Samples(back));
        }
    }

    /// <summary>Copies samples up by page-locked memory that is kept until the queue is done.</summary>
    internal static void Fill(VideoFrame source, VideoFrame target, CudaQueue queue, CudaDevice device)
    {
        CudaOrder order = CudaOrder.Of(target);
        order.BeginWrite(queue);
        List<PinnedBuffer> staged = [];
        for (int i = 0; i < source.PlaneCount; i++)
        {
            FramePlane from = source.GetPlane(i);
            PinnedBuffer memory = new(device, from.RowBytes * from.Height);
            staged.Add(memory);
            for (int y = 0; y < from.Height; y++) from.Row(y).CopyTo(memory.Bytes[(y * from.RowBytes)..]);
            queue.CopyPlane(new FramePlane(memory.Address, MemoryKind.Host, from.RowBytes, from.Width, from.Height, from.BytesPerElement), target.GetPlane(i));
        }
        order.EndWrite(queue);
        order.Ready.Wait();
        staged.ForEach(memory => memory.Dispose());
    }
}
