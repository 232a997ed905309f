using System.Runtime.InteropServices;
using Img2Pose.Frames;
using Img2Pose.Geometry;

namespace Img2Pose.Inference.Scheduling;

/// <summary>Does looks with a detector, which it owns. Not thread-safe.</summary>
public sealed class DetectorRunner : ILookRunner
{
    private const int BoxesOfOneRun = 256;

    private readonly MultiScaleDetector? _scales;
    private readonly FollowingLooks _following;
    private readonly AnyRollDetector _anyRoll;
    private readonly List<VideoFrame> _frames = [];
    private readonly List<List<FaceDetection>> _faces = [];
    private readonly List<FaceDetection> _slice = [];

    /// <summary>Uses and owns <paramref name="detector"/>.</summary>
    /// <param name="detector">The network.</param>
    /// <param name="scales">Sizes that every picture is looked at, or null for one look at the detector's own.</param>
    /// <exception cref="UsageException">A size is out of range; the detector stays the caller's.</exception>
    public DetectorRunner(PoseDetector detector, MultiScaleOptions? scales = null)
    {
        Detector = detector;
        _following = new FollowingLooks(detector);
        _anyRoll = new AnyRollDetector(detector);
        _scales = scales is null ? null : new MultiScaleDetector(detector, scales);
    }

    /// <summary>The detector.</summary>
    public PoseDetector Detector { get; }

    /// <inheritdoc/>
    public bool CanJoin(Look first, Look other) =>
        _scales is null && !first.IsAnyRoll && !other.IsAnyRoll && first.Boxes is null && other.Boxes is null && first.ScoreThreshold == other.ScoreThreshold && first.Size == other.Size
        // On a GPU looks at whole pictures and at crops go together: those of one size as one batch each. A processor does one look after
        // another anyhow, and who waits for crops alone should not wait for whole pictures.
        && (Detector.DeviceMemory == MemoryKind.Cuda || (first.IsFollowing == other.IsFollowing && first.IsWhole == other.IsWhole))
        // Whole pictures of one size only: padding to a common one would change results (golden quirk Q11). Crops are all of one.
        && (!first.IsWhole || !other.IsWhole || (first.Frame!.DisplayWidth == other.Frame!.DisplayWidth && first.Frame.DisplayHeight == other.Frame.DisplayHeight));

    /// <inheritdoc/>
    public void Run(IReadOnlyList<Look> looks)
    {
        // Who does not follow has no crops to look at, and is looked at as a whole by the same code.
        bool follows = false;
        foreach (Look look in looks) follows |= look.IsFollowing;
        if (follows)
        {
            _following.Run(looks);
            return;
        }
        if (looks.Count == 1)
        {
            RunOne(looks[0]);
            return;
        }
        try
        {
            foreach (Look look in looks)
            {
                _frames.Add(look.Frame!);
                _faces.Add(look.Faces);
            }
            Detector.Detect(_frames, Detector.RuleOf(looks[0].Size), looks[0].ScoreThreshold ?? Detector.ScoreThreshold, _faces);
        }
        finally
        {
            // Nothing may keep a frame alive past its lease.
            _frames.Clear();
            _faces.Clear();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Detector.Dispose();
        _anyRoll.Dispose();
    }

    private void RunOne(Look look)
    {
        VideoFrame frame = look.Frame!;
        if (look.Boxes is { } boxes) PoseBoxes(frame, CollectionsMarshal.AsSpan(boxes), look.Faces);
        else if (_scales is not null) _scales.Detect(frame, look.Faces);
        else if (look.IsAnyRoll) _anyRoll.Detect(frame, Detector.RuleOf(look.Size), look.ScoreThreshold, look.Faces);
        else Detector.Detect(frame, Detector.RuleOf(look.Size), look.ScoreThreshold ?? Detector.ScoreThreshold, look.Faces);
    }

    /// <summary>Poses boxes in slices: the network's memory grows with the boxes of one run.</summary>
    private void PoseBoxes(VideoFrame frame, ReadOnlySpan<Box> boxes, List<FaceDetection> faces)
    {
        if (boxes.Length <= BoxesOfOneRun)
        {
            Detector.PoseForBoxes(frame, boxes, faces);
            return;
        }
        faces.Clear();
        for (int first = 0; first < boxes.Length; first += BoxesOfOneRun)
        {
            Detector.PoseForBoxes(frame, boxes.Slice(first, Math.Min(BoxesOfOneRun, boxes.Length - first)), _slice);
            faces.AddRange(_slice);
        }
    }
}
