using System.Diagnostics;
using System.Globalization;
using Img2Pose.Cli.Running;
using Img2Pose.Cuda;
using Img2Pose.Frames;
using Img2Pose.Inference;
using Img2Pose.Media;
using Img2Pose.Pipeline;

namespace Img2Pose.Cli.Benchmarking;

/// <summary>
/// Measures the main job twice: all stages together, then each alone on the same frames, and prints where the time goes.
/// </summary>
internal sealed class RunBenchmark : IAsyncDisposable
{
    /// <summary>Frames that are kept in memory for the stages after decoding; 1080p takes 3 MB each.</summary>
    private const int HeldFrames = 120;

    /// <summary>Frames of the run that is not counted.</summary>
    private const long WarmUpFrames = 60;

    private readonly RunSettings _settings;
    private readonly TextWriter _output;
    private readonly CpuBudget _budget = CpuBudget.ForThisMachine();
    private readonly CudaDevice? _cuda;
    private readonly PoseEngine _engine;
    private readonly string _folder = Directory.CreateTempSubdirectory("img2pose-bench").FullName;

    /// <summary>Loads model and renderer.</summary>
    public RunBenchmark(RunSettings settings, TextWriter output)
    {
        _settings = settings;
        _output = output;
        _cuda = ComputeDevice.TryOpen(settings.Device, ProgramLog.Logger);
        try
        {
            _engine = RunJob.CreateEngine(settings, _budget, sessions: 1, _cuda);
        }
        catch (ModelException error) when (settings.Device == "cuda" && _cuda is not null)
        {
            // All but the network can be measured on the GPU all the same; it is said, since it is not what was asked for.
            _settings = settings with { Device = "cuda+cpu" };
            _engine = RunJob.CreateEngine(_settings, _budget, sessions: 1, _cuda);
            _output.WriteLine($"{ErrorReport.OneLine(error.Message)} Measured is --device cuda+cpu: pictures on the GPU, the network on the processor.");
        }
        if (settings.Output is not null) _ = _engine.Overlay();
    }

    /// <summary>Measures and prints; <paramref name="stop"/> ends it early.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        using (IFrameSource source = Open())
        {
            _output.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{source.Info.Name}: {source.Info.Codec} {source.Info.Width}x{source.Info.Height}, up to {_settings.Frames} frames; {Environment.ProcessorCount} cores"));
        }
        _output.WriteLine($"model {_engine.Model.Metadata.Name} on {_engine.ProviderDescription}; renderer {_engine.RendererName ?? "none"}");
        if (_engine.DeviceNote is { } note) _output.WriteLine(note);
        _output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"threads: decoder {_budget.Decoder}, network {_settings.Threads ?? _budget.Inference}, encoder {_budget.Encoder}, rasteriser {_budget.Renderer}"));
        // What happens once, compiling above all, would weigh on a short clip and is in none of the stages alone.
        Together first = await MeasureTogetherAsync(Math.Min(WarmUpFrames, _settings.Frames ?? WarmUpFrames), stop);
        // Together before the stages alone: the frames that those are given stay in memory and would raise the peak.
        Together together = await MeasureTogetherAsync(_settings.Frames, stop);
        List<StageMeasurement> alone = MeasureStages(stop);
        if (stop.IsCancellationRequested) return;
        PrintStages(alone);
        _output.WriteLine();
        _output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"warm-up, not counted below: {first.Report.Frames} frames in {first.Wall.TotalSeconds:0.00} s"));
        Print(together, alone);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _engine.DisposeAsync();
        _cuda?.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    /// <summary>Opens the source; frames that are held, for stages on the host, are decoded by the processor.</summary>
    private IFrameSource Open(bool onHost = false) => MediaSource.Open(_settings.Source, new SourceOptions
    {
        DecoderThreads = _budget.Decoder,
        Cuda = onHost ? null : _engine.Cuda,
        Warning = message => _output.WriteLine(message),
    });

    private List<StageMeasurement> MeasureStages(CancellationToken stop)
    {
        List<StageMeasurement> measured = [];
        using (IFrameSource source = Open())
        {
            measured.Add(StageMeasurement.Of("decode", () =>
            {
                long count = 0;
                while (count < _settings.Frames && !stop.IsCancellationRequested && source.TryRead(out VideoFrame? frame))
                {
                    frame.Dispose();
                    count++;
                }
                return count;
            }));
        }
        using IFrameSource again = Open(onHost: true);
        using FramePool pool = new(HeldFrames + 1);
        using HeldStages stages = new(_engine, again, _settings.Output is null ? null : CreateWriter("alone.mp4", again));
        List<VideoFrame> held = [];
        for (long left = _settings.Frames ?? long.MaxValue; left > 0 && !stop.IsCancellationRequested; left -= held.Count)
        {
            held.Clear();
            try
            {
                while (held.Count < Math.Min(HeldFrames, left) && again.TryRead(out VideoFrame? frame))
                {
                    using (frame) held.Add(pool.RentCopy(frame));
                }
                if (held.Count == 0) break;
                stages.Measure(held);
            }
            finally
            {
                foreach (VideoFrame frame in held) frame.Dispose();
            }
        }
        measured.AddRange(stages.Finish());
        _output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"detect, wall ms a frame: tensorise {stages.Milliseconds.Tensorise:0.00}, network {stages.Milliseconds.Network:0.00}, select {stages.Milliseconds.Select:0.00}"));
        return measured;
    }

    private VideoWriter CreateWriter(string name, IFrameSource source)
    {
        VideoWriterOptions options = new() { Threads = _budget.Encoder, CopySound = false };
        if (_settings.Preset is { } preset) options = options with { Preset = preset };
        return VideoWriter.Create(Path.Combine(_folder, name), source, options);
    }

    private void PrintStages(List<StageMeasurement> alone)
    {
        _output.WriteLine();
        _output.WriteLine("each stage alone      frames   wall ms   CPU ms   bytes   (a frame)");
        foreach (StageMeasurement stage in alone)
        {
            _output.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"  {stage.Name,-18} {stage.Frames,7} {stage.WallMilliseconds,9:0.00} {stage.CpuMilliseconds,8:0.00} {(double)stage.Allocated / Math.Max(1, stage.Frames),7:0}"));
        }
        _output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {"sum",-18} {"",7} {alone.Sum(s => s.WallMilliseconds),9:0.00} {alone.Sum(s => s.CpuMilliseconds),8:0.00}"));
    }

    private async Task<Together> MeasureTogetherAsync(long? frames, CancellationToken stop)
    {
        IFrameSource source = Open();
        await using PoseSession session = _engine.Open(source, new SessionOptions
        {
            Every = _settings.Every,
            Follow = _settings.Follow,
            MaximumFrames = frames,
            Draw = _settings.Output is not null,
        });
        SteadyStateProbe probe = new(warmUp: 50);
        if (_settings.Output is not null) session.AddSink(CreateWriter("together.mp4", source), "encode");
        session.AddSink(probe, "poses");
        TimeSpan cpuBefore = Environment.CpuUsage.TotalTime;
        long start = Stopwatch.GetTimestamp();
        RunReport report = await session.RunAsync(stop);
        TimeSpan wall = Stopwatch.GetElapsedTime(start), cpu = Environment.CpuUsage.TotalTime - cpuBefore;
        return new Together(report, probe, wall, cpu, PeakResidentMegabytes());
    }

    private void Print(Together together, List<StageMeasurement> alone)
    {
        (RunReport report, SteadyStateProbe probe, TimeSpan wall, TimeSpan cpu, double peak) = together;
        double cores = Environment.ProcessorCount;
        double floor = alone.Sum(stage => stage.CpuMilliseconds) / 1000 / cores * report.Frames;
        CultureInfo culture = CultureInfo.InvariantCulture;
        _output.WriteLine("together        frames   busy ms   own-thread CPU ms   (a frame)");
        foreach (StageReport stage in report.Stages)
        {
            double frames = Math.Max(1, stage.Frames);
            _output.WriteLine(string.Create(culture,
                $"  {stage.Name,-12} {stage.Frames,7} {1000 * stage.Seconds / frames,9:0.00} {1000 * stage.ThreadCpuSeconds / frames,19:0.00}"));
        }
        foreach (LinkReport link in report.Links)
            _output.WriteLine(string.Create(culture, $"  queue {link.Name,-10} mean {link.Mean:0.0}, deepest {link.Deepest} of {link.Capacity}"));
        _output.WriteLine();
        _output.WriteLine(string.Create(culture, $"{report.Frames} frames, {report.Faces} faces in {wall.TotalSeconds:0.00} s: {report.Frames / wall.TotalSeconds:0.0} fps"));
        if (report.Age is { } age)
            _output.WriteLine(string.Create(culture, $"age from decoding to output: median {1000 * age.Median:0} ms, 95 % below {1000 * age.Percentile95:0} ms, at most {1000 * age.Maximum:0} ms"));
        _output.WriteLine(string.Create(culture, $"CPU {cpu.TotalSeconds:0.00} s: {100 * cpu / wall / cores:0} % of {cores} cores"));
        _output.WriteLine(string.Create(culture, $"wall time / (CPU time of the stages alone / {cores} cores): {wall.TotalSeconds / floor:0.00}"));
        _output.WriteLine(string.Create(culture,
            $"managed allocation after warm-up: {probe.AllocatedPerFrame:0} bytes a frame; {probe.FullCollections} generation-2 collections in {probe.Frames} frames"));
        _output.WriteLine(string.Create(culture, $"peak resident memory: {peak:0} MB"));
    }

    private sealed record Together(RunReport Report, SteadyStateProbe Probe, TimeSpan Wall, TimeSpan Cpu, double PeakMegabytes);

    /// <summary>The process's high-water mark, from /proc; 0 where there is none.</summary>
    private static double PeakResidentMegabytes()
    {
        const string Status = "/proc/self/status";
        if (!File.Exists(Status)) return 0;
        string? line = File.ReadLines(Status).FirstOrDefault(candidate => candidate.StartsWith("VmHWM:", StringComparison.Ordinal));
        return line is null ? 0 : double.Parse(line.AsSpan(6).Trim().TrimEnd("kB").Trim(), CultureInfo.InvariantCulture) / 1024;
    }
}
