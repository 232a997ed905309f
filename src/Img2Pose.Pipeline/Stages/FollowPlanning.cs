using Img2Pose.Frames;
using Img2Pose.Geometry;
using Img2Pose.Tracking;

namespace Img2Pose.Pipeline;

/// <summary>
/// Plans the looks of a session that follows faces. A frame is planned with what is known after the one before it, so that a file
/// gives the same poses whatever the machine's load and cores. Not thread-safe: the look stage holds its lock.
/// </summary>
/// <remarks>
/// Frames are planned and looked at one after the other: with two under way what a whole look tells about the crops would come a frame later, and
/// rotations were a third further from those of whole looks. But which frames are the next to be looked at as a whole is mostly decided
/// several frames before, and what is found in the whole of it needs nothing that is known: where frames wait for their turn anyhow,
/// that half of its look is done meanwhile (<see cref="IsDecided"/>).
/// </remarks>
internal sealed class FollowPlanning(LookPlanner planner, SourceClock timeOf, Func<VideoFrame, LookGrid> gridOf)
{
    private readonly FollowState _state = new();
    private long _planned;
    private long _tracked;

    /// <summary>Whether enough is known to plan the next frame.</summary>
    public bool IsReady => _tracked == _planned;

    /// <summary>Whether it is decided that all of a frame to come is looked at, as <see cref="LookPlanner.IsDecided"/> has it.</summary>
    /// <param name="item">The frame.</param>
    /// <param name="ahead">Its place: 1 is the next to be planned.</param>
    public bool IsDecided(PosedFrame item, int ahead) => planner.IsDecided(timeOf(item.Frame), ahead);

    /// <summary>Plans the next frame: what its look asks for, and whether there is one.</summary>
    public void Plan(PosedFrame item)
    {
        VideoFrame frame = item.Frame;
        FrameToPlan plan = new(timeOf(frame), item.Scene, frame.DisplayWidth, frame.DisplayHeight, gridOf(frame));
        item.Look.IsFollowing = true;
        item.Look.IsWhole = planner.Plan(plan, _planned++ == 0 ? null : _state, item.Look.Following);
        item.Look.IsComparing = planner.UsesCrops;
        item.LookedAt = item.Look.IsWhole || item.Look.Following.Count > 0;
    }

    /// <summary>Takes what is known after the next frame has been tracked.</summary>
    public void Tracked(PosedFrame item, IFaceTracker tracker)
    {
        _tracked++;
        VideoFrame frame = item.Frame;
        (_state.Time, _state.Scene, _state.Width, _state.Height) = (timeOf(frame), item.Scene, frame.DisplayWidth, frame.DisplayHeight);
        _state.WasWhole = item.LookedAt && item.Look.IsWhole;
        tracker.ListFollowed(_state.Faces);
    }
}

/// <summary>The time of a frame, seconds.</summary>
internal delegate double SourceClock(VideoFrame frame);
