using Img2Pose.Core;
using Img2Pose.Testing;
using Microsoft.Extensions.Logging;

namespace Img2Pose.Pipeline.Tests;

/// <summary>What a session logs, and under which numbers.</summary>
public class SessionLogTests
{
    [Fact]
    public async Task Start_and_end_of_a_session_are_told_with_what_it_did()
    {
        RecordedLog log = new();

        await FakeSession.RunAsync(new FakeParts { Source = new FakeSource(frames: 12), Poses = new FakePoseSink(), Options = new SessionOptions { Logger = log } });

        Assert.Equal(
            [
                (EventNumbers.SessionStarted, "fake: session of fake starts (Lossless, 1 sinks)"),
                (EventNumbers.SessionEnded, "fake: session ends: complete; 12 frames, 12 faces, 0 dropped in "),
            ],
            log.Events.Select(told => (told.Id.Id, told.Text[..(told.Text.IndexOf(" in ", StringComparison.Ordinal) is var end and > 0 ? end + 4 : told.Text.Length)])));
        Assert.Equal(["SessionStarted", "SessionEnded"], log.Events.Select(told => told.Id.Name));
    }

    [Fact]
    public async Task A_stop_is_an_end_with_its_reason()
    {
        RecordedLog log = new();
        using CancellationTokenSource stop = new();
        FakeSource source = new(frames: int.MaxValue) { BeforeRead = read => { if (read == 20) stop.Cancel(); } };

        await FakeSession.RunUntilAsync(
            new FakeParts { Source = source, Frames = new FakeFrameSink(), Options = new SessionOptions { Logger = log, StopReason = () => "interrupted by test" } }, stop.Token);

        Assert.Contains("session ends: interrupted by test;", log.Events[^1].Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_failure_is_told_with_its_cause()
    {
        RecordedLog log = new();
        InputException cause = new("clip.mp4: nothing can be read of it");
        FakeSource source = new(frames: 9) { BeforeRead = read => { if (read == 5) throw cause; } };

        await Assert.ThrowsAsync<InputException>(() =>
            FakeSession.RunAsync(new FakeParts { Source = source, Frames = new FakeFrameSink(), Options = new SessionOptions { Logger = log } }));

        RecordedEvent told = log.Events[^1];
        Assert.Equal((EventNumbers.SessionFailed, LogLevel.Debug), (told.Id.Id, told.Level));
        Assert.Same(cause, told.Error);
        Assert.EndsWith(": clip.mp4: nothing can be read of it", told.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Drops_are_told_once_and_then_after_a_pause_with_their_number()
    {
        RecordedLog log = new();
        ManualClock clock = new();
        Link<Held> link = new("frames", 1, LinkPolicy.Latest, "camera", new DropNotice(new SessionLog(log, "camera", clock), "frames"));

        for (int i = 0; i < 6; i++) await link.WriteAsync(new Held());
        clock.Add(9_999);
        await link.WriteAsync(new Held());
        clock.Add(1);
        await link.WriteAsync(new Held());
        link.Drain();

        Assert.Equal(7, link.Dropped);
        Assert.Equal(
            [
                (EventNumbers.FramesDropped, "camera: frames has dropped 1 frames for newer ones, 1 in all"),
                (EventNumbers.FramesDropped, "camera: frames has dropped 6 frames for newer ones, 7 in all"),
            ],
            log.Events.Select(told => (told.Id.Id, told.Text)));
    }

    [Fact]
    public async Task A_live_session_with_a_slow_sink_tells_which_link_drops()
    {
        RecordedLog log = new();
        using ManualResetEventSlim isOver = new();
        FakeSource source = new(frames: 30) { IsLive = true, BeforeRead = read => { if (read == 30) isOver.Set(); } };
        await using FakeSession fake = new(new FakeParts { Source = source, Poses = new FakePoseSink(), Options = new SessionOptions { Logger = log, Policy = LinkPolicy.Lossless } });
        fake.Session.AddSink(new FakeFrameSink { OnFrame = _ => Assert.True(isOver.Wait(TimeSpan.FromMinutes(1))) }, "window", LinkPolicy.Latest);

        RunReport report = await fake.Session.RunAsync(TestContext.Current.CancellationToken);

        RecordedEvent told = Assert.Single(log.Events, told => told.Id.Id == EventNumbers.FramesDropped);
        Assert.StartsWith("fake: window has dropped 1 frames", told.Text, StringComparison.Ordinal);
        Assert.True(report.Dropped > 1);
    }

    private sealed class Held : IDisposable
    {
        public void Dispose()
        {
        }
    }
}
