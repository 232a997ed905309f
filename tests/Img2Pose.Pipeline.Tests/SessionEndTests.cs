namespace Img2Pose.Pipeline.Tests;

/// <summary>How sessions end: by a stop, by an error, disposed.</summary>
public class SessionEndTests
{
    private static readonly TimeSpan s_long = TimeSpan.FromMinutes(1);

    [Fact]
    public async Task Stopping_finishes_what_is_under_way_and_completes_the_outputs_with_the_reason()
    {
        using CancellationTokenSource stop = new();
        FakeSource source = new(frames: int.MaxValue) { BeforeRead = read => { if (read == 20) stop.Cancel(); } };
        FakeFrameSink sink = new();
        FakePoseSink poses = new();

        RunReport report = await FakeSession.RunUntilAsync(
            new FakeParts { Source = source, Frames = sink, Poses = poses, Options = new SessionOptions { StopReason = () => "interrupted by test" } }, stop.Token);

        // Frames that wait for their look when the stop comes are left out; every output has the same ones, from the first on.
        Assert.InRange(sink.Written.Count, 1, 21);
        Assert.Equal(Enumerable.Range(0, sink.Written.Count).Select(i => (long)i), sink.Written.Select(frame => frame.Index));
        Assert.Equal(sink.Written.Count, poses.Written.Count);
        Assert.True(sink.Completed);
        Assert.Equal((false, "interrupted by test"), (report.Complete, report.Reason));
        Assert.Equal("interrupted by test", poses.Report!.Reason);
        Assert.False(poses.Failed);
    }

    [Fact]
    public async Task A_look_that_is_broken_off_by_the_stop_is_left_out_and_is_no_error()
    {
        using CancellationTokenSource stop = new();
        FakeFrameSink sink = new();
        FakePoseSink poses = new();
        FakeDetector detector = new()
        {
            OnLook = frame =>
            {
                if (frame.Index != 5) return;
                stop.Cancel();
                throw new OperationCanceledException("The network was ended.");
            },
        };

        RunReport report = await FakeSession.RunUntilAsync(
            new FakeParts { Source = new FakeSource(frames: int.MaxValue), Detector = detector, Frames = sink, Poses = poses, Options = new SessionOptions { StopReason = () => "interrupted by test" } },
            stop.Token);

        Assert.Equal(5, sink.Written.Count);
        Assert.Equal(5, poses.Written.Count);
        Assert.True(sink.Completed);
        Assert.Equal("interrupted by test", report.Reason);
    }

    [Fact]
    public async Task Stopping_wakes_a_source_that_waits_for_a_picture()
    {
        using CancellationTokenSource stop = new();
        FakeSource source = new(frames: 5) { IsLive = true, WaitsAtEnd = true };
        FakeFrameSink sink = new();
        await using FakeSession fake = new(new FakeParts { Source = source, Frames = sink });

        Task<RunReport> running = fake.Session.RunAsync(stop.Token);
        SpinWait.SpinUntil(() => source.IsWaiting, s_long);
        await stop.CancelAsync();
        RunReport report = await running;

        Assert.True(sink.Completed);
        Assert.Equal("interrupted", report.Reason);
    }

    [Fact]
    public async Task Disposing_a_running_session_breaks_it_off_and_leaves_its_outputs_partial()
    {
        FakeSource source = new(frames: int.MaxValue);
        FakeFrameSink sink = new();
        FakePoseSink poses = new();
        FakeSession fake = new(new FakeParts { Source = source, Frames = sink, Poses = poses });

        Task<RunReport> running = fake.Session.RunAsync(TestContext.Current.CancellationToken);
        SpinWait.SpinUntil(() => sink.Written.Count > 3, s_long);
        await fake.DisposeAsync();

        await Assert.ThrowsAsync<OperationCanceledException>(() => running);
        Assert.Equal((false, true), (sink.Completed, poses.Failed));
        Assert.True(source.IsDisposed);
    }

    public static TheoryData<string> Stages => ["source", "detector", "tracker", "composer", "frames", "completion"];

    [Theory]
    [MemberData(nameof(Stages))]
    public async Task The_error_of_any_stage_is_the_one_reported_and_no_output_is_completed(string where)
    {
        void FailAt(string here, long index)
        {
            if (where == here && index == 30) throw new InvalidDataException(where);
        }
        FakeFrameSink sink = new()
        {
            OnFrame = frame => FailAt("frames", frame.Index),
            OnComplete = () => FailAt("completion", 30),
        };
        FakePoseSink poses = new();
        FakeParts parts = new()
        {
            Source = new FakeSource(frames: 60) { BeforeRead = read => FailAt("source", read) },
            Detector = new FakeDetector { OnFrame = index => FailAt("detector", index) },
            Tracker = new FakeTracker { OnCall = count => FailAt("tracker", count) },
            Composer = new FakeComposer { OnFrame = frame => FailAt("composer", frame.Index) },
            Frames = sink,
            Poses = poses,
        };

        InvalidDataException error = await Assert.ThrowsAsync<InvalidDataException>(() => FakeSession.RunAsync(parts));

        Assert.Equal(where, error.Message);
        Assert.False(sink.Completed);
        Assert.True(poses.Failed);
        Assert.Equal(where, poses.Report!.Reason);
    }

    [Fact]
    public async Task An_error_while_the_source_waits_for_room_ends_the_session()
    {
        FakeSource source = new(frames: int.MaxValue);
        FakeDetector detector = new()
        {
            OnFrame = _ =>
            {
                SpinWait.SpinUntil(() => source.Read >= 3, TimeSpan.FromSeconds(30));
                throw new ModelException("broken");
            },
        };

        await Assert.ThrowsAsync<ModelException>(() => FakeSession.RunAsync(
            new FakeParts { Source = source, Detector = detector, Options = new SessionOptions { LinkCapacity = 1 } }));
    }

    [Fact]
    public async Task A_summary_that_cannot_be_written_does_not_hide_the_first_error()
    {
        FakeSource source = new(frames: 5) { BeforeRead = read => { if (read == 2) throw new InputException("first"); } };

        InputException error = await Assert.ThrowsAsync<InputException>(() => FakeSession.RunAsync(
            new FakeParts { Source = source, Poses = new FakePoseSink { ThrowOnFinish = true } }));

        Assert.Equal("first", error.Message);
    }
}
