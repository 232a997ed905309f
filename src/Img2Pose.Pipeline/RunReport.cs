namespace Img2Pose.Pipeline;

/// <summary>What a stage did in a session.</summary>
/// <param name="Name">Name of the stage.</param>
/// <param name="Frames">Frames handed on.</param>
/// <param name="Seconds">Seconds at work, waiting excluded.</param>
/// <param name="ThreadCpuSeconds">CPU seconds of the stage's own thread; threads inside the native engines are not in it.</param>
public readonly record struct StageReport(string Name, long Frames, double Seconds, double ThreadCpuSeconds);

/// <summary>How full a link was.</summary>
/// <param name="Name">Name of the link.</param>
/// <param name="Capacity">Items that may wait.</param>
/// <param name="Mean">Mean number of items that waited just after a write.</param>
/// <param name="Deepest">Most items that waited.</param>
/// <param name="Dropped">Items replaced by newer ones.</param>
public readonly record struct LinkReport(string Name, int Capacity, double Mean, int Deepest, long Dropped);

/// <summary>Seconds from a picture's capture (for files: its decoding) until a sink was done with it.</summary>
/// <param name="Median">Half of the frames were younger, to within 9 %.</param>
/// <param name="Percentile95">95 % of the frames were younger, to within 9 %.</param>
/// <param name="Maximum">The oldest frame.</param>
public readonly record struct AgeReport(double Median, double Percentile95, double Maximum);

/// <summary>A sink that a live session went on without.</summary>
/// <param name="Sink">Name of its stage.</param>
/// <param name="Reason">What it failed with.</param>
public readonly record struct SinkFailure(string Sink, string Reason);

/// <summary>What a session did.</summary>
public sealed record RunReport
{
    /// <summary>Frames that reached the outputs; in the summary of a sink, those that reached this sink.</summary>
    public required long Frames { get; init; }

    /// <summary>Faces found in those frames (<see cref="Geometry.TrackedFace.IsFound"/>); those that were only predicted are not counted.</summary>
    public required long Faces { get; init; }

    /// <summary>Frames replaced by newer ones on their way, those of all sinks' own links included, and left out by a live source that was behind.</summary>
    public required long Dropped { get; init; }

    /// <summary>How often a live source was lost while the session ran.</summary>
    public int Outages { get; init; }

    /// <summary>Damaged frames or pictures that the source skipped.</summary>
    public required long Damaged { get; init; }

    /// <summary>Wall seconds from the first read to the last output.</summary>
    public required double Seconds { get; init; }

    /// <summary>Whether the source was read to its end.</summary>
    public bool Complete => Reason is null;

    /// <summary>Why the session is not complete, or null.</summary>
    public required string? Reason { get; init; }

    /// <summary>Age of the frames when the slowest sink was done with them; null where no frame reached one.</summary>
    public AgeReport? Age { get; init; }

    /// <summary>Whether the source was a live one, whose frames have an age that matters.</summary>
    public bool IsLive { get; init; }

    /// <summary>Sinks that failed on the way, in the order in which they were added.</summary>
    public IReadOnlyList<SinkFailure> Failures { get; init; } = [];

    /// <summary>The stages in the order of the data flow.</summary>
    public required IReadOnlyList<StageReport> Stages { get; init; }

    /// <summary>The links in the order of the data flow.</summary>
    public required IReadOnlyList<LinkReport> Links { get; init; }

    /// <summary>Frames a second; 0 when nothing ran.</summary>
    public double FramesPerSecond => Seconds > 0 ? Frames / Seconds : 0;
}
