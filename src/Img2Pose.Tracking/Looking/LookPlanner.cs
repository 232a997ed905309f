using System.Runtime.InteropServices;
using Img2Pose.Geometry;

namespace Img2Pose.Tracking;

/// <summary>
/// Decides where to look in the next frame: at the whole picture every few frames, in a new scene, and wherever little would be
/// gained by not doing so; else only around the faces that are being tracked. What it decides is the best that a price allows, which
/// docs/performance.md gives the reasons for. Not thread-safe; the same frames with the same states give the same plan.
/// </summary>
public sealed class LookPlanner
{
    /// <summary>Seconds from one look at the whole picture to the next at most: six frames of 30 a second.</summary>
    internal const double LongestWait = 0.2;

    /// <summary>Frames of 30 a second, in which waits are counted; at other rates it is the same time, and at least as many frames.</summary>
    private const double CountedRate = 30;

    /// <summary>Times of frames are rounded in many containers.</summary>
    private const double TimeSlack = 0.004;

    /// <summary>
    /// Frames from one whole look to the next, on average: with few faces, so that the price is kept; with nobody, to see who comes.
    /// </summary>
    private const double ShortestStep = 4, LongestStep = 6, StepWithNobody = 4;

    /// <summary>
    /// From so many faces on somebody comes, goes, or is hard to see all the time: every second look is at everything, as long as all
    /// costs clearly less than looking at everything always.
    /// </summary>
    private const int Crowd = 3;
    private const double CrowdStep = 2;
    private const double WorthWhile = 0.75;

    /// <summary>
    /// Seconds after a face was given up during which everything is looked at as often as where a face is hard to see, while others are still
    /// there: it is behind one of them, mostly, and comes out again.
    /// </summary>
    private const double ReturnTime = 0.5;

    /// <summary>The same in recordings that wait (<see cref="IsRefined"/>), whose frames in between are mostly not looked at.</summary>
    private const double LongReturnTime = 1.2;

    /// <summary>
    /// Price of one face and of two that is kept, as part of looking at everything always: below 0.3 and 0.35, since what is not planned
    /// (faces that are lost, crops that are compared) was measured as 0.02 to 0.03.
    /// </summary>
    private const double PriceOfOne = 0.278, PriceOfTwo = 0.31;

    /// <summary>
    /// Where poses between whole looks are told by both of them, whole looks are worth more than crops: they may be nearer to each other, and
    /// crops of every second frame show where a face goes. Two faces are in doubt more often, when one hides the other, which is not planned.
    /// </summary>
    private const double ShortestRefinedStep = 3.5, FramesPerCrop = 2, RefinedPriceOfTwo = 0.297;

    /// <summary>What a run costs beside its pixels, as part of a look at a picture of 640×384; measured as 0.015 and 0.023.</summary>
    private const double CostOfRun = 0.023;
    private const double PixelsOfReference = 640 * 384;

    /// <summary>Faces around which crops are laid at most.</summary>
    private const int MostFollowed = 12;

    private readonly ReferenceFace _reference;
    private readonly FaceBoxFactors _factors;
    private double _lastWhole = double.NegativeInfinity;
    private double _step = StepWithNobody;

    // Frames since the last whole look, and what that one was late by.
    private double _sinceWhole;
    private int _scene = -1;

    // Frames since the last whole look.
    private int _between;

    // Whether every face moves evenly.
    private bool _isSteady;

    // Whether a face is new, or was hard to see.
    private bool _hasDoubt;

    // Whether a face has never been seen in a crop, so that nothing is known of its pose there.
    private bool _hasUnseen;

    // Faces with an identity in the last state, and since when one of them is gone that may come back.
    private int _confirmed;
    private double _goneSince = double.NegativeInfinity;

    private DecidedLooks? _decided;

    /// <summary>Creates a planner for one stream.</summary>
    /// <param name="reference">The face that boxes are computed from; the tracker's.</param>
    /// <param name="factors">The enlargement of boxes; the tracker's.</param>
    public LookPlanner(ReferenceFace reference, FaceBoxFactors factors) => (_reference, _factors) = (reference, factors);

    /// <summary>
    /// Whether crops are worth their price in what was planned last: else faces need not be seen in crops, since they will not be looked
    /// for there.
    /// </summary>
    public bool UsesCrops { get; private set; } = true;

    /// <summary>
    /// Whether it is decided at a whole look which ones are next, whatever is seen until then, so that somebody who has the frames already can
    /// look at those meanwhile (<see cref="IsDecided"/>). Nothing is decided where faces are unsure or many.
    /// </summary>
    public bool DecidesAhead
    {
        get => _decided is not null;
        init => _decided = value ? new DecidedLooks() : null;
    }

    /// <summary>
    /// Whether frames between whole looks wait for the next one, and their poses are told by both (<see cref="PoseRefiner"/>). Large faces that move
    /// evenly are not looked at in between then, others in crops of every second frame.
    /// </summary>
    public bool IsRefined { get; init; }

    /// <summary>
    /// Whether it has been decided that all of a frame to come is looked at. Frames are asked about in their order, as often as one likes;
    /// what is answered does not depend on when.
    /// </summary>
    /// <param name="time">Time of the frame, seconds.</param>
    /// <param name="ahead">Its place: 1 is the next to be planned.</param>
    public bool IsDecided(double time, int ahead) => _decided is not null && _decided.Contains(time, ahead);

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
            _between = 0;
        }
        _sinceWhole++;
        double step = _step;
        bool isKnown = state is not null && state.Scene == frame.Scene && state.Width == frame.Width && state.Height == frame.Height
            && frame.Time >= state.Time;
        _hasDoubt = _hasUnseen = false;
        _isSteady = true;
        int confirmed = 0;
        if (isKnown) confirmed = Follow(frame, state!, follow);
        if (!isKnown || confirmed == 0) _goneSince = double.NegativeInfinity;
        else if (confirmed < _confirmed) _goneSince = frame.Time;
        _confirmed = confirmed;
        bool decided = IsDecided(frame.Time, 1);
        bool whole = !isKnown || decided || frame.Scene != _scene || IsDue(frame.Time, follow.Count);
        UsesCrops = !isKnown || Decide(frame, follow, whole);
        if (!UsesCrops)
        {
            whole = true;
            follow.Clear();
        }
        _scene = frame.Scene;
        _between = whole ? 0 : _between + 1;
        if (!whole && IsRefined && CanRest(follow)) follow.Clear();
        if (whole) (_lastWhole, _sinceWhole) = (frame.Time, isKnown ? LateBy(_sinceWhole, step) : 0);
        _decided?.Planned(frame.Time, _sinceWhole, whole && isKnown ? StepAhead(frame.Time, follow.Count) : null);
        return whole;
    }

    /// <summary>Frames to the next whole look, as far as that can be said now: where nobody is followed because all costs less it is the next frame.</summary>
    private double? StepAhead(double time, int faces) => !UsesCrops ? 0 : _hasDoubt || IsAwaited(time) || faces >= Crowd ? null : _step;

    /// <summary>Whether one of several faces was given up a moment ago.</summary>
    private bool IsAwaited(double time) => time - _goneSince < (IsRefined ? LongReturnTime : ReturnTime);

    private bool IsDue(double time, int faces)
    {
        // A crowd that has come together since is not left waiting, and crops alone do not tell what becomes of a face that is hard to see.
        double step = faces >= Crowd ? (_hasDoubt || _hasUnseen ? 1 : CrowdStep)
            : _hasDoubt || IsAwaited(time) ? CrowdStep : _step;
        return IsDue(time - _lastWhole, _sinceWhole, step);
    }

    /// <summary>Whether the whole picture is looked at again.</summary>
    /// <param name="elapsed">Seconds since it was.</param>
    /// <param name="frames">Frames since it was, and what that one was late by.</param>
    /// <param name="step">Frames from one to the next, on average.</param>
    internal static bool IsDue(double elapsed, double frames, double step)
    {
        elapsed += TimeSlack;
        // Where frames come faster than counted, so many of them are left out as make up for it.
        return elapsed < 0 || elapsed >= LongestWait || (frames >= step - 1e-9 && elapsed >= Math.Floor(step) / CountedRate);
    }

    /// <summary>Frames that a whole look is late by, for the next ones to make up for.</summary>
    internal static double LateBy(double frames, double step) => Math.Clamp(frames - step, 0, 0.999);

    /// <summary>Lists the faces with where they are expected, to be looked at as before or in the cheapest way.</summary>
    /// <returns>How many have their identity.</returns>
    private int Follow(in FrameToPlan frame, FollowState state, List<FaceToFollow> follow)
    {
        CameraIntrinsics camera = CameraIntrinsics.ForImage(frame.Width, frame.Height);
        int confirmed = 0;
        foreach (FollowedFace face in state.Faces)
        {
            if (face.IsConfirmed) confirmed++;
            Pose pose = face.Predict(frame.Time - state.Time);
            if (!pose.IsFinite || !(pose.Translation.Z > 0)) continue;
            Box box = FaceBox.FromPose(pose, camera, frame.Width, frame.Height, _reference, _factors);
            if (box.IsEmpty) continue;
            CropKind kind = face.Crop is { HasRegion: true } crop ? crop.Kind : FollowedSize.Cheapest(SizeOf(box, frame), face.Crop);
            _hasDoubt |= !face.IsSure || !face.IsConfirmed;
            _hasUnseen |= !face.Crop.HasRegion;
            _isSteady &= face.IsSteady;
            follow.Add(new FaceToFollow(box, kind, face.IsSure, face.Crop));
        }
        return confirmed;
    }

    /// <summary>Whether a frame between whole looks need not be looked at, since looks before and after it will tell.</summary>
    private bool CanRest(List<FaceToFollow> follow) =>
        IsOfFewLarge(CollectionsMarshal.AsSpan(follow)) && (_isSteady || _between % FramesPerCrop != 0);

    /// <summary>Whether there are few faces, none of them in doubt, and all so large that the whole picture shows them best.</summary>
    private bool IsOfFewLarge(ReadOnlySpan<FaceToFollow> follow)
    {
        if (_hasDoubt || follow.Length is 0 or >= Crowd) return false;
        foreach (ref readonly FaceToFollow face in follow)
        {
            if (face.Kind == CropKind.Enlarged) return false;
        }
        return true;
    }

    /// <summary>
    /// Decides, at whole looks, how faces are seen until the next one, and when that is; false where the whole picture is cheaper. In
    /// between faces stay as they were seen, since what is known about their poses holds for that.
    /// </summary>
    private bool Decide(in FrameToPlan frame, List<FaceToFollow> follow, bool whole)
    {
        if (follow.Count > MostFollowed) return false;
        Span<FaceToFollow> faces = CollectionsMarshal.AsSpan(follow);
        if (whole)
        {
            foreach (ref FaceToFollow face in faces) face = face with { Kind = FollowedSize.Cheapest(SizeOf(face.Expected, frame), face.Crop) };
        }
        double cost = CostOf(frame, faces);
        if (faces.Length >= Crowd)
        {
            _step = CrowdStep;
            // In doubt the next look will be at everything, too.
            return !_hasDoubt && 1 / CrowdStep + cost <= WorthWhile;
        }
        if (!whole) return true;
        if (IsRefined && IsOfFewLarge(faces))
        {
            _step = _isSteady ? LongestStep : StepFor(faces.Length == 2 ? RefinedPriceOfTwo : PriceOfOne, cost / FramesPerCrop, ShortestRefinedStep);
            return true;
        }
        double price = faces.Length == 2 ? PriceOfTwo : PriceOfOne;
        // Rotations as of whole looks are worth more than whole looks that are nearer to each other.
        foreach (ref FaceToFollow face in faces)
        {
            if (face.Kind != CropKind.Close) continue;
            face = face with { Kind = CropKind.Cells };
            double better = CostOf(frame, faces);
            if (1 / LongestStep + better <= price) cost = better;
            else face = face with { Kind = CropKind.Close };
        }
        _step = faces.Length == 0 ? StepWithNobody : StepFor(price, cost, ShortestStep);
        return true;
    }

    /// <summary>Frames from one whole look to the next that a price allows beside crops that cost so much in a frame.</summary>
    private static double StepFor(double price, double crops, double shortest) => Math.Clamp(1 / Math.Max(price - crops, 0.01), shortest, LongestStep);

    private static double SizeOf(in Box box, in FrameToPlan frame) => Math.Max(box.Width, box.Height) * frame.Grid.ResizedWidth / frame.Width;

    /// <summary>What crops cost in each frame, as part of a look at the whole picture.</summary>
    private static double CostOf(in FrameToPlan frame, ReadOnlySpan<FaceToFollow> faces)
    {
        double pixels = 0;
        bool close = false, enlarged = false;
        int runs = 0;
        foreach (ref readonly FaceToFollow face in faces)
        {
            switch (face.Kind)
            {
                case CropKind.Cells:
                    pixels += frame.CellsOf(face.Expected).Pixels;
                    runs++;
                    break;
                case CropKind.Close:
                    pixels += FollowedSize.CloseSide * FollowedSize.CloseSide;
                    close = true;
                    break;
                default:
                    pixels += FollowedSize.EnlargedSide * FollowedSize.EnlargedSide;
                    enlarged = true;
                    break;
            }
        }
        if (close) runs++;
        if (enlarged) runs++;
        return (pixels + runs * CostOfRun * PixelsOfReference) / frame.Grid.PaddedPixels;
    }
}

/// <summary>What is known of a frame before it is looked at.</summary>
/// <param name="Time">Its time, seconds.</param>
/// <param name="Scene">Number of its scene.</param>
/// <param name="Width">Width of the picture, displayed pixels.</param>
/// <param name="Height">Height of the picture, displayed pixels.</param>
/// <param name="Grid">How a look at the whole picture sees it.</param>
public readonly record struct FrameToPlan(double Time, int Scene, int Width, int Height, LookGrid Grid)
{
    /// <summary>The cells in which a face lies.</summary>
    /// <param name="face">Where it is expected, displayed pixels.</param>
    internal GridCrop CellsOf(in Box face) => Grid.Around(face.Scale((double)Grid.Width / Width, (double)Grid.Height / Height));
}
