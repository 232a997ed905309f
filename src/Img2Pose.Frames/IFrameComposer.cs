using Img2Pose.Geometry;

namespace Img2Pose.Frames;

/// <summary>
/// Draws faces over frames: the compose stage of a session. Called by one thread at a time, in the order of the frames; an
/// exception ends the session.
/// </summary>
public interface IFrameComposer
{
    /// <summary>Draws on a frame, in place.</summary>
    /// <param name="frame">A writable frame that nobody else holds; not kept.</param>
    /// <param name="faces">At least one face, in displayed pixels of the frame; valid during the call.</param>
    void Compose(VideoFrame frame, ReadOnlySpan<TrackedFace> faces);

    /// <summary>Whether it draws on frames in memory of this kind; others are brought to the host first.</summary>
    bool DrawsOn(MemoryKind memory) => memory == MemoryKind.Host;
}
