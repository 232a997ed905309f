using System.Diagnostics;

namespace Img2Pose.Media;

/// <summary>
/// Tells when a picture of a stream was taken, from the times that packets carry and when they arrive: a packet was never taken later
/// than it arrived, so capture is its time plus the least arrival − time of the last minute. What waits in sockets and queues along the
/// way counts as age then; what every packet takes does not show. One thread.
/// </summary>
internal sealed class ArrivalClock
{
    /// <summary>Beyond this a stream's clock has jumped, in seconds.</summary>
    public const double Jump = 5;

    private const int Window = 60;
    private const double OldestPicture = 60;

    private readonly double[] _least = new double[Window];
    private long _second = long.MinValue;
    private double _offset = double.PositiveInfinity;
    private double _lastTime = double.NaN;
    private double _lastArrival;

    /// <summary>How often the stream's clock has jumped.</summary>
    public int Jumps { get; private set; }

    /// <summary>Notes a packet; returns how long ago its picture was taken, in seconds.</summary>
    /// <param name="time">Its presentation time in seconds.</param>
    /// <param name="arrival">When it arrived, a timestamp of the monotonic clock.</param>
    public double Arrive(double time, long arrival)
    {
        double now = Seconds(arrival);
        if (HasJumped(_lastTime, time, now - _lastArrival))
        {
            Jumps++;
            _second = long.MinValue;
        }
        (_lastTime, _lastArrival) = (time, now);
        long second = (long)Math.Floor(now);
        if (_second == long.MinValue || second - _second >= Window)
        {
            Array.Fill(_least, double.PositiveInfinity);
            _second = second;
            _offset = double.PositiveInfinity;
        }
        if (second > _second)
        {
            // Seconds in which nothing came hold nothing.
            while (_second < second) _least[(int)(++_second % Window)] = double.PositiveInfinity;
            _offset = _least.Min();
        }
        ref double least = ref _least[(int)(_second % Window)];
        least = Math.Min(least, now - time);
        _offset = Math.Min(_offset, least);
        return now - time - _offset;
    }

    /// <summary>When a picture of this time was taken, a timestamp of the monotonic clock that is not in the future.</summary>
    public long CaptureOf(double time, long now)
    {
        double capture = time + _offset, end = Seconds(now);
        // Beside a jump a picture from before it may come, whose time says nothing any more.
        if (!(capture <= end)) capture = end;
        if (capture < end - OldestPicture) capture = end - OldestPicture;
        return now - (long)((end - capture) * Stopwatch.Frequency);
    }

    /// <summary>
    /// Whether a stream's clock has jumped from one picture to the next: it went further than the time that has passed, or back. A
    /// backlog is no jump: times go on, however late they come. Never after <see cref="double.NaN"/>.
    /// </summary>
    public static bool HasJumped(double before, double time, double passed) => time - before > Math.Max(passed, 0) + Jump || before - time > Jump;

    /// <summary>
    /// Age of a camera's picture by the kernel's time, which is of the monotonic clock, or of the time of day as old drivers and
    /// screens have it; null where it is of neither.
    /// </summary>
    /// <param name="time">The kernel's time, seconds.</param>
    /// <param name="now">A timestamp of the monotonic clock.</param>
    /// <returns>Seconds, 0 to 10.</returns>
    public static double? AgeByKernel(double time, long now)
    {
        const double possible = 10, rounding = -0.1;
        double age = Seconds(now) - time;
        if (age is < rounding or > possible) age = DateTime.UtcNow.Subtract(DateTime.UnixEpoch).TotalSeconds - time;
        return age is < rounding or > possible ? null : Math.Max(age, 0);
    }

    private static double Seconds(long timestamp) => timestamp / (double)Stopwatch.Frequency;
}
