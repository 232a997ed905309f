namespace Img2Pose.Inference.Scheduling;

/// <summary>How looks share the machine.</summary>
public sealed record LookSchedulerOptions
{
    /// <summary>Runs at the same time, each on a thread and a network of its own; at least 1.</summary>
    public int Workers { get; init; } = 1;

    /// <summary>Looks in a run at most; 1, the best on processors, where a batch saves nothing.</summary>
    public int MaximumBatch { get; init; } = 1;

    /// <summary>Clients that are expected to fill the runs together, at least 1: each then has fewer looks under way.</summary>
    public int Clients { get; init; } = 1;

    /// <summary>How long a run waits for its batch to fill; zero takes what is there.</summary>
    public TimeSpan Deadline { get; init; }

    /// <summary>Told, in one line, that a further network could not be opened; the others go on. Called on any thread.</summary>
    public Action<string>? Warning { get; init; }

    /// <summary>What looks are timed by; another one in tests.</summary>
    internal TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <exception cref="UsageException">A value is out of range.</exception>
    internal void Validate()
    {
        if (Workers is < 1 or > 64) throw new UsageException($"{Workers} looks at the same time are not between 1 and 64.");
        if (MaximumBatch is < 1 or > 256) throw new UsageException($"A batch of {MaximumBatch} looks is not between 1 and 256.");
        if (Clients < 1) throw new UsageException($"{Clients} clients are none.");
        if (Deadline < TimeSpan.Zero || Deadline > TimeSpan.FromSeconds(1)) throw new UsageException($"A batch may wait up to one second, not {Deadline}.");
    }
}
