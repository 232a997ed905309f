using Img2Pose.Frames;
using Img2Pose.Geometry;
using Img2Pose.Inference.Scheduling;
using Img2Pose.Tracking;

namespace Img2Pose.Pipeline;

/// <summary>What an engine gives to a session.</summary>
internal sealed record SessionParts
{
    /// <summary>The stream's name.</summary>
    public required string Name { get; init; }

    /// <summary>What does the looks.</summary>
    public required LookScheduler Scheduler { get; init; }

    /// <summary>What gives faces identities; null: every detection stands alone with id 0.</summary>
    public IFaceTracker? Tracker { get; init; }

    /// <summary>What draws; null: nothing does.</summary>
    public IFrameComposer? Composer { get; init; }

    /// <summary>The score above which faces are reported to the tracker; null: the detector's threshold.</summary>
    public double? LowestScore { get; init; }

    /// <summary>Whether looks are for faces of any roll.</summary>
    public bool AnyRoll { get; init; }

    /// <summary>Plans looks that follow faces; null: looks are at whole pictures.</summary>
    public LookPlanner? Planner { get; init; }

    /// <summary>Makes frames between looks at whole pictures wait for the next one; null: they go on at once.</summary>
    public PoseRefiner? Refiner { get; init; }

    /// <summary>How looks at whole pictures see them; needed where looks are planned.</summary>
    public Func<VideoFrame, LookGrid>? GridOf { get; init; }

    /// <summary>Whether looks are at frames where they lie; else those in a device's memory are brought to the host first.</summary>
    public bool LooksOnDevice { get; init; }

    /// <summary>Ends the source's waiting where the engine opened it; the session's own from then on.</summary>
    public CancellationTokenSource? Interrupt { get; init; }

    /// <summary>Called when the session has been disposed.</summary>
    public Action<PoseSession> Closed { get; init; } = _ => { };
}
