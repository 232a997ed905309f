using System.Diagnostics;
using System.Runtime.InteropServices;
using Img2Pose.Frames;
using Img2Pose.Geometry;
using Img2Pose.Media;
using Img2Pose.Tracking;

namespace Img2Pose.Pipeline;

/// <summary>The parts of a run. The pipeline uses them; whoever made them disposes them.</summary>
public sealed record PipelineParts
{
    /// <summary>Where frames come from.</summary>
    public required IFrameSource Source { get; init; }

    /// <summary>What finds the faces.</summary>
    public required IFrameDetector Detector { get; init; }

    /// <summary>What gives faces identities; null: every detection stands alone with id 0.</summary>
    public IFaceTracker? Tracker { get; init; }

    /// <summary>What draws on the frames; null: nothing does.</summary>
    public IFrameComposer? Composer { get; init; }

    /// <summary>Where frames go; null: nowhere.</summary>
    public IFrameSink? Frames { get; init; }

    /// <summary>Where poses go; null: nowhere.</summary>
    public IPoseSink? Poses { get; init; }
}

/// <summary>Settings of a run.</summary>
public sealed record PipelineOptions
{
    /// <summary>The network looks at every n-th frame; the tracker predicts the others. At least 1.</summary>
    public int Every { get; init; } = 1;

    /// <summary>Frames that may wait between two stages. At least 1.</summary>
    public int ChannelCapacity { get; init; } = 3;

    /// <summary>What happens when the detector falls behind the source.</summary>
    public FlowPolicy Policy { get; init; } = FlowPolicy.Lossless;

    /// <summary>Frames after which the run ends as if the source did; null: no limit.</summary>
    public long? MaximumFrames { get; init; }

    /// <summary>Says why a run was stopped; asked when the stop token has fired.</summary>
    public Func<string> StopReason { get; init; } = () => "interrupted";

    /// <exception cref="UsageException">A value is out of range.</exception>
    internal void Validate()
    {
        if (Every < 1) throw new UsageException($"Every {Every}. frame cannot be looked at; give a number from 1 up.");
        if (ChannelCapacity < 1) throw new UsageException($"A channel cannot hold {ChannelCapacity} frames; give a number from 1 up.");
    }
}

/// <summary>
/// One run: source → detect → track and draw → outputs, each stage on its own thread, joined by bounded channels. A
/// pipeline runs once, and is disposed after that.
/// </summary>
public sealed class VideoPipeline : IDisposable
{
    private readonly PipelineParts _parts;
    private readonly PipelineOptions _options;
    private readonly StageGroup _group = new();
    private readonly FrameWork.Pool _works = new();
    private readonly StageChannel<FrameWork> _decoded;
    private readonly StageChannel<FrameWork> _detected;
    private readonly StageChannel<FrameWork> _composed;
    private readonly StageTimer _decode = new("decode");
    private readonly StageTimer _detect = new("detect");
    private readonly StageTimer _compose = new("compose");
    private readonly StageTimer _output = new("output");
    private readonly Stopwatch _clock = new();
    private readonly FramePool _copies = new();
    private readonly SceneCuts _cuts = new();
    private long _faces;
    private long _seen;
    private string? _reason;

    /// <summary>Joins the parts.</summary>
    /// <exception cref="UsageException">An option is out of range.</exception>
    public VideoPipeline(PipelineParts parts, PipelineOptions options)
    {
        options.Validate();
        _parts = parts;
        _options = options;
        _decoded = _group.Connect(new StageChannel<FrameWork>("frames", options.ChannelCapacity, options.Policy));
        _detected = _group.Connect(new StageChannel<FrameWork>("poses", options.ChannelCapacity));
        _composed = _group.Connect(new StageChannel<FrameWork>("outputs", options.ChannelCapacity));
    }

    /// <summary>Frames that have reached the outputs so far; readable from any thread.</summary>
    public long FramesDone => _output.Frames;

    /// <summary>Faces detected in those frames; readable from any thread.</summary>
    public long FacesFound => Interlocked.Read(ref _faces);

    /// <summary>Time since the run began.</summary>
    public TimeSpan Elapsed => _clock.Elapsed;

    /// <summary>
    /// Runs to the end of the source, or until <paramref name="stop"/> fires: then no further frame is read, those under
    /// way are finished, and the outputs are completed.
    /// </summary>
    /// <exception cref="Exception">The first error of any stage. The outputs stay marked as partial.</exception>
    public async Task<RunReport> RunAsync(CancellationToken stop)
    {
        _clock.Start();
        _group.AddSource(_decode.Name, () => ReadFramesAsync(stop));
        _group.AddStage(_detect.Name, _decoded, DetectAsync, () => _detected.Complete());
        _group.AddStage(_compose.Name, _detected, ComposeAsync, () => _composed.Complete());
        _group.AddStage(_output.Name, _composed, OutputAsync, CompleteOutputs);
        try
        {
            await _group.RunAsync();
        }
        catch (Exception error)
        {
            FinishPosesAfter(error);
            throw;
        }
        return Report();
    }

    /// <summary>Stops a run that still goes on, waits for its stages, and frees the pictures that were drawn on.</summary>
    public void Dispose()
    {
        // Whoever disposes this disposes the parts next: no stage may be in them any more.
        _group.Stop();
        _copies.Dispose();
    }

    /// <summary>What has been done so far.</summary>
    public RunReport Report() => new()
    {
        Frames = _output.Frames,
        Faces = FacesFound,
        Dropped = _decoded.Dropped,
        Damaged = _parts.Source.DamagedFrames,
        Seconds = _clock.Elapsed.TotalSeconds,
        Reason = _reason,
        Stages = [Describe(_decode), Describe(_detect), Describe(_compose), Describe(_output)],
        Channels = [Describe(_decoded), Describe(_detected), Describe(_composed)],
    };

    private async Task ReadFramesAsync(CancellationToken stop)
    {
        for (long count = 0; count != _options.MaximumFrames; count++)
        {
            _group.ThrowIfAborted();
            if (stop.IsCancellationRequested)
            {
                _reason = _options.StopReason();
                break;
            }
            StageTimer.Work work = _decode.Begin();
            bool more = _parts.Source.TryRead(out VideoFrame? frame);
            work.End(more);
            if (!more) break;
            FrameWork item = _works.Rent(frame!);
            item.DecodedAt = Stopwatch.GetTimestamp();
            await _decoded.WriteAsync(item);
        }
        _decoded.Complete();
    }

    private ValueTask DetectAsync(FrameWork item)
    {
        try
        {
            StageTimer.Work work = _detect.Begin();
            item.IsCut = _parts.Tracker is not null && _cuts.Observe(item.Frame, TimeOf(item.Frame));
            // What is known of the faces ends with the scene, so its first frame is looked at.
            item.LookedAt = _seen++ % _options.Every == 0 || item.IsCut;
            if (item.LookedAt) _parts.Detector.Detect(item.Frame, item.Detections);
            work.End();
        }
        catch
        {
            item.Dispose();
            throw;
        }
        return _detected.WriteAsync(item);
    }

    private ValueTask ComposeAsync(FrameWork item)
    {
        try
        {
            StageTimer.Work work = _compose.Begin();
            Track(item);
            if (_parts.Composer is { } composer && item.Faces.Count > 0)
            {
                // The decoder still refers to its pictures, so drawing takes a copy; a frame without faces needs none.
                if (!item.Frame.IsWritable) item.Replace(_copies.RentCopy(item.Frame));
                composer.Compose(item.Frame, CollectionsMarshal.AsSpan(item.Faces));
            }
            work.End();
        }
        catch
        {
            item.Dispose();
            throw;
        }
        return _composed.WriteAsync(item);
    }

    private void Track(FrameWork item)
    {
        VideoFrame frame = item.Frame;
        if (_parts.Tracker is { } tracker)
        {
            double time = TimeOf(frame);
            if (item.IsCut) tracker.Forget();
            if (item.LookedAt)
                tracker.Update(CollectionsMarshal.AsSpan(item.Detections), time, frame.DisplayWidth, frame.DisplayHeight, item.Faces);
            else
                tracker.Predict(time, frame.DisplayWidth, frame.DisplayHeight, item.Faces);
            return;
        }
        foreach (FaceDetection face in item.Detections)
            item.Faces.Add(new TrackedFace(0, face, face.Pose, Detected: true));
    }

    /// <summary>Sources without timestamps run at their nominal rate, or at 25 a second where they have none.</summary>
    private double TimeOf(VideoFrame frame) => frame.PresentationTime ?? frame.Index / (_parts.Source.Info.FramesPerSecond ?? 25);

    private ValueTask OutputAsync(FrameWork item)
    {
        using (item)
        {
            StageTimer.Work work = _output.Begin();
            _parts.Frames?.Write(item.Frame);
            _parts.Poses?.Write(item.Frame, CollectionsMarshal.AsSpan(item.Faces));
            foreach (TrackedFace face in item.Faces)
            {
                if (face.Detected) Interlocked.Increment(ref _faces);
            }
            work.End();
            PipelineMetrics.Latency(Stopwatch.GetElapsedTime(item.DecodedAt).TotalSeconds);
        }
        return ValueTask.CompletedTask;
    }

    private void CompleteOutputs()
    {
        StageTimer.Work work = _output.Begin();
        _parts.Frames?.Complete();
        work.End(countFrame: false);
        _clock.Stop();
        _parts.Poses?.Finish(Report(), failed: false);
    }

    private void FinishPosesAfter(Exception error)
    {
        _clock.Stop();
        _reason = error.Message;
        try
        {
            _parts.Poses?.Finish(Report(), failed: true);
        }
        catch (Exception)
        {
            // The summary could not be written either, most likely for the same cause; the first error is the one that counts.
        }
    }

    private static StageReport Describe(StageTimer stage) => new(stage.Name, stage.Frames, stage.WallSeconds, stage.ThreadCpuSeconds);

    private static ChannelReport Describe(StageChannel<FrameWork> channel) =>
        new(channel.Name, channel.Capacity, channel.MeanDepth, channel.DeepestDepth, channel.Dropped);
}
