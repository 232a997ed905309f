using System.Runtime.InteropServices;
using Img2Pose.Frames;
using Img2Pose.Geometry;
using Img2Pose.Inference.Scheduling;
using Img2Pose.Media;
using Img2Pose.Pipeline;
using Img2Pose.Tracking;

namespace Img2Pose.Cli.Benchmarking;

/// <summary>
/// Runs the stages after decoding one after the other over frames that are held in memory, batch by batch, and adds up what each
/// takes. Whatever an encoder's threads still do when a batch ends is not counted: at most the two frames that they work on.
/// </summary>
internal sealed class HeldStages(PoseEngine engine, IFrameSource source, VideoWriter? writer) : IDisposable
{
    private readonly (DetectorRunner Runner, double LowestScore) _network = engine.OpenForMeasurement();
    private readonly FaceTracker _tracker = engine.CreateTracker(smooth: true, hasScores: true, 1 / source.Info.FramesPerSecond);
    private readonly IFrameComposer? _composer = writer is null ? null : engine.Overlay();
    private readonly List<List<FaceDetection>> _found = [];
    private readonly List<List<TrackedFace>> _faces = [];
    private readonly List<StageMeasurement> _measured = [];
    private TimeSpan _tensorise, _run, _select;

    /// <summary>Wall milliseconds a frame of the parts of detection.</summary>
    public (double Tensorise, double Network, double Select) Milliseconds
    {
        get
        {
            double frames = Math.Max(1, _measured.Find(stage => stage.Name == "detect").Frames);
            return (_tensorise.TotalMilliseconds / frames, _run.TotalMilliseconds / frames, _select.TotalMilliseconds / frames);
        }
    }

    /// <summary>Does every stage's work on the frames, which are writable and drawn on.</summary>
    public void Measure(List<VideoFrame> frames)
    {
        while (_found.Count < frames.Count)
        {
            _found.Add(new List<FaceDetection>(16));
            _faces.Add(new List<TrackedFace>(16));
        }
        Add("detect", frames.Count, i =>
        {
            _network.Runner.Detector.Detect(frames[i], _network.LowestScore, _found[i]);
            _tensorise += _network.Runner.Detector.Times.Tensorise;
            _run += _network.Runner.Detector.Times.Network;
            _select += _network.Runner.Detector.Times.Select;
        });
        Add("track", frames.Count, i =>
        {
            VideoFrame frame = frames[i];
            _tracker.Update(CollectionsMarshal.AsSpan(_found[i]), source.Info.TimeOf(frame), frame.DisplayWidth, frame.DisplayHeight, _faces[i]);
        });
        if (_composer is { } composer)
        {
            Add("compose", frames.Count, i =>
            {
                if (_faces[i].Count > 0) composer.Compose(frames[i], CollectionsMarshal.AsSpan(_faces[i]));
            });
        }
        if (writer is not null) Add("encode", frames.Count, i => writer.Write(frames[i]));
    }

    /// <summary>Ends the output and gives what was measured, in the order of the stages.</summary>
    public IReadOnlyList<StageMeasurement> Finish()
    {
        if (writer is not null && _measured.Count > 0) Add(StageMeasurement.Of("encode", () =>
        {
            writer.Complete();
            return 0;
        }));
        return _measured;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        writer?.Dispose();
        _network.Runner.Dispose();
    }

    private void Add(string name, int frames, Action<int> work) => Add(StageMeasurement.Of(name, () =>
    {
        for (int i = 0; i < frames; i++) work(i);
        return frames;
    }));

    private void Add(StageMeasurement measured)
    {
        int index = _measured.FindIndex(stage => stage.Name == measured.Name);
        if (index < 0) _measured.Add(measured);
        else _measured[index] = _measured[index].Plus(measured);
    }
}
