using System.Runtime.InteropServices;
using System.Text;
using System.Text.RegularExpressions;
using ManagedCuda;
using ManagedCuda.BasicTypes;
using ManagedCuda.VectorTypes;

namespace Img2Pose.Cuda.Tests;

/// <summary>The emulator keeps CUDA's promises, and no others.</summary>
[Collection(nameof(EmulatorCollection))]
public sealed unsafe partial class EmulatorTests : IDisposable
{
    private readonly Emulator _emulator = new();

    public void Dispose() => _emulator.Dispose();

    [Theory]
    [InlineData("libavutil")]
    [InlineData("libavcodec")]
    public void Every_driver_symbol_that_ffmpegs_loader_names_is_exported(string library)
    {
        string? path = FindLibrary(library);
        Assert.SkipWhen(path is null, $"{library} is not on this machine");
        nint driver = NativeLibrary.Load(Path.Combine(Emulator.Folder, "libcuda.so.1"));

        string[] named = [.. DriverSymbol().Matches(Encoding.Latin1.GetString(File.ReadAllBytes(path))).Select(m => m.Groups[1].Value).Distinct()];

        Assert.SkipWhen(named.Length == 0, $"{path} is built without CUDA");
        Assert.DoesNotContain(named, name => !NativeLibrary.TryGetExport(driver, name, out _));
    }

    [Fact]
    public void Memory_holds_what_was_copied_into_it()
    {
        using PrimaryContext context = new(0);
        context.PushContext();
        int[] values = [.. Enumerable.Range(0, 1000)], back = new int[1000];
        using (CudaDeviceVariable<int> memory = new(1000))
        {
            memory.CopyToDevice(values);
            memory.CopyToHost(back);
        }
        context.PopContext();

        Assert.Equal(values, back);
    }

    [Fact]
    public void A_rectangle_is_copied_between_pitches()
    {
        using PrimaryContext context = new(0);
        context.PushContext();
        byte[] source = [.. Enumerable.Range(0, 35 * 9).Select(i => (byte)i)], target = new byte[40 * 9];
        using (CudaPitchedDeviceVariable<byte> memory = new(33, 9))
        {
            Assert.True((long)memory.Pitch >= 33);
            fixed (byte* from = source, to = target)
            {
                memory.CopyToDevice((nint)from, 2, 0, 0, 0, 33, 9, 35, memory.Pitch);
                memory.CopyToHost((nint)to, 0, 0, 0, 0, 33, 9, 40, memory.Pitch);
            }
        }
        context.PopContext();

        for (int y = 0; y < 9; y++) Assert.Equal(source.AsSpan(35 * y + 2, 33), target.AsSpan(40 * y, 33));
    }

    [Theory]
    [InlineData("eager")]
    [InlineData("delayed")]
    [InlineData("held")]
    public void An_event_orders_two_streams(string pace)
    {
        Emulator.Set("STREAMS", pace);
        using CudaDevice device = CudaDevice.Open();
        using CudaQueue first = new(device), second = new(device);
        using CudaMarker marker = new(device);
        using PinnedBuffer source = new(device, 64), target = new(device, 64);
        using DeviceBuffer memory = new(device, 64);
        source.Bytes.Fill(7);

        first.Upload(source, 0, memory, 0, 64);
        first.Mark(marker);
        second.WaitFor(marker);
        second.Download(memory, 0, target, 0, 64);
        second.Synchronize();

        Assert.Equal(source.Bytes, target.Bytes);
    }

    [Fact]
    public void Without_an_event_the_held_mode_shows_that_two_streams_have_no_order()
    {
        Emulator.Set("STREAMS", "held");
        using CudaDevice device = CudaDevice.Open();
        using CudaQueue first = new(device), second = new(device);
        using PinnedBuffer source = new(device, 64), target = new(device, 64);
        using DeviceBuffer memory = new(device, 64);
        source.Bytes.Fill(7);

        first.Upload(source, 0, memory, 0, 64);
        second.Download(memory, 0, target, 0, 64);
        second.Synchronize();

        Assert.DoesNotContain((byte)7, target.Bytes.ToArray());
        first.Synchronize();
    }

    [Fact]
    public void Pinned_memory_is_read_when_the_stream_gets_there()
    {
        Emulator.Set("STREAMS", "held");
        using CudaDevice device = CudaDevice.Open();
        using CudaQueue queue = new(device);
        using PinnedBuffer source = new(device, 16), target = new(device, 16);
        using DeviceBuffer memory = new(device, 16);
        source.Bytes.Fill(1);

        queue.Upload(source, 0, memory, 0, 16);
        source.Bytes.Fill(2);
        queue.Download(memory, 0, target, 0, 16);
        queue.Synchronize();

        Assert.Equal(2, target.Bytes[0]);
    }

    [Fact]
    public void A_marker_is_reached_when_its_queue_has_come_to_it()
    {
        Emulator.Set("STREAMS", "held");
        using CudaDevice device = CudaDevice.Open();
        using CudaQueue queue = new(device);
        using CudaMarker marker = new(device);
        using PinnedBuffer source = new(device, 16);
        using DeviceBuffer memory = new(device, 16);
        Assert.True(marker.IsReached);

        queue.Upload(source, 0, memory, 0, 16);
        queue.Mark(marker);

        Assert.False(marker.IsReached);
        marker.Wait();
        Assert.True(marker.IsReached);
    }

    [Fact]
    public void The_boxed_launch_of_the_package_runs_a_kernel()
    {
        using CudaDevice device = CudaDevice.Open();
        using CudaDevice.Scope scope = device.Enter();
        using PrimaryContext context = new(0);
        byte[] ptx = Kernels.KernelModule.ReadPtx();
        Assert.Throws<CudaException>(() => context.LoadKernelPTX(ptx, "no_such_kernel"));
        using CudaStream stream = new(CUStreamFlags.Default);
        using CudaEvent start = new(CUEventFlags.Default), end = new(CUEventFlags.Default);
        CudaKernel kernel = context.LoadKernelPTX(ptx, "blend");
        (kernel.BlockDimensions, kernel.GridDimensions) = (new dim3(32, 8, 1), new dim3(1, 1, 1));
        using CudaDeviceVariable<byte> picture = new(3), tile = new(8 * 2);
        picture.CopyToDevice([100, 100, 100]);
        tile.CopyToDevice([50, 0, 0, 255, .. new byte[12]]);
        Kernels.BlendParameters parameters = new()
        {
            Planes = new Kernels.Triple<nint> { First = (nint)(long)picture.DevicePointer.Pointer },
            Tile = (nint)(long)tile.DevicePointer.Pointer,
            TileStride = 8,
            Width = 1,
            Height = 1,
            Format = Kernels.DevicePixelFormat.Rgb24,
        };

        start.Record(stream.Stream);
        kernel.RunAsync(stream.Stream, parameters);
        end.Record(stream.Stream);
        stream.Synchronize();
        byte[] result = new byte[3];
        picture.CopyToHost(result);
        context.UnloadKernel(kernel);

        Assert.Equal([50, 0, 0], result);
        Assert.True(stream.Query());
        Assert.True(CudaEvent.ElapsedTime(start, end) >= 0);
    }

    private static string? FindLibrary(string name) => ((string[])["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib"])
        .Where(Directory.Exists).SelectMany(folder => Directory.EnumerateFiles(folder, name + ".so.*")).FirstOrDefault();

    [GeneratedRegex(@"\0(cu[A-Z][A-Za-z0-9]+(?:_v[0-9])?)(?=\0)")]
    private static partial Regex DriverSymbol();
}
