using Img2Pose.Frames;
using Img2Pose.Tracking;

namespace Img2Pose.Cuda.Tests;

/// <summary>The small pictures by which scenes are told apart: on the device as on the host, to the last bit.</summary>
[Collection(nameof(EmulatorCollection))]
public sealed class ShrinkKernelTests : IDisposable
{
    private readonly Emulator _emulator = new();

    public void Dispose() => _emulator.Dispose();

    [Theory]
    [InlineData(PixelFormat.I420, 320, 240, "eager")]
    [InlineData(PixelFormat.Nv12, 131, 77, "held")]
    [InlineData(PixelFormat.I420P10, 131, 77, "delayed")]
    [InlineData(PixelFormat.Rgb24, 20, 10, "held")]
    public void A_frame_on_the_device_is_made_small_as_on_the_host(PixelFormat format, int width, int height, string pace)
    {
        Emulator.Set("STREAMS", pace);
        using CudaDevice device = CudaDevice.Open();
        using FrameBrightness brightness = new(device, SceneCuts.CellCount);
        using FramePool pool = new();
        using DeviceFrames frames = new(device);
        using CudaQueue queue = new(device);
        float[] expected = new float[SceneCuts.CellCount], sums = new float[SceneCuts.CellCount];
        for (int seed = 0; seed < 3; seed++)
        {
            using VideoFrame source = RandomFrames.Create(pool, format, width, height, seed), onDevice = frames.Rent(format, width, height);
            UploadTests.Fill(source, onDevice, queue, device);

            SceneCuts.Shrink(source, expected);
            brightness.Read(onDevice, 48, 27, sums);

            Assert.Equal(expected, sums);
        }
    }
}
