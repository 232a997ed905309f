using Img2Pose.Geometry;

namespace Img2Pose.Tracking;

/// <summary>
/// Decides where to look in the next frame: at the whole picture every few frames, in a new scene, and wherever little would be
/// gained by not doing so; else only around the faces that are being tracked. Not thread-safe; the same frames with the same
/// states give the same plan.
/// </summary>
public sealed class LookPlanner
{
    /// <summary>
    /// From one look at the whole picture to the next: so many frames, if they take so long. A fifth of all looks costs as much as can
    /// be afforded at common rates, and a face that appears is then seen at most four frames later.
    /// </summary>
    private const int WholeEvery = 5;
    private const double ShortestWait = 5 / 30.0, LongestWait = 0.2;

    /// <summary>Times of frames are rounded in many containers.</summary>
    private const double TimeSlack = 0.004;

    /// <summary>Crops are not worth their uncertainty where all together would cost more than this part of whole looks.</summary>
    private const double WorthWhile = 0.85;

    /// <summary>What a run costs beside its pixels, as part of a look at a picture of 640×384; measured as 0.015.</summary>
    private const double CostOfRun = 0.015;
    private const double PixelsOfReference = 640 * 384;
    private const double PixelsOfCrop = 64 * 64, PixelsOfSmallCrop = 128 * 128;

    /// <summary>Longer side of a face in the network's input below which its crop is the more expensive one.</summary>
    private const double SmallFace = 48;

    /// <summary>Faces around which crops are laid at most.</summary>
    private const int MostFollowed = 12;

    private readonly ReferenceFace _reference;
    private readonly FaceBoxFactors _factors;
    private double _lastWhole = double.NegativeInfinity;
    private int _sinceWhole;
    private int _scene = -1;

    /// <summary>Creates a planner for one stream.</summary>
    /// <param name="reference">The face that boxes are computed from; the tracker's.</param>
    /// <param name="factors">The enlargement of boxes; the tracker's.</param>
    public LookPlanner(ReferenceFace reference, FaceBoxFactors factors) => (_reference, _factors) = (reference, factors);

    /// <summary>Plans the next frame.</summary>
    /// <param name="frame">The frame.</param>
    /// <param name="state">The last state that is known, or null.</param>
    /// <param name="follow">Cleared, then filled with the faces to look for in crops.</param>
    /// <returns>Whether the whole picture is looked at.</returns>
    public bool Plan(in FrameToPlan frame, FollowState? state, List<FaceToFollow> follow)
    {
        follow.Clear();
        if (state is { WasWhole: true } && state.Scene == _scene && state.Time > _lastWhole)
        {
            // One that nobody had planned: a face was lost.
            _lastWhole = state.Time;
            _sinceWhole = Math.Max(0, _sinceWhole - 1);
        }
        _sinceWhole++;
        bool isKnown = state is not null && state.Scene == frame.Scene && state.Width == frame.Width && state.Height == frame.Height
            && frame.Time >= state.Time;
        bool whole = !isKnown || frame.Scene != _scene || IsDue(frame.Time);
        if (isKnown && !Follow(frame, state!, follow)) whole = true;
        _scene = frame.Scene;
        if (whole) (_lastWhole, _sinceWhole) = (frame.Time, 0);
        return whole;
    }

    private bool IsDue(double time)
    {
        double elapsed = time - _lastWhole + TimeSlack;
        return elapsed < 0 || elapsed >= LongestWait || (_sinceWhole >= WholeEvery && elapsed >= ShortestWait);
    }

    /// <summary>Lists the faces to follow; false where the whole picture is cheaper.</summary>
    private bool Follow(in FrameToPlan frame, FollowState state, List<FaceToFollow> follow)
    {
        CameraIntrinsics camera = CameraIntrinsics.ForImage(frame.Width, frame.Height);
        double cost = 1.0 / WholeEvery + CostOfRun * PixelsOfReference / frame.NetworkPixels;
        foreach (FollowedFace face in state.Faces)
        {
            Pose pose = face.Predict(frame.Time - state.Time);
            if (!pose.IsFinite || !(pose.Translation.Z > 0)) continue;
            Box box = FaceBox.FromPose(pose, camera, frame.Width, frame.Height, _reference, _factors);
            if (box.IsEmpty) continue;
            bool small = Math.Max(box.Width, box.Height) * frame.NetworkScale < SmallFace;
            cost += (small ? PixelsOfSmallCrop : PixelsOfCrop) / frame.NetworkPixels;
            follow.Add(new FaceToFollow(box, face.IsSure, face.Crop));
        }
        if (cost <= WorthWhile && follow.Count <= MostFollowed) return true;
        follow.Clear();
        return false;
    }
}

/// <summary>What is known of a frame before it is looked at.</summary>
/// <param name="Time">Its time, seconds.</param>
/// <param name="Scene">Number of its scene.</param>
/// <param name="Width">Width of the picture, displayed pixels.</param>
/// <param name="Height">Height of the picture, displayed pixels.</param>
/// <param name="NetworkScale">Pixels of the network's input for a displayed one, in a look at the whole picture.</param>
/// <param name="NetworkPixels">Pixels of the network's input in a look at the whole picture.</param>
public readonly record struct FrameToPlan(double Time, int Scene, int Width, int Height, double NetworkScale, double NetworkPixels);
