using Img2Pose.Frames;
using Img2Pose.Geometry;
using Img2Pose.Media;

namespace Img2Pose.Pipeline;

/// <summary>
/// Takes the poses of frames: a file, a protocol, events. Each sink of a session has a link and a thread of its own, on which
/// <see cref="Write"/> is called; an exception ends the session.
/// </summary>
public interface IPoseSink : IDisposable
{
    /// <summary>Whether the samples of the picture are read, which the session then keeps from being drawn on.</summary>
    bool NeedsPicture => false;

    /// <summary>Takes the faces of a frame.</summary>
    /// <param name="frame">
    /// The picture, for its times, size and name; only read. Whoever needs it beyond the call adds a reference. Its samples are
    /// those that the source gave only if <see cref="NeedsPicture"/> says so; else they may have been drawn on.
    /// </param>
    /// <param name="faces">The faces, by ascending identity; valid during the call.</param>
    void Write(VideoFrame frame, ReadOnlySpan<TrackedFace> faces);

    /// <summary>
    /// Takes a change of a live source's state: lost, back, another time line. Never at the same time as another call, before the
    /// frames that come after it; on any thread, since none of the sink's own has to do while no frames come.
    /// </summary>
    /// <param name="status">The state.</param>
    void SourceChanged(SourceStatus status)
    {
    }

    /// <summary>
    /// Writes the summary, when all sinks are done with their frames; a complete or properly interrupted session gives the output
    /// its final name. Called once.
    /// </summary>
    /// <param name="report">What the session did; frames and faces are those of this sink.</param>
    /// <param name="failed">True when the session ends with an error: the output stays marked as partial.</param>
    void Finish(RunReport report, bool failed);
}
