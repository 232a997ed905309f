using Img2Pose.Geometry;

namespace Img2Pose.Tracking;

/// <summary>How faces are followed and smoothed over time. Times are seconds, so that nothing depends on the frame rate; where
/// looks are rare, numbers of looks count as well.</summary>
public sealed record TrackerOptions
{
    /// <summary>Give identities. Off: every detection passes through as it is, with id 0 and without smoothing.</summary>
    public bool Track { get; init; } = true;

    /// <summary>Smooth the poses of tracked faces. Off: detected faces keep their own pose and box.</summary>
    public bool Smooth { get; init; } = true;

    /// <summary>
    /// A detection of a lower score starts no face; it only continues one that is tracked and just there, so that a face
    /// whose score dips is not lost (the association of low scores of ByteTrack, ECCV 2022). 0: every detection may start one.
    /// </summary>
    public double StartScore { get; init; }

    /// <summary>
    /// A new face of at least this score gets its identity in the first frame it is seen in. The default is for scores as networks
    /// are trained to give them; an engine calibrates it with its model.
    /// </summary>
    public double ConfidentScore { get; init; } = 0.6;

    /// <summary>A new face of a lower score gets it after this many detections without a miss; at least 1.</summary>
    public int BirthHits { get; init; } = 3;

    /// <summary>
    /// It gets it earlier where waiting for one more look would take longer than this since the first, seconds: at a look
    /// every two seconds a face is nobody for four otherwise.
    /// </summary>
    public double BirthTime { get; init; } = 0.5;

    /// <summary>How long a face that is no longer found is still reported, at its predicted pose.</summary>
    public double CoastTime { get; init; } = 0.2;

    /// <summary>How long an identity is remembered after the face was last found; at least <see cref="CoastTime"/>.</summary>
    public double MemoryTime { get; init; } = 1.5;

    /// <summary>For how many looks that missed the face it is remembered even if that takes longer; at least 1.</summary>
    public int MemoryLooks { get; init; } = 2;

    /// <summary>
    /// Seconds from one frame that is looked at to the next, or null where that is unknown: then it is learnt from the first
    /// frames. Times of the frames themselves take over after that.
    /// </summary>
    public double? LookInterval { get; init; }

    /// <summary>Smoothing of the face's place in the picture; speed in face widths per second.</summary>
    public OneEuroParameters Direction { get; init; } = new(MinimumCutoff: 1, SpeedCoefficient: 12, DerivativeCutoff: 3);

    /// <summary>Smoothing of the face's distance; speed as relative change per second.</summary>
    public OneEuroParameters Distance { get; init; } = new(MinimumCutoff: 0.8, SpeedCoefficient: 8, DerivativeCutoff: 2);

    /// <summary>Smoothing of the rotation; speed in radians per second.</summary>
    public OneEuroParameters Rotation { get; init; } = new(MinimumCutoff: 1, SpeedCoefficient: 6, DerivativeCutoff: 2);

    /// <summary>The face that boxes are computed from; the detector's.</summary>
    public ReferenceFace Reference { get; init; } = ReferenceFace.Default;

    /// <summary>The enlargement of boxes; the detector's.</summary>
    public FaceBoxFactors Factors { get; init; } = FaceBoxFactors.Default;

    /// <summary>Which detections are a second box of a face that is tracked already, and start no track of their own.</summary>
    public DuplicateSuppression Duplicates { get; init; } = DuplicateSuppression.Default;

    /// <summary>Checks that the numbers make sense.</summary>
    /// <exception cref="UsageException">One does not; the message names it.</exception>
    public void Validate()
    {
        if (!(StartScore >= 0)) throw new UsageException($"The score that starts a track must not be negative; it is {StartScore}.");
        if (BirthHits < 1) throw new UsageException($"Tracking needs at least one hit to start a track, not {BirthHits}.");
        if (!(BirthTime >= 0)) throw new UsageException($"The time to confirm a face must not be negative; it is {BirthTime}.");
        if (MemoryLooks < 1) throw new UsageException($"A face must be remembered for at least one look, not {MemoryLooks}.");
        if (LookInterval is { } interval && !(interval > 0 && double.IsFinite(interval))) throw new UsageException($"Looks must be some time apart, not {interval} s.");
        if (!(CoastTime >= 0)) throw new UsageException($"The coasting time must not be negative; it is {CoastTime}.");
        if (!(MemoryTime >= CoastTime)) throw new UsageException($"Identities must be remembered at least as long as faces coast ({CoastTime} s), not {MemoryTime} s.");
        Direction.Validate(nameof(Direction));
        Distance.Validate(nameof(Distance));
        Rotation.Validate(nameof(Rotation));
    }
}
