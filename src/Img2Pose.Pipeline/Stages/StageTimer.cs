using System.Diagnostics;

namespace Img2Pose.Pipeline;

/// <summary>Adds up what a stage does: frames, wall time and CPU time of its own thread while it works.</summary>
/// <remarks>Written by the stage's thread; readable from any.</remarks>
public sealed class StageTimer
{
    private long _frames;
    private long _wallTicks;
    private long _cpuNanoseconds;

    /// <summary>Creates a timer for the stage called <paramref name="name"/>.</summary>
    public StageTimer(string name) => Name = name;

    /// <summary>Name of the stage.</summary>
    public string Name { get; }

    /// <summary>Frames handed on.</summary>
    public long Frames => Interlocked.Read(ref _frames);

    /// <summary>Seconds spent working, waiting for channels excluded.</summary>
    public double WallSeconds => (double)Interlocked.Read(ref _wallTicks) / Stopwatch.Frequency;

    /// <summary>
    /// CPU seconds of the stage's own thread while it worked. Threads inside the native engines are not in it.
    /// </summary>
    public double ThreadCpuSeconds => Interlocked.Read(ref _cpuNanoseconds) * 1e-9;

    /// <summary>Starts work on a frame.</summary>
    internal Work Begin() => new(this, Stopwatch.GetTimestamp(), ThreadClock.Nanoseconds);

    /// <summary>The span of work on one frame; <see cref="End"/> it on the thread that began it.</summary>
    internal readonly struct Work(StageTimer timer, long startTicks, long startCpu)
    {
        /// <summary>Adds the span up; counts the frame unless the stage found there was none.</summary>
        public void End(bool countFrame = true)
        {
            long ticks = Stopwatch.GetTimestamp() - startTicks;
            Interlocked.Add(ref timer._wallTicks, ticks);
            Interlocked.Add(ref timer._cpuNanoseconds, ThreadClock.Nanoseconds - startCpu);
            if (!countFrame) return;
            Interlocked.Increment(ref timer._frames);
            PipelineMetrics.FrameOut(timer.Name, (double)ticks / Stopwatch.Frequency);
        }
    }
}
