using System.Globalization;
using Img2Pose.Core;
using Img2Pose.Media;
using Img2Pose.Pipeline;

namespace Img2Pose.Cli.Running;

/// <summary>Carries out <c>run</c>: one pipeline run for a sequence, one after the other for several videos.</summary>
internal sealed class RunJob : IDisposable
{
    private readonly RunSettings _settings;
    private readonly CpuBudget _budget = CpuBudget.ForThisMachine();
    private FileRoles _roles = new();
    private RunEngine? _engine;

    /// <summary>Prepares the job; nothing is opened yet.</summary>
    public RunJob(RunSettings settings) => _settings = settings;

    /// <summary>Runs to the end, or until <paramref name="stop"/> fires, and returns the exit code.</summary>
    public async Task<int> ExecuteAsync(CancellationToken stop)
    {
        IReadOnlyList<string> sources = MediaSource.Expand(_settings.Source);
        _roles = RunFiles.Of(_settings, sources);
        int code = sources.Count == 1 ? await RunOneAsync(_settings with { Source = sources[0] }, null, stop) : await RunAllAsync(sources, stop);
        // With only a part of the frames taken it is no wonder that some have no boxes.
        bool whole = _settings is { Start: null, Duration: null, Frames: null } && !stop.IsCancellationRequested;
        if (whole && _engine?.Boxes?.DescribeUnused() is { } unused) ProgramLog.BoxesUnused(ProgramLog.Logger, unused);
        return code;
    }

    private async Task<int> RunAllAsync(IReadOnlyList<string> sources, CancellationToken stop)
    {

        string? videos = FolderFor("--out", _settings.Output, sources.Count);
        string? poses = FolderFor("--json", _settings.Json, sources.Count);
        int worst = ExitCode.Done;
        HashSet<string> names = new(StringComparer.Ordinal);
        foreach (string source in sources)
        {
            if (stop.IsCancellationRequested) break;
            string name = UniqueName(source, names);
            RunSettings single = _settings with
            {
                Source = source,
                Output = videos,
                Json = poses is null ? null : Path.Combine(poses, name + ".jsonl"),
            };
            try
            {
                worst = Math.Max(worst, await RunOneAsync(single, name, stop));
            }
            catch (Exception error) when (error is not (ModelException or OperationCanceledException))
            {
                // One video that cannot be read or written does not keep the others from being done; the exit code tells at
                // the end. The model is the same for all.
                ProgramLog.SourceFailed(ProgramLog.Logger, ErrorReport.Describe(error), error);
                worst = ExitCode.Failed;
            }
        }
        return worst;
    }

    /// <inheritdoc/>
    public void Dispose() => _engine?.Dispose();

    private async Task<int> RunOneAsync(RunSettings settings, string? name, CancellationToken stop)
    {
        using IFrameSource source = MediaSource.Open(settings.Source, new SourceOptions
        {
            Start = settings.Start,
            Duration = settings.Duration,
            DecoderThreads = _budget.Decoder,
            Memory = settings.Memory,
            Cancellation = stop,
            Warning = Warn,
        });
        string? output = OutputPlan.Create(settings, source.Info, _roles, name);
        if (_engine is null)
        {
            _engine = RunEngine.Create(settings, _budget);
            if (_engine.Detector.DeviceNote is { } note) Warn(note);
        }
        // Sound is copied from the source's beginning, so the writer comes before the first frame is read.
        using IFrameSink? frames = output is null ? null : OpenFrames(output, settings, source);
        using IPoseSink? poses = settings.Json is null ? null
            : settings.Json.EndsWith(".csv", StringComparison.OrdinalIgnoreCase) ? new PoseTableWriter(OutputFile.Create(settings.Json))
            : new JsonLinesWriter(OutputFile.Create(settings.Json), HeaderFor(source.Info));
        (NetworkDetector detector, TrackerStage? tracker) = settings.Track && !source.Info.IsImages
            ? _engine.CreateTracked(settings.Smooth, settings.Every / source.Info.FramesPerSecond)
            : (_engine.CreateDetector(), null);
        PipelineParts parts = new()
        {
            Source = source,
            Detector = detector,
            Tracker = tracker,
            Composer = frames is null ? null : _engine.Composer,
            Frames = frames,
            Poses = poses,
        };
        PipelineOptions options = new()
        {
            Every = source.Info.IsImages ? 1 : settings.Every,
            MaximumFrames = settings.Frames,
            Policy = source.Info.IsLive ? FlowPolicy.Latest : FlowPolicy.Lossless,
            StopReason = () => Interruption.Current?.Reason ?? "interrupted",
        };
        using VideoPipeline pipeline = new(parts, options);
        RunReport report = await ShowAsync(pipeline, settings, source.Info, stop);
        if (!settings.Quiet) Console.Error.WriteLine(Summary(report, output, settings));
        // A picture that could not be read was named when it was met; the rest is done, but not all is.
        return source.Info.IsImages && report.Damaged > 0 ? ExitCode.Failed : ExitCode.Done;
    }

    private static async Task<RunReport> ShowAsync(VideoPipeline pipeline, RunSettings settings, SourceInfo source, CancellationToken stop)
    {
        Interruption? interruption = Interruption.Current;
        try
        {
            if (interruption is not null) interruption.Progress = () => pipeline.FramesDone;
            return await RunProgress.ShowAsync(pipeline, pipeline.RunAsync(stop), ExpectedFrames(settings, source), settings.Quiet);
        }
        finally
        {
            if (interruption is not null) interruption.Progress = null;
        }
    }

    /// <summary>The source's name without extension; numbered where an earlier one of another folder or extension has it already.</summary>
    private static string UniqueName(string source, HashSet<string> names)
    {
        // Room for a number and for the longest ending that outputs get.
        string stem = TemporaryName.Fit(Path.GetFileNameWithoutExtension(source), 20), name = stem;
        for (int i = 2; !names.Add(name); i++) name = string.Create(CultureInfo.InvariantCulture, $"{stem}_{i}");
        return name;
    }

    private static void Warn(string message) => ProgramLog.SourceWarning(ProgramLog.Logger, message);

    private static string? FolderFor(string option, string? path, int count)
    {
        if (path is null) return null;
        if (path == "-" || (!Directory.Exists(path) && !Path.EndsInDirectorySeparator(path)))
            throw new UsageException($"The source stands for {count} videos; give {option} a folder that exists, or a name that ends in /.");
        try
        {
            return Directory.CreateDirectory(path).FullName;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new OutputException($"{path} cannot be created ({error.Message.TrimEnd('.')}).", error);
        }
    }

    private JsonHeader HeaderFor(SourceInfo source) => new()
    {
        Source = source.Name,
        Width = source.Width,
        Height = source.Height,
        FramesPerSecond = source.FramesPerSecond,
        Model = _engine!.Model.Metadata.Name,
        ModelLicence = _engine.Model.Metadata.Licence,
        ModelSha256 = _engine.Model.Sha256,
        Raw = _settings.Raw,
    };

    private VideoFileSink OpenFrames(string output, RunSettings settings, IFrameSource source)
    {
        VideoWriterOptions defaults = new();
        return new VideoFileSink(VideoWriter.Create(output, source, new VideoWriterOptions
        {
            Codec = settings.Codec ?? defaults.Codec,
            Preset = settings.Preset ?? defaults.Preset,
            Quality = source.Info.IsImages ? null : settings.Quality,
            JpegQuality = source.Info.IsImages ? settings.Quality ?? defaults.JpegQuality : defaults.JpegQuality,
            Threads = _budget.Encoder,
            Warning = Warn,
        }));
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
        if (!report.Complete) text += $", {report.Reason}";
        // Without a frame there is no video.
        string[] outputs = [.. new[] { report.Frames > 0 ? output : null, settings.Json == "-" ? null : settings.Json }.OfType<string>()];
        return outputs.Length > 0 ? $"{text} → {string.Join(", ", outputs)}" : text;
    }
}
