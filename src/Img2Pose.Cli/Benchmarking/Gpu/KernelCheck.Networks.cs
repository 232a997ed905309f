using System.Runtime.InteropServices;
using Img2Pose.Cuda;
using Img2Pose.Cuda.Kernels;
using Img2Pose.Inference.TwoStage;

namespace Img2Pose.Cli.Benchmarking.Gpu;

/// <summary>The kernels between the parts of networks.</summary>
internal sealed unsafe partial class KernelCheck
{
    // Of a picture of 1422×800 in the paper's network: four times the cells from level to level.
    private static readonly (int Width, int Height)[] s_proposalLevels = [(356, 200), (178, 100), (89, 50), (45, 25), (23, 13)];

    private void PoolRegions()
    {
        const int Channels = 256, Side = 7, Regions = 256;
        (int Width, int Height, float Scale)[] sizes = [(160, 96, 0.25f), (80, 48, 0.125f), (40, 24, 0.0625f), (20, 12, 0.03125f)];
        Random random = new(4);
        float[][] maps = [.. sizes.Select(size => Enumerable.Range(0, size.Width * size.Height * Channels).Select(_ => random.NextSingle() - 0.5f).ToArray())];
        float[] boxes = [.. Enumerable.Range(0, Regions).SelectMany(_ =>
        {
            float left = 600 * random.NextSingle(), top = 340 * random.NextSingle(), side = 8 + 300 * random.NextSingle();
            return (float[])[left, top, left + side, top + side];
        })];
        long[] pictures = new long[Regions];
        float[] expected = new float[Regions * Channels * Side * Side];
        TwoStageLayout layout = new()
        {
            Levels = ["0", "1", "2", "3"],
            Scales = [.. sizes.Select(size => size.Scale)],
            Objectness = [],
            Deltas = [],
            Anchors = [],
            LevelThresholds = [0.5f, 1, 2],
            CanonicalSize = 100,
            PooledSide = Side,
            Samples = 2,
            Before = 1,
            After = 1,
            SuppressionThreshold = 0.5f,
            Shifted = false,
        };
        GCHandle[] pins = [.. maps.Select(map => GCHandle.Alloc(map, GCHandleType.Pinned))];
        using (RegionPooling pooling = new(layout, threads: 1))
        {
            FeatureMap[] levels = [.. sizes.Select((size, i) => new FeatureMap((float*)pins[i].AddrOfPinnedObject(), 1, Channels, size.Height, size.Width))];
            fixed (float* box = boxes, rows = expected)
            fixed (long* picture = pictures) pooling.Pool(levels, box, picture, Regions, rows);
        }
        foreach (GCHandle pin in pins) pin.Free();
        List<DeviceBuffer> memory = [.. maps.Select(map => Upload<float>(map)), Upload<float>(boxes), Upload<long>(pictures), new DeviceBuffer(_device, expected.Length * sizeof(float))];
        RegionMap Map(int i) => new() { Data = memory[i].Address, Width = sizes[i].Width, Height = sizes[i].Height, Scale = sizes[i].Scale };
        PoolParameters parameters = new()
        {
            Levels = new Quadruple<RegionMap> { First = Map(0), Second = Map(1), Third = Map(2), Fourth = Map(3) },
            Boxes = memory[4].Address,
            Pictures = memory[5].Address,
            Rows = memory[6].Address,
            Thresholds = new Quadruple<float> { First = 0.5f, Second = 1, Third = 2 },
            CanonicalSize = layout.CanonicalSize,
            LevelCount = 4,
            Channels = Channels,
            Side = Side,
            Samples = layout.Samples,
        };
        double seconds = Time(() => _queue.PoolRegions(parameters, Regions));
        Compare("pool_regions", MemoryMarshal.AsBytes<float>(expected), memory[6], seconds, 2 * memory[6].Length);
        memory.ForEach(buffer => buffer.Dispose());
    }

    /// <summary>The default network's cells above a bound, against a loop over all of them.</summary>
    private void SelectCells()
    {
        const int Values = 17, Pictures = 16, Capacity = 400;
        int[] cells = [80 * 48, 40 * 24, 20 * 12];
        const float Least = 0.98f;
        Random random = new(6);
        float[][] maps = [.. cells.Select(count => Enumerable.Range(0, Pictures * Values * count).Select(_ => random.NextSingle()).ToArray())];
        List<DeviceBuffer> memory = [.. maps.Select(Upload)];
        using CellSelection selection = new(_queue, Capacity);
        nint[] addresses = [.. memory.Select(map => map.Address)];
        bool fits = true;
        double seconds = Time(() => fits &= selection.Select(addresses, cells, Pictures, Values, Least));
        bool same = fits;
        for (int picture = 0; picture < Pictures; picture++)
        {
            int found = 0;
            for (int level = 0, first = 0; level < cells.Length; first += cells[level++])
            {
                ReadOnlySpan<float> map = maps[level].AsSpan(picture * Values * cells[level]);
                for (int cell = 0; cell < cells[level]; cell++)
                {
                    if (!(map[cell] > Least)) continue;
                    same &= found < selection.CountOf(picture) && selection.CellOf(picture, found, out ReadOnlySpan<float> values) == first + cell && IsCell(map, cell, cells[level], values);
                    found++;
                }
            }
            same &= found == selection.CountOf(picture);
        }
        memory.ForEach(map => map.Dispose());
        _report.Check("select_cells", same, $"{GpuReport.Number(1e6 * seconds)} us for {Pictures} pictures, with their way to the host", ("microseconds", 1e6 * seconds), ("pictures", Pictures));

        static bool IsCell(ReadOnlySpan<float> map, int cell, int step, ReadOnlySpan<float> values)
        {
            for (int i = 0; i < values.Length; i++)
            {
                if (values[i] != map[cell + i * step]) return false;
            }
            return true;
        }
    }

    /// <summary>The paper's network's proposals, against the processor's choice.</summary>
    private void ChooseProposals(bool shifted)
    {
        const int Width = 1422, Height = 800, PaddedWidth = 1424, PaddedHeight = 800, Pictures = 2;
        Random random = new(7);
        TwoStageLayout layout = new()
        {
            Levels = [],
            Scales = [],
            Objectness = [.. s_proposalLevels.Select((_, i) => $"{i}")],
            Deltas = [.. s_proposalLevels.Select((_, i) => $"{i}")],
            Anchors = [.. s_proposalLevels.Select((_, i) => ((float[])[0.5f, 1, 2]).SelectMany(ratio => Anchor(32 << i, ratio)).ToArray())],
            LevelThresholds = [],
            CanonicalSize = 224,
            PooledSide = 7,
            Samples = 2,
            Before = 6000,
            After = 1000,
            SuppressionThreshold = 0.4f,
            Shifted = shifted,
        };
        float[][] scores = [.. s_proposalLevels.Select(level => Enumerable.Range(0, Pictures * 3 * level.Width * level.Height).Select(_ => 8 * random.NextSingle() - 6).ToArray())];
        float[][] moves = [.. s_proposalLevels.Select(level => Enumerable.Range(0, Pictures * 12 * level.Width * level.Height).Select(_ => random.NextSingle() - 0.5f).ToArray())];
        List<float> expected = [];
        GCHandle[] pins = [.. scores.Concat(moves).Select(map => GCHandle.Alloc(map, GCHandleType.Pinned))];
        ProposalSelection processor = new(layout);
        FeatureMap[] objectness = [.. s_proposalLevels.Select((level, i) => new FeatureMap((float*)pins[i].AddrOfPinnedObject(), Pictures, 3, level.Height, level.Width))];
        FeatureMap[] deltas = [.. s_proposalLevels.Select((level, i) => new FeatureMap((float*)pins[scores.Length + i].AddrOfPinnedObject(), Pictures, 12, level.Height, level.Width))];
        for (int picture = 0; picture < Pictures; picture++)
        {
            int count = processor.Select(objectness, deltas, picture, Width, Height, PaddedWidth, PaddedHeight);
            expected.AddRange(processor.Boxes.AsSpan(0, 4 * count));
        }
        foreach (GCHandle pin in pins) pin.Free();
        List<DeviceBuffer> memory = [.. scores.Concat(moves).Select(Upload)];
        ProposalMaps[] maps = [.. s_proposalLevels.Select((level, i) => new ProposalMaps(memory[i].Address, memory[scores.Length + i].Address, level.Width, level.Height))];
        using DeviceProposals kernels = new(
            _queue, new ProposalRules(layout.Anchors, layout.Before, layout.After, layout.SuppressionThreshold, shifted, ProposalSelection.DeltaLimit));
        double seconds = Time(() => kernels.Select(maps, [Height, Width, Height, Width], PaddedWidth, PaddedHeight));
        kernels.FetchAll();
        bool same = CollectionsMarshal.AsSpan(expected).SequenceEqual(kernels.Boxes);
        memory.ForEach(map => map.Dispose());
        _report.Check($"proposals{(shifted ? ", shifted" : "")}", same,
            $"{kernels.Count} of {Pictures} pictures; {GpuReport.Number(1e6 * seconds)} us, with their number on the host", ("microseconds", 1e6 * seconds), ("pictures", Pictures));

        static float[] Anchor(float side, float ratio)
        {
            float height = side * MathF.Sqrt(ratio), width = side / MathF.Sqrt(ratio);
            return [-width / 2, -height / 2, width / 2, height / 2];
        }
    }
}
