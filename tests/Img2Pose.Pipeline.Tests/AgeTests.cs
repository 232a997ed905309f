using Img2Pose.Frames;
using Img2Pose.Geometry;

namespace Img2Pose.Pipeline.Tests;

/// <summary>The age of what a live session shows, counted in looks of the network, which is its slowest stage here.</summary>
public class AgeTests
{
    [Fact]
    public async Task With_a_slow_network_a_window_that_never_returns_and_a_full_disk_the_other_sinks_show_fresh_pictures()
    {
        const int Frames = 400;
        int looks = 0;
        int[] looksAtRead = new int[Frames + 1];
        using ManualResetEventSlim isOver = new();
        FakeSource source = new(Frames)
        {
            IsLive = true,
            BeforeRead = index =>
            {
                // A camera's pace, ten times as fast as the network; nothing better than time makes pictures come slowly.
                Thread.Sleep(2);
                looksAtRead[index] = Volatile.Read(ref looks);
                if (index == Frames) isOver.Set();
            },
        };
        FakeDetector detector = new()
        {
            OnFrame = _ =>
            {
                Interlocked.Increment(ref looks);
                Thread.Sleep(20);
            },
        };
        AgeSink poses = new(frame => Volatile.Read(ref looks) - looksAtRead[frame.Index]);
        await using FakeSession fake = new(new FakeParts { Source = source, Detector = detector, Poses = poses });
        fake.Session.AddSink(new FakeFrameSink { OnFrame = _ => Assert.True(isOver.Wait(TimeSpan.FromMinutes(1))) }, "window");
        fake.Session.AddSink(new FakeFrameSink { OnFrame = _ => throw new OutputException("no space left on the disk") }, "encode");

        RunReport report = await fake.Session.RunAsync(TestContext.Current.CancellationToken);

        Assert.True(poses.Ages.Count > 5, $"{poses.Ages.Count} frames");
        // The look under way when it came, its own, and one begun before the sink was done with it; the rest is the machine's load.
        Assert.InRange(poses.Ages.Order().ElementAt(poses.Ages.Count / 2), 0, 3);
        Assert.All(poses.Ages, age => Assert.InRange(age, 0, 8));
        // It does not grow: what comes last is no older than what came first.
        Assert.InRange(poses.Ages[^(poses.Ages.Count / 4 + 1)..].Average(), 0, poses.Ages[..(poses.Ages.Count / 4 + 1)].Average() + 2);
        Assert.True(report.Dropped > 0);
    }

    private sealed class AgeSink(Func<VideoFrame, int> ageOf) : IPoseSink
    {
        public List<int> Ages { get; } = [];

        public void Write(VideoFrame frame, ReadOnlySpan<TrackedFace> faces) => Ages.Add(ageOf(frame));

        public void Finish(RunReport report, bool failed)
        {
        }

        public void Dispose()
        {
        }
    }
}
