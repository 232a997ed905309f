namespace Img2Pose.Media;

/// <summary>
/// The state of a live source, to look at or to be told of. Thread-safe. A source has one from the moment that it is being opened:
/// who wants to see that, too, makes it and gives it along (<see cref="SourceOptions.Status"/>).
/// </summary>
public sealed class LiveStatus
{
    private readonly Lock _order = new();
    private SourceStatus _current = new(SourceState.Connecting);
    private long _workNanoseconds;

    /// <summary>The state now.</summary>
    public SourceStatus Current => Volatile.Read(ref _current);

    /// <summary>
    /// Raised after every change with the new state, one at a time and in order, on the thread that brings the change about, which is
    /// one of the source's: a handler is quick and throws nothing.
    /// </summary>
    public event Action<SourceStatus>? Changed;

    /// <summary>Sets the state. For sources; after <see cref="SourceState.Ended"/> nothing changes any more.</summary>
    public void Report(SourceStatus status)
    {
        ArgumentNullException.ThrowIfNull(status);
        lock (_order)
        {
            if (_current.State == SourceState.Ended || _current == status) return;
            Volatile.Write(ref _current, status);
            Changed?.Invoke(status);
        }
    }

    /// <summary>Seconds of processor time that reading and decoding have taken on the source's own threads; threads inside decoders are not in it.</summary>
    public double CpuSeconds => Interlocked.Read(ref _workNanoseconds) * 1e-9;

    /// <summary>Adds work. For sources.</summary>
    internal void AddWork(long nanoseconds) => Interlocked.Add(ref _workNanoseconds, nanoseconds);

    /// <summary>The source gives no more pictures.</summary>
    internal void End(string? reason = null) => Report(new SourceStatus(SourceState.Ended) { Reason = reason, Timeline = Current.Timeline });
}
