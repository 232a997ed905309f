using System.Globalization;
using System.Runtime.ExceptionServices;
using Img2Pose.Core;
using Img2Pose.Cuda;
using Img2Pose.Geometry;
using Img2Pose.Inference;
using Img2Pose.Media;
using Img2Pose.Pipeline;
using Img2Pose.Pipeline.Views;
using Img2Pose.Rendering.Overlay;
using Img2Pose.Rendering.Views;

namespace Img2Pose.Cli.Running;

/// <summary>Carries out <c>run</c>: an engine with a session for each source, some of them side by side.</summary>
internal sealed class RunJob : IAsyncDisposable
{
    /// <summary>Files side by side at most, unless the user says otherwise: each holds frames, a decoder and an encoder.</summary>
    private const int MostJobs = 4;

    /// <summary>How long the window of live sources waits for the first of them: longer than one takes that is there and answers.</summary>
    private static readonly TimeSpan s_windowWaits = TimeSpan.FromSeconds(0.5);

    private readonly RunSettings _settings;
    private FileRoles _roles = new();
    private CpuBudget _budget = CpuBudget.ForThisMachine();
    private int _jobs = 1;
    // Streams open side by side; what a job has once is set up by one of them.
    private readonly Lock _setUp = new();
    private readonly Lazy<CudaDevice?> _cuda;
    private PoseEngine? _engine;
    private LiveSinks? _sinks;
    private CancellationTokenSource? _ending;
    private volatile bool _quit;
    private volatile ExceptionDispatchInfo? _windowFailure;
    private List<AwaitedSource> _awaited = [];
    private BoxTable? _boxes;

    /// <summary>Prepares the job; nothing is opened yet.</summary>
    public RunJob(RunSettings settings)
    {
        _settings = settings;
        _cuda = new Lazy<CudaDevice?>(() => ComputeDevice.TryOpen(settings.Device, ProgramLog.Logger));
    }

    /// <summary>Runs to the end, or until <paramref name="stop"/> fires, and returns the exit code.</summary>
    public async Task<int> ExecuteAsync(CancellationToken stop)
    {
        IReadOnlyList<string> sources = MediaSource.Expand(_settings.Source);
        _roles = RunFiles.Of(_settings, sources);
        using IDisposable guard = _roles.Guard();
        RunProgress progress = new(sources.Count, _settings.Quiet);
        // Who closes the window ends the job as a signal does, but as it was meant to end.
        using CancellationTokenSource ending = CancellationTokenSource.CreateLinkedTokenSource(stop);
        _ending = ending;
        stop = ending.Token;
        Interruption? interruption = Interruption.Current;
        try
        {
            if (interruption is not null) interruption.Progress = () => progress.FramesDone;
            bool isLive = MediaSource.IsLive(sources[0]);
            // A live source may be waited for: not by this thread, which shows how that goes.
            Task<int> job = sources.Count == 1
                ? isLive
                    ? Task.Run(() => RunOneLiveAsync(sources[0], progress, stop), CancellationToken.None)
                    : RunOneAsync(_settings with { Source = sources[0] }, null, progress, stop)
                : RunAllAsync(sources, progress, stop);
            if (isLive && _settings.Sinks.Show) job = WithWindowAsync(job, _settings with { Source = sources[0] }, ending);
            await progress.ShowUntilAsync(job);
            int code;
            try
            {
                code = await job;
            }
            catch (OperationCanceledException) when (_quit || _windowFailure is not null)
            {
                // The window was closed, or there can be none, while something was still being opened.
                code = ExitCode.Done;
            }
            _windowFailure?.Throw();
            if (_sinks?.WindowFailure is { } failure) throw failure;
            // With only a part of the frames taken it is no wonder that some have no boxes.
            bool whole = _settings is { Start: null, Duration: null, Frames: null } && !stop.IsCancellationRequested;
            if (whole && _boxes?.DescribeUnused() is { } unused) ProgramLog.BoxesUnused(ProgramLog.Logger, unused);
            return code;
        }
        finally
        {
            if (interruption is not null) interruption.Progress = null;
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_sinks is not null) await _sinks.DisposeAsync();
        if (_engine is not null) await _engine.DisposeAsync();
        if (_cuda.IsValueCreated) _cuda.Value?.Dispose();
    }

    private Task<int> RunOneLiveAsync(string source, RunProgress progress, CancellationToken stop)
    {
        string name = StreamNames.Of(source);
        if (_settings.Sinks.Show) _awaited = [new AwaitedSource(name, StreamNames.Shown(source), new LiveStatus())];
        return RunOneAsync(_settings with { Source = source }, name, progress, stop);
    }

    /// <summary>
    /// Opens the window of live sources that are slow to come, so that their state is seen in it; and that there is no display, or no
    /// such model, is told then and not when they come.
    /// </summary>
    private async Task<int> WithWindowAsync(Task<int> job, RunSettings settings, CancellationTokenSource ending)
    {
        if (await Task.WhenAny(job, Task.Delay(s_windowWaits, ending.Token)) != job && !ending.IsCancellationRequested)
        {
            try
            {
                lock (_setUp) SetUp(settings, ending.Token);
            }
            catch (Exception error)
            {
                if (!ending.IsCancellationRequested) _windowFailure = ExceptionDispatchInfo.Capture(error);
                await ending.CancelAsync();
            }
        }
        return await job;
    }

    private async Task<int> RunAllAsync(IReadOnlyList<string> sources, RunProgress progress, CancellationToken stop)
    {
        string? videos = FolderFor("--out", _settings.Output, sources.Count);
        string? poses = FolderFor("--json", _settings.Json, sources.Count);
        // Streams do not wait for one another: all run, or what comes is lost.
        bool isLive = MediaSource.IsLive(sources[0]);
        _jobs = isLive ? sources.Count : Math.Min(sources.Count, _settings.Jobs ?? Math.Min(Environment.ProcessorCount, MostJobs));
        _budget = CpuBudget.ForThisMachine(_jobs);
        using SemaphoreSlim room = new(_jobs);
        HashSet<string> known = new(StringComparer.Ordinal);
        string[] names = [.. sources.Select(source => UniqueName(source, known))];
        if (isLive && _settings.Sinks.Show) _awaited = [.. sources.Zip(names, (source, name) => new AwaitedSource(name, StreamNames.Shown(source), new LiveStatus()))];
        List<Task<int>> running = [];
        foreach ((string source, string name) in sources.Zip(names))
        {
            await room.WaitAsync(CancellationToken.None);
            // What concerns the whole job, such as a missing model, ends it once the others are done.
            if (stop.IsCancellationRequested || running.Exists(task => task.IsFaulted)) break;
            RunSettings single = _settings with
            {
                Source = source,
                Output = videos,
                Json = poses is null ? null : Path.Combine(poses, name + ".jsonl"),
            };
            running.Add(isLive
                ? Task.Run(() => RunOneOfManyAsync(single, name, progress, room, stop), CancellationToken.None)
                : RunOneOfManyAsync(single, name, progress, room, stop));
        }
        int[] codes = await Task.WhenAll(running);
        return codes.Length == 0 ? ExitCode.Done : codes.Max();
    }

    private async Task<int> RunOneOfManyAsync(RunSettings settings, string name, RunProgress progress, SemaphoreSlim room, CancellationToken stop)
    {
        try
        {
            return await RunOneAsync(settings, name, progress, stop);
        }
        catch (OperationCanceledException) when (_quit)
        {
            // It had not come by the time that the window was closed.
            return ExitCode.Done;
        }
        catch (Exception error) when (error is not (ModelException or OperationCanceledException))
        {
            // One video that cannot be read or written does not keep the others from being done; the exit code tells at
            // the end. The model is the same for all.
            ProgramLog.SourceFailed(ProgramLog.Logger, ErrorReport.Describe(error), error);
            StatusOf(name)?.Report(new SourceStatus(SourceState.Ended));
            return ExitCode.Failed;
        }
        finally
        {
            room.Release();
        }
    }

    private async Task<int> RunOneAsync(RunSettings settings, string? name, RunProgress progress, CancellationToken stop)
    {
        IFrameSource source = MediaSource.Open(settings.Source, new SourceOptions
        {
            Start = settings.Start,
            Duration = settings.Duration,
            RealTime = settings.PlaysInRealTime,
            Live = settings.Live,
            Status = StatusOf(name),
            Logger = ProgramLog.Logger,
            // Before the engine is there, which may turn out to work on the processor: its sessions fetch such frames.
            Cuda = _engine is { Cuda: null } ? null : _cuda.Value,
            DecoderThreads = _budget.Decoder,
            Memory = settings.Memory,
            Deinterlace = settings.Deinterlace,
            Sound = settings.Output is { } pushed && VideoWriter.IsStream(pushed),
            Cancellation = stop,
            Warning = Warn,
        });
        await using PoseSession session = OpenSession(source, settings, name, stop, out string? output);
        // Sound is copied from the source's beginning, so the writer comes before the first frame is read.
        VideoWriter? writer = output is null ? null : CreateWriter(output, settings, source, stop);
        if (writer is not null) session.AddSink(writer, "encode");
        if (settings.Json is not null) session.AddSink(CreatePoseWriter(settings.Json, source.Info), "poses");
        if (_sinks is not null) await _sinks.AddToAsync(session, source, name ?? StreamNames.Of(settings.Source), VideoOptions(settings, source.Info, SignalToken), stop);
        if (settings.Views is not null) session.AddSink(CreateViews(settings.Views, name, source.Info), "views");
        progress.Begin(session, ExpectedFrames(settings, source.Info));
        RunReport? report = null;
        try
        {
            report = await session.RunAsync(stop);
        }
        finally
        {
            progress.End(session, report is null ? null : Summary(report, output, settings));
        }
        if (report.Failures.Count > 0) return ExitCode.Failed;
        // A picture that could not be read or written was named when it was met; the rest is done, but not all is.
        return source.Info.IsImages && (report.Damaged > 0 || writer?.FailedPictures > 0) ? ExitCode.Failed : ExitCode.Done;
    }

    /// <summary>Where a stream of a list tells the window its state before its first picture; null: nobody looks.</summary>
    private LiveStatus? StatusOf(string? name) => _awaited.Find(source => source.Name == name)?.Status;

    private PoseSession OpenSession(IFrameSource source, RunSettings settings, string? name, CancellationToken stop, out string? output)
    {
        PoseEngine engine;
        try
        {
            lock (_setUp)
            {
                output = OutputPlan.Create(settings, source.Info, _roles, name);
                if (settings.Boxes is not null) _boxes ??= BoxTable.Load(settings.Boxes);
                if (settings.Sinks.Show && source.Info.IsImages) throw new UsageException("--show is for videos and cameras; give pictures --out, and look at what is written.");
                // The first source that opens brings the engine up: an input that is not there is told without it.
                engine = SetUp(settings, stop);
            }
        }
        catch
        {
            source.Dispose();
            throw;
        }
        return engine.Open(source, new SessionOptions
        {
            Name = name,
            Every = settings.Every,
            Follow = settings.Follow,
            AnyRoll = settings.AnyRoll,
            MaximumFrames = settings.Frames,
            Track = settings.Track,
            Smooth = settings.Smooth,
            Boxes = _boxes,
            Draw = output is not null,
            Logger = ProgramLog.Logger,
            StopReason = () => _quit ? "the window was closed" : Interruption.Current?.Reason ?? "interrupted",
            SinkFailed = (sink, error) => ProgramLog.OutputFailed(ProgramLog.Logger, ErrorReport.Describe(error), sink),
        });
    }

    /// <summary>What a job has once: the engine, and what its sinks share. The caller holds the lock.</summary>
    private PoseEngine SetUp(RunSettings settings, CancellationToken stop)
    {
        if (_engine is null)
        {
            _engine = CreateEngine(settings, _budget, _jobs, _cuda.Value, stop);
            if (_engine.DeviceNote is { } note) Warn(note);
        }
        if (settings.Sinks is { Any: true } or { Camera: not null })
            _sinks ??= new LiveSinks(settings, _engine, settings.LoadReference(), _roles, _awaited, QuitByWindow);
        return _engine;
    }

    /// <summary>The engine that the settings ask for.</summary>
    /// <exception cref="ModelException">Model, device or a native library is at fault.</exception>
    /// <exception cref="InputException">The reference points cannot be read.</exception>
    public static PoseEngine CreateEngine(RunSettings settings, CpuBudget budget, int sessions, CudaDevice? cuda, CancellationToken stop = default)
    {
        ReferenceFace? reference = settings.LoadReference();
        ModelPackage model = ModelPackage.Load(ModelLocator.Find(settings.Model));
        PoseDetectorOptions detection = new()
        {
            Device = settings.Device,
            Cuda = cuda,
            Provider = settings.Provider,
            Threads = settings.Threads ?? 0,
            ScoreThreshold = settings.Score,
            NmsThreshold = settings.Nms,
            Size = settings.Size,
            Reference = reference,
            Stop = stop,
        };
        return PoseEngine.Create(model, new PoseEngineOptions
        {
            Detection = settings.Detection.Apply(detection, model),
            Scales = settings.Detection.LooksAtScales,
            Overlay = new OverlayOptions { Layers = settings.Overlay, Alpha = settings.Alpha, Reference = reference, Camera = settings.Sinks.Camera?.Invoke(reference) },
            Sessions = sessions,
            Workers = settings.Workers,
            LowLatency = sessions == 1 && MediaSource.IsLive(settings.Source),
            Budget = budget,
            Warning = Warn,
        });
    }

    /// <summary>The source's name without extension; numbered where an earlier one of another folder or extension has it already.</summary>
    private static string UniqueName(string source, HashSet<string> names)
    {
        // Room for a number and for the longest ending that outputs get.
        string stem = TemporaryName.Fit(StreamNames.Of(source), 20), name = stem;
        for (int i = 2; !names.Add(name); i++) name = string.Create(CultureInfo.InvariantCulture, $"{stem}_{i}");
        return name;
    }

    private static void Warn(string message) => ProgramLog.SourceWarning(ProgramLog.Logger, message);

    private static string? FolderFor(string option, string? path, int count)
    {
        if (path is null) return null;
        if (VideoWriter.IsStream(path)) throw new UsageException($"The source stands for {count} videos; give {option} a folder, which {VideoWriter.Describe(path)} is not.");
        if (path == "-" || (!Directory.Exists(path) && !Path.EndsInDirectorySeparator(path)))
            throw new UsageException($"The source stands for {count} videos; give {option} a folder that exists, or a name that ends in /.");
        return OutputFolder.Create(path);
    }

    /// <summary>The best frontal picture of each face; of several sources in a folder for each.</summary>
    private IdentityViews CreateViews(string folder, string? name, SourceInfo source)
    {
        if (source.IsImages) throw new UsageException("--views keeps the best picture of each face of a video; for pictures there is the verb views.");
        ViewPlan plan = new() { Yaws = [0], Names = ViewNames.OneFile, Drawing = new FaceViewOptions { Live = true } };
        return new IdentityViews(new ViewFiles(name is null ? folder : Path.Combine(folder, name), plan, _roles.ReadAs), plan, source.Name);
    }

    private IPoseSink CreatePoseWriter(string path, SourceInfo source) => path.EndsWith(".csv", StringComparison.OrdinalIgnoreCase)
        ? new PoseTableWriter(OutputFile.Create(path), _sinks?.Camera)
        : new JsonLinesWriter(OutputFile.Create(path), new JsonHeader
        {
            Source = source.Name,
            Width = source.Width,
            Height = source.Height,
            FramesPerSecond = source.FramesPerSecond,
            Model = _engine!.Model.Metadata.Name,
            ModelLicence = _engine.Model.Metadata.Licence,
            ModelSha256 = _engine.Model.Sha256,
            Raw = _settings.Raw,
            IsLive = source.IsLive,
            Camera = _sinks?.Camera,
        });

    // A file is ended well when the window is closed, however long its encoder takes; a stream that is still being opened is not waited for.
    private VideoWriter CreateWriter(string output, RunSettings settings, IFrameSource source, CancellationToken stop) =>
        VideoWriter.Create(output, source, VideoOptions(settings, source.Info, VideoWriter.IsStream(output) ? stop : SignalToken));

    private static CancellationToken SignalToken => Interruption.Current?.Token ?? default;

    private VideoWriterOptions VideoOptions(RunSettings settings, SourceInfo source, CancellationToken stop)
    {
        VideoWriterOptions defaults = new();
        return new VideoWriterOptions
        {
            Codec = settings.Codec ?? defaults.Codec,
            Preset = settings.Preset ?? defaults.Preset,
            Quality = source.IsImages ? null : settings.Quality,
            JpegQuality = source.IsImages ? settings.Quality ?? defaults.JpegQuality : defaults.JpegQuality,
            Threads = _budget.Encoder,
            // What is looked at on a GPU stays there for its encoder.
            Cuda = _engine?.Cuda,
            ReadAs = _roles.ReadAs,
            Stop = stop,
            Warning = Warn,
        };
    }

    private void QuitByWindow()
    {
        _quit = true;
        // On the window's thread, which must not wait for what the token wakes.
        _ = _ending?.CancelAsync();
    }

    private static long? ExpectedFrames(RunSettings settings, SourceInfo source)
    {
        long? frames = source.FrameCount ?? (source is { Duration: { } length, FramesPerSecond: { } rate } ? (long)Math.Round(length * rate) : null);
        if (settings.Start is not null || settings.Duration is not null)
        {
            double? left = source.Duration is { } all ? Math.Max(0, all - (settings.Start?.TotalSeconds ?? 0)) : null;
            double? taken = settings.Duration is { } wanted ? Math.Min(wanted.TotalSeconds, left ?? double.MaxValue) : left;
            frames = taken * source.FramesPerSecond is { } expected ? (long)Math.Round(expected) : null;
        }
        return settings.Frames is { } limit ? Math.Min(limit, frames ?? limit) : frames;
    }

    private static string Summary(RunReport report, string? output, RunSettings settings)
    {
        string text = string.Create(CultureInfo.InvariantCulture,
            $"{report.Frames} frames, {report.Faces} faces in {report.Seconds:0.0} s ({report.FramesPerSecond:0.0} fps)");
        if (report.Damaged > 0) text += $", {report.Damaged} damaged";
        if (report.Dropped > 0) text += $", {report.Dropped} dropped";
        if (report is { IsLive: true, Age: { } age })
            text += string.Create(CultureInfo.InvariantCulture, $", age {1000 * age.Median:0} ms, 95 % below {1000 * age.Percentile95:0} ms");
        if (!report.Complete) text += $", {report.Reason}";
        // Without a frame there is no video.
        string[] outputs = [.. new[] { report.Frames > 0 && output is not null ? VideoWriter.Describe(output) : null, settings.Json == "-" ? null : settings.Json }.OfType<string>()];
        return outputs.Length > 0 ? $"{text} → {string.Join(", ", outputs)}" : text;
    }
}
