using System.Diagnostics.Metrics;
using Img2Pose.Frames;

namespace Img2Pose.Pipeline.Tests;

public class VideoPipelineTests
{
    private static readonly CancellationToken s_never = CancellationToken.None;

    private static async Task<RunReport> Run(PipelineParts parts, PipelineOptions? options = null, CancellationTokenSource? stop = null)
    {
        using VideoPipeline pipeline = new(parts, options ?? new PipelineOptions());
        return await pipeline.RunAsync(stop?.Token ?? s_never);
    }

    [Fact]
    public async Task Every_frame_reaches_the_outputs_once_and_in_order()
    {
        using FakeSource source = new(frames: 200);
        FakeFrameSink sink = new();
        FakePoseSink poses = new();

        RunReport report = await Run(new PipelineParts { Source = source, Detector = new FakeDetector(), Frames = sink, Poses = poses });

        Assert.Equal(Enumerable.Range(0, 200).Select(i => (long)i), sink.Written.Select(frame => frame.Index));
        Assert.Equal(Enumerable.Range(0, 200).Select(i => i / 1000.0), poses.Written.Select(frame => Assert.Single(frame.Faces).Face.Score));
        Assert.True(sink.Completed);
        Assert.Equal((200, 200, 0, true), (report.Frames, report.Faces, report.Dropped, report.Complete));
        Assert.False(poses.Failed);
        Assert.Equal(0, FrameLeases.Outstanding);
    }

    [Fact]
    public async Task A_source_without_frames_completes_its_outputs()
    {
        using FakeSource source = new(frames: 0);
        FakeFrameSink sink = new();

        RunReport report = await Run(new PipelineParts { Source = source, Detector = new FakeDetector(), Frames = sink });

        Assert.Equal(0, report.Frames);
        Assert.True(sink.Completed);
    }

    [Fact]
    public async Task A_slow_output_holds_the_source_back()
    {
        using FakeSource source = new(frames: 100);
        using ManualResetEventSlim open = new();
        FakeFrameSink sink = new() { OnFrame = _ => open.Wait(TimeSpan.FromMinutes(1)) };
        PipelineOptions options = new() { ChannelCapacity = 2 };
        using VideoPipeline pipeline = new(new PipelineParts { Source = source, Detector = new FakeDetector(), Frames = sink }, options);

        Task<RunReport> running = pipeline.RunAsync(s_never);
        // Full: 3 channels of 2, one frame held by each of detect, compose and output, and one that the source cannot hand over.
        int full = 3 * 2 + 3 + 1;
        SpinWait.SpinUntil(() => source.Read == full, TimeSpan.FromSeconds(30));
        await Task.Delay(50, TestContext.Current.CancellationToken);
        int readWhileBlocked = source.Read;
        open.Set();
        RunReport report = await running;

        Assert.Equal(full, readWhileBlocked);
        Assert.Equal(100, report.Frames);
        Assert.All(report.Channels, channel => Assert.Equal(2, channel.Deepest));
    }

    [Fact]
    public async Task Latest_drops_the_oldest_frames_and_counts_them()
    {
        using ManualResetEventSlim allRead = new();
        using FakeSource source = new(frames: 50) { BeforeRead = read => { if (read == 50) allRead.Set(); } };
        FakeDetector detector = new() { OnFrame = _ => allRead.Wait(TimeSpan.FromMinutes(1)) };
        FakeFrameSink sink = new();

        RunReport report = await Run(
            new PipelineParts { Source = source, Detector = detector, Frames = sink },
            new PipelineOptions { ChannelCapacity = 2, Policy = FlowPolicy.Latest });

        // While the detector stood still the channel kept only the last two.
        Assert.Equal([48, 49], detector.Seen.TakeLast(2));
        Assert.Equal(50, report.Frames + report.Dropped);
        Assert.InRange(report.Dropped, 45, 48);
        Assert.Equal(0, FrameLeases.Outstanding);
    }

    [Fact]
    public async Task Stopping_finishes_what_is_under_way_and_completes_the_outputs_with_the_reason()
    {
        using CancellationTokenSource stop = new();
        using FakeSource source = new(frames: int.MaxValue) { BeforeRead = read => { if (read == 20) stop.Cancel(); } };
        FakeFrameSink sink = new();
        FakePoseSink poses = new();

        RunReport report = await Run(
            new PipelineParts { Source = source, Detector = new FakeDetector(), Frames = sink, Poses = poses },
            new PipelineOptions { StopReason = () => "interrupted by test" }, stop);

        Assert.Equal(21, sink.Written.Count);
        Assert.True(sink.Completed);
        Assert.Equal((false, "interrupted by test"), (report.Complete, report.Reason));
        Assert.Equal("interrupted by test", poses.Report!.Reason);
        Assert.False(poses.Failed);
        Assert.Equal(0, FrameLeases.Outstanding);
    }

    public static TheoryData<string> Stages => ["source", "detector", "composer", "frames", "completion"];

    [Theory]
    [MemberData(nameof(Stages))]
    public async Task The_error_of_any_stage_is_the_one_reported_and_no_output_is_completed(string where)
    {
        void FailAt(string here, long index)
        {
            if (where == here && index == 30) throw new InvalidDataException(where);
        }
        using FakeSource source = new(frames: 60) { BeforeRead = read => FailAt("source", read) };
        FakeFrameSink sink = new()
        {
            OnFrame = frame => FailAt("frames", frame.Index),
            OnComplete = () => FailAt("completion", 30),
        };
        FakePoseSink poses = new();
        PipelineParts parts = new()
        {
            Source = source,
            Detector = new FakeDetector { OnFrame = index => FailAt("detector", index) },
            Composer = new FakeComposer { OnFrame = frame => FailAt("composer", frame.Index) },
            Frames = sink,
            Poses = poses,
        };

        InvalidDataException error = await Assert.ThrowsAsync<InvalidDataException>(() => Run(parts));

        Assert.Equal(where, error.Message);
        Assert.False(sink.Completed);
        Assert.True(poses.Failed);
        Assert.Equal(where, poses.Report!.Reason);
        Assert.Equal(0, FrameLeases.Outstanding);
    }

    [Fact]
    public async Task An_error_while_the_source_waits_for_room_ends_the_run()
    {
        using FakeSource source = new(frames: int.MaxValue);
        FakeDetector detector = new()
        {
            OnFrame = _ =>
            {
                SpinWait.SpinUntil(() => source.Read >= 3, TimeSpan.FromSeconds(30));
                throw new ModelException("broken");
            },
        };

        await Assert.ThrowsAsync<ModelException>(() => Run(
            new PipelineParts { Source = source, Detector = detector }, new PipelineOptions { ChannelCapacity = 1 }));

        Assert.Equal(0, FrameLeases.Outstanding);
    }

    [Fact]
    public async Task A_summary_that_cannot_be_written_does_not_hide_the_first_error()
    {
        using FakeSource source = new(frames: 5) { BeforeRead = read => { if (read == 2) throw new InputException("first"); } };

        InputException error = await Assert.ThrowsAsync<InputException>(() => Run(
            new PipelineParts { Source = source, Detector = new FakeDetector(), Poses = new FakePoseSink { ThrowOnFinish = true } }));

        Assert.Equal("first", error.Message);
    }

    [Fact]
    public async Task Skipped_frames_are_predicted_by_the_tracker_at_their_own_time()
    {
        using FakeSource source = new(frames: 7);
        FakeDetector detector = new();
        FakeTracker tracker = new();
        FakePoseSink poses = new();

        RunReport report = await Run(
            new PipelineParts { Source = source, Detector = detector, Tracker = tracker, Poses = poses }, new PipelineOptions { Every = 3 });

        Assert.Equal([0, 3, 6], detector.Seen);
        Assert.Equal([false, true, true, false, true, true, false], tracker.Calls.Select(call => call.Predicted));
        Assert.Equal([0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6], tracker.Calls.Select(call => call.Time));
        Assert.All(poses.Written, frame => Assert.Equal(frame.Index % 3 == 0, Assert.Single(frame.Faces).Detected));
        Assert.Equal(3, report.Faces);
    }

    [Fact]
    public async Task Without_a_tracker_faces_have_no_identity_and_skipped_frames_have_no_faces()
    {
        using FakeSource source = new(frames: 4);
        FakePoseSink poses = new();

        await Run(new PipelineParts { Source = source, Detector = new FakeDetector(), Poses = poses }, new PipelineOptions { Every = 2 });

        Assert.Equal([1, 0, 1, 0], poses.Written.Select(frame => frame.Faces.Length));
        Assert.Equal(0, poses.Written[0].Faces[0].Id);
    }

    [Fact]
    public async Task Drawing_never_touches_the_pictures_that_the_decoder_refers_to()
    {
        byte decoderSample = 0;
        VideoFrame? kept = null;
        using FakeSource source = new(frames: 3, writable: false);
        FakeDetector detector = new();
        FakeFrameSink sink = new();
        PipelineParts parts = new()
        {
            Source = source,
            Detector = new CapturingDetector(detector, frame => { if (frame.Index == 2) kept = frame.AddReference(); }),
            Composer = new FakeComposer(),
            Frames = sink,
        };

        await Run(parts);
        decoderSample = kept!.GetPlane(0).Row(0)[0];
        kept.Dispose();

        Assert.Equal(2, decoderSample);
        Assert.All(sink.Written, frame => Assert.Equal(255, frame.Luma));
        Assert.Equal(0, FrameLeases.Outstanding);
    }

    [Fact]
    public async Task A_frame_without_faces_passes_untouched()
    {
        using FakeSource source = new(frames: 5, writable: false);
        FakeComposer composer = new();
        FakeFrameSink sink = new();

        await Run(new PipelineParts { Source = source, Detector = new FakeDetector { Blind = true }, Composer = composer, Frames = sink });

        Assert.Equal(0, composer.Composed);
        Assert.Equal([0, 1, 2, 3, 4], sink.Written.Select(frame => (int)frame.Luma));
    }

    [Fact]
    public async Task A_limit_on_frames_ends_the_run_as_the_end_of_the_source_does()
    {
        using FakeSource source = new(frames: 50);
        FakeFrameSink sink = new();

        RunReport report = await Run(
            new PipelineParts { Source = source, Detector = new FakeDetector(), Frames = sink }, new PipelineOptions { MaximumFrames = 12 });

        Assert.Equal((12, true), (report.Frames, report.Complete));
        Assert.True(sink.Completed);
        Assert.Equal(12, source.Read);
    }

    [Fact]
    public async Task The_report_tells_damaged_frames_and_every_stage()
    {
        using FakeSource source = new(frames: 10) { DamagedFrames = 4 };

        RunReport report = await Run(new PipelineParts { Source = source, Detector = new FakeDetector() });

        Assert.Equal(4, report.Damaged);
        Assert.Equal(["decode", "detect", "compose", "output"], report.Stages.Select(stage => stage.Name));
        Assert.All(report.Stages, stage => Assert.Equal(10, stage.Frames));
        Assert.True(report.FramesPerSecond > 0);
    }

    [Fact]
    public async Task The_meter_counts_the_frames_of_every_stage()
    {
        Dictionary<string, long> counted = [];
        using MeterListener listener = new();
        listener.InstrumentPublished = (instrument, self) =>
        {
            if (instrument is { Meter.Name: "Img2Pose", Name: "img2pose.stage.frames.out" }) self.EnableMeasurementEvents(instrument);
        };
        listener.SetMeasurementEventCallback<long>((_, value, tags, _) =>
        {
            lock (counted)
            {
                string stage = (string)tags[0].Value!;
                counted[stage] = counted.GetValueOrDefault(stage) + value;
            }
        });
        listener.Start();
        using FakeSource source = new(frames: 9);

        await Run(new PipelineParts { Source = source, Detector = new FakeDetector() });

        Assert.Equal(new Dictionary<string, long> { ["decode"] = 9, ["detect"] = 9, ["compose"] = 9, ["output"] = 9 }, counted);
    }

    [Theory]
    [InlineData(0, 3)]
    [InlineData(1, 0)]
    public void Options_out_of_range_are_refused(int every, int capacity)
    {
        using FakeSource source = new(frames: 1);
        PipelineParts parts = new() { Source = source, Detector = new FakeDetector() };

        Assert.Throws<UsageException>(() => new VideoPipeline(parts, new PipelineOptions { Every = every, ChannelCapacity = capacity }));
    }

#if !DEBUG
    // A debug build remembers the stack of every lease.
    [Fact]
    public async Task A_frame_in_steady_state_allocates_less_than_200_bytes()
    {
        // Counted in windows, the fewest of which counts: the JIT is done earlier or later, and allocates as it goes.
        const int Window = 250, Frames = 16 * Window;
        long windowStart = 0, fewest = long.MaxValue;
        FakeDetector detector = new();
        detector.Seen.EnsureCapacity(Frames);
        using FakeSource source = new(frames: Frames);
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

        await Run(new PipelineParts { Source = source, Detector = detector, Composer = new FakeComposer(), Frames = sink });

        Assert.InRange(fewest / (double)Window, 0, 200);
    }
#endif

    private sealed class CapturingDetector(IFrameDetector inner, Action<VideoFrame> capture) : IFrameDetector
    {
        public void Detect(VideoFrame frame, List<Geometry.FaceDetection> faces)
        {
            capture(frame);
            inner.Detect(frame, faces);
        }
    }
}
