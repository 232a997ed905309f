using Img2Pose.Geometry;

namespace Img2Pose.Tracking;

/// <summary>How faces are followed and smoothed over time. Times are seconds, so that nothing depends on the frame rate.</summary>
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

    /// <summary>A new face of at least this score gets its identity in the first frame it is seen in.</summary>
    public double ConfidentScore { get; init; } = 0.6;

    /// <summary>A new face of a lower score gets it after this many detections without a miss; at least 1.</summary>
    public int BirthHits { get; init; } = 3;

    /// <summary>How long a face that is no longer found is still reported, at its predicted pose.</summary>
    public double CoastTime { get; init; } = 0.2;

    /// <summary>How long an identity is remembered after the face was last found; at least <see cref="CoastTime"/>.</summary>
    public double MemoryTime { get; init; } = 1.5;

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
        if (!(CoastTime >= 0)) throw new UsageException($"The coasting time must not be negative; it is {CoastTime}.");
        if (!(MemoryTime >= CoastTime)) throw new UsageException($"Identities must be remembered at least as long as faces coast ({CoastTime} s), not {MemoryTime} s.");
        Direction.Validate(nameof(Direction));
        Distance.Validate(nameof(Distance));
        Rotation.Validate(nameof(Rotation));
    }
}
