using System.Runtime.InteropServices;
using Img2Pose.Inference.TwoStage;

namespace Img2Pose.Cuda.Tests;

/// <summary>The kernels that choose proposals against the processor's selection: the same boxes, in the same order, to the last bit.</summary>
[Collection(nameof(EmulatorCollection))]
public sealed unsafe class ProposalKernelTests : IDisposable
{
    private readonly Emulator _emulator = new();

    public void Dispose() => _emulator.Dispose();

    [Theory]
    // Fewer anchors than are kept; more than one word and not a whole one; ties, not-a-numbers and infinities among the scores; both ways of suppression.
    [InlineData(1, 1, 40, 30, false, "eager")]
    [InlineData(2, 300, 120, 5, true, "held")]
    [InlineData(3, 97, 50, 300, false, "held")]
    [InlineData(4, 128, 1000, 1, true, "eager")]
    [InlineData(5, 1, 1, 1, false, "eager")]
    [InlineData(6, 5000, 30, 100, true, "eager")]
    public void Proposals_of_any_maps_are_those_of_the_processor(int seed, int before, int after, int values, bool shifted, string pace)
    {
        Emulator.Set("STREAMS", pace);
        Random random = new(seed);
        int pictures = 1 + seed % 3, paddedWidth = 32 * (2 + seed), paddedHeight = 32 * (1 + seed);
        (int Width, int Height)[] sizes = [(paddedWidth / 4, paddedHeight / 4), (paddedWidth / 8, paddedHeight / 8), (paddedWidth / 32, paddedHeight / 32), (paddedWidth / 64, Math.Max(1, paddedHeight / 64))];
        TwoStageLayout layout = Layout(sizes.Length, before, after, shifted);
        // As few different scores as said, so that many are equal.
        float[][] scores = [.. sizes.Select(size => Values(pictures * 3 * size.Width * size.Height, () => Score(random, values)))];
        float[][] moves = [.. sizes.Select(size => Values(pictures * 12 * size.Width * size.Height, () => Move(random)))];
        long[] bounds = [.. Enumerable.Range(0, pictures).SelectMany(i => (long[])[paddedHeight - 3 * i, paddedWidth - 7 * i])];

        List<float> expected = Expected(layout, sizes, scores, moves, bounds, paddedWidth, paddedHeight, out int[] counts);
        using CudaDevice device = CudaDevice.Open();
        using CudaQueue queue = new(device);
        using DeviceProposals proposals = new(
            queue, new ProposalRules(layout.Anchors, before, after, layout.SuppressionThreshold, shifted, ProposalSelection.DeltaLimit));
        DeviceBuffer[] memory = [.. scores.Concat(moves).Select(map => Upload(queue, map))];
        ProposalMaps[] maps = [.. sizes.Select((size, i) => new ProposalMaps(memory[i].Address, memory[sizes.Length + i].Address, size.Width, size.Height))];

        // Twice: what the first left in the buffers is not to be seen in the second.
        for (int run = 0; run < 2; run++)
        {
            proposals.Select(maps, bounds, paddedWidth, paddedHeight);

            Assert.Equal(counts, Enumerable.Range(0, pictures).Select(proposals.CountOf));
            Assert.Equal(expected.Count / 4, proposals.Count);
            proposals.FetchAll();
            Assert.Equal(MemoryMarshal.Cast<float, uint>(CollectionsMarshal.AsSpan(expected)), MemoryMarshal.Cast<float, uint>(proposals.Boxes));
            using PinnedBuffer fetched = new(device, Math.Max(1, proposals.Count) * (4 * sizeof(float) + sizeof(long)));
            Fetch(queue, proposals.BoxAddress, fetched, 0, 4 * sizeof(float) * proposals.Count);
            Fetch(queue, proposals.PictureAddress, fetched, 4 * sizeof(float) * proposals.Count, sizeof(long) * proposals.Count);
            queue.Synchronize();
            Assert.Equal(proposals.Boxes, MemoryMarshal.Cast<byte, float>(fetched.Bytes)[..(4 * proposals.Count)]);
            Assert.Equal(
                counts.SelectMany((count, picture) => Enumerable.Repeat((long)picture, count)),
                MemoryMarshal.Cast<byte, long>(fetched.Bytes.Slice(4 * sizeof(float) * proposals.Count, sizeof(long) * proposals.Count)).ToArray());
        }
        foreach (DeviceBuffer map in memory) map.Dispose();
    }

    [Fact]
    public void The_exponential_is_right_to_half_a_unit_in_the_last_place_and_little_more()
    {
        Random random = new(3);
        for (int i = 0; i < 200_000; i++)
        {
            float power = i % 2 == 0 ? 30 * random.NextSingle() - 25.8f : 0.01f * (random.NextSingle() - 0.5f);
            double exact = Math.Exp(power);
            float unit = MathF.BitIncrement((float)exact) - (float)exact;
            Assert.InRange(Math.Abs(ProposalSelection.Exponential(power) - exact) / unit, 0, 0.51);
        }
        Assert.Equal(1, ProposalSelection.Exponential(0));
        Assert.Equal(0, ProposalSelection.Exponential(float.NegativeInfinity));
        Assert.Equal(0, ProposalSelection.Exponential(-105));
        Assert.Equal(float.Epsilon, ProposalSelection.Exponential(-103));
        Assert.True(float.IsNaN(ProposalSelection.Exponential(float.NaN)));
    }

    [Fact]
    public void Rules_and_maps_that_the_kernels_do_not_take_are_refused()
    {
        using CudaDevice device = CudaDevice.Open();
        using CudaQueue queue = new(device);
        float[] shapes = [-8, -8, 8, 8];
        Assert.Throws<ArgumentException>(() => new DeviceProposals(queue, new ProposalRules([], 1, 1, 0.5f, false, 4)));
        Assert.Throws<ArgumentException>(() => new DeviceProposals(queue, new ProposalRules([[1, 2, 3]], 1, 1, 0.5f, false, 4)));
        Assert.Throws<ArgumentOutOfRangeException>(() => new DeviceProposals(queue, new ProposalRules([shapes], 0, 1, 0.5f, false, 4)));
        using DeviceProposals proposals = new(queue, new ProposalRules([shapes], DeviceProposals.MostBefore + 1, 1, 0.5f, false, 4));
        Assert.Throws<ArgumentException>(() => proposals.Select([], [8, 8], 8, 8));
        Assert.Throws<ArgumentException>(() => proposals.Select([new ProposalMaps(1, 1, 0, 8)], [8, 8], 8, 8));
        Assert.Throws<ArgumentException>(() => proposals.Select([new ProposalMaps(1, 1, 1024, 1024)], [8, 8], 8, 8));
        Assert.Throws<OverflowException>(() => proposals.Select([new ProposalMaps(1, 1, 1 << 16, 1 << 16)], [8, 8], 8, 8));
        // Nothing was launched.
        queue.Synchronize();
    }

    [Fact]
    public void Only_the_boxes_that_are_asked_for_come_down()
    {
        Emulator.Set("STREAMS", "held");
        Random random = new(5);
        using CudaDevice device = CudaDevice.Open();
        using CudaQueue queue = new(device);
        using DeviceProposals proposals = new(queue, new ProposalRules([[-8, -8, 8, 8]], 400, 300, 0.9f, false, ProposalSelection.DeltaLimit));
        using DeviceBuffer scores = Upload(queue, Values(2 * 32 * 32, random.NextSingle)), moves = Upload(queue, new float[2 * 4 * 32 * 32]);
        ProposalMaps[] maps = [new ProposalMaps(scores.Address, moves.Address, 32, 32)];
        long[] sizes = [512, 512, 512, 512];
        proposals.Select(maps, sizes, 512, 512);
        proposals.FetchAll();
        float[] all = proposals.Boxes.ToArray();
        Assert.True(proposals.Count > 300);
        long before = Emulator.Count("bytes_to_host");

        proposals.Select(maps, sizes, 512, 512);
        proposals.Fetch([3, 5, 299, 4]);

        // Two numbers of proposals, boxes 3 to 5, 299, 4.
        Assert.Equal(2 * sizeof(int) + 16 * (3 + 1 + 1), Emulator.Count("bytes_to_host") - before);
        float[] some = proposals.Boxes.ToArray();
        for (int i = 0; i < proposals.Count; i++) Assert.Equal(i is 3 or 4 or 5 or 299 ? all[(4 * i)..(4 * i + 4)] : [0, 0, 0, 0], some[(4 * i)..(4 * i + 4)]);
        Assert.Throws<ArgumentOutOfRangeException>(() => proposals.Fetch([proposals.Count]));
        Assert.Throws<ArgumentOutOfRangeException>(() => proposals.Fetch([-1]));
    }

    [Fact]
    public void Without_memory_the_choice_ends_with_an_error_and_works_again_when_there_is_some()
    {
        using CudaDevice device = CudaDevice.Open();
        using CudaQueue queue = new(device);
        using DeviceProposals proposals = new(queue, new ProposalRules([[-8, -8, 8, 8]], 10, 5, 0.5f, false, ProposalSelection.DeltaLimit));
        using DeviceBuffer scores = Upload(queue, new float[64]), moves = Upload(queue, new float[256]);
        ProposalMaps[] maps = [new ProposalMaps(scores.Address, moves.Address, 8, 8)];
        Emulator.Set("REFUSE", "cuMemAlloc_v2:2");
        CudaDeviceException error = Assert.Throws<CudaDeviceException>(() => proposals.Select(maps, [64, 64], 64, 64));
        Assert.Equal(CudaFailure.OutOfMemory, error.Failure);
        Emulator.Set("REFUSE", null);

        proposals.Select(maps, [64, 64], 64, 64);

        Assert.InRange(proposals.Count, 1, 5);
    }

    private static List<float> Expected(
        TwoStageLayout layout, (int Width, int Height)[] sizes, float[][] scores, float[][] moves, long[] bounds, int paddedWidth, int paddedHeight, out int[] counts)
    {
        ProposalSelection selection = new(layout);
        GCHandle[] pins = [.. scores.Concat(moves).Select(map => GCHandle.Alloc(map, GCHandleType.Pinned))];
        List<float> boxes = [];
        int pictures = bounds.Length / 2;
        counts = new int[pictures];
        FeatureMap[] objectness = [.. sizes.Select((size, i) => new FeatureMap((float*)pins[i].AddrOfPinnedObject(), pictures, 3, size.Height, size.Width))];
        FeatureMap[] deltas = [.. sizes.Select((size, i) => new FeatureMap((float*)pins[sizes.Length + i].AddrOfPinnedObject(), pictures, 12, size.Height, size.Width))];
        for (int picture = 0; picture < pictures; picture++)
        {
            counts[picture] = selection.Select(objectness, deltas, picture, (int)bounds[2 * picture + 1], (int)bounds[2 * picture], paddedWidth, paddedHeight);
            boxes.AddRange(selection.Boxes.AsSpan(0, 4 * counts[picture]));
        }
        foreach (GCHandle pin in pins) pin.Free();
        return boxes;
    }

    private static TwoStageLayout Layout(int levels, int before, int after, bool shifted) => new()
    {
        Levels = [],
        Scales = [],
        Objectness = [.. Enumerable.Range(0, levels).Select(i => $"{i}")],
        Deltas = [.. Enumerable.Range(0, levels).Select(i => $"{i}")],
        Anchors = [.. Enumerable.Range(0, levels).Select(i => (float[])[.. Shape(16 << i, 8 << i), .. Shape(12 << i, 12 << i), .. Shape(8 << i, 16 << i)])],
        LevelThresholds = [],
        CanonicalSize = 1,
        PooledSide = 1,
        Samples = 1,
        Before = before,
        After = after,
        SuppressionThreshold = 0.4f,
        Shifted = shifted,
    };

    private static float[] Shape(float width, float height) => [-width / 2, -height / 2, width / 2, height / 2];

    private static float Score(Random random, int values) => random.Next(200) switch
    {
        0 => float.NaN,
        1 => float.NegativeInfinity,
        2 => float.PositiveInfinity,
        3 => -0f,
        _ => (random.Next(values) - values / 2) * 0.37f,
    };

    // Mostly small; some that make boxes vanish, or fill the picture.
    private static float Move(Random random) => random.Next(100) switch
    {
        0 => -200,
        1 => 90,
        2 => float.NaN,
        3 => float.PositiveInfinity,
        _ => random.NextSingle() - 0.5f,
    };

    private static float[] Values(int count, Func<float> value) => [.. Enumerable.Range(0, count).Select(_ => value())];

    private static DeviceBuffer Upload(CudaQueue queue, float[] values)
    {
        ReadOnlySpan<byte> bytes = MemoryMarshal.AsBytes<float>(values);
        DeviceBuffer memory = new(queue.Device, bytes.Length);
        using PinnedBuffer staging = new(queue.Device, bytes.Length);
        bytes.CopyTo(staging.Bytes);
        queue.Upload(staging, 0, memory, 0, bytes.Length);
        // Freeing the staging memory waits for the device.
        return memory;
    }

    private static void Fetch(CudaQueue queue, nint from, PinnedBuffer to, int offset, int bytes)
    {
        if (bytes == 0) return;
        queue.CopyPlane(
            new Frames.FramePlane(from, Frames.MemoryKind.Cuda, bytes, bytes, 1, 1), new Frames.FramePlane(to.Address + offset, Frames.MemoryKind.Host, bytes, bytes, 1, 1));
    }
}
