using System.Diagnostics;

namespace Img2Pose.Cli.Benchmarking;

/// <summary>Wall time, CPU time of the whole process (native threads included) and managed allocation of a piece of work.</summary>
/// <param name="Name">What was measured.</param>
/// <param name="Frames">Frames that it was done to.</param>
/// <param name="Wall">Wall time.</param>
/// <param name="Cpu">CPU time of all threads.</param>
/// <param name="Allocated">Managed bytes allocated.</param>
internal readonly record struct StageMeasurement(string Name, long Frames, TimeSpan Wall, TimeSpan Cpu, long Allocated)
{
    /// <summary>Milliseconds of wall time a frame.</summary>
    public double WallMilliseconds => Wall.TotalMilliseconds / Math.Max(1, Frames);

    /// <summary>Milliseconds of CPU time a frame.</summary>
    public double CpuMilliseconds => Cpu.TotalMilliseconds / Math.Max(1, Frames);

    /// <summary>This piece of work and a further one of the same name.</summary>
    public StageMeasurement Plus(in StageMeasurement more) =>
        this with { Frames = Frames + more.Frames, Wall = Wall + more.Wall, Cpu = Cpu + more.Cpu, Allocated = Allocated + more.Allocated };

    /// <summary>Measures <paramref name="work"/>, which returns the number of frames it was done to.</summary>
    public static StageMeasurement Of(string name, Func<long> work)
    {
        long allocatedBefore = GC.GetTotalAllocatedBytes(precise: true);
        TimeSpan cpuBefore = Environment.CpuUsage.TotalTime;
        long start = Stopwatch.GetTimestamp();
        long frames = work();
        TimeSpan wall = Stopwatch.GetElapsedTime(start);
        TimeSpan cpu = Environment.CpuUsage.TotalTime - cpuBefore;
        return new StageMeasurement(name, frames, wall, cpu, GC.GetTotalAllocatedBytes(precise: true) - allocatedBefore);
    }
}
