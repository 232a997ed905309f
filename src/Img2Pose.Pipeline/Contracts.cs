using Img2Pose.Frames;
using Img2Pose.Geometry;

namespace Img2Pose.Pipeline;

/// <summary>Finds the faces of a frame. Called by one stage, in frame order.</summary>
public interface IFrameDetector
{
    /// <summary>Clears <paramref name="faces"/> and fills it with the faces of <paramref name="frame"/>, in displayed pixels.</summary>
    void Detect(VideoFrame frame, List<FaceDetection> faces);
}

/// <summary>Gives faces identities over time. Called by one stage, in frame order.</summary>
public interface IFaceTracker
{
    /// <summary>Takes the detections of a frame; clears and fills <paramref name="faces"/>. Time in seconds, size in displayed pixels.</summary>
    void Update(ReadOnlySpan<FaceDetection> detections, double time, int width, int height, List<TrackedFace> faces);

    /// <summary>Another scene begins: no face before it is one after it.</summary>
    void Forget();

    /// <summary>The faces of a frame that was not looked at; clears and fills <paramref name="faces"/>.</summary>
    void Predict(double time, int width, int height, List<TrackedFace> faces);
}

/// <summary>Draws faces over a frame. Called by one stage, in frame order.</summary>
public interface IFrameComposer
{
    /// <summary>Draws on <paramref name="frame"/>, which is writable and held by nobody else.</summary>
    void Compose(VideoFrame frame, ReadOnlySpan<TrackedFace> faces);
}

/// <summary>Takes finished frames: a video file, a folder of pictures. Called by one stage, in frame order.</summary>
public interface IFrameSink : IDisposable
{
    /// <summary>Writes a frame; does not keep it.</summary>
    void Write(VideoFrame frame);

    /// <summary>Makes the output whole and gives it its final name. Disposing without this leaves it marked as partial.</summary>
    void Complete();
}

/// <summary>Takes the poses of every frame. Called by one stage, in frame order.</summary>
public interface IPoseSink : IDisposable
{
    /// <summary>Writes the faces of a frame.</summary>
    void Write(VideoFrame frame, ReadOnlySpan<TrackedFace> faces);

    /// <summary>Writes the summary; a complete or properly interrupted run gives the output its final name.</summary>
    /// <param name="report">What the run did.</param>
    /// <param name="failed">True when the run ends with an error: the output stays marked as partial.</param>
    void Finish(RunReport report, bool failed);
}
