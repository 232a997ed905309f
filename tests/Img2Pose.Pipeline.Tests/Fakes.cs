using System.Diagnostics.CodeAnalysis;
using Img2Pose.Frames;
using Img2Pose.Geometry;
using Img2Pose.Inference.Scheduling;
using Img2Pose.Media;
using Img2Pose.Tracking;

namespace Img2Pose.Pipeline.Tests;

/// <summary>A source of numbered small frames, optionally read-only as a decoder's are.</summary>
internal sealed class FakeSource(int frames, bool writable = true) : IFrameSource, IVideoFrameOwner
{
    private readonly FramePool _pool = new();
    private readonly Dictionary<VideoFrame, VideoFrame> _views = [];

    public int Read { get; private set; }

    public Action<int> BeforeRead { get; init; } = _ => { };

    public bool IsLive { get; init; }

    public LiveStatus? Status { get; init; }

    public long SkippedFrames { get; init; }

    public bool HasTimes { get; init; } = true;

    public bool WaitsAtEnd { get; init; }

    /// <summary>Luma of a column in a frame, instead of the frame's number everywhere.</summary>
    public Func<int, int, byte>? Luma { get; init; }

    public Func<long> CaptureTime { get; init; } = () => 0;

    public bool IsWaiting { get; private set; }

    private readonly ManualResetEventSlim _interrupted = new();

    public void Interrupt() => _interrupted.Set();

    private SourceInfo? _info;

    public SourceInfo Info => _info ??= new()
    {
        Name = "fake",
        Width = 16,
        Height = 8,
        CodedWidth = 16,
        CodedHeight = 8,
        Format = PixelFormat.I420,
        Color = default,
        FramesPerSecond = 10,
        IsLive = IsLive,
    };

    public long DamagedFrames { get; init; }

    public bool TryRead([NotNullWhen(true)] out VideoFrame? frame)
    {
        BeforeRead(Read);
        frame = null;
        if (Read == frames)
        {
            IsWaiting = WaitsAtEnd;
            if (WaitsAtEnd) Assert.True(_interrupted.Wait(TimeSpan.FromMinutes(1)));
            return false;
        }
        VideoFrame memory = _pool.Rent(PixelFormat.I420, 16, 8);
        for (int i = 0; i < 3; i++)
        {
            for (int y = 0; y < memory.GetPlane(i).Height; y++) memory.GetPlane(i).Row(y).Fill((byte)Read);
        }
        for (int y = 0; Luma is not null && y < memory.Height; y++)
        {
            for (int x = 0; x < memory.Width; x++) memory.GetPlane(0).Row(y)[x] = Luma(Read, x);
        }
        frame = writable ? memory : ViewOf(memory);
        frame.Index = Read;
        frame.CaptureTime = CaptureTime();
        if (HasTimes) frame.PresentationTime = Read / 10.0;
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

    public bool IsDisposed { get; private set; }

    public void Dispose()
    {
        IsDisposed = true;
        _pool.Dispose();
        _interrupted.Dispose();
    }

    private VideoFrame ViewOf(VideoFrame memory)
    {
        VideoFrame view = new(this);
        view.Lease(PixelFormat.I420, 16, 8, [memory.GetPlane(0), memory.GetPlane(1), memory.GetPlane(2)], writable: false);
        lock (_views) _views.Add(view, memory);
        return view;
    }
}

/// <summary>Sees one face in every frame, whose score tells the frame.</summary>
internal sealed class FakeDetector : ILookRunner
{
    public List<long> Seen { get; } = [];

    public bool CanJoin(Look first, Look other) => true;

    public Action<long> OnFrame { get; init; } = _ => { };

    public Action<VideoFrame> OnLook { get; init; } = _ => { };

    /// <summary>Called with the whole question.</summary>
    public Action<Look> OnQuestion { get; init; } = _ => { };

    public bool Blind { get; init; }

    public static FaceDetection FaceOf(long index) =>
        new(new Box(1, 2, 5, 6), index / 1000.0, new Pose(new Vector3d(0, 0, 0.1), new Vector3d(0, 0, 10)));

    public void Run(IReadOnlyList<Look> looks)
    {
        foreach (Look look in looks)
        {
            lock (Seen) Seen.Add(look.Frame!.Index);
            OnFrame(look.Frame!.Index);
            OnLook(look.Frame);
            OnQuestion(look);
            if (!Blind) look.Faces.Add(FaceOf(look.Frame.Index));
        }
    }

    public void Dispose()
    {
    }
}

/// <summary>Gives every face the id 7, and remembers what it was asked.</summary>
internal sealed class FakeTracker : IFaceTracker
{
    public List<(double Time, bool Predicted)> Calls { get; } = [];

    public Action<int> OnCall { get; init; } = _ => { };

    public void Update(ReadOnlySpan<FaceDetection> detections, double time, int width, int height, List<TrackedFace> tracks)
    {
        OnCall(Calls.Count);
        Calls.Add((time, false));
        tracks.Clear();
        foreach (FaceDetection face in detections) tracks.Add(new TrackedFace(7, face, face.Pose, true));
    }

    public void Forget() => Forgotten++;

    /// <summary>How often a new scene began.</summary>
    public int Forgotten { get; private set; }

    public void Predict(double time, int width, int height, List<TrackedFace> tracks)
    {
        Calls.Add((time, true));
        tracks.Clear();
        tracks.Add(new TrackedFace(7, FakeDetector.FaceOf(0), default, false));
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

    public bool IsDisposed { get; private set; }

    public void Write(VideoFrame frame, ReadOnlySpan<TrackedFace> faces)
    {
        OnFrame(frame);
        Written.Add((frame.Index, frame.GetPlane(0).Row(0)[0]));
    }

    public void Complete()
    {
        OnComplete();
        Completed = true;
    }

    public void Dispose() => IsDisposed = true;
}

/// <summary>Remembers faces and the report.</summary>
internal sealed class FakePoseSink : IPoseSink
{
    public List<(long Index, TrackedFace[] Faces)> Written { get; } = [];

    /// <summary>States of the source, with the frames that had been written before.</summary>
    public List<(int Frames, SourceStatus Status)> News { get; } = [];

    public Action<SourceStatus> OnNews { get; init; } = _ => { };

    public RunReport? Report { get; private set; }

    public bool? Failed { get; private set; }

    public bool ThrowOnFinish { get; init; }

    public void Write(VideoFrame frame, ReadOnlySpan<TrackedFace> faces) => Written.Add((frame.Index, faces.ToArray()));

    public void SourceChanged(SourceStatus status)
    {
        OnNews(status);
        News.Add((Written.Count, status));
    }

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

/// <summary>Parts of a session that are not the default ones.</summary>
internal sealed record FakeParts
{
    public required FakeSource Source { get; init; }

    public FakeDetector Detector { get; init; } = new();

    public IFaceTracker? Tracker { get; init; }

    public IFrameComposer? Composer { get; init; }

    public IFrameSink? Frames { get; init; }

    public IPoseSink? Poses { get; init; }

    public SessionOptions Options { get; init; } = new();

    public LookSchedulerOptions Scheduling { get; init; } = new();

    /// <summary>Follows faces by this plan; null: does not follow.</summary>
    public LookPlanner? Planner { get; init; }

    public PoseRefiner? Refiner { get; init; }
}

/// <summary>A session of fake parts with a scheduler of its own.</summary>
internal sealed class FakeSession : IAsyncDisposable
{
    private readonly LookScheduler _scheduler;

    public FakeSession(FakeParts parts)
    {
        _scheduler = new LookScheduler(() => parts.Detector, parts.Scheduling);
        Session = new PoseSession(parts.Source, parts.Options, new SessionParts
        {
            Name = "fake",
            Scheduler = _scheduler,
            Tracker = parts.Tracker,
            Composer = parts.Composer,
            Planner = parts.Planner,
            Refiner = parts.Refiner,
            GridOf = parts.Planner is null ? null : frame => new LookGrid(frame.DisplayWidth, frame.DisplayHeight, 64, 64, 64),
        });
        if (parts.Frames is not null) Session.AddSink(parts.Frames);
        if (parts.Poses is not null) Session.AddSink(parts.Poses);
    }

    public PoseSession Session { get; }

    public static Task<RunReport> RunAsync(FakeParts parts) => RunUntilAsync(parts, TestContext.Current.CancellationToken);

    public static async Task<RunReport> RunUntilAsync(FakeParts parts, CancellationToken stop)
    {
        await using FakeSession fake = new(parts);
        return await fake.Session.RunAsync(stop);
    }

    public async ValueTask DisposeAsync()
    {
        await Session.DisposeAsync();
        _scheduler.Dispose();
    }
}
