using Img2Pose.Geometry;

namespace Img2Pose.Frames;

/// <summary>
/// Takes composed frames: a video file, a folder of pictures, a window. Each sink of a session has a link and a thread of its
/// own, on which all of its methods but <see cref="IDisposable.Dispose"/> are called; an exception ends the session.
/// </summary>
public interface IFrameSink : IDisposable
{
    /// <summary>Takes a frame.</summary>
    /// <param name="frame">Shared with the other sinks, hence only read. Whoever needs it beyond the call adds a reference.</param>
    /// <param name="faces">The faces in it, in displayed pixels; valid during the call.</param>
    void Write(VideoFrame frame, ReadOnlySpan<TrackedFace> faces);

    /// <summary>Whether it takes frames in memory of this kind; others are brought to the host first, once for all sinks.</summary>
    bool Takes(MemoryKind memory) => memory == MemoryKind.Host;

    /// <summary>Makes the output whole and gives it its final name. Disposing without this leaves it marked as partial.</summary>
    void Complete();

    /// <summary>
    /// Makes a <see cref="Write"/> or <see cref="Complete"/> that waits for something outside end soon, because the session stops.
    /// Called on any thread, any number of times. A sink that waits for nothing but a disk need not do anything.
    /// </summary>
    void Interrupt()
    {
    }
}

/// <summary>A sink that is given the picture as it was before anything was drawn on it, too: a window with overlays of its own.</summary>
public interface IUndrawnFrameSink : IFrameSink
{
    /// <summary>Takes a frame.</summary>
    /// <param name="frame">With what the session draws; shared with the other sinks, hence only read.</param>
    /// <param name="undrawn">The same picture without it; the same object where nothing was drawn.</param>
    /// <param name="faces">The faces in it, in displayed pixels; valid during the call.</param>
    void Write(VideoFrame frame, VideoFrame undrawn, ReadOnlySpan<TrackedFace> faces);
}
