using Img2Pose.Frames;
using Img2Pose.Geometry;

namespace Img2Pose.Inference;

/// <summary>
/// Finds faces of any roll: the picture is looked at as it is and turned by one, two and three right angles, since the network was
/// trained on faces that are more or less upright and gives others an upright pose or none. What is unsure then - too low a score, a
/// face half way between two of the directions, or two that disagree by more than a right angle - is looked at again in a small crop in
/// which it stands upright, whose score and pose count. Of faces at one place the surest counts. Costs four looks, and a tenth of one
/// for each crop. Not thread-safe.
/// </summary>
/// <remarks>Margins are of scores as the network was trained to give them: calibrated ones are taken back to those.</remarks>
/// <param name="detector">The network, which stays the caller's.</param>
public sealed class AnyRollDetector(PoseDetector detector) : IDisposable
{
    /// <summary>Faces that overlap at least this much are one: its box differs with the side that the forehead is taken for.</summary>
    private const double SameFace = 0.3;

    /// <summary>
    /// Pictures are turned as a whole: the direction in which the surest face is upright is the picture's, if that face scores above the
    /// threshold by this, and all its faces count. Three more looks find three times as many false faces, so that one which is upright
    /// in another direction counts only where it is surer still, or sure by itself in its crop (docs/performance.md).
    /// </summary>
    private const double PictureMargin = 0.06, FaceMargin = 0.16, CropMargin = 0.1;

    /// <summary>What scores above this part of the threshold is worth a crop.</summary>
    private const double DoubtfulPart = 0.65;

    /// <summary>Roll in the look that found a face beyond which its pose is worth a crop: 25°. Its score and rotation get worse from there on.</summary>
    private const double LargestRoll = 25 * Math.PI / 180;

    /// <summary>Poses of one face that differ by more, radians, contradict each other, where their scores do not differ by more than the margin.</summary>
    private const double Contradiction = 0.5 * Math.PI, RivalMargin = 0.1;

    /// <summary>Side of a crop for the network, the part of it that the face takes up, and how many there are at most for a picture.</summary>
    private const int CropSide = FollowedSize.EnlargedSide, MostCrops = 16;
    private const double CropShare = FollowedSize.EnlargedShare;

    /// <summary>Longer sides are thinned out for turning: the network sees no more than some 640 pixels of them.</summary>
    private const int LargestSide = 2560;

    private readonly FramePool _pool = new(2), _cropPool = new(MostCrops);
    private readonly List<FaceDetection> _found = [];
    private readonly List<Candidate> _all = [];
    private readonly List<Doubtful> _doubts = [];
    private readonly List<CropView> _crops = [];
    private readonly List<CropFace> _inCrops = [];
    private readonly List<FaceDetection> _sure = [];

    /// <summary>Crops that were looked at so far.</summary>
    internal long Crops { get; private set; }

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
        if (frame.Memory != MemoryKind.Host)
        {
            detector.Detect(frame, size, threshold, faces);
            return faces.Count;
        }
        // Crops are for networks that are cheaper there.
        double trained = Trained(threshold), lowest = detector.CanFollow ? detector.Model.Metadata.PartOf(threshold, DoubtfulPart) : threshold;
        _all.Clear();
        detector.Detect(frame, size, lowest, _found);
        foreach (FaceDetection face in _found) _all.Add(new Candidate(face, Trained(face.Score), 0, InPlaneTurn.RollOf(face.Pose.Rotation)));
        int step = Math.Max(1, Math.Max(frame.Width, frame.Height) / LargestSide);
        for (int quarters = 1; quarters < 4; quarters++)
        {
            using VideoFrame turned = _pool.RentTurned(frame, quarters, step);
            detector.Detect(turned, size, lowest, _found);
            foreach (FaceDetection face in _found)
            {
                Pose pose = QuarterTurns.Back(face.Pose, quarters, frame.DisplayWidth, frame.DisplayHeight);
                FaceDetection upright = detector.WithPose(face with { Box = default }, pose, frame);
                if (!upright.Box.IsEmpty) _all.Add(new Candidate(upright, Trained(face.Score), quarters, InPlaneTurn.RollOf(face.Pose.Rotation)));
            }
        }
        Choose(trained);
        LookAgain(frame, threshold);
        Merge(faces);
        return faces.Count;
    }

    /// <summary>Frees the buffers.</summary>
    public void Dispose()
    {
        _pool.Dispose();
        _cropPool.Dispose();
    }

    private double Trained(double score) => detector.Model.Metadata.Calibration?.Undo(score) ?? score;

    /// <summary>Tells what is sure from what is in doubt.</summary>
    private void Choose(double threshold)
    {
        _sure.Clear();
        _doubts.Clear();
        // What ties is taken as it stands.
        _all.Sort((a, b) => a.Face.Score != b.Face.Score ? b.Face.Score.CompareTo(a.Face.Score) : a.Quarters.CompareTo(b.Quarters));
        int direction = _all.Count > 0 && _all[0].Score > threshold + PictureMargin ? _all[0].Quarters : 0;
        foreach (Candidate candidate in _all)
        {
            double score = candidate.Score;
            bool counts = score > threshold && (candidate.Quarters == direction || score > threshold + FaceMargin);
            if (counts && (!detector.CanFollow || (Math.Abs(candidate.Roll) <= LargestRoll && !IsContradicted(candidate)))) _sure.Add(candidate.Face);
            else if (detector.CanFollow && !Holds(_sure, candidate.Face.Box)) Doubt(candidate, threshold + (counts ? 0 : CropMargin));
        }
    }

    /// <summary>Asks for a crop, unless that of a surer face shows the same one as much upright.</summary>
    private void Doubt(Candidate candidate, double threshold)
    {
        for (int i = 0; i < _doubts.Count; i++)
        {
            FaceDetection other = _doubts[i].Candidate.Face;
            if (other.Box.IntersectionOverUnion(candidate.Face.Box) < SameFace || RotationVector.GeodesicDistance(other.Pose.Rotation, candidate.Face.Pose.Rotation) > 0.5 * Contradiction) continue;
            if (threshold < _doubts[i].Threshold) _doubts[i] = _doubts[i] with { Threshold = threshold };
            return;
        }
        if (_doubts.Count < MostCrops) _doubts.Add(new Doubtful(candidate, threshold, default, default));
    }

    private bool IsContradicted(Candidate candidate)
    {
        foreach (Candidate other in _all)
        {
            if (other.Score > candidate.Score - RivalMargin && other.Face.Box.IntersectionOverUnion(candidate.Face.Box) >= SameFace
                && RotationVector.GeodesicDistance(other.Face.Pose.Rotation, candidate.Face.Pose.Rotation) > Contradiction)
                return true;
        }
        return false;
    }

    /// <summary>Looks at what is in doubt in crops; what is sure there joins the rest.</summary>
    private void LookAgain(VideoFrame frame, double threshold)
    {
        if (_doubts.Count == 0) return;
        CameraIntrinsics camera = CameraIntrinsics.ForImage(frame.DisplayWidth, frame.DisplayHeight);
        int canvas = detector.Size.Pad(CropSide);
        try
        {
            for (int i = 0; i < _doubts.Count; i++)
            {
                Doubtful doubt = _doubts[i];
                TurnedSquare square = detector.UprightSquare(doubt.Candidate.Face.Pose, camera, CropShare, out Box expected);
                _doubts[i] = doubt with { Square = square, Expected = expected };
                // Twice what the network sees, so that its own filter has something to average.
                int samples = Math.Clamp(square.Side & ~1, 2, 2 * CropSide);
                VideoFrame crop = _cropPool.RentTurned(frame, camera.CenterX, camera.CenterY, square.Left, square.Top, square.Side, square.Angle, samples);
                _crops.Add(new CropView(crop, PictureRegion.Whole(samples, samples), CropSide, CropSide, square.Of(camera)));
            }
            Crops += _crops.Count;
            detector.DetectInCrops(_crops, canvas, canvas, threshold, _inCrops);
        }
        finally
        {
            foreach (CropView crop in _crops) crop.Frame.Dispose();
            _crops.Clear();
        }
        for (int i = 0; i < _doubts.Count; i++)
        {
            FaceDetection best = default;
            foreach (CropFace found in _inCrops)
            {
                if (found.Crop == i && found.Face.Score > best.Score && found.Face.Box.IntersectionOverUnion(_doubts[i].Expected) >= SameFace) best = found.Face;
            }
            if (best.Score == 0 || Trained(best.Score) <= _doubts[i].Threshold) continue;
            FaceDetection face = detector.WithPose(best with { Box = default }, _doubts[i].Square.ToPicture(best.Pose), frame);
            if (!face.Box.IsEmpty) _sure.Add(face);
        }
    }

    private void Merge(List<FaceDetection> faces)
    {
        faces.Clear();
        _sure.Sort(static (a, b) => b.Score.CompareTo(a.Score));
        foreach (FaceDetection face in _sure)
        {
            if (!Holds(faces, face.Box)) faces.Add(face);
        }
    }

    private static bool Holds(List<FaceDetection> faces, in Box box)
    {
        foreach (FaceDetection face in faces)
        {
            if (face.Box.IntersectionOverUnion(box) >= SameFace) return true;
        }
        return false;
    }

    /// <summary>A face as one of the four looks saw it.</summary>
    /// <param name="Face">The face, in the picture itself.</param>
    /// <param name="Score">Its score as the network was trained to give it.</param>
    /// <param name="Quarters">Right angles by which the picture was turned.</param>
    /// <param name="Roll">How far the face was turned in that look, radians.</param>
    private readonly record struct Candidate(FaceDetection Face, double Score, int Quarters, double Roll);

    /// <summary>A face to be looked at again.</summary>
    /// <param name="Candidate">As it was seen.</param>
    /// <param name="Threshold">It must score above this in its crop, as the network was trained to give scores.</param>
    /// <param name="Square">The crop.</param>
    /// <param name="Expected">Its box there, pixels of the picture.</param>
    private readonly record struct Doubtful(Candidate Candidate, double Threshold, TurnedSquare Square, Box Expected);
}
