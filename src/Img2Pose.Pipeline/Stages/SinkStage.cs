using System.Collections.Concurrent;
using System.Diagnostics;
using Img2Pose.Frames;
using Img2Pose.Geometry;
using Img2Pose.Media;

namespace Img2Pose.Pipeline;

/// <summary>A sink with the link and the counters that are its own.</summary>
internal sealed class SinkStage
{
    private readonly string? _stream;
    private readonly IFrameSink? _frames;
    private readonly IPoseSink? _poses;
    private readonly StageTimer _timer;
    private readonly AgeStatistics _ages = new();
    // A sink is called by its stage for frames and by the pool for news, never at the same time.
    private readonly Lock _use = new();
    private readonly ConcurrentQueue<SourceStatus> _news = new();
    private Action<Exception> _failed = _ => { };
    private int _telling;
    private bool _finished;
    private long _faces;

    /// <summary>A sink of composed frames or of poses.</summary>
    public SinkStage(string name, IFrameSink? frames, IPoseSink? poses, Link<PosedFrame> link, string? stream)
    {
        (Name, _frames, _poses, Link, _stream) = (name, frames, poses, link, stream);
        _timer = new StageTimer(name, stream);
    }

    /// <summary>Name of the stage.</summary>
    public string Name { get; }

    /// <summary>What it reads from.</summary>
    public Link<PosedFrame> Link { get; }

    /// <summary>Age of the frames that it was given.</summary>
    public AgeReport? Age => _ages.Describe();

    /// <summary>What the stage did.</summary>
    public StageReport Describe() => _timer.Describe();

    /// <summary>Gives a frame to the sink.</summary>
    public ValueTask HandleAsync(PosedFrame item)
    {
        using (item)
        {
            StageTimer.Work work = _timer.Begin();
            VideoFrame frame = item.Frame;
            _frames?.Write(frame, item.FaceSpan);
            if (_poses is not null) Write(_poses, frame, item.FaceSpan);
            foreach (ref readonly TrackedFace face in item.FaceSpan)
            {
                if (face.Detected) _faces++;
            }
            work.End();
            double age = Stopwatch.GetElapsedTime(frame.CaptureTime).TotalSeconds;
            _ages.Add(age);
            EngineMetrics.Age(_stream, Name, age);
        }
        return ValueTask.CompletedTask;
    }

    /// <summary>Gives news of the source to a sink of poses, soon and without waiting for it, whether frames come or not.</summary>
    /// <param name="status">The source's state.</param>
    /// <param name="failed">Called where the sink throws.</param>
    public void Tell(SourceStatus status, Action<Exception> failed)
    {
        if (_poses is null) return;
        _failed = failed;
        _news.Enqueue(status);
        // One at a time waits for a sink that is busy or blocked.
        if (Interlocked.Exchange(ref _telling, 1) == 0) ThreadPool.UnsafeQueueUserWorkItem(static stage => stage.TellNow(), this, preferLocal: false);
    }

    private void TellNow()
    {
        lock (_use)
        {
            Volatile.Write(ref _telling, 0);
            try
            {
                HandOutNews();
            }
            catch (Exception error)
            {
                _failed(error);
            }
        }
    }

    private void HandOutNews()
    {
        while (_news.TryDequeue(out SourceStatus? status))
        {
            if (!_finished) _poses!.SourceChanged(status);
        }
    }

    private void Write(IPoseSink poses, VideoFrame frame, ReadOnlySpan<TrackedFace> faces)
    {
        lock (_use)
        {
            HandOutNews();
            poses.Write(frame, faces);
        }
    }

    /// <summary>Makes an output of frames whole.</summary>
    public void Complete()
    {
        if (_frames is null) return;
        StageTimer.Work work = _timer.Begin();
        _frames.Complete();
        work.End(countFrame: false);
    }

    /// <summary>Writes the summary of an output of poses, with the frames that reached it.</summary>
    public void Finish(RunReport report, bool failed)
    {
        if (_poses is null) return;
        lock (_use)
        {
            if (!failed) HandOutNews();
            _finished = true;
            _poses.Finish(report with { Frames = _timer.Frames, Faces = _faces, Age = Age }, failed);
        }
    }

    /// <summary>Closes the sink.</summary>
    public void Close()
    {
        _frames?.Dispose();
        lock (_use)
        {
            _finished = true;
            _poses?.Dispose();
        }
    }
}
