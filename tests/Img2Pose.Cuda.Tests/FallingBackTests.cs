using System.Collections.Concurrent;
using Img2Pose.Frames;
using Img2Pose.Geometry;
using Img2Pose.Inference;
using Img2Pose.Inference.Scheduling;
using Img2Pose.Media;
using Img2Pose.Pipeline;
using Img2Pose.Rendering.Overlay;
using Microsoft.ML.OnnxRuntime;

namespace Img2Pose.Cuda.Tests;

/// <summary>
/// A GPU that gets short of memory, or is lost, at any moment of a session: the session goes on, or ends with one line, and everything is
/// given back.
/// </summary>
[Collection(nameof(EmulatorCollection))]
public sealed class FallingBackTests : IDisposable
{
    private readonly Emulator _emulator = new();
    private readonly ConcurrentQueue<string> _warnings = [];

    public void Dispose() => _emulator.Dispose();

    [Fact]
    public async Task Whatever_memory_a_session_lacks_it_goes_on_with_the_same_poses()
    {
        string clip = FaceClip.Make();
        Dictionary<long, TrackedFace[]> expected = (await RunAsync(clip, "cpu"))!;
        Emulator.Set("STREAMS", "held");
        long before = Emulator.Count("allocations_made");
        Assert.Equal(expected.Keys, (await RunAsync(clip, "cuda+cpu"))!.Keys);
        long made = Emulator.Count("allocations_made") - before;
        Assert.True(made > 8);

        int completed = 0;
        // From each allocation of a run on, thinned out, there is no more.
        for (long allowed = 0; allowed < made; allowed += Math.Max(1, made / 5))
        {
            Emulator.Set("ALLOCATIONS", Emulator.Count("allocations_made") + allowed);
            Dictionary<long, TrackedFace[]>? found = await RunAsync(clip, "cuda+cpu");
            Emulator.Set("ALLOCATIONS", null);
            // A device that is named and has no room for the network at all is an error, before anything is done.
            if (found is null) continue;
            completed++;

            Assert.Equal(expected.Keys, found.Keys);
            foreach ((long frame, TrackedFace[] faces) in expected) Assert.Equal(faces, found[frame]);
            Assert.All(_warnings, warning => Assert.DoesNotContain('\n', warning));
        }
        Assert.True(completed > 1);
    }

    [Fact]
    public async Task A_device_that_is_lost_at_any_moment_ends_a_session_with_one_line_at_most()
    {
        string clip = FaceClip.Make();
        long before = Emulator.Count("calls");
        await RunAsync(clip, "cuda+cpu");
        long calls = Emulator.Count("calls") - before;
        int lost = 0;

        for (long allowed = 1; allowed < calls; allowed += Math.Max(1, calls / 6))
        {
            Emulator.Set("LOST_AFTER", Emulator.Count("calls") + allowed);
            try
            {
                await RunAsync(clip, "cuda+cpu");
            }
            catch (Exception error) when (error is Img2PoseException)
            {
                Assert.DoesNotContain('\n', error.Message);
                lost++;
            }
            Emulator.Set("LOST_AFTER", null);
        }

        Assert.True(lost > 0);
        // Others go on, and a session after it finds the device again (here; a real one is lost to its process).
        Assert.Equal(FaceClip.Frames, (await RunAsync(clip, "cuda+cpu"))!.Count);
    }

    [Fact]
    public async Task Fewer_pictures_at_a_time_are_tried_before_the_processor()
    {
        string clip = FaceClip.Make();
        Dictionary<long, TrackedFace[]> expected = (await RunAsync(clip, "cpu"))!;
        using CudaDevice device = CudaDevice.Open();
        using PoseDetector probe = PoseDetector.Create(Model(), new PoseDetectorOptions { Device = "cuda+cpu", Cuda = device });
        using FallingBackRunner runner = new(new DetectorRunner(probe), () => throw new InvalidOperationException("not yet"), _warnings.Enqueue);
        List<VideoFrame> frames = Read(clip, 8);
        Look[] looks = [.. frames.Select(frame => new Look { Frame = frame })];
        // One picture's tensor and upload fit three times.
        runner.Run(looks[..1]);
        long one = 12L * 320 * 256;
        Emulator.Set("MEMORY", device.Memory.Total - device.Memory.Free + (one * 5 / 2));

        runner.Run(looks);

        Assert.InRange(runner.Most, 1, 4);
        Assert.False(runner.IsOnProcessor);
        Assert.All(_warnings, warning => Assert.Contains("from now on at most", warning, StringComparison.Ordinal));
        for (int i = 0; i < looks.Length; i++) Assert.Equal(expected[i].Length > 0, looks[i].Faces.Count > 0);
        frames.ForEach(frame => frame.Dispose());
    }

    [Fact]
    public void ONNX_runtimes_own_lack_of_memory_counts_as_the_devices_where_the_network_is_there()
    {
        _ = OnnxRuntimeLibrary.Environment();
        using Microsoft.ML.OnnxRuntime.SessionOptions options = InferenceDevice.CreateOptions(1);
        using InferenceSession session = new(Filling(), options);
        // More than the arena's limit.
        long[] shape = [(OnnxRuntimeLibrary.MemoryLimit >> 2) + (64 << 20)];
        using OrtValue input = OrtValue.CreateTensorValueFromMemory(shape, [1]);
        using RunOptions run = new();
        OnnxRuntimeException error = Assert.Throws<OnnxRuntimeException>(() => session.Run(run, ["s"], [input], ["y"]).Dispose());
        ModelException told = new($"model: the network failed: {error.Message}", error);

        Assert.Equal(CudaFailure.OutOfMemory, FallingBackRunner.FailureOf(told, isOnProcessor: false));
        // The processor's own lack is no reason to leave the GPU.
        Assert.Null(FallingBackRunner.FailureOf(told, isOnProcessor: true));
        // As its CUDA provider puts it.
        Assert.Equal(CudaFailure.OutOfMemory, FailureOf(error, "Failed to allocate memory for requested buffer of size 4096"));
        Assert.Equal(CudaFailure.OutOfMemory, FailureOf(error, "CUDA failure 2: out of memory ; GPU=0 ; expr=cudaMalloc((void**)&p, size);"));
        Assert.Equal(CudaFailure.OutOfMemory, FailureOf(error, "CUDNN failure 4: CUDNN_STATUS_ALLOC_FAILED"));
        Assert.Equal(CudaFailure.DeviceLost, FailureOf(error, "CUDA failure 719: unspecified launch failure ; GPU=0"));
        Assert.Null(FailureOf(error, "Non-zero status code returned while running Reshape node."));
    }

    [Theory]
    [InlineData(12, 4, true)]
    [InlineData(13, 0, false)]
    [InlineData(14, 1, false)]
    public void A_driver_that_is_older_than_the_provider_needs_is_told(int major, int minor, bool old)
    {
        string? told = CudaLibraries.TooOld(new Version(major, minor));

        Assert.Equal(old, told is not null);
        if (old) Assert.Contains("driver is for CUDA 12.4", told, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Faces_of_any_roll_are_found_in_pictures_that_lie_on_the_device()
    {
        string clip = FaceClip.Make();
        Dictionary<long, TrackedFace[]> expected = (await RunAsync(clip, "cpu", anyRoll: true))!;
        Emulator.Set("STREAMS", "held");

        Dictionary<long, TrackedFace[]> found = (await RunAsync(clip, "cuda+cpu", anyRoll: true))!;

        Assert.Contains(expected.Values, faces => faces.Length > 0);
        foreach ((long frame, TrackedFace[] faces) in expected) Assert.Equal(faces, found[frame]);
    }

    private static CudaFailure? FailureOf(OnnxRuntimeException cause, string message) => FallingBackRunner.FailureOf(new ModelException(message, cause), isOnProcessor: false);

    private static ModelPackage Model() => ModelPackage.Load(ModelLocator.Find(null));

    private static List<VideoFrame> Read(string clip, int count)
    {
        List<VideoFrame> frames = [];
        using IFrameSource source = MediaSource.Open(clip);
        while (frames.Count < count && source.TryRead(out VideoFrame? frame)) frames.Add(frame);
        return frames;
    }

    /// <summary>A run's faces; null where the engine could not be made.</summary>
    private async Task<Dictionary<long, TrackedFace[]>?> RunAsync(string clip, string name, bool anyRoll = false)
    {
        using CudaDevice? device = name == "cpu" ? null : CudaDevice.TryOpen(Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance);
        ConcurrentDictionary<long, TrackedFace[]> poses = [];
        PoseEngine engine;
        try
        {
            engine = PoseEngine.Create(new PoseEngineOptions
            {
                Detection = new PoseDetectorOptions { Device = device is null ? "cpu" : name, Cuda = device },
                Overlay = new OverlayOptions { Layers = OverlayLayers.Box },
                Workers = 1,
                Warning = _warnings.Enqueue,
            });
        }
        catch (ModelException error)
        {
            Assert.DoesNotContain('\n', error.Message);
            return null;
        }
        await using (engine)
        {
            IFrameSource source = MediaSource.Open(clip, new SourceOptions { Cuda = device, Warning = _warnings.Enqueue });
            await using PoseSession session = engine.Open(source, new Pipeline.SessionOptions { AnyRoll = anyRoll, Draw = true, Track = !anyRoll });
            session.AddSink(new Poses(poses));
            await session.RunAsync(TestContext.Current.CancellationToken);
        }
        return poses.OrderBy(frame => frame.Key).ToDictionary();
    }

    /// <summary>A model of one node: "s", a shape, to "y", zeros of that shape. Protocol buffers by hand: field, length, content.</summary>
    private static byte[] Filling()
    {
        byte[] node = [.. Text(1, "s"), .. Text(2, "y"), .. Text(4, "ConstantOfShape")];
        byte[] graph = [.. Message(1, node), .. Text(2, "g"), .. Message(11, Value("s", 7, [.. Message(1, Number(1, 1))])), .. Message(12, Value("y", 1, null))];
        return [.. Number(1, 8), .. Message(7, graph), .. Message(8, Number(2, 13))];

        static byte[] Number(int field, byte value) => [(byte)(field << 3), value];
        static byte[] Message(int field, byte[] content) => [(byte)(field << 3 | 2), (byte)content.Length, .. content];
        static byte[] Text(int field, string text) => Message(field, System.Text.Encoding.ASCII.GetBytes(text));
        static byte[] Value(string name, byte type, byte[]? shape) =>
            [.. Text(1, name), .. Message(2, Message(1, [.. Number(1, type), .. shape is null ? [] : Message(2, shape)]))];
    }

    private sealed class Poses(ConcurrentDictionary<long, TrackedFace[]> found) : IPoseSink
    {
        public void Write(VideoFrame frame, ReadOnlySpan<TrackedFace> faces) => found[frame.Index] = faces.ToArray();

        public void Finish(RunReport report, bool failed)
        {
        }

        public void Dispose()
        {
        }
    }
}
