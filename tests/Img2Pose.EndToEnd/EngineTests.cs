using System.Diagnostics.CodeAnalysis;
using Img2Pose.Frames;
using Img2Pose.Geometry;
using Img2Pose.Inference;
using Img2Pose.Media;
using Img2Pose.Pipeline;

namespace Img2Pose.EndToEnd;

/// <summary>The engine as an embedder uses it, with FFmpeg, ONNX Runtime and a model that sees one face in every picture.</summary>
[Testing.NoLeakedFrames]
public sealed class EngineTests : IDisposable
{
    private readonly Workspace _files = new();

    public void Dispose() => _files.Dispose();

    private PoseEngine CreateEngine(int? workers = null) => PoseEngine.Create(new PoseEngineOptions
    {
        Model = _files.Model,
        Detection = new PoseDetectorOptions { Device = "cpu" },
        Sessions = 3,
        Workers = workers,
    });

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Frames_with_their_faces_come_in_order_and_may_be_kept(int workers)
    {
        string clip = await _files.ClipAsync(frames: 12);
        await using PoseEngine engine = CreateEngine(workers);
        await using PoseSession session = engine.Open(clip);
        List<long> indices = [];
        PosedFrame? kept = null;

        await foreach (PosedFrame frame in session.ReadAsync(TestContext.Current.CancellationToken))
        {
            indices.Add(frame.Index);
            Assert.True(Assert.Single(frame.Faces).Face.Pose.Translation.Z > 0);
            if (frame.Index == 3) kept = frame.Retain();
        }

        Assert.Equal(Enumerable.Range(0, 12).Select(i => (long)i), indices);
        (long index, int width, double time) = (kept!.Index, kept.Frame.Width, kept.PresentationTime!.Value);
        kept.Dispose();
        Assert.Equal((3, 320), (index, width));
        Assert.Equal(0.15, time, 6);
    }

    [Fact]
    public async Task A_session_that_fails_does_not_disturb_those_beside_it()
    {
        string clip = await _files.ClipAsync(frames: 40);
        await using PoseEngine engine = CreateEngine();
        await using PoseSession good = engine.Open(clip, new SessionOptions { Name = "good" });
        await using PoseSession other = engine.Open(clip, new SessionOptions { Name = "other", Weight = 2 });
        await using PoseSession bad = engine.Open(new FailingSource(MediaSource.Open(clip), failAt: 5), new SessionOptions { Name = "bad" });
        CancellationToken never = TestContext.Current.CancellationToken;

        Task<RunReport>[] running = [good.RunAsync(never), other.RunAsync(never), bad.RunAsync(never)];

        InputException error = await Assert.ThrowsAsync<InputException>(() => running[2]);
        Assert.Equal("unplugged", error.Message);
        Assert.Equal((40, true), ((await running[0]).Frames, (await running[0]).Complete));
        Assert.Equal(40, (await running[1]).Frames);
    }

    [Fact]
    public async Task Disposing_the_engine_breaks_off_its_sessions_before_what_is_native_goes()
    {
        string clip = await _files.ClipAsync(frames: 20);
        PoseEngine engine = CreateEngine();
        PoseSession session = engine.Open(new EndlessSource(MediaSource.Open(clip)));

        Task<RunReport> running = session.RunAsync(TestContext.Current.CancellationToken);
        Assert.True(SpinWait.SpinUntil(() => session.FramesDone > 30, TimeSpan.FromMinutes(1)));
        await engine.DisposeAsync();

        await Assert.ThrowsAsync<OperationCanceledException>(() => running);
        Assert.Throws<ObjectDisposedException>(() => engine.Open(clip));
    }

    [Fact]
    public async Task Streams_of_an_engine_have_names_of_their_own()
    {
        string clip = await _files.ClipAsync(frames: 5);
        await using PoseEngine engine = CreateEngine();
        await using PoseSession first = engine.Open(clip, new SessionOptions { Name = "door" });

        UsageException error = Assert.Throws<UsageException>(() => engine.Open(clip, new SessionOptions { Name = "door" }));

        Assert.Contains("door", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_composer_of_ones_own_draws_instead_of_the_overlay()
    {
        string clip = await _files.ClipAsync(frames: 4);
        await using PoseEngine engine = CreateEngine();
        await using PoseSession session = engine.Open(clip, new SessionOptions { Composer = new BlackComposer() });
        List<byte> corners = [];

        await foreach (PosedFrame frame in session.ReadAsync(TestContext.Current.CancellationToken)) corners.Add(frame.Frame.GetPlane(0).Row(0)[0]);

        Assert.Equal([16, 16, 16, 16], corners);
        Assert.Null(engine.RendererName);
    }

    private sealed class BlackComposer : IFrameComposer
    {
        public void Compose(VideoFrame frame, ReadOnlySpan<TrackedFace> faces) => frame.GetPlane(0).Row(0).Fill(16);
    }

    private sealed class FailingSource(IFrameSource inner, int failAt) : IFrameSource
    {
        private int _read;

        public SourceInfo Info => inner.Info;

        public long DamagedFrames => inner.DamagedFrames;

        public bool TryRead([NotNullWhen(true)] out VideoFrame? frame) =>
            _read++ == failAt ? throw new InputException("unplugged") : inner.TryRead(out frame);

        public void Dispose() => inner.Dispose();
    }

    /// <summary>Its first picture again and again.</summary>
    private sealed class EndlessSource : IFrameSource
    {
        private readonly IFrameSource _inner;
        private readonly VideoFrame _first;
        private readonly FramePool _pool = new();
        private long _index;

        public EndlessSource(IFrameSource inner)
        {
            _inner = inner;
            Assert.True(inner.TryRead(out VideoFrame? first));
            _first = first;
        }

        public SourceInfo Info => _inner.Info;

        public long DamagedFrames => 0;

        public bool TryRead([NotNullWhen(true)] out VideoFrame? frame)
        {
            frame = _pool.RentCopy(_first);
            frame.Index = _index++;
            frame.PresentationTime = frame.Index / 20.0;
            return true;
        }

        public void Dispose()
        {
            _first.Dispose();
            _pool.Dispose();
            _inner.Dispose();
        }
    }
}
