namespace Img2Pose.Pipeline;

/// <summary>What a stage did in a run.</summary>
/// <param name="Name">Name of the stage.</param>
/// <param name="Frames">Frames handed on.</param>
/// <param name="Seconds">Seconds at work, waiting excluded.</param>
/// <param name="ThreadCpuSeconds">CPU seconds of the stage's own thread; threads inside the native engines are not in it.</param>
public readonly record struct StageReport(string Name, long Frames, double Seconds, double ThreadCpuSeconds);

/// <summary>How full a channel was.</summary>
/// <param name="Name">Name of the channel.</param>
/// <param name="Capacity">Items that may wait.</param>
/// <param name="Mean">Mean number of items that waited just after a write.</param>
/// <param name="Deepest">Most items that waited.</param>
/// <param name="Dropped">Items dropped.</param>
public readonly record struct ChannelReport(string Name, int Capacity, double Mean, int Deepest, long Dropped);

/// <summary>What a run did.</summary>
public sealed record RunReport
{
    /// <summary>Frames that reached the outputs.</summary>
    public required long Frames { get; init; }

    /// <summary>Faces written with <c>"detected":true</c>, over all frames.</summary>
    public required long Faces { get; init; }

    /// <summary>Frames dropped by a full channel.</summary>
    public required long Dropped { get; init; }

    /// <summary>Damaged frames or pictures that the source skipped.</summary>
    public required long Damaged { get; init; }

    /// <summary>Wall seconds from the first read to the last output.</summary>
    public required double Seconds { get; init; }

    /// <summary>Whether the source was read to its end.</summary>
    public bool Complete => Reason is null;

    /// <summary>Why the run is not complete, or null.</summary>
    public required string? Reason { get; init; }

    /// <summary>The stages in the order of the data flow.</summary>
    public required IReadOnlyList<StageReport> Stages { get; init; }

    /// <summary>The channels in the order of the data flow.</summary>
    public required IReadOnlyList<ChannelReport> Channels { get; init; }

    /// <summary>Frames a second; 0 when nothing ran.</summary>
    public double FramesPerSecond => Seconds > 0 ? Frames / Seconds : 0;
}
