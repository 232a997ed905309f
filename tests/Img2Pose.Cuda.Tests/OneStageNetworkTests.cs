using Img2Pose.Frames;
using Img2Pose.Geometry;
using Img2Pose.Inference;
using Img2Pose.Inference.OneStage;
using Img2Pose.Media;
using Microsoft.ML.OnnxRuntime;

namespace Img2Pose.Cuda.Tests;

/// <summary>
/// The default network cut for a GPU, against the whole graph. The emulated device's memory is the host's, so that ONNX Runtime's CPU
/// provider can put the maps where a GPU's would.
/// </summary>
[Collection(nameof(EmulatorCollection))]
public sealed class OneStageNetworkTests : IDisposable
{
    private readonly Emulator _emulator = new();

    public void Dispose() => _emulator.Dispose();

    [Theory]
    [InlineData("eager")]
    [InlineData("held")]
    public void What_the_cut_network_finds_is_what_the_whole_one_finds(string pace)
    {
        string clip = FaceClip.Make();
        Emulator.Set("STREAMS", pace);
        ModelPackage model = ModelPackage.Load(ModelLocator.Find(null));
        using CudaDevice device = CudaDevice.Open();
        using CudaQueue queue = new(device);
        using OneStageNetwork cut = OpenCut(model, queue);
        using PoseGraph whole = new(new InferenceSession(model.Path), onCpu: true);
        using CudaTensoriser onDevice = new(queue, model.Metadata.Normalisation, prefilter: true, capacity: 4);
        using Tensoriser onHost = new(model.Metadata.Normalisation, prefilter: true);
        List<VideoFrame> frames = [];
        using (IFrameSource source = MediaSource.Open(clip))
        {
            while (frames.Count < 3 && source.TryRead(out VideoFrame? frame)) frames.Add(frame);
        }
        int faces = 0;

        // Shapes come and go; what the first left in the maps on the host must not be in the second's.
        foreach ((int count, float threshold) in ((int, float)[])[(1, 0.4f), (3, 0.4f), (1, 0.3f), (3, 0.02f), (1, float.NegativeInfinity), (3, 0.4f)])
        {
            Write(onHost, whole.Shape(count, 256, 320));
            Write(onDevice, cut.Shape(count, 256, 320));
            long before = Emulator.Count("bytes_to_host");
            faces += AssertSame(whole, cut, new NetworkRequest(threshold));
            // The picture itself comes down because the network is the processor's here. With the brightness of 5 KB a picture that is
            // far below 20 KB.
            if (threshold >= 0.3f) Assert.InRange((Emulator.Count("bytes_to_host") - before) / count - (3 * 256 * 320 * sizeof(float)), 1, 5000);
            AssertSame(whole, cut, new NetworkRequest(float.NegativeInfinity, new float[] { count - 1, 100, 60, 180, 150, 0, 20, 20, 60, 70 }));

            void Write(ITensoriser tensoriser, NetworkInput input)
            {
                for (int i = 0; i < count; i++) tensoriser.Write(frames[i], PictureRegion.Whole(frames[i].Width, frames[i].Height), 320, 240, input, i, mirror: false);
                tensoriser.Finish();
            }
        }

        Assert.True(faces > 0);
        // Given boxes, and every cell; a usual threshold fetches few.
        Assert.InRange(cut.WholeFetches, 7, 8);
        frames.ForEach(frame => frame.Dispose());
    }

    [Fact]
    public void More_shapes_than_are_kept_come_and_go()
    {
        ModelPackage model = ModelPackage.Load(ModelLocator.Find(null));
        using CudaDevice device = CudaDevice.Open();
        using CudaQueue queue = new(device);
        using OneStageNetwork cut = OpenCut(model, queue);
        NetworkResults results = new();

        for (int round = 0; round < 2; round++)
        {
            for (int i = 1; i <= 26; i++)
            {
                NetworkInput input = cut.Shape(1, 64, 64 * i);
                input.Clear();
                input.Sizes.Fill(64);
                cut.Run(new NetworkRequest(0.4f), results);
                Assert.Equal(0, results.PoseCount);
            }
        }
    }

    [Theory]
    [InlineData(1, 7, 3)]
    [InlineData(3, 500, 8)]
    [InlineData(2, 33, 1)]
    [InlineData(2, 1000, 5)]
    public void Cells_above_a_bound_are_picked_in_their_order(int pictures, int most, int values)
    {
        using CudaDevice device = CudaDevice.Open();
        using CudaQueue queue = new(device);
        using CellSelection selection = new(queue, capacity: 64);
        int[] cells = [most, 1, 2 * most];
        Random random = new(most);
        float[][] maps = [.. cells.Select(count => Enumerable.Range(0, pictures * values * count).Select(_ => random.Next(20) == 0 ? float.NaN : random.NextSingle()).ToArray())];
        DeviceBuffer[] memory = [.. maps.Select(map => Upload(queue, map))];
        foreach (float least in (float[])[0.97f, 2, -1])
        {
            bool fits = selection.Select([.. memory.Select(map => map.Address)], cells, pictures, values, least);

            List<(int Cell, float[] Values)>[] expected = [.. Enumerable.Range(0, pictures).Select(picture => Expected(maps, cells, picture, values, least))];
            Assert.Equal(expected.All(list => list.Count <= 64), fits);
            for (int picture = 0; picture < pictures; picture++)
            {
                Assert.Equal(expected[picture].Count, selection.CountOf(picture));
                for (int i = 0; fits && i < expected[picture].Count; i++)
                {
                    Assert.Equal(expected[picture][i].Cell, selection.CellOf(picture, i, out ReadOnlySpan<float> found));
                    Assert.Equal(expected[picture][i].Values, found);
                }
            }
        }
        foreach (DeviceBuffer map in memory) map.Dispose();
    }

    private static OneStageNetwork OpenCut(ModelPackage model, CudaQueue queue)
    {
        _ = OnnxRuntimeLibrary.Version;
        OneStageParts parts = OneStageParts.TryRead(model)!;
        Assert.True(parts.IsScoreFirst);
        OrtMemoryInfo memory = new(OrtMemoryInfo.allocatorCPU, OrtAllocatorType.DeviceAllocator, 0, OrtMemType.Default);
        return new OneStageNetwork(
            parts, new InferenceSession(parts.Dense), new InferenceSession(parts.Choosing), queue, memory, isFetched: true, new RunGuard(RunGuard.TimeLimit, CancellationToken.None));
    }

    private static int AssertSame(PoseNetwork whole, PoseNetwork cut, in NetworkRequest request)
    {
        NetworkResults expected = new(), actual = new();
        whole.Run(request, expected);
        cut.Run(request, actual);
        Assert.Equal(expected.PoseCount, actual.PoseCount);
        Assert.Equal(expected.Poses, actual.Poses);
        for (int i = 0; i < expected.PoseCount; i++)
        {
            int a = (int)expected.PoseIndex[i], b = (int)actual.PoseIndex[i];
            Assert.Equal(expected.ImageIndex[a], actual.ImageIndex[b]);
            Assert.Equal(expected.Scores[a], actual.Scores[b]);
            Assert.Equal(expected.Proposals.Slice(4 * a, 4), actual.Proposals.Slice(4 * b, 4));
        }
        return expected.PoseCount;
    }

    private static List<(int, float[])> Expected(float[][] maps, int[] cells, int picture, int values, float least)
    {
        List<(int, float[])> found = [];
        for (int level = 0, first = 0; level < cells.Length; first += cells[level++])
        {
            for (int cell = 0; cell < cells[level]; cell++)
            {
                float[] own = [.. Enumerable.Range(0, values).Select(value => maps[level][(picture * values + value) * cells[level] + cell])];
                if (own[0] > least) found.Add((first + cell, own));
            }
        }
        return found;
    }

    private static DeviceBuffer Upload(CudaQueue queue, float[] values)
    {
        ReadOnlySpan<byte> bytes = System.Runtime.InteropServices.MemoryMarshal.AsBytes<float>(values);
        DeviceBuffer memory = new(queue.Device, bytes.Length);
        using PinnedBuffer staging = new(queue.Device, bytes.Length);
        bytes.CopyTo(staging.Bytes);
        queue.Upload(staging, 0, memory, 0, bytes.Length);
        // Freeing the staging memory waits for the device.
        return memory;
    }
}
