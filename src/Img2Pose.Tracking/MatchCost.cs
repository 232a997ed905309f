using Img2Pose.Geometry;

namespace Img2Pose.Tracking;

/// <summary>How unlikely it is that a detection is the face of a track: box overlap, place, distance and rotation together.</summary>
internal static class MatchCost
{
    private const double FaceWidth = 1.5;

    // Widest disagreements that still count as one face, the first growing with the time that the face was not seen.
    private const double MaximumPlace = 0.7;
    private const double PlaceGrowth = 0.8;
    private const double MaximumLogDistance = 0.6;
    private const double MaximumAngle = 1.5;

    // Parts of the cost; they add up to 1, the price of leaving a track alone.
    private const double OverlapPart = 0.4;
    private const double PlacePart = 0.25;
    private const double DistancePart = 0.15;
    private const double AnglePart = 0.1;
    private const double AbsencePart = 0.1;

    /// <summary>The price of a track without a detection: any pair that is possible at all is cheaper.</summary>
    public const double Alone = 1.01;

    /// <summary>The cost, in [0, 1], or positive infinity where the two cannot be the same face.</summary>
    /// <param name="track">A track whose expectation is up to date.</param>
    /// <param name="detection">A finite pose in front of the camera.</param>
    /// <param name="absence">Seconds since the track was last seen.</param>
    /// <param name="memory">After how many seconds tracks are forgotten.</param>
    public static double Of(Track track, in FaceDetection detection, double absence, double memory)
    {
        Vector3d expected = track.Expected.Translation, found = detection.Pose.Translation;
        double logDistance = Math.Abs(Math.Log(found.Z / expected.Z));
        if (!(logDistance <= MaximumLogDistance)) return double.PositiveInfinity;

        double dx = found.X / found.Z - expected.X / expected.Z, dy = found.Y / found.Z - expected.Y / expected.Z;
        double place = Math.Sqrt(dx * dx + dy * dy) * Math.Min(found.Z, expected.Z) / FaceWidth;
        double overlap = track.ExpectedBox.IntersectionOverUnion(detection.Box);
        // Where looks are rare a face may be anywhere; believing that would give its identity to its neighbour.
        double reach = MaximumPlace + PlaceGrowth * Math.Min(absence, memory);
        if (!(place <= reach)) return double.PositiveInfinity;

        double angle = RotationVector.GeodesicDistance(track.Expected.Rotation, detection.Pose.Rotation);
        return OverlapPart * (1 - overlap)
            + PlacePart * place / reach
            + DistancePart * logDistance / MaximumLogDistance
            + AnglePart * Math.Min(1, angle / MaximumAngle)
            + AbsencePart * Math.Min(1, absence / Math.Max(memory, 1e-9));
    }
}
