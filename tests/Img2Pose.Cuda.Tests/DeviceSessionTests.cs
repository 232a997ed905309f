using System.Collections.Concurrent;
using Img2Pose.Frames;
using Img2Pose.Geometry;
using Img2Pose.Inference;
using Img2Pose.Media;
using Img2Pose.Pipeline;
using Img2Pose.Rendering.Overlay;
using Img2Pose.Testing;

[assembly: NoLeakedFrames]

namespace Img2Pose.Cuda.Tests;

/// <summary>
/// Whole sessions whose frames stay on the emulated GPU: decoded there, prepared there, drawn on there. Only the network is ONNX
/// Runtime's on the processor, which the tensor is fetched for. What comes out is what the processor alone gives.
/// </summary>
[Collection(nameof(EmulatorCollection))]
public sealed class DeviceSessionTests : IDisposable
{
    private static List<Seen>? s_expected;

    private readonly Emulator _emulator = new();
    private readonly ConcurrentQueue<string> _warnings = [];

    public void Dispose() => _emulator.Dispose();

    [Theory]
    [InlineData("eager", null)]
    [InlineData("delayed", null)]
    [InlineData("held", null)]
    [InlineData("held", "GL")]
    public async Task Poses_and_drawn_pictures_are_those_of_the_processor(string pace, string? interop)
    {
        string clip = FaceClip.Make();
        List<Seen> expected = await ExpectedAsync(clip);
        Emulator.Set("STREAMS", pace);
        if (interop is not null) Emulator.Set(interop, "map");
        long maps = Emulator.Count("graphics_maps");

        List<Seen> seen = await RunAsync(clip, "cuda+cpu");

        AssertSame(expected, seen);
        Assert.Empty(_warnings);
        Assert.Equal(interop is not null, Emulator.Count("graphics_maps") > maps);
        Assert.Contains(expected, frame => frame.Faces.Length > 0);
        // The cut ends identities, on the device as on the host.
        Assert.Contains(expected, frame => frame.Faces.Length == 0);
    }

    [Theory]
    [InlineData("cuGLGetDevices_v2:801")]
    [InlineData("cuGraphicsGLRegisterImage:801")]
    [InlineData("cuGraphicsMapResources:801")]
    public async Task Where_opengl_cannot_be_shared_the_overlay_comes_up_from_the_host(string refusal)
    {
        string clip = FaceClip.Make();
        List<Seen> expected = await ExpectedAsync(clip);
        Emulator.Set("GL", "map");
        Emulator.Set("REFUSE", refusal);

        AssertSame(expected, await RunAsync(clip, "cuda+cpu"));
    }

    [Fact]
    public async Task What_the_processor_decodes_goes_up_for_the_tensor_alone()
    {
        string clip = FaceClip.Make();
        List<Seen> expected = await ExpectedAsync(clip);
        Emulator.Set("NVDEC_SESSIONS", 0);

        AssertSame(expected, await RunAsync(clip, "cuda+cpu"));

        Assert.Contains("decoded by the processor", Assert.Single(_warnings), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Only_what_is_needed_comes_down()
    {
        string clip = FaceClip.Make();
        long before = Emulator.Count("bytes_to_host");
        long tensor, atFirst = before;
        await using (PoseEngine engine = CreateEngine("cuda+cpu", out CudaDevice? device))
        {
            using CudaDevice? owned = device;
            await using PoseSession session = engine.Open(clip, new SessionOptions { Follow = false });
            tensor = await TensorBytesAsync(engine);
            before = Emulator.Count("bytes_to_host");
            session.AddSink(new PoseList(new ConcurrentDictionary<long, TrackedFace[]>()));
            await session.RunAsync(TestContext.Current.CancellationToken);
            await session.DisposeAsync();
            await engine.DisposeAsync();
            // What the check of a real GPU reports is what the driver was asked for.
            Assert.Equal(Emulator.Count("bytes_to_host") - atFirst, device!.BytesToHost);
        }

        // The network is on the processor here; where it is on the GPU, its input stays there as well.
        long perFrame = (Emulator.Count("bytes_to_host") - before) / FaceClip.Frames - tensor;
        Assert.InRange(perFrame, 1, 20_000);
    }

    [Fact]
    public async Task Looks_of_several_sessions_share_launches_and_give_the_same()
    {
        string clip = FaceClip.Make();
        List<Seen> expected = await ExpectedAsync(clip);
        using CudaDevice device = CudaDevice.Open();
        await using PoseEngine engine = CreateEngine("cuda+cpu", device, batch: 6, sessions: 3);
        ConcurrentDictionary<long, TrackedFace[]>[] found = [[], [], []];
        PoseSession[] sessions = [.. Enumerable.Range(0, 3).Select(i => engine.Open(clip, new SessionOptions { Follow = i == 2, LinkCapacity = 6 }))];
        for (int i = 0; i < 3; i++) sessions[i].AddSink(new PoseList(found[i]));

        await Task.WhenAll(sessions.Select(session => session.RunAsync(TestContext.Current.CancellationToken)));

        for (int i = 0; i < 2; i++)
        {
            foreach (Seen frame in expected) Assert.Equal(frame.Faces, found[i][frame.Index]);
        }
        Assert.Equal(FaceClip.Frames, found[2].Count);
        foreach (PoseSession session in sessions) await session.DisposeAsync();
        await engine.DisposeAsync();
    }

    [Fact]
    public async Task A_gpu_that_runs_out_of_memory_leaves_the_rest_to_the_processor()
    {
        string clip = FaceClip.Make();
        List<Seen> expected = await ExpectedAsync(clip);

        // From the first look on nothing can be allocated any more.
        List<Seen> seen = await RunAsync(clip, "cuda+cpu", () => Emulator.Set("REFUSE", "cuMemAlloc_v2:2"));

        AssertSame(expected, seen);
        Assert.Contains(_warnings, warning => warning.Contains("runs on the processor from now on", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Of_64_sessions_on_a_gpu_with_memory_for_8_every_one_is_done()
    {
        string clip = FaceClip.Make();
        List<Seen> expected = await ExpectedAsync(clip);
        using CudaDevice device = CudaDevice.Open();
        await using PoseEngine engine = CreateEngine("cuda+cpu", device, batch: 16, sessions: 64);
        SourceOptions options = new() { Cuda = device, DecoderThreads = 1, Warning = _warnings.Enqueue };
        ConcurrentDictionary<long, TrackedFace[]>[] found = [.. Enumerable.Range(0, 64).Select(_ => new ConcurrentDictionary<long, TrackedFace[]>())];
        List<PoseSession> sessions = [];
        (long Free, long Total) before = device.Memory;
        for (int i = 0; i < found.Length; i++)
        {
            PoseSession session = engine.Open(MediaSource.Open(clip, options), new SessionOptions { MaximumFrames = 2, LinkCapacity = 1 });
            session.AddSink(new PoseList(found[i]));
            sessions.Add(session);
            // What one of them takes is known now, so that the device can be made one with room for seven more.
            long one = before.Free - device.Memory.Free;
            if (i == 0) Emulator.Set("MEMORY", before.Total - before.Free + 8 * one + (one / 2));
        }
        int refused = _warnings.Count(warning => warning.Contains("decoded by the processor", StringComparison.Ordinal));

        await Task.WhenAll(sessions.Select(session => session.RunAsync(TestContext.Current.CancellationToken)));

        Assert.Equal(56, refused);
        Assert.All(found, poses =>
        {
            Assert.Equal(2, poses.Count);
            for (int i = 0; i < 2; i++) Assert.Equal(expected[i].Faces, poses[i]);
        });
        foreach (PoseSession session in sessions) await session.DisposeAsync();
        await engine.DisposeAsync();
    }

    [Fact]
    public async Task A_gpu_that_is_lost_ends_its_sessions_with_one_line_and_no_others()
    {
        string clip = FaceClip.Make();
        List<Seen> expected = await ExpectedAsync(clip);
        CudaDevice device = CudaDevice.Open();
        PoseEngine engine = CreateEngine("cuda+cpu", device);
        PoseSession session = engine.Open(clip);
        session.AddSink(new PoseList(new ConcurrentDictionary<long, TrackedFace[]>(), lose: 3));

        CudaDeviceException error = await Assert.ThrowsAsync<CudaDeviceException>(() => session.RunAsync(TestContext.Current.CancellationToken));

        Assert.Equal(CudaFailure.DeviceLost, error.Failure);
        Assert.DoesNotContain('\n', error.Message);
        AssertSame(expected, await RunAsync(clip, "cpu"));
        Emulator.Set("LOST_AFTER", null);
        await session.DisposeAsync();
        await engine.DisposeAsync();
        device.Dispose();
    }

    [Fact]
    public async Task A_session_with_nothing_on_a_gpu_that_is_lost_goes_on_with_the_processor()
    {
        string clip = FaceClip.Make();
        List<Seen> expected = await ExpectedAsync(clip);
        CudaDevice device = CudaDevice.Open();
        PoseEngine engine = CreateEngine("cuda+cpu", device);
        ConcurrentDictionary<long, TrackedFace[]> found = [];
        PoseSession session = engine.Open(MediaSource.Open(clip));
        session.AddSink(new PoseList(found, lose: 3));

        await session.RunAsync(TestContext.Current.CancellationToken);

        Assert.All(expected, frame => Assert.Equal(frame.Faces, found[frame.Index]));
        Assert.Contains("The GPU is lost", Assert.Single(_warnings), StringComparison.Ordinal);
        Emulator.Set("LOST_AFTER", null);
        await session.DisposeAsync();
        await engine.DisposeAsync();
        device.Dispose();
    }

    [Fact]
    public async Task An_engine_on_the_processor_fetches_what_a_source_has_on_the_gpu()
    {
        string clip = FaceClip.Make();
        List<Seen> expected = await ExpectedAsync(clip);
        using CudaDevice device = CudaDevice.Open();
        await using PoseEngine engine = CreateEngine("cpu", null);

        List<Seen> seen = await RunAsync(engine, MediaSource.Open(clip, new SourceOptions { Cuda = device }));

        AssertSame(expected, seen);
    }

    private async Task<List<Seen>> ExpectedAsync(string clip)
    {
        // Before the emulator's settings of a test, which concern it in nothing.
        return s_expected ??= await RunAsync(clip, "cpu");
    }

    private async Task<List<Seen>> RunAsync(string clip, string name, Action? opened = null)
    {
        PoseEngine engine = CreateEngine(name, out CudaDevice? device);
        using CudaDevice? owned = device;
        await using (engine)
        {
            IFrameSource source = MediaSource.Open(clip, new SourceOptions { Cuda = device, Warning = _warnings.Enqueue });
            return await RunAsync(engine, source, opened);
        }
    }

    private static async Task<List<Seen>> RunAsync(PoseEngine engine, IFrameSource source, Action? opened = null)
    {
        ConcurrentDictionary<long, TrackedFace[]> poses = [];
        List<byte[]> pictures = [];
        await using PoseSession session = engine.Open(source, new SessionOptions { Draw = true });
        session.AddSink(new PoseList(poses));
        session.AddSink(new PictureList(pictures));
        opened?.Invoke();
        await session.RunAsync(TestContext.Current.CancellationToken);
        return [.. poses.OrderBy(frame => frame.Key).Select((frame, i) => new Seen(frame.Key, frame.Value, pictures[i]))];
    }

    private PoseEngine CreateEngine(string name, out CudaDevice? device) => CreateEngine(name, device = ComputeDevice.TryOpen(name));

    private PoseEngine CreateEngine(string name, CudaDevice? device, int? batch = null, int sessions = 1) => PoseEngine.Create(new PoseEngineOptions
    {
        Detection = new PoseDetectorOptions { Device = name, Cuda = device },
        Overlay = new OverlayOptions { Layers = OverlayLayers.Mesh | OverlayLayers.Box },
        Workers = 1,
        MaximumBatch = batch,
        Sessions = sessions,
        Warning = _warnings.Enqueue,
    });

    private static Task<long> TensorBytesAsync(PoseEngine engine)
    {
        SizeRule rule = engine.Model.Metadata.Size;
        (int width, int height) = rule.Resize(FaceClip.Width, FaceClip.Height);
        return Task.FromResult(12L * rule.Pad(width) * rule.Pad(height));
    }

    private static void AssertSame(List<Seen> expected, List<Seen> seen)
    {
        Assert.Equal(FaceClip.Frames, seen.Count);
        for (int i = 0; i < seen.Count; i++)
        {
            Assert.Equal(expected[i].Index, seen[i].Index);
            Assert.Equal(expected[i].Faces, seen[i].Faces);
            Assert.True(expected[i].Picture.AsSpan().SequenceEqual(seen[i].Picture), $"the drawn picture {i} differs");
        }
    }

    private sealed record Seen(long Index, TrackedFace[] Faces, byte[] Picture);

    private sealed class PoseList(ConcurrentDictionary<long, TrackedFace[]> found, int? lose = null) : IPoseSink
    {
        public void Write(VideoFrame frame, ReadOnlySpan<TrackedFace> faces)
        {
            found[frame.Index] = faces.ToArray();
            if (found.Count == lose) Emulator.Set("LOST_AFTER", Emulator.Count("calls"));
        }

        public void Finish(RunReport report, bool failed)
        {
        }

        public void Dispose()
        {
        }
    }

    /// <summary>Keeps the pictures, planar whatever the layout of their chroma.</summary>
    private sealed class PictureList(List<byte[]> pictures) : IFrameSink
    {
        public void Write(VideoFrame frame, ReadOnlySpan<TrackedFace> faces)
        {
            byte[] samples = RandomFrames.Samples(frame);
            if (frame.Format == PixelFormat.Nv12)
            {
                int luma = frame.Width * frame.Height, chroma = (samples.Length - luma) / 2;
                byte[] planar = [.. samples.AsSpan(0, luma), .. new byte[2 * chroma]];
                for (int i = 0; i < chroma; i++) (planar[luma + i], planar[luma + chroma + i]) = (samples[luma + 2 * i], samples[luma + 2 * i + 1]);
                samples = planar;
            }
            pictures.Add(samples);
        }

        public void Complete()
        {
        }

        public void Dispose()
        {
        }
    }
}
