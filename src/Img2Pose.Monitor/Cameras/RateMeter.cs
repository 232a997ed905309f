using System.Diagnostics;

namespace Img2Pose.Monitor.Cameras;

/// <summary>How often something happens a second, over the last ten seconds. Thread-safe.</summary>
internal sealed class RateMeter
{
    private const int Seconds = 10;

    private readonly int[] _counts = new int[Seconds + 1];
    private readonly Lock _lock = new();
    private readonly Func<long> _now;
    private long _second = long.MinValue;
    private long _began = long.MinValue;

    /// <param name="now">A timestamp of the monotonic clock; another in tests.</param>
    public RateMeter(Func<long>? now = null) => _now = now ?? Stopwatch.GetTimestamp;

    /// <summary>It has happened.</summary>
    public void Add()
    {
        lock (_lock)
        {
            Advance();
            if (_began == long.MinValue) _began = _second;
            _counts[_second % _counts.Length]++;
        }
    }

    /// <summary>Times a second, over whole seconds; 0 in the first of them.</summary>
    public double PerSecond
    {
        get
        {
            lock (_lock)
            {
                Advance();
                if (_began == long.MinValue) return 0;
                int seconds = (int)Math.Min(Seconds, _second - _began);
                if (seconds <= 0) return 0;
                int sum = 0;
                for (int i = 1; i <= seconds; i++) sum += _counts[(_second - i + _counts.Length) % _counts.Length];
                return (double)sum / seconds;
            }
        }
    }

    private void Advance()
    {
        long second = _now() / Stopwatch.Frequency;
        if (_second == long.MinValue) _second = second;
        // After a long pause all are cleared once.
        for (long next = Math.Max(_second + 1, second - _counts.Length); next <= second; next++) _counts[next % _counts.Length] = 0;
        _second = Math.Max(_second, second);
    }
}
