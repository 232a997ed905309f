using System.Diagnostics;
using Img2Pose.Frames;
using Img2Pose.Geometry;

namespace Img2Pose.Pipeline;

/// <summary>A sink with the link and the counters that are its own.</summary>
internal sealed class SinkStage
{
    private readonly string? _stream;
    private readonly IFrameSink? _frames;
    private readonly IPoseSink? _poses;
    private readonly StageTimer _timer;
    private readonly AgeStatistics _ages = new();
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
            _poses?.Write(frame, item.FaceSpan);
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

    /// <summary>Makes an output of frames whole.</summary>
    public void Complete()
    {
        if (_frames is null) return;
        StageTimer.Work work = _timer.Begin();
        _frames.Complete();
        work.End(countFrame: false);
    }

    /// <summary>Writes the summary of an output of poses, with the frames that reached it.</summary>
    public void Finish(RunReport report, bool failed) =>
        _poses?.Finish(report with { Frames = _timer.Frames, Faces = _faces, Age = Age }, failed);

    /// <summary>Closes the sink.</summary>
    public void Close()
    {
        _frames?.Dispose();
        _poses?.Dispose();
    }
}
