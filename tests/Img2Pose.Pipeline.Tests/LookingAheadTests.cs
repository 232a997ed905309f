using System.Collections.Concurrent;
using Img2Pose.Geometry;
using Img2Pose.Inference.Scheduling;
using Img2Pose.Tracking;

namespace Img2Pose.Pipeline.Tests;

/// <summary>Whole looks that are decided before their turn, in a recording of ten frames a second, in which every second frame is due.</summary>
[Testing.NoLeakedFrames]
public class LookingAheadTests
{
    private static readonly TimeSpan s_long = TimeSpan.FromMinutes(1);

    [Fact]
    public async Task A_frame_that_is_decided_is_looked_at_while_those_before_it_are_not_done()
    {
        using ManualResetEventSlim ahead = new(), begun = new(), crowd = new();
        ConcurrentDictionary<long, int> known = new();
        FakeDetector detector = new()
        {
            Blind = true,
            OnQuestion = look =>
            {
                if (!look.IsFollowing)
                {
                    ahead.Set();
                    look.Faces.Add(FakeDetector.FaceOf(look.Frame!.Index));
                    return;
                }
                if (look.Known is { } faces) known[look.Frame!.Index] = faces.Count;
                // A second network is opened when frames come while the first is at work.
                begun.Set();
                if (look.Frame!.Index == 0) Assert.True(crowd.Wait(s_long));
                if (look.Frame.Index == 2) Assert.True(ahead.Wait(s_long));
            },
        };
        FakePoseSink poses = new();

        RunReport report = await FakeSession.RunAsync(PartsOf(detector, poses, read =>
        {
            if (read == 1) Assert.True(begun.Wait(s_long));
            if (read == 12) crowd.Set();
        }));

        Assert.Equal(Enumerable.Range(0, 40), poses.Written.Select(frame => (int)frame.Index));
        Assert.Equal(1, known[4]);
        Assert.Equal(40, report.Stages.Single(stage => stage.Name == "detect").Frames);
        // Each frame is asked about in its turn once, whoever looked at it before.
        Assert.Equal(detector.Seen.Distinct().Count() + known.Count, detector.Seen.Count);
    }

    [Fact]
    public async Task What_fails_before_its_turn_ends_the_session_behind_the_frames_before_it()
    {
        // Which frame is the first to be looked at before its turn depends on when the second network is there.
        long broken = long.MaxValue;
        FakeDetector detector = new()
        {
            Blind = true,
            OnQuestion = look =>
            {
                if (look.IsFollowing) return;
                if (broken == long.MaxValue) broken = look.Frame!.Index;
                throw new ModelException("broken");
            },
        };
        FakePoseSink poses = new();

        ModelException error = await Assert.ThrowsAsync<ModelException>(() => FakeSession.RunAsync(PartsOf(detector, poses)));

        Assert.Equal("broken", error.Message);
        Assert.InRange(broken, 2, 39);
        Assert.All(poses.Written, frame => Assert.InRange(frame.Index, 0, broken - 1));
    }

    [Fact]
    public async Task A_session_that_is_told_to_stop_waits_for_a_look_before_its_turn_and_keeps_nothing()
    {
        using CancellationTokenSource stop = new();
        using ManualResetEventSlim stopped = new();
        FakeDetector detector = new()
        {
            Blind = true,
            OnQuestion = look =>
            {
                if (look.IsFollowing) return;
                stop.Cancel();
                stopped.Set();
            },
        };
        FakePoseSink poses = new();

        RunReport report = await FakeSession.RunUntilAsync(PartsOf(detector, poses), stop.Token);

        Assert.True(stopped.IsSet);
        Assert.InRange(report.Frames, 1, 39);
    }

    private static FakeParts PartsOf(FakeDetector detector, FakePoseSink poses, Action<int>? beforeRead = null) => new()
    {
        Source = new FakeSource(frames: 40) { BeforeRead = beforeRead ?? (_ => { }) },
        Detector = detector,
        Tracker = new FakeTracker(),
        Poses = poses,
        Options = new SessionOptions { LinkCapacity = 16 },
        Scheduling = new LookSchedulerOptions { Workers = 2 },
        Planner = new LookPlanner(ReferenceFace.Default, FaceBoxFactors.Default) { DecidesAhead = true },
    };
}
