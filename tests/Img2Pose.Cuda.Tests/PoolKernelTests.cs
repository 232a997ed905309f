using System.Runtime.InteropServices;
using Img2Pose.Cuda.Kernels;
using Img2Pose.Inference.TwoStage;

namespace Img2Pose.Cuda.Tests;

/// <summary>The pooling kernel against the CPU's: equal to the last bit where that fuses, which is in whole tiles of 64 channels.</summary>
[Collection(nameof(EmulatorCollection))]
public sealed unsafe class PoolKernelTests : IDisposable
{
    private const int Channels = 64;
    private const int Side = 7;
    private const int Pictures = 2;

    private static readonly (int Width, int Height, float Scale)[] s_levels = [(40, 28, 0.25f), (20, 14, 0.125f), (10, 7, 0.0625f), (5, 4, 0.03125f)];

    private readonly Emulator _emulator = new();

    public void Dispose() => _emulator.Dispose();

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Regions_of_any_size_and_place_are_pooled_as_on_the_cpu(int samples)
    {
        const int Regions = 60;
        Random random = new(samples);
        TwoStageLayout layout = Layout(samples);
        float[][] maps = [.. s_levels.Select(l => Values(random, Pictures * l.Width * l.Height * Channels))];
        float[] boxes = [.. Enumerable.Range(0, Regions).SelectMany(_ => Box(random))];
        long[] pictures = [.. Enumerable.Range(0, Regions).Select(_ => random.NextInt64(Pictures))];
        float[] expected = new float[Regions * Channels * Side * Side];
        using (RegionPooling pooling = new(layout, threads: 1))
        {
            GCHandle[] pins = [.. maps.Select(map => GCHandle.Alloc(map, GCHandleType.Pinned))];
            FeatureMap[] levels =
            [
                .. s_levels.Select((l, i) => new FeatureMap((float*)pins[i].AddrOfPinnedObject(), Pictures, Channels, l.Height, l.Width)),
            ];
            fixed (float* box = boxes, rows = expected)
            fixed (long* picture = pictures) pooling.Pool(levels, box, picture, Regions, rows);
            foreach (GCHandle pin in pins) pin.Free();
        }

        using CudaDevice device = CudaDevice.Open();
        using CudaQueue queue = new(device);
        DeviceBuffer[] levelMemory = [.. maps.Select(map => Upload<float>(queue, map))];
        using DeviceBuffer boxMemory = Upload<float>(queue, boxes), pictureMemory = Upload<long>(queue, pictures);
        using DeviceBuffer rowMemory = new(device, expected.Length * sizeof(float));
        using PinnedBuffer result = new(device, expected.Length * sizeof(float));
        RegionMap Map(int i) =>
            new() { Data = levelMemory[i].Address, Width = s_levels[i].Width, Height = s_levels[i].Height, Scale = s_levels[i].Scale };
        queue.PoolRegions(
            new PoolParameters
            {
                Levels = new Quadruple<RegionMap> { First = Map(0), Second = Map(1), Third = Map(2), Fourth = Map(3) },
                Boxes = boxMemory.Address,
                Pictures = pictureMemory.Address,
                Rows = rowMemory.Address,
                Thresholds = new Quadruple<float> { First = layout.LevelThresholds[0], Second = layout.LevelThresholds[1], Third = layout.LevelThresholds[2] },
                CanonicalSize = layout.CanonicalSize,
                LevelCount = 4,
                Channels = Channels,
                Side = Side,
                Samples = samples,
            },
            Regions);
        queue.Download(rowMemory, 0, result, 0, result.Length);
        queue.Synchronize();
        foreach (DeviceBuffer memory in levelMemory) memory.Dispose();

        Assert.Equal(MemoryMarshal.Cast<float, uint>(expected), MemoryMarshal.Cast<byte, uint>(result.Bytes));
    }

    private static TwoStageLayout Layout(int samples) => new()
    {
        Levels = ["0", "1", "2", "3"],
        Scales = [.. s_levels.Select(l => l.Scale)],
        Objectness = [],
        Deltas = [],
        Anchors = [],
        // Within the regions' sizes here, so that every level is pooled from.
        LevelThresholds = [0.5f, 1, 2],
        CanonicalSize = 40,
        PooledSide = Side,
        Samples = samples,
        Before = 1,
        After = 1,
        SuppressionThreshold = 0.5f,
        Shifted = false,
    };

    // Of 160 × 112 pixels; some reach outside, some are thinner than a cell.
    private static float[] Box(Random random)
    {
        float left = 200 * random.NextSingle() - 20, top = 140 * random.NextSingle() - 15;
        float extent = MathF.Pow(2, 8 * random.NextSingle());
        return [left, top, left + extent * (0.5f + random.NextSingle()), top + extent];
    }

    private static float[] Values(Random random, int count) => [.. Enumerable.Range(0, count).Select(_ => random.NextSingle() - 0.5f)];

    private static DeviceBuffer Upload<T>(CudaQueue queue, T[] values)
        where T : unmanaged
    {
        ReadOnlySpan<byte> bytes = MemoryMarshal.AsBytes<T>(values);
        DeviceBuffer memory = new(queue.Device, bytes.Length);
        using PinnedBuffer staging = new(queue.Device, bytes.Length);
        bytes.CopyTo(staging.Bytes);
        queue.Upload(staging, 0, memory, 0, bytes.Length);
        // Freeing the staging memory waits for the device.
        return memory;
    }
}
