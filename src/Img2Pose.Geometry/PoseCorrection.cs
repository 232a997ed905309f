namespace Img2Pose.Geometry;

/// <summary>
/// What has to be done to a face's pose as one kind of look sees it to get the pose that another kind sees: networks are
/// biased by the size and the place at which they see a face, nearly the same way from one picture to the next.
/// </summary>
/// <param name="Place">Shift across and down in units of the reference face, and change of the distance's logarithm.</param>
/// <param name="From">Rotation vector of the pose that it was measured at, as the one kind saw it.</param>
/// <param name="To">Rotation vector of the same pose as the other kind saw it.</param>
/// <param name="Doubt">
/// Radians by which rotations of the one kind differ without meaning: turns since that are much smaller change nothing, much larger
/// ones are taken as they are. 0: all are.
/// </param>
/// <param name="IsKnown">Whether it has been measured; else it changes nothing.</param>
public readonly record struct PoseCorrection(Vector3d Place, Vector3d From, Vector3d To, double Doubt, bool IsKnown)
{
    /// <summary>Nothing is known, nothing changes.</summary>
    public static PoseCorrection None => default;

    /// <summary>The correction that makes <paramref name="to"/> of <paramref name="from"/>, two poses in front of one camera.</summary>
    /// <param name="from">As the one kind saw the face.</param>
    /// <param name="to">As the other kind saw it.</param>
    /// <param name="doubt"><see cref="Doubt"/>, radians.</param>
    public static PoseCorrection Between(Pose from, Pose to, double doubt = 0)
    {
        Vector3d a = from.Translation, b = to.Translation;
        return new PoseCorrection(
            new Vector3d(b.X - a.X * b.Z / a.Z, b.Y - a.Y * b.Z / a.Z, Math.Log(b.Z / a.Z)), from.Rotation, to.Rotation, doubt, IsKnown: true);
    }

    /// <summary>The corrected pose.</summary>
    /// <param name="pose">In front of the camera.</param>
    public Pose Apply(Pose pose)
    {
        if (!IsKnown) return pose;
        Vector3d t = pose.Translation;
        double ratio = Math.Exp(Place.Z);
        return new Pose(
            RotationVector.Compose(To, Believed(RotationVector.Compose(-From, pose.Rotation))),
            new Vector3d(t.X * ratio + Place.X, t.Y * ratio + Place.Y, t.Z * ratio));
    }

    /// <summary>What is believed of a turn in the face's own axes: as of a value with noise of <see cref="Doubt"/> (Wiener's gain).</summary>
    private Vector3d Believed(Vector3d turn)
    {
        double square = turn.X * turn.X + turn.Y * turn.Y + turn.Z * turn.Z;
        return Doubt <= 0 || square == 0 ? turn : square / (square + Doubt * Doubt) * turn;
    }
}
