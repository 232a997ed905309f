using System.Diagnostics;
using Img2Pose.Frames;

namespace Img2Pose.Pipeline;

/// <summary>Adds up what a stage does: frames, wall time and CPU time of its own thread while it works.</summary>
/// <remarks>Written by the stage; readable from any thread.</remarks>
internal sealed class StageTimer
{
    private readonly string? _stream;
    private long _frames;
    private long _wallTicks;
    private long _cpuNanoseconds;

    /// <summary>Creates a timer for the stage called <paramref name="name"/>, of a stream for metrics.</summary>
    public StageTimer(string name, string? stream = null)
    {
        Name = name;
        _stream = stream;
    }

    /// <summary>Name of the stage.</summary>
    public string Name { get; }

    /// <summary>Frames handed on.</summary>
    public long Frames => Interlocked.Read(ref _frames);

    /// <summary>Seconds spent working, waiting for links excluded.</summary>
    public double WallSeconds => (double)Interlocked.Read(ref _wallTicks) / Stopwatch.Frequency;

    /// <summary>
    /// CPU seconds of the stage's own thread while it worked. Threads inside the native engines are not in it.
    /// </summary>
    public double ThreadCpuSeconds => Interlocked.Read(ref _cpuNanoseconds) * 1e-9;

    /// <summary>Starts work on a frame.</summary>
    internal Work Begin() => new(this, Stopwatch.GetTimestamp(), ThreadClock.Nanoseconds);

    /// <summary>Adds work that was timed elsewhere, and counts a frame.</summary>
    internal void Add(TimeSpan wall, TimeSpan cpu) =>
        Add((long)(wall.TotalSeconds * Stopwatch.Frequency), (long)(cpu.TotalSeconds * 1e9), countFrame: true);

    internal StageReport Describe() => new(Name, Frames, WallSeconds, ThreadCpuSeconds);

    private void Add(long ticks, long nanoseconds, bool countFrame)
    {
        Interlocked.Add(ref _wallTicks, ticks);
        Interlocked.Add(ref _cpuNanoseconds, nanoseconds);
        if (!countFrame) return;
        Interlocked.Increment(ref _frames);
        EngineMetrics.FrameOut(_stream, Name, (double)ticks / Stopwatch.Frequency);
    }

    /// <summary>The span of work on one frame; <see cref="End"/> it on the thread that began it.</summary>
    internal readonly struct Work(StageTimer timer, long startTicks, long startCpu)
    {
        /// <summary>Adds the span up; counts the frame unless the stage found there was none.</summary>
        public void End(bool countFrame = true) =>
            timer.Add(Stopwatch.GetTimestamp() - startTicks, ThreadClock.Nanoseconds - startCpu, countFrame);
    }
}
