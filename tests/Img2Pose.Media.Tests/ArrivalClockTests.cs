using System.Diagnostics;

namespace Img2Pose.Media.Tests;

public sealed class ArrivalClockTests
{
    private static long At(double seconds) => (long)(seconds * Stopwatch.Frequency);

    private static double AgeOf(ArrivalClock clock, double time, double now) => Stopwatch.GetElapsedTime(clock.CaptureOf(time, At(now)), At(now)).TotalSeconds;

    [Fact]
    public void A_backlog_shows_as_age_and_a_delay_that_all_have_does_not()
    {
        ArrivalClock clock = new();
        for (int i = 0; i < 30; i++) Assert.Equal(0, clock.Arrive(500 + i / 10.0, At(1000 + i / 10.0)), 6);

        Assert.Equal(0.7, clock.Arrive(503, At(1003.7)), 6);
        Assert.Equal(0.7, AgeOf(clock, 503, 1003.7), 6);
        Assert.Equal(0, clock.Jumps);
    }

    [Fact]
    public void What_was_quick_a_minute_ago_counts_no_more()
    {
        ArrivalClock clock = new();
        clock.Arrive(0, At(1000));
        double last = 0;
        for (int i = 1; i <= 65; i++) last = clock.Arrive(i, At(1000.4 + i));

        Assert.Equal(0, last, 6);
    }

    [Theory]
    [InlineData(10_000)]
    [InlineData(-10_000)]
    [InlineData(-503)]
    public void A_jump_of_the_clock_begins_anew(double jump)
    {
        ArrivalClock clock = new();
        for (int i = 0; i < 30; i++) clock.Arrive(500 + i / 10.0, At(1000 + i / 10.0));

        double age = clock.Arrive(503 + jump, At(1003));

        Assert.Equal(1, clock.Jumps);
        Assert.Equal(0, age, 6);
        Assert.Equal(0.1, AgeOf(clock, 503 + jump, 1003.1), 6);
    }

    [Fact]
    public void A_pause_of_the_network_or_of_this_machine_is_no_jump()
    {
        ArrivalClock clock = new();
        clock.Arrive(500, At(1000));
        clock.Arrive(500.1, At(1020));
        Assert.Equal(0, clock.Jumps);
        // And one of the sender, whose clock goes on.
        clock.Arrive(540, At(1060));
        Assert.Equal(0, clock.Jumps);
        Assert.False(ArrivalClock.HasJumped(double.NaN, 1e9, 0));
    }

    [Fact]
    public void A_capture_is_never_in_the_future_nor_absurdly_old()
    {
        ArrivalClock clock = new();
        clock.Arrive(500, At(1000));

        Assert.Equal(0, AgeOf(clock, 5000, 1001), 6);
        Assert.Equal(60, AgeOf(clock, -5000, 1001), 6);
    }
}
