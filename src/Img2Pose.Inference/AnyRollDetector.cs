using Img2Pose.Frames;
using Img2Pose.Geometry;

namespace Img2Pose.Inference;

/// <summary>
/// Finds faces of any roll: the picture is looked at as it is and turned by one, two and three right angles, since the network was
/// trained on faces that are more or less upright and gives others an upright pose or none. Of faces at one place the surest
/// counts. Costs four looks. Not thread-safe.
/// </summary>
/// <param name="detector">The network, which stays the caller's.</param>
public sealed class AnyRollDetector(PoseDetector detector) : IDisposable
{
    /// <summary>Faces that overlap at least this much are one: its box differs with the side that the forehead is taken for.</summary>
    private const double SameFace = 0.3;

    /// <summary>
    /// Pictures are turned as a whole: the direction in which the surest face is upright is the picture's, if that face scores above the
    /// threshold by this, and all its faces count. Three more looks find three times as many false faces, so that one which is upright
    /// in another direction counts only where it is surer still (docs/performance.md).
    /// </summary>
    private const double PictureMargin = 0.06, FaceMargin = 0.16;

    /// <summary>Longer sides are thinned out for turning: the network sees no more than some 640 pixels of them.</summary>
    private const int LargestSide = 2560;

    private readonly FramePool _pool = new(2);
    private readonly List<FaceDetection> _found = [];
    private readonly List<(FaceDetection Face, int Quarters)> _all = [];

    /// <summary>Whether a network gains by it: one of ours, not those of the original, whose results are to be the original's.</summary>
    public static bool IsOf(PoseDetector detector) => detector.Size.Kind == SizeRuleKind.LongSide;

    /// <summary>Finds the faces of a frame, best first.</summary>
    /// <param name="frame">The frame; only read. One that is not in host memory is looked at as it is.</param>
    /// <param name="scoreThreshold">Faces score above this; null: as the detector was told.</param>
    /// <param name="faces">Receives the faces; cleared first.</param>
    /// <returns>How many there are.</returns>
    /// <exception cref="ModelException">ONNX Runtime failed, or the picture is too large for the limit.</exception>
    public int Detect(VideoFrame frame, double? scoreThreshold, List<FaceDetection> faces) => Detect(frame, detector.Size, scoreThreshold, faces);

    /// <summary>Finds the faces at another size than the detector's own.</summary>
    internal int Detect(VideoFrame frame, SizeRule size, double? scoreThreshold, List<FaceDetection> faces)
    {
        double threshold = scoreThreshold ?? detector.ScoreThreshold;
        detector.Detect(frame, size, threshold, faces);
        if (frame.Memory != MemoryKind.Host) return faces.Count;
        _all.Clear();
        foreach (FaceDetection face in faces) _all.Add((face, 0));
        int step = Math.Max(1, Math.Max(frame.Width, frame.Height) / LargestSide);
        for (int quarters = 1; quarters < 4; quarters++)
        {
            using VideoFrame turned = _pool.RentTurned(frame, quarters, step);
            detector.Detect(turned, size, threshold, _found);
            foreach (FaceDetection face in _found)
            {
                Pose pose = QuarterTurns.Back(face.Pose, quarters, frame.DisplayWidth, frame.DisplayHeight);
                FaceDetection upright = detector.WithPose(face with { Box = default }, pose, frame);
                if (!upright.Box.IsEmpty) _all.Add((upright, quarters));
            }
        }
        if (_all.Count == faces.Count) return faces.Count;
        Merge(threshold, faces);
        return faces.Count;
    }

    /// <summary>Frees the buffers.</summary>
    public void Dispose() => _pool.Dispose();

    private void Merge(double threshold, List<FaceDetection> faces)
    {
        // What ties is taken as it stands.
        _all.Sort((a, b) => a.Face.Score != b.Face.Score ? b.Face.Score.CompareTo(a.Face.Score) : a.Quarters.CompareTo(b.Quarters));
        int direction = _all[0].Face.Score > threshold + PictureMargin ? _all[0].Quarters : 0;
        faces.Clear();
        foreach ((FaceDetection face, int quarters) in _all)
        {
            bool counts = quarters == direction || face.Score > threshold + FaceMargin;
            for (int i = 0; counts && i < faces.Count; i++) counts = face.Box.IntersectionOverUnion(faces[i].Box) < SameFace;
            if (counts) faces.Add(face);
        }
    }
}
