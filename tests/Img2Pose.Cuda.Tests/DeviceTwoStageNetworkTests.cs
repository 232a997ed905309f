using Img2Pose.Inference;
using Img2Pose.Inference.TwoStage;
using Img2Pose.Models.Networks;
using Img2Pose.Models.Tests.Golden;
using Img2Pose.Models.Tests.Networks;
using Microsoft.ML.OnnxRuntime;

namespace Img2Pose.Cuda.Tests;

/// <summary>
/// Two-stage networks with their proposals chosen and their regions pooled by kernels, against the same networks on the processor: equal to
/// the last bit. The emulated device's memory is the host's, so that ONNX Runtime's CPU provider can put the maps where a GPU's would.
/// </summary>
[Collection(nameof(EmulatorCollection))]
public sealed class DeviceTwoStageNetworkTests : IDisposable
{
    // What a session fetches of every picture besides: sums of 48 by 27 cells, to see cuts.
    private const long FrameBrightnessBytes = 48 * 27 * sizeof(float);

    private readonly Emulator _emulator = new();
    private readonly string _folder = Directory.CreateTempSubdirectory("img2pose-two-stage").FullName;

    public void Dispose()
    {
        _emulator.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public void The_device_gives_what_the_processor_gives_in_every_shape()
    {
        Emulator.Set("STREAMS", "held");
        ModelPackage model = GeneratedPackage.Write(_folder, TorchvisionBehaviour.V014);
        using CudaDevice device = CudaDevice.Open();
        using CudaQueue queue = new(device);
        using DeviceTwoStageNetwork onDevice = Open(model, queue);
        using TwoStageNetwork onProcessor = OpenOnProcessor(model);
        Random random = new(7);
        // Every level, half outside, wholly outside, a point.
        float[] boxes = [0, 10, 10, 30, 25, 0, 0, 0, 160, 96, 0, -40, -30, 50, 40, 0, 400, 400, 500, 500, 0, 20, 20, 20, 20];

        // Shapes come and go, more than are kept, and so do the numbers of regions.
        foreach ((int count, int width) in ((int, int)[])[(2, 160), (1, 96), (2, 160), (1, 128), (1, 160), (3, 64), (1, 96)])
        {
            float[] image = [.. Enumerable.Range(0, 3 * count * 96 * width).Select(_ => 4 * random.NextSingle() - 2)];
            long[] sizes = [.. Enumerable.Range(0, count).SelectMany(i => (long[])[96 - 5 * i, width - 9 * i])];
            foreach (NetworkRequest request in (NetworkRequest[])[new(-1), new(0.5f), new(-1, boxes)]) AssertSame(onProcessor, onDevice, queue, image, (count, 96, width), sizes, request);
        }
        AssertLackOfMemoryPasses(device, queue, onDevice);
        foreach (IProposing network in (IProposing[])[onProcessor, onDevice]) network.LimitProposals(40, 7);
        AssertSame(onProcessor, onDevice, queue, [.. Enumerable.Range(0, 3 * 96 * 96).Select(_ => random.NextSingle())], (1, 96, 96), [96, 96], new NetworkRequest(-1));
        Assert.Throws<UsageException>(() => onDevice.LimitProposals(1 << 20, null));
        Assert.Throws<NetworkOutputException>(() => onDevice.Run(new NetworkRequest(-1, new float[] { 1, 0, 0, 9, 9 }), new NetworkResults()));
    }

    // The older torchvision's way of suppression; the generated package has the newer one's.
    [Fact]
    public void A_golden_picture_gives_on_the_device_what_it_gives_on_the_processor()
    {
        GoldenModelCase golden = GoldenModelCase.Load("legacy082_chelsea_451x300");
        string path = Path.Combine(_folder, "golden.onnx");
        GoldenPackage.Write(golden, path);
        ModelPackage model = ModelPackage.Load(path);
        using CudaDevice device = CudaDevice.Open();
        using CudaQueue queue = new(device);
        using DeviceTwoStageNetwork onDevice = Open(model, queue);
        using TwoStageNetwork onProcessor = OpenOnProcessor(model);
        int[] shape = golden.BatchShape;
        long[] sizes = [.. golden.Resized.SelectMany(size => (long[])[size.Height, size.Width])];

        NetworkResults results = AssertSame(onProcessor, onDevice, queue, golden.Batch(), (shape[0], shape[2], shape[3]), sizes, new NetworkRequest(0.05f));

        Assert.True(results.PoseCount > 0);
        // As many faces as a crowd has; the weights are random ones, which see them everywhere.
        float threshold = results.Scores.ToArray().OrderDescending().ElementAt(20);
        long before = Emulator.Count("bytes_to_host");
        onDevice.Run(new NetworkRequest(threshold), results);
        // The picture itself comes down because the network is the processor's here. What the heads give on a GPU comes down after them.
        long down = Emulator.Count("bytes_to_host") - before - (4L * golden.Batch().Length);
        long heads = sizeof(float) * (results.Scores.Length + results.Poses.Length) + sizeof(long) * results.PoseIndex.Length;
        Assert.InRange(results.PoseCount, 10, 20);
        Assert.InRange(results.Count, 300, 2000);
        Assert.InRange(down + heads + FrameBrightnessBytes, FrameBrightnessBytes + 1, 20_000 - 1);
    }

    /// <summary>Whatever cannot be allocated, a run ends with an error and leaves nothing behind that the next would trip over.</summary>
    private static void AssertLackOfMemoryPasses(CudaDevice device, CudaQueue queue, DeviceTwoStageNetwork network)
    {
        float[] image = new float[3 * 64 * 64];
        bool refused = false, done = false;
        for (int allowed = 0; !done; allowed++)
        {
            network.Trim();
            Emulator.Set("ALLOCATIONS", Emulator.Count("allocations_made") + allowed);
            try
            {
                Fill(network, queue, image, (1, 64, 64), [64, 64]);
                network.Run(new NetworkRequest(-1), new NetworkResults());
                done = true;
            }
            catch (CudaDeviceException error)
            {
                Assert.Equal(CudaFailure.OutOfMemory, error.Failure);
                refused = true;
            }
            Emulator.Set("ALLOCATIONS", null);
        }
        Assert.True(refused);
        Assert.True(device.Memory.Free > 0);
    }

    private static NetworkResults AssertSame(
        TwoStageNetwork onProcessor, DeviceTwoStageNetwork onDevice, CudaQueue queue, float[] image, (int Count, int Height, int Width) shape, long[] sizes, in NetworkRequest request)
    {
        NetworkResults expected = new(), actual = new();
        NetworkInput input = onProcessor.Shape(shape.Count, shape.Height, shape.Width);
        image.CopyTo(input.Image);
        sizes.CopyTo(input.Sizes);
        Fill(onDevice, queue, image, shape, sizes);

        onProcessor.Run(request, expected);
        onDevice.Run(request, actual);

        Assert.Equal(expected.Count, actual.Count);
        Assert.Equal(expected.ImageIndex, actual.ImageIndex);
        // Those that have no pose stay on the device; where the threshold is below all scores, every one has.
        foreach (int row in expected.PoseIndex) Assert.Equal(expected.Proposals.Slice(4 * row, 4), actual.Proposals.Slice(4 * row, 4));
        Assert.Equal(expected.Scores, actual.Scores);
        Assert.Equal(expected.PoseIndex, actual.PoseIndex);
        Assert.Equal(expected.Poses, actual.Poses);
        return actual;
    }

    private static void Fill(DeviceTwoStageNetwork network, CudaQueue queue, float[] image, (int Count, int Height, int Width) shape, long[] sizes)
    {
        NetworkInput input = network.Shape(shape.Count, shape.Height, shape.Width);
        sizes.CopyTo(input.Sizes);
        int bytes = image.Length * sizeof(float);
        using PinnedBuffer staging = new(queue.Device, bytes);
        System.Runtime.InteropServices.MemoryMarshal.AsBytes<float>(image).CopyTo(staging.Bytes);
        queue.Upload(staging, 0, input.DeviceImage, 0, bytes);
        queue.Synchronize();
    }

    private static DeviceTwoStageNetwork Open(ModelPackage model, CudaQueue queue)
    {
        _ = OnnxRuntimeLibrary.Environment();
        OnnxParts parts = OnnxParts.Open(model);
        TwoStageLayout layout = TwoStageLayout.TryRead(parts)!;
        Assert.True(DeviceTwoStageNetwork.Takes(layout));
        using SessionOptions options = InferenceDevice.CreateOptions(1);
        OrtMemoryInfo memory = new(OrtMemoryInfo.allocatorCPU, OrtAllocatorType.DeviceAllocator, 0, OrtMemType.Default);
        return new DeviceTwoStageNetwork(
            layout, new InferenceSession(DeviceTwoStageNetwork.DenseModel(parts, layout), options), new InferenceSession(TwoStageNetwork.HeadModel(parts), options), queue,
            memory, isFetched: true, new RunGuard(RunGuard.TimeLimit, CancellationToken.None));
    }

    private static TwoStageNetwork OpenOnProcessor(ModelPackage model)
    {
        using SessionOptions options = InferenceDevice.CreateOptions(1);
        return TwoStageNetwork.TryCreate(model, options, 1)!;
    }
}
