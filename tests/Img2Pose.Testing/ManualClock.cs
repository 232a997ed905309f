namespace Img2Pose.Testing;

/// <summary>Stands still but for what is added to it. Thread-safe.</summary>
public sealed class ManualClock : TimeProvider
{
    private long _milliseconds;

    /// <inheritdoc/>
    public override long TimestampFrequency => 1000;

    /// <inheritdoc/>
    public override long GetTimestamp() => Interlocked.Read(ref _milliseconds);

    /// <summary>Lets time pass.</summary>
    public void Add(long milliseconds) => Interlocked.Add(ref _milliseconds, milliseconds);
}
