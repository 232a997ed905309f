using System.Diagnostics;
using Img2Pose.Frames;

namespace Img2Pose.Media.Tests;

public sealed class PacedSourceTests : ClipTests
{
    private IFrameSource Open(string name, CancellationToken cancellation = default) =>
        MediaSource.Open(At(name), new SourceOptions { RealTime = true, Cancellation = cancellation });

    [Fact]
    public void A_recorded_video_is_played_at_its_own_speed_and_says_when_each_picture_was_due()
    {
        Ffmpeg("-f lavfi -i testsrc2=rate=25:duration=0.6:size=64x48 -c:v libx264 a.mp4");
        using IFrameSource source = Open("a.mp4");
        List<long> due = [];
        long before = Stopwatch.GetTimestamp();

        while (source.TryRead(out VideoFrame? frame))
        {
            using (frame)
            {
                Assert.True(frame.CaptureTime <= Stopwatch.GetTimestamp(), "a picture came before its time");
                due.Add(frame.CaptureTime);
            }
        }

        Assert.True(source.Info.IsLive);
        Assert.Equal(15, due.Count);
        // The clock is put back only by a machine that stands still for a second.
        Assert.InRange(Stopwatch.GetElapsedTime(due[0], due[^1]).TotalSeconds, 0.55, 30);
        Assert.Equal(0.04, Stopwatch.GetElapsedTime(due[0], due[1]).TotalSeconds, 0.0001);
        Assert.True(Stopwatch.GetElapsedTime(before).TotalSeconds >= 0.55);
        Assert.Equal(SourceState.Ended, source.Status!.Current.State);
    }

    [Fact]
    public void A_clock_that_jumps_is_not_waited_for()
    {
        Ffmpeg("-f lavfi -i testsrc2=rate=25:duration=0.2:size=64x48 -vf setpts=PTS+gte(N\\,3)*1000/TB -fps_mode passthrough -c:v libx264 -bf 0 a.mkv");
        using IFrameSource source = Open("a.mkv");

        Assert.Equal(5, ReadAll(source).Count);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_stop_does_not_wait_for_the_next_picture(bool byToken)
    {
        Ffmpeg("-f lavfi -i testsrc2=rate=1/8:duration=32:size=64x48 -c:v libx264 a.mp4");
        using CancellationTokenSource stop = new();
        using IFrameSource source = Open("a.mp4", stop.Token);
        Assert.True(source.TryRead(out VideoFrame? first));
        first.Dispose();

        Task<bool> reading = Task.Run(() => source.TryRead(out _), TestContext.Current.CancellationToken);
        await Task.Delay(50, TestContext.Current.CancellationToken);
        Stopwatch clock = Stopwatch.StartNew();
        if (byToken) await stop.CancelAsync();
        else source.Interrupt();

        Assert.False(await reading);
        Assert.InRange(clock.Elapsed.TotalSeconds, 0, 4);
    }

    [Fact]
    public void The_state_of_a_source_is_told_in_order_and_stays_at_the_end()
    {
        Ffmpeg("-f lavfi -i testsrc2=rate=25:duration=0.2:size=64x48 -c:v libx264 a.mp4");
        LiveStatus status = new();
        List<SourceState> told = [status.Current.State];
        status.Changed += now => told.Add(now.State);

        using (IFrameSource source = MediaSource.Open(At("a.mp4"), new SourceOptions { RealTime = true, Status = status })) ReadAll(source);
        status.Report(new SourceStatus(SourceState.Live));

        Assert.Equal([SourceState.Connecting, SourceState.Live, SourceState.Ended], told);
    }

    [Fact]
    public void A_state_reads_as_people_say_it()
    {
        Assert.Equal("live", new SourceStatus(SourceState.Live).ToString());
        Assert.Equal("reconnecting in 4 s (connection refused)",
            new SourceStatus(SourceState.Reconnecting) { Reason = "connection refused", RetryAt = Stopwatch.GetTimestamp() + 39 * Stopwatch.Frequency / 10 }.ToString());
        Assert.Equal("reconnecting", new SourceStatus(SourceState.Reconnecting).ToString());
        Assert.Equal(TimeSpan.Zero, new SourceStatus(SourceState.Reconnecting) { RetryAt = 1 }.RetryIn);
    }
}
