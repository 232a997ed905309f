using System.Diagnostics;
using Img2Pose.Cuda;
using Img2Pose.Frames;
using Img2Pose.Geometry;
using Img2Pose.Inference;
using Img2Pose.Media;
using Img2Pose.Pipeline;

namespace Img2Pose.Cli.Benchmarking.Gpu;

/// <summary>How much a GPU does: decoding alone, networks alone by the size of the batch, and whole live sessions side by side.</summary>
/// <param name="device">The GPU.</param>
/// <param name="name">Where the network runs, as <c>--device</c> names it.</param>
/// <param name="clip">A clip, which stands for a camera's picture.</param>
/// <param name="report">Receives the results.</param>
internal sealed class GpuThroughput(CudaDevice device, string name, string clip, GpuReport report)
{
    /// <summary>Decodes the whole clip, and lets the frames go.</summary>
    public void Decode()
    {
        List<string> warnings = [];
        using IFrameSource source = MediaSource.Open(clip, new SourceOptions { Cuda = device, Warning = warnings.Add });
        long frames = 0, onDevice = 0, start = Stopwatch.GetTimestamp();
        while (source.TryRead(out VideoFrame? frame))
        {
            frames++;
            if (frame.Memory == MemoryKind.Cuda) onDevice++;
            frame.Dispose();
        }
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        string where = onDevice == frames ? "on the GPU" : $"{frames - onDevice} of {frames} by the processor{(warnings.Count > 0 ? ": " + warnings[0] : "")}";
        report.Tell("decode", $"{GpuReport.Number(frames / seconds)} frames/s of {source.Info.Codec} {source.Info.Width}x{source.Info.Height}, {where}",
            ("frames_per_second", frames / seconds), ("frames", frames), ("on_device", onDevice), ("codec", source.Info.Codec));
    }

    /// <summary>Runs a network on batches of one picture of the clip, which lies where sessions would have it.</summary>
    public void Network(string? model, string provider, IReadOnlyList<int> batches, TimeSpan length)
    {
        ModelPackage package = ModelPackage.Load(ModelLocator.Find(model));
        string part = $"network {Path.GetFileNameWithoutExtension(package.Path)}{(provider.Length > 0 ? $" {provider}" : "")}";
        PoseDetectorOptions options = new() { Device = name, Cuda = device, Provider = CudaProviderOptions.Parse(provider) };
        using PoseDetector detector = PoseDetector.Create(package, options);
        using IFrameSource source = MediaSource.Open(clip, new SourceOptions { Cuda = device });
        if (!source.TryRead(out VideoFrame? frame)) throw new InputException($"{clip}: no picture of it can be decoded");
        using (frame)
        {
            foreach (int batch in batches)
            {
                VideoFrame[] frames = [.. Enumerable.Repeat(frame, batch)];
                List<FaceDetection>[] faces = [.. Enumerable.Range(0, batch).Select(_ => new List<FaceDetection>())];
                // Sets the shape up, and searches algorithms where it shall.
                detector.Detect(frames, faces);
                long runs = 0, start = Stopwatch.GetTimestamp();
                do
                {
                    detector.Detect(frames, faces);
                    runs++;
                }
                while (Stopwatch.GetElapsedTime(start) < length);
                double perSecond = runs * batch / Stopwatch.GetElapsedTime(start).TotalSeconds;
                DetectionTimes times = detector.Times;
                report.Tell($"{part}, batch {batch}",
                    $"{GpuReport.Number(perSecond)} pictures/s; of {GpuReport.Number((times.Tensorise + times.Network + times.Select).TotalMilliseconds, "0.00")} ms the network {GpuReport.Number(times.Network.TotalMilliseconds, "0.00")}; {detector.ProviderDescription}{(detector.DeviceNote is { } note ? "; " + note : "")}",
                    ("pictures_per_second", perSecond), ("batch", batch), ("provider", detector.ProviderDescription), ("faces", faces[0].Count),
                    ("memory_used", MemoryUsed()));
            }
        }
    }

    /// <summary>Runs live sessions of the clip side by side, poses only, for as long as the clip or the time lasts.</summary>
    public async Task SessionsAsync(string? model, string provider, int count, TimeSpan length, CancellationToken stop)
    {
        ModelPackage package = ModelPackage.Load(ModelLocator.Find(model));
        List<string> warnings = [];
        await using PoseEngine engine = PoseEngine.Create(package, new PoseEngineOptions
        {
            Detection = new PoseDetectorOptions { Device = name, Cuda = device, Provider = CudaProviderOptions.Parse(provider) },
            Sessions = count,
            Warning = Warn,
        });
        List<PoseSession> sessions = [];
        for (int i = 0; i < count; i++)
        {
            PoseSession session = engine.Open(clip, new SessionOptions { RealTime = true, Policy = LinkPolicy.Latest, Duration = length, Warning = Warn });
            session.AddSink(new SteadyStateProbe(warmUp: 0));
            sessions.Add(session);
        }
        TimeSpan cpu = Environment.CpuUsage.TotalTime;
        long start = Stopwatch.GetTimestamp();
        RunReport[] reports = await Task.WhenAll(sessions.Select(session => session.RunAsync(stop)));
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds, cores = (Environment.CpuUsage.TotalTime - cpu).TotalSeconds / seconds;
        long memory = MemoryUsed();
        long frames = reports.Sum(one => one.Frames), dropped = reports.Sum(one => one.Dropped);
        double age = reports.Max(one => one.Age?.Percentile95 ?? 0);
        foreach (PoseSession session in sessions) await session.DisposeAsync();
        string said;
        lock (warnings) said = warnings.Count == 0 ? "" : $"; {warnings.Count} warnings, first: {warnings[0]}";
        report.Tell($"{count} live sessions",
            $"{GpuReport.Number(frames / seconds)} frames/s, {dropped} dropped, age 95 % below {GpuReport.Number(1000 * age, "0")} ms, {GpuReport.Number(cores, "0.00")} cores, {GpuReport.Number(memory / 1e9, "0.00")} GB of the GPU{said}",
            ("sessions", count), ("frames_per_second", frames / seconds), ("dropped", dropped), ("age_p95_seconds", age), ("cores", cores), ("memory_used", memory),
            ("provider", engine.ProviderDescription), ("warnings", warnings.Count));

        void Warn(string message)
        {
            lock (warnings) warnings.Add(message);
        }
    }

    private long MemoryUsed()
    {
        (long free, long total) = device.Memory;
        return total - free;
    }
}
