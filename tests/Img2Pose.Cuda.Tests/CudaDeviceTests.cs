using Img2Pose.Cuda.Kernels;
using Img2Pose.Frames;
using Img2Pose.Testing;
using Microsoft.Extensions.Logging;

namespace Img2Pose.Cuda.Tests;

/// <summary>What a device does when there is none, when it is too small, and when it goes.</summary>
[Collection(nameof(EmulatorCollection))]
public sealed class CudaDeviceTests : IDisposable
{
    private readonly Emulator _emulator = new();

    public void Dispose() => _emulator.Dispose();

    [Fact]
    public void A_device_says_what_it_is()
    {
        Emulator.Set("DRIVER", 12040);
        Emulator.Set("MEMORY", 1L << 30);

        using CudaDevice device = CudaDevice.Open();

        Assert.Equal("Emulated CUDA device", device.Name);
        Assert.Equal(new Version(12, 4), device.DriverVersion);
        Assert.Equal(1L << 30, device.Memory.Total);
        Assert.NotEqual(0, device.ContextHandle);
    }

    [Theory]
    [InlineData("VISIBLE_DEVICES", "none", "CUDA_ERROR_NO_DEVICE")]
    [InlineData("REFUSE", "cuInit:100", "CUDA_ERROR_NO_DEVICE")]
    [InlineData("REFUSE", "cuDevicePrimaryCtxRetain:2", "CUDA_ERROR_OUT_OF_MEMORY")]
    [InlineData("REFUSE", "cuModuleLoadData:222", "CUDA_ERROR_UNSUPPORTED_PTX_VERSION")]
    [InlineData("REFUSE", "cuModuleLoadData:218", "CUDA_ERROR_INVALID_PTX")]
    [InlineData("LOST_AFTER", "3", "CUDA_ERROR_UNKNOWN")]
    public void A_device_that_cannot_be_opened_costs_one_debug_line(string setting, string value, string reason)
    {
        Emulator.Set(setting, value);
        RecordedLog log = new();

        Assert.Null(CudaDevice.TryOpen(log));

        RecordedEvent told = Assert.Single(log.Events);
        Assert.Equal(LogLevel.Debug, told.Level);
        Assert.Contains(reason, told.Text, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', told.Text);
    }

    [Fact]
    public void A_machine_without_a_driver_is_told_so()
    {
        CudaDeviceException exception = Assert.Throws<CudaDeviceException>(() => CudaDevice.Open(0, "libcuda-nowhere.so.1"));

        Assert.Contains("no NVIDIA driver here", exception.Message, StringComparison.Ordinal);
        Assert.Contains("--device cpu", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_device_that_is_not_there_is_named()
    {
        CudaDeviceException exception = Assert.Throws<CudaDeviceException>(() => CudaDevice.Open(3));

        Assert.Contains("no CUDA device 3", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_full_device_is_told_from_a_failing_one()
    {
        Emulator.Set("MEMORY", 1 << 20);
        using CudaDevice device = CudaDevice.Open();
        using DeviceBuffer half = new(device, 600_000);

        CudaDeviceException exception = Assert.Throws<CudaDeviceException>(() => new DeviceBuffer(device, 600_000));

        Assert.Equal(CudaFailure.OutOfMemory, exception.Failure);
        Assert.Contains("--device cpu", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Memory_that_was_given_back_can_be_had_again()
    {
        Emulator.Set("MEMORY", 1 << 20);
        using CudaDevice device = CudaDevice.Open();
        for (int i = 0; i < 10; i++)
        {
            using DeviceBuffer most = new(device, 1_000_000);
            Assert.True(device.Memory.Free < 50_000);
        }
    }

    [Fact]
    public void A_device_that_is_lost_fails_every_call_and_disposes_quietly()
    {
        using CudaDevice device = CudaDevice.Open();
        using CudaQueue queue = new(device);
        using CudaMarker marker = new(device);
        using PinnedBuffer host = new(device, 64);
        using DeviceBuffer memory = new(device, 64);
        using FramePool pool = new();
        using VideoFrame source = RandomFrames.Create(pool, PixelFormat.Nv12, 16, 16, 1);
        using DeviceFramePool frames = new(device);
        using DeviceFrame frame = frames.Rent(DevicePixelFormat.Nv12, 16, 16);
        Emulator.Set("LOST_AFTER", Emulator.Count("calls"));

        Assert.Equal(CudaFailure.DeviceLost, Assert.Throws<CudaDeviceException>(() => queue.Upload(host, 0, memory, 0, 64)).Failure);
        Assert.Equal(CudaFailure.DeviceLost, Assert.Throws<CudaDeviceException>(() => queue.Synchronize()).Failure);
        Assert.Equal(CudaFailure.DeviceLost, Assert.Throws<CudaDeviceException>(() => queue.Mark(marker)).Failure);
        Assert.Equal(CudaFailure.DeviceLost, Assert.Throws<CudaDeviceException>(() => frame.Upload(source, queue)).Failure);
        Assert.Equal(CudaFailure.DeviceLost, Assert.Throws<CudaDeviceException>(() => new DeviceBuffer(device, 64)).Failure);
    }
}
