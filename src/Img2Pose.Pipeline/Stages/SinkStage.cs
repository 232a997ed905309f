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
    private readonly IUndrawnFrameSink? _undrawn;
    private readonly IPoseSink? _poses;
    private readonly Action<SinkStage, Exception>? _failed;
    private readonly StageTimer _timer;
    private readonly AgeStatistics _ages = new();
    // A sink is called by its stage for frames and by the pool for news, never at the same time.
    private readonly Lock _use = new();
    private readonly ConcurrentQueue<SourceStatus> _news = new();
    private Action<Exception> _abort = _ => { };
    private volatile Exception? _failure;
    private int _telling;
    private bool _finished;
    private bool _closed;
    private long _faces;

    /// <summary>A sink of composed frames or of poses.</summary>
    /// <param name="name">Name of the stage.</param>
    /// <param name="frames">The sink, where it takes frames.</param>
    /// <param name="poses">The sink, where it takes poses.</param>
    /// <param name="link">What it reads from.</param>
    /// <param name="stream">The stream, for metrics.</param>
    /// <param name="failed">Told of the sink's error, after which it is given nothing more; null: errors are the session's.</param>
    public SinkStage(string name, IFrameSink? frames, IPoseSink? poses, Link<PosedFrame> link, string? stream, Action<SinkStage, Exception>? failed = null)
    {
        (Name, _frames, _undrawn, _poses, Link, _stream, _failed) = (name, frames, frames as IUndrawnFrameSink, poses, link, stream, failed);
        _timer = new StageTimer(name, stream);
    }

    /// <summary>Name of the stage.</summary>
    public string Name { get; }

    /// <summary>What it reads from.</summary>
    public Link<PosedFrame> Link { get; }

    /// <summary>Whether it looks at pictures as they were before something was drawn on them.</summary>
    public bool NeedsUndrawn => _undrawn is not null || _poses is { NeedsPicture: true };

    /// <summary>Whether it reads pictures on the host.</summary>
    public bool NeedsHost => _frames is not null ? !_frames.Takes(MemoryKind.Cuda) : _poses is { NeedsPicture: true };

    /// <summary>What the sink failed with, where the session goes on without it; else null.</summary>
    public Exception? Failure => _failure;

    /// <summary>Age of the frames that it was given.</summary>
    public AgeReport? Age => _ages.Describe();

    /// <summary>What the stage did.</summary>
    public StageReport Describe() => _timer.Describe();

    /// <summary>Gives a frame to the sink.</summary>
    public ValueTask HandleAsync(PosedFrame item)
    {
        using (item)
        {
            if (_failure is not null) return ValueTask.CompletedTask;
            try
            {
                Handle(item);
            }
            catch (Exception error) when (_failed is not null)
            {
                Fail(error);
            }
        }
        return ValueTask.CompletedTask;
    }

    /// <summary>Gives news of the source to a sink of poses, soon and without waiting for it, whether frames come or not.</summary>
    /// <param name="status">The source's state.</param>
    /// <param name="abort">Called where the sink throws and the session cannot do without it.</param>
    public void Tell(SourceStatus status, Action<Exception> abort)
    {
        if (_poses is null) return;
        _abort = abort;
        _news.Enqueue(status);
        // One at a time waits for a sink that is busy or blocked.
        if (Interlocked.Exchange(ref _telling, 1) == 0) ThreadPool.UnsafeQueueUserWorkItem(static stage => stage.TellNow(), this, preferLocal: false);
    }

    /// <summary>Makes an output of frames whole.</summary>
    public void Complete()
    {
        if (_frames is null || _failure is not null) return;
        StageTimer.Work work = _timer.Begin();
        try
        {
            _frames.Complete();
        }
        catch (Exception error) when (_failed is not null)
        {
            Fail(error);
        }
        work.End(countFrame: false);
    }

    /// <summary>Makes what the sink waits for end.</summary>
    public void Interrupt() => _frames?.Interrupt();

    /// <summary>Writes the summary of an output of poses, with the frames that reached it.</summary>
    public void Finish(RunReport report, bool failed)
    {
        if (_poses is null || _failure is not null) return;
        try
        {
            lock (_use)
            {
                if (!failed) HandOutNews();
                _finished = true;
                _poses.Finish(report with { Frames = _timer.Frames, Faces = _faces, Age = Age }, failed);
            }
        }
        catch (Exception error) when (_failed is not null && !failed)
        {
            Fail(error);
        }
    }

    /// <summary>Closes the sink. Without effect after the first time.</summary>
    public void Close()
    {
        lock (_use)
        {
            if (_closed) return;
            _closed = _finished = true;
            _poses?.Dispose();
        }
        _frames?.Dispose();
    }

    private void Handle(PosedFrame item)
    {
        StageTimer.Work work = _timer.Begin();
        VideoFrame frame = item.Frame;
        if (_undrawn is not null) _undrawn.Write(frame, item.Undrawn, item.FaceSpan);
        else _frames?.Write(frame, item.FaceSpan);
        if (_poses is not null) Write(_poses, item);
        foreach (ref readonly TrackedFace face in item.FaceSpan)
        {
            if (face.IsFound) _faces++;
        }
        work.End();
        double age = Stopwatch.GetElapsedTime(frame.CaptureTime).TotalSeconds;
        _ages.Add(age);
        EngineMetrics.Age(_stream, Name, age);
    }

    private void Write(IPoseSink poses, PosedFrame item)
    {
        lock (_use)
        {
            HandOutNews();
            poses.Write(item.Undrawn, item.FaceSpan);
        }
    }

    private void TellNow()
    {
        lock (_use)
        {
            Volatile.Write(ref _telling, 0);
            try
            {
                try
                {
                    HandOutNews();
                }
                catch (Exception error) when (_failed is not null)
                {
                    Fail(error);
                }
            }
            catch (Exception error)
            {
                _abort(error);
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

    private void Fail(Exception error)
    {
        // By a frame and by news, both may fail; the first one counts.
        if (Interlocked.CompareExchange(ref _failure, error, null) is not null) return;
        // What it holds, such as a connection or a file, is given up now and not when the session ends.
        Close();
        _failed!(this, error);
    }
}
