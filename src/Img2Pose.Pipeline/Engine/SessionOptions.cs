using Img2Pose.Frames;
using Img2Pose.Media;
using Img2Pose.Tracking;
using Microsoft.Extensions.Logging;

namespace Img2Pose.Pipeline;

/// <summary>How one source is worked on. Checked when the session is opened.</summary>
public sealed record SessionOptions
{
    /// <summary>Name of the stream in metrics and frames, unique in the engine; null: a number.</summary>
    public string? Name { get; init; }

    /// <summary>Where in the source to begin; null: at the beginning. Only for a source that the engine opens.</summary>
    public TimeSpan? Start { get; init; }

    /// <summary>How much of the source to take; null: all. Only for a source that the engine opens.</summary>
    public TimeSpan? Duration { get; init; }

    /// <summary>Whether a recorded video is played at its own speed, as a live source. Only for a source that the engine opens.</summary>
    public bool RealTime { get; init; }

    /// <summary>How a live source is opened and kept. Only for a source that the engine opens.</summary>
    public LiveSourceOptions Live { get; init; } = new();

    /// <summary>
    /// Where start, end, failure and drops of the session are logged, and, for a source that the engine opens, what happens to a live
    /// source; null: nowhere. Called on any thread. docs/architecture.md lists the events.
    /// </summary>
    public ILogger? Logger { get; init; }

    /// <summary>Frames after which the session ends as if the source did; null: no limit.</summary>
    public long? MaximumFrames { get; init; }

    /// <summary>Whether the session waits for its slowest part or skips frames; null: it skips where the source is live.</summary>
    public LinkPolicy? Policy { get; init; }

    /// <summary>The policy of a session of this source.</summary>
    internal LinkPolicy PolicyOf(SourceInfo source) => Policy ?? (source.IsLive ? LinkPolicy.Latest : LinkPolicy.Lossless);

    /// <summary>Frames that may wait in a lossless link, at least 1. In a link of the newest frames one waits.</summary>
    public int LinkCapacity { get; init; } = 3;

    /// <summary>The network looks at every n-th frame, n at least 1; faces in the others are predicted.</summary>
    public int Every { get; init; } = 1;

    /// <summary>
    /// Whether faces that have been found are followed by small looks around them, with a look at the whole picture every few frames;
    /// null: where the source is live and it can be done; docs/performance.md says why. Frames of recordings then come up to 0.2 s of the recording later, some at a
    /// time: their poses are told by what follows. It needs tracking, detections with scores, and a network of one
    /// stage; <see cref="Every"/> is 1 then.
    /// </summary>
    public bool? Follow { get; init; }

    /// <summary>
    /// Whether faces of any roll are looked for, on their side and upside down (<see cref="Inference.AnyRollDetector"/>): four looks and crops at every
    /// picture; null: in pictures, with a network of this project, yes; in videos no. It needs detections with scores, and nobody is followed then.
    /// </summary>
    public bool? AnyRoll { get; init; }

    /// <summary>
    /// The size of the picture for the network, pixels of its long side (of the short side for models of the min-max rule); null: the
    /// engine's. Smaller costs less and finds no small faces. Without effect where boxes are given or pictures are looked at at several sizes.
    /// </summary>
    public int? Size { get; init; }

    /// <summary>Share of the network's time against other sessions, above 0.</summary>
    public double Weight { get; init; } = 1;

    /// <summary>Whether faces keep identities over time. A set of pictures is never tracked.</summary>
    public bool Track { get; init; } = true;

    /// <summary>Whether poses of tracked faces are smoothed.</summary>
    public bool Smooth { get; init; } = true;

    /// <summary>Boxes to pose instead of looking for faces, or null.</summary>
    public BoxTable? Boxes { get; init; }

    /// <summary>Whether the engine's overlay is drawn on the frames.</summary>
    public bool Draw { get; init; }

    /// <summary>
    /// A composer that draws on the frames instead of the engine's overlay, or null. It is called on a thread of the session and
    /// stays the caller's; the session is done with it once it is disposed.
    /// </summary>
    public IFrameComposer? Composer { get; init; }

    /// <summary>Says why a session was stopped; asked when its token has fired.</summary>
    public Func<string> StopReason { get; init; } = () => "interrupted";

    /// <summary>Told, in one line, of what the source skips. Called on a thread of the session.</summary>
    public Action<string>? Warning { get; init; }

    /// <summary>
    /// Told that a sink of a live session has failed, by the name of its stage, and that the session goes on without it. Called once a
    /// sink, on a thread of the session.
    /// </summary>
    public Action<string, Exception>? SinkFailed { get; init; }

    /// <summary>A tracker of another kind than the engine's own: for tests, and for who needs every doubtful face.</summary>
    internal IFaceTracker? Tracker { get; init; }

    /// <summary>Score above which detections are shown to <see cref="Tracker"/>; null: as for the engine's own.</summary>
    internal double? LowestScore { get; init; }

    /// <summary>What the pauses between events are timed by; another one in tests.</summary>
    internal TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <exception cref="UsageException">A value is out of range.</exception>
    internal void Validate()
    {
        if (Name is { Length: 0 }) throw new UsageException("A stream's name may not be empty.");
        if (Every < 1) throw new UsageException($"Every {Every}. frame cannot be looked at; give a number from 1 up.");
        if (Follow == true && Every != 1) throw new UsageException("A session follows faces or looks at every n-th frame, not both.");
        if (AnyRoll == true && Follow == true) throw new UsageException("A session follows faces or looks for faces of any roll, not both.");
        if (AnyRoll == true && Boxes is not null) throw new UsageException("Given boxes are posed as they are; there are no faces of any roll to look for.");
        if (Size is < 16 or > 16384) throw new UsageException($"The size {Size} is not between 16 and 16384 pixels.");
        if (LinkCapacity < 1) throw new UsageException($"A link cannot hold {LinkCapacity} frames; give a number from 1 up.");
        if (MaximumFrames < 1) throw new UsageException($"A session of {MaximumFrames} frames does nothing; give a number from 1 up.");
        if (!(Weight > 0) || !double.IsFinite(Weight)) throw new UsageException(FormattableString.Invariant($"A session's weight is a positive number, not {Weight}."));
        if (Draw && Composer is not null) throw new UsageException("A session draws the engine's overlay or has a composer of its own, not both.");
    }
}
