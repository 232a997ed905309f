using System.Diagnostics;

namespace Img2Pose.Media;

/// <summary>When the pictures of a playlist are due, which come by segments, many at once. Not thread-safe.</summary>
internal sealed class PlaylistPace
{
    // A picture that is later than this begins the count anew, seconds.
    private const double MostBehind = 1;

    private long _began;
    private double _first, _last;

    /// <summary>Seconds until a picture is due, and the timestamp then.</summary>
    /// <param name="time">The picture's own time, seconds; a jump of it begins the count anew.</param>
    /// <param name="now">A timestamp of the monotonic clock.</param>
    /// <param name="due">When the picture is due, on that clock.</param>
    public double SecondsUntil(double time, long now, out long due)
    {
        due = _began + (long)((time - _first) * Stopwatch.Frequency);
        double early = Stopwatch.GetElapsedTime(now, due).TotalSeconds;
        if (_began == 0 || time < _last || time - _last > ArrivalClock.Jump || early < -MostBehind) (_began, _first, due, early) = (now, time, now, 0);
        _last = time;
        return early;
    }
}
