using Img2Pose.Geometry;

namespace Img2Pose.Tracking;

/// <summary>Gives faces identities over time: the track stage of a session. Called by one thread at a time, in the order of the frames.</summary>
public interface IFaceTracker
{
    /// <summary>Takes the detections of a frame; clears and fills <paramref name="tracks"/>. Time in seconds, size in displayed pixels.</summary>
    void Update(ReadOnlySpan<FaceDetection> detections, double time, int width, int height, List<TrackedFace> tracks);

    /// <summary>
    /// As the other, with what is known besides: faces that lie where nobody looked are neither found nor missed. By default that is
    /// not made use of.
    /// </summary>
    void Update(in LookFindings findings, double time, int width, int height, List<TrackedFace> tracks) =>
        Update(findings.Faces, time, width, height, tracks);

    /// <summary>Tells which faces can be followed from here on; clears and fills <paramref name="faces"/>. By default none.</summary>
    void ListFollowed(List<FollowedFace> faces) => faces.Clear();

    /// <summary>Another scene begins: no face before it is one after it.</summary>
    void Forget();

    /// <summary>The faces of a frame that was not looked at; clears and fills <paramref name="tracks"/>.</summary>
    void Predict(double time, int width, int height, List<TrackedFace> tracks);
}
