using Img2Pose.Geometry;
using Img2Pose.Tracking;

namespace Img2Pose.Monitor.Masking;

/// <summary>
/// The engine's tracker for a camera whose faces nobody may see: it hands on every doubtful face besides those that are tracked, without
/// an identity, so that they are covered; and it knows at which moments the network has looked.
/// </summary>
/// <param name="inner">The engine's own.</param>
/// <param name="lowestScore">The score above which that one is told of faces.</param>
internal sealed class MaskingTracker(IFaceTracker inner, double lowestScore) : IFaceTracker
{
    private const int Remembered = 64;

    /// <summary>Overlap above which a detection is the tracked face itself.</summary>
    private const double SameFace = 0.5;

    private readonly List<FaceDetection> _good = new(16);
    private readonly Queue<double> _looks = new();
    private readonly Lock _lock = new();

    /// <summary>Whether the network has looked at the frame of this time.</summary>
    public bool HasLookedAt(double time)
    {
        lock (_lock) return _looks.Contains(time);
    }

    /// <inheritdoc/>
    public void Update(ReadOnlySpan<FaceDetection> detections, double time, int width, int height, List<TrackedFace> tracks)
    {
        _good.Clear();
        foreach (FaceDetection face in detections)
        {
            if (face.Score >= lowestScore) _good.Add(face);
        }
        inner.Update(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_good), time, width, height, tracks);
        AddDoubtful(detections, tracks);
        lock (_lock)
        {
            _looks.Enqueue(time);
            if (_looks.Count > Remembered) _looks.Dequeue();
        }
    }

    /// <inheritdoc/>
    public void Forget() => inner.Forget();

    /// <inheritdoc/>
    public void Predict(double time, int width, int height, List<TrackedFace> tracks) => inner.Predict(time, width, height, tracks);

    private static void AddDoubtful(ReadOnlySpan<FaceDetection> detections, List<TrackedFace> tracks)
    {
        // Identities rise: those without one come first, as sinks are promised.
        int at = 0;
        foreach (FaceDetection face in detections)
        {
            if (IsTracked(face, tracks)) continue;
            tracks.Insert(at++, new TrackedFace(0, face, face.Pose, Detected: true));
        }
    }

    private static bool IsTracked(in FaceDetection face, List<TrackedFace> tracks)
    {
        foreach (TrackedFace track in tracks)
        {
            if (track.Id > 0 && track.Detected && track.Face.Box.IntersectionOverUnion(face.Box) > SameFace) return true;
        }
        return false;
    }
}
