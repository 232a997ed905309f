using System.Diagnostics;
using System.Diagnostics.Metrics;
using Img2Pose.Frames;
using Img2Pose.Inference.Scheduling;
using Img2Pose.Media;

namespace Img2Pose.Pipeline.Tests;

public class SessionTests
{
    private static readonly TimeSpan s_long = TimeSpan.FromMinutes(1);

    [Fact]
    public async Task Every_frame_reaches_the_outputs_once_and_in_order()
    {
        FakeFrameSink sink = new();
        FakePoseSink poses = new();

        RunReport report = await FakeSession.RunAsync(new FakeParts { Source = new FakeSource(frames: 200), Frames = sink, Poses = poses });

        Assert.Equal(Enumerable.Range(0, 200).Select(i => (long)i), sink.Written.Select(frame => frame.Index));
        Assert.Equal(Enumerable.Range(0, 200).Select(i => i / 1000.0), poses.Written.Select(frame => Assert.Single(frame.Faces).Face.Score));
        Assert.True(sink.Completed);
        Assert.Equal((200, 200, 0, true), (report.Frames, report.Faces, report.Dropped, report.Complete));
        Assert.False(poses.Failed);
    }

    [Fact]
    public async Task Frames_looked_at_by_several_networks_at_once_stay_in_order()
    {
        FakePoseSink poses = new();
        // Every third look takes longer than those after it.
        FakeDetector detector = new() { OnFrame = index => { if (index % 3 == 0) Thread.Sleep(2); } };

        RunReport report = await FakeSession.RunAsync(new FakeParts
        {
            Source = new FakeSource(frames: 150),
            Detector = detector,
            Poses = poses,
            Scheduling = new LookSchedulerOptions { Workers = 3, MaximumBatch = 2 },
        });

        Assert.Equal(150, report.Faces);
        Assert.Equal(Enumerable.Range(0, 150).Select(i => i / 1000.0), poses.Written.Select(frame => Assert.Single(frame.Faces).Face.Score));
    }

    [Fact]
    public async Task A_source_without_frames_completes_its_outputs()
    {
        FakeFrameSink sink = new();

        RunReport report = await FakeSession.RunAsync(new FakeParts { Source = new FakeSource(frames: 0), Frames = sink });

        Assert.Equal(0, report.Frames);
        Assert.True(sink.Completed);
    }

    [Fact]
    public async Task A_session_disposes_its_source_and_its_sinks_even_if_it_never_ran()
    {
        FakeSource source = new(frames: 1);
        FakeFrameSink sink = new();

        await new FakeSession(new FakeParts { Source = source, Frames = sink }).DisposeAsync();

        Assert.True(source.IsDisposed);
        Assert.True(sink.IsDisposed);
        Assert.False(sink.Completed);
    }

    [Fact]
    public async Task A_slow_sink_of_a_lossless_session_holds_the_source_back()
    {
        using ManualResetEventSlim open = new();
        FakeSource source = new(frames: 100);
        FakeFrameSink sink = new() { OnFrame = _ => open.Wait(s_long) };
        await using FakeSession fake = new(new FakeParts
        {
            Source = source,
            Frames = sink,
            Composer = new FakeComposer(),
            Options = new SessionOptions { LinkCapacity = 2 },
        });

        Task<RunReport> running = fake.Session.RunAsync(TestContext.Current.CancellationToken);
        // Full: 4 links of 2, a frame held by each of track, compose and sink, and one that the source cannot hand over.
        const int Full = 4 * 2 + 3 + 1;
        SpinWait.SpinUntil(() => source.Read == Full, TimeSpan.FromSeconds(30));
        await Task.Delay(50, TestContext.Current.CancellationToken);
        int readWhileBlocked = source.Read;
        open.Set();
        RunReport report = await running;

        Assert.Equal(Full, readWhileBlocked);
        Assert.Equal(100, report.Frames);
        Assert.All(report.Links, link => Assert.Equal((2, 0), (link.Deepest, link.Dropped)));
    }

    [Fact]
    public async Task A_live_session_looks_at_the_newest_frame_and_counts_the_others()
    {
        using ManualResetEventSlim allRead = new();
        FakeSource source = new(frames: 50) { IsLive = true, BeforeRead = read => { if (read == 50) allRead.Set(); } };
        FakeDetector detector = new() { OnFrame = _ => allRead.Wait(s_long) };

        FakeFrameSink sink = new();

        RunReport report = await FakeSession.RunAsync(new FakeParts { Source = source, Detector = detector, Frames = sink });

        // While the network stood still only the newest frame was kept.
        Assert.Equal(49, detector.Seen[^1]);
        Assert.Equal(50, sink.Written.Count + report.Dropped);
        Assert.InRange(report.Frames, 1, 3);
        Assert.Equal(report.Dropped, report.Links.Sum(link => link.Dropped));
    }

    [Fact]
    public async Task A_slow_sink_of_a_live_session_costs_itself_alone()
    {
        using ManualResetEventSlim open = new();
        FakePoseSink quick = new();
        using ManualResetEventSlim held = new();
        FakeFrameSink slow = new()
        {
            OnFrame = _ =>
            {
                held.Set();
                open.Wait(s_long);
            },
        };
        // The source goes on only as the quick sink gets frames: if the slow one held that up, the test would not end.
        FakeSource source = new(frames: 30) { IsLive = true, BeforeRead = read => Assert.True(SpinWait.SpinUntil(() => quick.Written.Count >= read && (read == 0 || held.IsSet), s_long)) };
        await using FakeSession fake = new(new FakeParts { Source = source, Frames = slow, Poses = quick });

        Task<RunReport> running = fake.Session.RunAsync(TestContext.Current.CancellationToken);
        bool all = SpinWait.SpinUntil(() => quick.Written.Count == 30, s_long);
        open.Set();
        RunReport report = await running;

        Assert.True(all);
        Assert.Equal([0, 29], slow.Written.Select(frame => frame.Index));
        Assert.Equal((30, 28), (report.Frames, report.Dropped));
        Assert.Equal(30, quick.Report!.Frames);
    }

    [Fact]
    public async Task A_sink_hears_of_an_outage_while_no_frames_come_and_before_those_that_follow()
    {
        LiveStatus status = new();
        using ManualResetEventSlim heard = new();
        FakePoseSink poses = new() { OnNews = news => { if (news.State == SourceState.Reconnecting) heard.Set(); } };
        FakeSource source = new(frames: 4)
        {
            IsLive = true,
            Status = status,
            SkippedFrames = 3,
            BeforeRead = read =>
            {
                if (read == 0) status.Report(new SourceStatus(SourceState.Live));
                if (read != 2) return;
                // So that frames before and after are told apart.
                SpinWait.SpinUntil(() => poses.Written.Count == 2, s_long);
                status.Report(new SourceStatus(SourceState.Reconnecting) { Reason = "gone", Attempt = 1 });
                Assert.True(heard.Wait(s_long));
                status.Report(new SourceStatus(SourceState.Live) { Outage = TimeSpan.FromSeconds(1), Timeline = 2 });
            },
        };
        await using FakeSession fake = new(new FakeParts { Source = source, Poses = poses, Options = new SessionOptions { Policy = LinkPolicy.Lossless } });

        RunReport report = await fake.Session.RunAsync(TestContext.Current.CancellationToken);
        status.Report(new SourceStatus(SourceState.Ended));

        Assert.Same(status, fake.Session.Status);
        Assert.Equal([(0, SourceState.Live), (2, SourceState.Reconnecting), (2, SourceState.Live)], poses.News.Select(news => (news.Frames, news.Status.State)));
        Assert.Equal((1, 3, 4), (report.Outages, report.Dropped, poses.Written.Count));
    }

    [Fact]
    public async Task A_sink_that_cannot_take_news_ends_the_session()
    {
        LiveStatus status = new();
        FakePoseSink poses = new() { OnNews = _ => throw new OutputException("full") };
        using ManualResetEventSlim told = new();
        FakeSource source = new(frames: 1)
        {
            IsLive = true,
            Status = status,
            WaitsAtEnd = true,
            BeforeRead = _ => status.Report(new SourceStatus(SourceState.Reconnecting)),
        };

        OutputException error = await Assert.ThrowsAsync<OutputException>(() => FakeSession.RunAsync(new FakeParts { Source = source, Poses = poses }));

        Assert.Equal("full", error.Message);
    }

    [Fact]
    public async Task A_sink_may_miss_frames_of_a_session_that_is_lossless_otherwise()
    {
        using ManualResetEventSlim open = new();
        FakeFrameSink window = new() { OnFrame = _ => open.Wait(s_long) };
        FakePoseSink file = new();
        await using FakeSession fake = new(new FakeParts { Source = new FakeSource(frames: 40), Poses = file });
        fake.Session.AddSink(window, "window", LinkPolicy.Latest);

        Task<RunReport> running = fake.Session.RunAsync(TestContext.Current.CancellationToken);
        SpinWait.SpinUntil(() => file.Written.Count == 40, s_long);
        open.Set();
        await running;

        Assert.Equal(40, file.Written.Count);
        Assert.Equal(39, window.Written[^1].Index);
        Assert.InRange(window.Written.Count, 1, 3);
    }

    [Fact]
    public async Task Skipped_frames_are_predicted_by_the_tracker_at_their_own_time()
    {
        FakeDetector detector = new();
        FakeTracker tracker = new();
        FakePoseSink poses = new();

        RunReport report = await FakeSession.RunAsync(new FakeParts
        {
            Source = new FakeSource(frames: 7),
            Detector = detector,
            Tracker = tracker,
            Poses = poses,
            Options = new SessionOptions { Every = 3 },
        });

        Assert.Equal([0, 3, 6], detector.Seen);
        Assert.Equal([false, true, true, false, true, true, false], tracker.Calls.Select(call => call.Predicted));
        Assert.Equal([0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6], tracker.Calls.Select(call => call.Time));
        Assert.All(poses.Written, frame => Assert.Equal(frame.Index % 3 == 0, Assert.Single(frame.Faces).Detected));
        Assert.Equal(3, report.Faces);
    }

    [Fact]
    public async Task The_first_frame_of_another_scene_is_looked_at_and_its_faces_are_new()
    {
        FakeDetector detector = new();
        FakeTracker tracker = new();
        // Dark to bright, and from the sixth frame on bright to dark.
        FakeSource source = new(frames: 10) { Luma = (frame, x) => (byte)(16 * (frame < 5 ? x : 15 - x)) };

        await FakeSession.RunAsync(new FakeParts { Source = source, Detector = detector, Tracker = tracker, Options = new SessionOptions { Every = 4 } });

        Assert.Equal([0, 4, 5, 8], detector.Seen);
        Assert.Equal(1, tracker.Forgotten);
    }

    [Fact]
    public async Task Frames_without_timestamps_are_tracked_at_the_nominal_rate()
    {
        FakeTracker tracker = new();

        await FakeSession.RunAsync(new FakeParts { Source = new FakeSource(frames: 3) { HasTimes = false }, Tracker = tracker });

        Assert.Equal([0, 0.1, 0.2], tracker.Calls.Select(call => call.Time));
    }

    [Fact]
    public async Task Without_a_tracker_faces_have_no_identity_and_skipped_frames_have_no_faces()
    {
        FakePoseSink poses = new();

        await FakeSession.RunAsync(new FakeParts { Source = new FakeSource(frames: 4), Poses = poses, Options = new SessionOptions { Every = 2 } });

        Assert.Equal([1, 0, 1, 0], poses.Written.Select(frame => frame.Faces.Length));
        Assert.Equal(0, poses.Written[0].Faces[0].Id);
    }

    [Fact]
    public async Task Drawing_never_touches_the_pictures_that_the_decoder_refers_to()
    {
        VideoFrame? kept = null;
        FakeDetector detector = new() { OnLook = frame => { if (frame.Index == 2) kept = frame.AddReference(); } };
        FakeFrameSink sink = new();

        await FakeSession.RunAsync(new FakeParts
        {
            Source = new FakeSource(frames: 3, writable: false),
            Detector = detector,
            Composer = new FakeComposer(),
            Frames = sink,
        });
        byte decoderSample = kept!.GetPlane(0).Row(0)[0];
        kept.Dispose();

        Assert.Equal(2, decoderSample);
        Assert.All(sink.Written, frame => Assert.Equal(255, frame.Luma));
    }

    [Fact]
    public async Task A_frame_without_faces_passes_untouched()
    {
        FakeComposer composer = new();
        FakeFrameSink sink = new();

        await FakeSession.RunAsync(new FakeParts
        {
            Source = new FakeSource(frames: 5, writable: false),
            Detector = new FakeDetector { Blind = true },
            Composer = composer,
            Frames = sink,
        });

        Assert.Equal(0, composer.Composed);
        Assert.Equal([0, 1, 2, 3, 4], sink.Written.Select(frame => (int)frame.Luma));
    }

    [Fact]
    public async Task A_limit_on_frames_ends_the_session_as_the_end_of_the_source_does()
    {
        FakeSource source = new(frames: 50);
        FakeFrameSink sink = new();

        RunReport report = await FakeSession.RunAsync(new FakeParts { Source = source, Frames = sink, Options = new SessionOptions { MaximumFrames = 12 } });

        Assert.Equal((12, true), (report.Frames, report.Complete));
        Assert.True(sink.Completed);
        Assert.Equal(12, source.Read);
    }

    [Fact]
    public async Task The_report_tells_damaged_frames_every_stage_and_the_age_of_frames()
    {
        FakeSource source = new(frames: 10) { DamagedFrames = 4, CaptureTime = () => Stopwatch.GetTimestamp() - 3 * Stopwatch.Frequency };

        RunReport report = await FakeSession.RunAsync(new FakeParts { Source = source, Composer = new FakeComposer(), Frames = new FakeFrameSink(), Poses = new FakePoseSink() });

        Assert.Equal(4, report.Damaged);
        Assert.Equal(["decode", "detect", "track", "compose", "frames", "poses"], report.Stages.Select(stage => stage.Name));
        Assert.All(report.Stages, stage => Assert.Equal(10, stage.Frames));
        Assert.Equal(["frames", "looks", "poses"], report.Links.Take(3).Select(link => link.Name));
        Assert.True(report.FramesPerSecond > 0);
        Assert.InRange(report.Age!.Value.Median, 3, 60);
        Assert.InRange(report.Age.Value.Maximum, report.Age.Value.Median, 60);
    }

    [Fact]
    public async Task The_meter_counts_the_frames_of_every_stage_by_stream()
    {
        Dictionary<string, long> counted = [];
        HashSet<string> ages = [];
        using MeterListener listener = new();
        listener.InstrumentPublished = (instrument, self) =>
        {
            if (instrument is { Meter.Name: "Img2Pose", Name: "img2pose.stage.frames.out" or "img2pose.frame.age" }) self.EnableMeasurementEvents(instrument);
        };
        listener.SetMeasurementEventCallback<long>((_, value, tags, _) =>
        {
            string key = $"{tags[0].Key}={tags[0].Value} {tags[1].Key}={tags[1].Value}";
            lock (counted) counted[key] = counted.GetValueOrDefault(key) + value;
        });
        listener.SetMeasurementEventCallback<double>((_, _, tags, _) =>
        {
            lock (counted) ages.Add($"{tags[0].Key}={tags[0].Value} {tags[1].Key}={tags[1].Value}");
        });
        listener.Start();

        await FakeSession.RunAsync(new FakeParts { Source = new FakeSource(frames: 9), Frames = new FakeFrameSink() });

        Assert.Equal(
            new Dictionary<string, long> { ["stream=fake stage=decode"] = 9, ["stream=fake stage=detect"] = 9, ["stream=fake stage=track"] = 9, ["stream=fake stage=frames"] = 9 },
            counted);
        Assert.Equal(["stream=fake sink=frames"], ages);
    }

    [Fact]
    public async Task A_frame_in_the_loop_is_lent_until_the_next_step_and_may_be_kept()
    {
        await using FakeSession fake = new(new FakeParts { Source = new FakeSource(frames: 6) });
        List<PosedFrame> kept = [];
        List<long> seen = [];

        await foreach (PosedFrame frame in fake.Session.ReadAsync(TestContext.Current.CancellationToken))
        {
            seen.Add(frame.Index);
            Assert.Equal(frame.Index / 1000.0, Assert.Single(frame.Faces).Face.Score);
            if (frame.Index % 2 == 0) kept.Add(frame.Retain());
        }

        Assert.Equal([0, 1, 2, 3, 4, 5], seen);
        Assert.Equal([0, 2, 4], kept.Select(frame => frame.Frame.GetPlane(0).Row(0)[0]));
        foreach (PosedFrame frame in kept) frame.Dispose();
        Assert.Throws<ObjectDisposedException>(() => kept[0].Retain());
    }

    [Fact]
    public async Task Leaving_the_loop_early_stops_the_session_and_completes_its_sinks()
    {
        FakeFrameSink sink = new();
        await using FakeSession fake = new(new FakeParts { Source = new FakeSource(frames: int.MaxValue), Frames = sink });

        await foreach (PosedFrame frame in fake.Session.ReadAsync(TestContext.Current.CancellationToken))
        {
            if (frame.Index == 4) break;
        }

        Assert.True(sink.Completed);
        Assert.InRange(sink.Written.Count, 5, 50);
    }

    [Fact]
    public async Task Cancelling_ends_the_loop_after_the_outputs_are_complete()
    {
        using CancellationTokenSource stop = new();
        FakeFrameSink sink = new();
        await using FakeSession fake = new(new FakeParts { Source = new FakeSource(frames: int.MaxValue), Frames = sink });

        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (PosedFrame frame in fake.Session.ReadAsync(stop.Token))
            {
                if (frame.Index == 4) await stop.CancelAsync();
            }
        });

        Assert.True(sink.Completed);
    }

    [Fact]
    public async Task An_error_of_a_stage_reaches_the_loop()
    {
        FakeSource source = new(frames: 9) { BeforeRead = read => { if (read == 3) throw new InputException("gone"); } };
        await using FakeSession fake = new(new FakeParts { Source = source });

        InputException error = await Assert.ThrowsAsync<InputException>(async () =>
        {
            await foreach (PosedFrame _ in fake.Session.ReadAsync(TestContext.Current.CancellationToken))
            {
            }
        });

        Assert.Equal("gone", error.Message);
    }

    [Fact]
    public async Task A_session_runs_once_and_takes_its_sinks_before()
    {
        await using FakeSession fake = new(new FakeParts { Source = new FakeSource(frames: 1) });
        await fake.Session.RunAsync(TestContext.Current.CancellationToken);
        using FakeFrameSink late = new();

        await Assert.ThrowsAsync<InvalidOperationException>(() => fake.Session.RunAsync(TestContext.Current.CancellationToken));
        Assert.Throws<InvalidOperationException>(() => fake.Session.AddSink(late));
    }

#if !DEBUG
    [Fact]
    [Testing.NoLeakedFrames(Stacks = false)]
    public async Task A_frame_in_steady_state_allocates_less_than_200_bytes()
    {
        FrameLeases.RecordsStacks = false;
        // Counted in windows, the fewest of which counts: the JIT is done earlier or later, and allocates as it goes.
        const int Window = 250, Frames = 16 * Window;
        long windowStart = 0, fewest = long.MaxValue;
        FakeDetector detector = new();
        detector.Seen.EnsureCapacity(Frames);
        FakeFrameSink sink = new()
        {
            OnFrame = frame =>
            {
                if (frame.Index % Window != 0) return;
                long now = GC.GetTotalAllocatedBytes(precise: true);
                if (frame.Index > 0) fewest = Math.Min(fewest, now - windowStart);
                windowStart = now;
            },
        };
        sink.Written.EnsureCapacity(Frames);

        await FakeSession.RunAsync(new FakeParts { Source = new FakeSource(frames: Frames), Detector = detector, Composer = new FakeComposer(), Frames = sink });

        Assert.InRange(fewest / (double)Window, 0, 200);
    }
#endif
}
