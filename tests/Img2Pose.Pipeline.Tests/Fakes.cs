using System.Diagnostics.CodeAnalysis;
using Img2Pose.Frames;
using Img2Pose.Geometry;
using Img2Pose.Media;

namespace Img2Pose.Pipeline.Tests;

/// <summary>A source of numbered small frames, optionally read-only as a decoder's are.</summary>
internal sealed class FakeSource(int frames, bool writable = true) : IFrameSource, IVideoFrameOwner
{
    private readonly FramePool _pool = new();
    private readonly Dictionary<VideoFrame, VideoFrame> _views = [];

    public int Read { get; private set; }

    public Action<int> BeforeRead { get; init; } = _ => { };

    public SourceInfo Info { get; } = new()
    {
        Name = "fake",
        Width = 16,
        Height = 8,
        CodedWidth = 16,
        CodedHeight = 8,
        Format = PixelFormat.I420,
        Color = default,
        FramesPerSecond = 10,
    };

    public long DamagedFrames { get; init; }

    public bool TryRead([NotNullWhen(true)] out VideoFrame? frame)
    {
        BeforeRead(Read);
        frame = null;
        if (Read == frames) return false;
        VideoFrame memory = _pool.Rent(PixelFormat.I420, 16, 8);
        for (int i = 0; i < 3; i++)
        {
            for (int y = 0; y < memory.GetPlane(i).Height; y++) memory.GetPlane(i).Row(y).Fill((byte)Read);
        }
        frame = writable ? memory : ViewOf(memory);
        frame.Index = Read;
        frame.PresentationTime = Read / 10.0;
        Read++;
        return true;
    }

    public void Reclaim(VideoFrame frame)
    {
        lock (_views)
        {
            _views.Remove(frame, out VideoFrame? memory);
            memory!.Dispose();
        }
    }

    public void Dispose() => _pool.Dispose();

    private VideoFrame ViewOf(VideoFrame memory)
    {
        VideoFrame view = new(this);
        view.Lease(PixelFormat.I420, 16, 8, [memory.GetPlane(0), memory.GetPlane(1), memory.GetPlane(2)], writable: false);
        lock (_views) _views.Add(view, memory);
        return view;
    }
}

/// <summary>Sees one face in every frame, whose score tells the frame.</summary>
internal sealed class FakeDetector : IFrameDetector
{
    public List<long> Seen { get; } = [];

    public Action<long> OnFrame { get; init; } = _ => { };

    public bool Blind { get; init; }

    public static FaceDetection FaceOf(long index) =>
        new(new Box(1, 2, 5, 6), index / 1000.0, new Pose(new Vector3d(0, 0, 0.1), new Vector3d(0, 0, 10)));

    public void Detect(VideoFrame frame, List<FaceDetection> faces)
    {
        Seen.Add(frame.Index);
        OnFrame(frame.Index);
        faces.Clear();
        if (!Blind) faces.Add(FaceOf(frame.Index));
    }
}

/// <summary>Gives every face the id 7, and remembers what it was asked.</summary>
internal sealed class FakeTracker : IFaceTracker
{
    public List<(double Time, bool Predicted)> Calls { get; } = [];

    public void Update(ReadOnlySpan<FaceDetection> detections, double time, int width, int height, List<TrackedFace> faces)
    {
        Calls.Add((time, false));
        faces.Clear();
        foreach (FaceDetection face in detections) faces.Add(new TrackedFace(7, face, face.Pose, true));
    }

    public void Forget() => Forgotten++;

    /// <summary>How often a new scene began.</summary>
    public int Forgotten { get; private set; }

    public void Predict(double time, int width, int height, List<TrackedFace> faces)
    {
        Calls.Add((time, true));
        faces.Clear();
        faces.Add(new TrackedFace(7, FakeDetector.FaceOf(0), default, false));
    }
}

/// <summary>Paints the luma plane with 255.</summary>
internal sealed class FakeComposer : IFrameComposer
{
    public Action<VideoFrame> OnFrame { get; init; } = _ => { };

    public int Composed { get; private set; }

    public void Compose(VideoFrame frame, ReadOnlySpan<TrackedFace> faces)
    {
        OnFrame(frame);
        Composed++;
        Assert.True(frame.IsWritable);
        for (int y = 0; y < frame.GetPlane(0).Height; y++) frame.GetPlane(0).Row(y).Fill(255);
    }
}

/// <summary>Remembers index and first luma sample of what it was given.</summary>
internal sealed class FakeFrameSink : IFrameSink
{
    public List<(long Index, byte Luma)> Written { get; } = [];

    public Action<VideoFrame> OnFrame { get; init; } = _ => { };

    public Action OnComplete { get; init; } = () => { };

    public bool Completed { get; private set; }

    public void Write(VideoFrame frame)
    {
        OnFrame(frame);
        Written.Add((frame.Index, frame.GetPlane(0).Row(0)[0]));
    }

    public void Complete()
    {
        OnComplete();
        Completed = true;
    }

    public void Dispose()
    {
    }
}

/// <summary>Remembers faces and the report.</summary>
internal sealed class FakePoseSink : IPoseSink
{
    public List<(long Index, TrackedFace[] Faces)> Written { get; } = [];

    public RunReport? Report { get; private set; }

    public bool? Failed { get; private set; }

    public bool ThrowOnFinish { get; init; }

    public void Write(VideoFrame frame, ReadOnlySpan<TrackedFace> faces) => Written.Add((frame.Index, faces.ToArray()));

    public void Finish(RunReport report, bool failed)
    {
        Report = report;
        Failed = failed;
        if (ThrowOnFinish) throw new OutputException("no summary either");
    }

    public void Dispose()
    {
    }
}
