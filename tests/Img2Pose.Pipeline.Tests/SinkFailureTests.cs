using Img2Pose.Frames;
using Img2Pose.Geometry;

namespace Img2Pose.Pipeline.Tests;

/// <summary>What a sink that fails costs, and what sinks see that look at undrawn pictures.</summary>
public class SinkFailureTests
{
    [Fact]
    public async Task A_live_session_goes_on_without_a_sink_that_fails_and_says_so_once()
    {
        List<(string Sink, string Reason)> told = [];
        FakeFrameSink broken = new() { OnFrame = frame => { if (frame.Index >= 3) throw new OutputException("the disk is full"); } };
        FakeFrameSink whole = new();
        await using FakeSession fake = new(new FakeParts
        {
            Source = new FakeSource(frames: 20) { IsLive = true },
            // Nothing is skipped, so that what each sink got can be counted.
            Options = new SessionOptions { Policy = LinkPolicy.Lossless, SinkFailed = (sink, error) => { lock (told) told.Add((sink, error.Message)); } },
        });
        fake.Session.AddSink(broken, "encode");
        fake.Session.AddSink(whole, "window");

        RunReport report = await fake.Session.RunAsync(TestContext.Current.CancellationToken);

        Assert.Equal(3, broken.Written.Count);
        Assert.True(broken.IsDisposed);
        Assert.False(broken.Completed);
        Assert.Equal(20, whole.Written.Count);
        Assert.True(whole.Completed);
        Assert.Equal(("encode", "the disk is full"), Assert.Single(told));
        Assert.Equal(new SinkFailure("encode", "the disk is full"), Assert.Single(report.Failures));
        Assert.True(report.Complete);
    }

    [Fact]
    public async Task A_live_session_ends_with_its_last_sink()
    {
        FakeFrameSink first = new() { OnFrame = frame => { if (frame.Index == 1) throw new OutputException("first"); } };
        FakeFrameSink last = new() { OnFrame = frame => { if (frame.Index == 5) throw new OutputException("last"); } };
        await using FakeSession fake = new(new FakeParts
        {
            Source = new FakeSource(frames: 100_000) { IsLive = true },
            Options = new SessionOptions { Policy = LinkPolicy.Lossless },
        });
        fake.Session.AddSink(first, "first");
        fake.Session.AddSink(last, "last");

        OutputException error = await Assert.ThrowsAsync<OutputException>(() => fake.Session.RunAsync(TestContext.Current.CancellationToken));

        Assert.Equal("last", error.Message);
    }

    [Fact]
    public async Task A_summary_that_cannot_be_written_fails_its_sink_alone()
    {
        FakeFrameSink whole = new();
        await using FakeSession fake = new(new FakeParts
        {
            Source = new FakeSource(frames: 3) { IsLive = true },
            Frames = whole,
            Poses = new FakePoseSink { ThrowOnFinish = true },
        });

        RunReport report = await fake.Session.RunAsync(TestContext.Current.CancellationToken);

        Assert.Equal("poses", Assert.Single(report.Failures).Sink);
        Assert.True(whole.Completed);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_sink_of_undrawn_pictures_sees_them_as_the_source_gave_them(bool writable)
    {
        UndrawnSink undrawn = new();
        FakeFrameSink drawn = new();
        PictureSink pictures = new();
        await using FakeSession fake = new(new FakeParts
        {
            Source = new FakeSource(frames: 5, writable),
            Composer = new FakeComposer(),
            Frames = drawn,
            Poses = pictures,
        });
        fake.Session.AddSink(undrawn, "window");

        await fake.Session.RunAsync(TestContext.Current.CancellationToken);

        Assert.All(drawn.Written, frame => Assert.Equal(255, frame.Luma));
        Assert.Equal([(255, 0), (255, 1), (255, 2), (255, 3), (255, 4)], undrawn.Luma);
        Assert.Equal([0, 1, 2, 3, 4], pictures.Luma);
    }

    [Fact]
    public async Task Stopping_a_session_interrupts_a_sink_that_waits()
    {
        WaitingSink sink = new();
        await using FakeSession fake = new(new FakeParts { Source = new FakeSource(frames: 100_000) { IsLive = true }, Frames = sink });
        using CancellationTokenSource stop = new();

        Task<RunReport> running = fake.Session.RunAsync(stop.Token);
        Assert.True(sink.Waits.Wait(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken));
        await stop.CancelAsync();

        await running.WaitAsync(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken);
    }

    private sealed class UndrawnSink : IUndrawnFrameSink
    {
        public List<(int Drawn, int Undrawn)> Luma { get; } = [];

        public void Write(VideoFrame frame, VideoFrame undrawn, ReadOnlySpan<TrackedFace> faces) =>
            Luma.Add((frame.GetPlane(0).Row(0)[0], undrawn.GetPlane(0).Row(0)[0]));

        public void Write(VideoFrame frame, ReadOnlySpan<TrackedFace> faces) => Assert.Fail("the undrawn picture is missing");

        public void Complete()
        {
        }

        public void Dispose()
        {
        }
    }

    private sealed class PictureSink : IPoseSink
    {
        public List<int> Luma { get; } = [];

        public bool NeedsPicture => true;

        public void Write(VideoFrame frame, ReadOnlySpan<TrackedFace> faces) => Luma.Add(frame.GetPlane(0).Row(0)[0]);

        public void Finish(RunReport report, bool failed)
        {
        }

        public void Dispose()
        {
        }
    }

    /// <summary>Waits in every call, as one does that sends to a peer that does not answer.</summary>
    private sealed class WaitingSink : IFrameSink
    {
        private readonly ManualResetEventSlim _interrupted = new();

        public ManualResetEventSlim Waits { get; } = new();

        public void Write(VideoFrame frame, ReadOnlySpan<TrackedFace> faces)
        {
            Waits.Set();
            Assert.True(_interrupted.Wait(TimeSpan.FromMinutes(1)));
        }

        public void Interrupt() => _interrupted.Set();

        public void Complete()
        {
        }

        public void Dispose()
        {
        }
    }
}
