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
            if (batches.Count > 1) Alternate(detector, frame, batches.Min(), batches.Max(), part, length);
        }
    }

    /// <summary>
    /// Two shapes in turn, as live sessions have them. Some of ONNX Runtime's versions set convolutions up anew whenever the shape changes
    /// (its issue 23006), which no measurement of one shape shows.
    /// </summary>
    private void Alternate(PoseDetector detector, VideoFrame frame, int few, int many, string part, TimeSpan length)
    {
        int[] shapes = [few, many];
        TimeSpan[] times = new TimeSpan[2];
        List<FaceDetection>[] faces = [.. Enumerable.Range(0, many).Select(_ => new List<FaceDetection>())];
        VideoFrame[][] frames = [.. shapes.Select(count => Enumerable.Repeat(frame, count).ToArray())];
        List<FaceDetection>[][] lists = [.. shapes.Select(count => faces[..count])];
        int rounds = 0;
        for (long start = Stopwatch.GetTimestamp(); rounds == 0 || Stopwatch.GetElapsedTime(start) < length; rounds++)
        {
            for (int i = 0; i < shapes.Length; i++)
            {
                detector.Detect(frames[i], lists[i]);
                times[i] += detector.Times.Network;
            }
        }
        report.Tell($"{part}, batches in turn",
            $"the network {GpuReport.Number(times[0].TotalMilliseconds / rounds, "0.00")} ms for {few}, {GpuReport.Number(times[1].TotalMilliseconds / rounds, "0.00")} ms for {many}",
            ("few", few), ("many", many), ("few_seconds", times[0].TotalSeconds / rounds), ("many_seconds", times[1].TotalSeconds / rounds));
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
        List<AgeProbe> probes = [];
        for (int i = 0; i < count; i++)
        {
            PoseSession session = engine.Open(clip, new SessionOptions { RealTime = true, Policy = LinkPolicy.Latest, Duration = length, Warning = Warn });
            AgeProbe probe = new();
            session.AddSink(probe);
            probes.Add(probe);
            sessions.Add(session);
        }
        Task<RunReport[]> running = Task.WhenAll(sessions.Select(session => session.RunAsync(stop)));
        // A batch's shape is set up at its first run, which takes longer than hundreds of looks: the first third is not counted.
        await Task.WhenAny(running, Task.Delay(length / 3, stop));
        probes.ForEach(probe => probe.Begin());
        TimeSpan cpu = Environment.CpuUsage.TotalTime;
        long brought = device.BytesToHost, start = Stopwatch.GetTimestamp();
        RunReport[] reports = await running;
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds, cores = (Environment.CpuUsage.TotalTime - cpu).TotalSeconds / seconds;
        long memory = MemoryUsed();
        brought = device.BytesToHost - brought;
        long frames = probes.Sum(probe => (long)probe.Ages.Count), dropped = reports.Sum(one => one.Dropped);
        double age = probes.Max(probe => probe.Percentile95), worst = reports.Max(one => one.Age?.Maximum ?? 0);
        if (frames == 0) throw new InputException($"{clip}: no session gave a frame after its warm-up");
        foreach (PoseSession session in sessions) await session.DisposeAsync();
        string said;
        lock (warnings) said = warnings.Count == 0 ? "" : $"; {warnings.Count} warnings, first: {warnings[0]}";
        report.Tell($"{count} live sessions",
            $"{GpuReport.Number(frames / seconds)} frames/s, {dropped} dropped, age 95 % below {GpuReport.Number(1000 * age, "0")} ms (at most {GpuReport.Number(1000 * worst, "0")} from the start), {GpuReport.Number(brought / 1e3 / frames)} KB a frame to the host, {GpuReport.Number(cores, "0.00")} cores, {GpuReport.Number(memory / 1e9, "0.00")} GB of the GPU{said}",
            ("sessions", count), ("frames_per_second", frames / seconds), ("dropped", dropped), ("age_p95_seconds", age), ("age_most_seconds", worst), ("bytes_to_host_per_frame", (double)brought / frames), ("cores", cores), ("memory_used", memory),
            ("provider", engine.ProviderDescription), ("warnings", warnings.Count));

        void Warn(string message)
        {
            lock (warnings) warnings.Add(message);
        }
    }

    /// <summary>Ages of a session's frames from a moment on. Read when the session is over.</summary>
    private sealed class AgeProbe : IPoseSink
    {
        private volatile bool _begun;

        /// <summary>Seconds.</summary>
        public List<double> Ages { get; } = new(1 << 14);

        /// <summary>What 95 % are not above; 0 where there are none.</summary>
        public double Percentile95 => Ages.Count == 0 ? 0 : Ages.Order().ElementAt(Math.Min(Ages.Count - 1, (int)(0.95 * Ages.Count)));

        /// <summary>From here on they count.</summary>
        public void Begin() => _begun = true;

        public void Write(VideoFrame frame, ReadOnlySpan<TrackedFace> faces)
        {
            if (_begun) Ages.Add(Stopwatch.GetElapsedTime(frame.CaptureTime).TotalSeconds);
        }

        public void Finish(RunReport report, bool failed)
        {
        }

        public void Dispose()
        {
        }
    }

    private long MemoryUsed()
    {
        (long free, long total) = device.Memory;
        return total - free;
    }
}
