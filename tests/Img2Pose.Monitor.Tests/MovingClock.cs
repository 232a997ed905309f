namespace Img2Pose.Monitor.Tests;

/// <summary>A clock that is moved by hand.</summary>
internal sealed class MovingClock : TimeProvider
{
    private DateTimeOffset _now = new(2026, 11, 27, 10, 0, 0, TimeSpan.Zero);

    public override DateTimeOffset GetUtcNow() => _now;

    public void Advance(TimeSpan time) => _now += time;
}
