namespace Img2Pose.Geometry;

/// <summary>
/// What has to be done to a face's pose as one kind of look sees it to get the pose that another kind sees: networks are a little
/// biased by the size at which they see a face, the same way from one picture to the next.
/// </summary>
/// <param name="Rotation">Rotation vector of the turn that follows, in the face's own axes.</param>
/// <param name="Place">Shift across and down in units of the reference face, and change of the distance's logarithm.</param>
/// <param name="At">Rotation vector of the pose that it was measured at.</param>
/// <param name="Slope">How the turn changes where that pose turns away from <paramref name="At"/>: radians a radian.</param>
/// <param name="IsKnown">Whether it has been measured; else it changes nothing.</param>
public readonly record struct PoseCorrection(Vector3d Rotation, Vector3d Place, Vector3d At, Matrix3x3d Slope, bool IsKnown)
{
    /// <summary>Rotations further apart than this, radians, say nothing about each other; half a turn and more above all.</summary>
    private const double Reach = 0.5;

    /// <summary>Nothing is known, nothing changes.</summary>
    public static PoseCorrection None => default;

    /// <summary>The correction that makes <paramref name="to"/> of <paramref name="from"/>, two poses in front of one camera.</summary>
    public static PoseCorrection Between(Pose from, Pose to)
    {
        Vector3d a = from.Translation, b = to.Translation;
        return new PoseCorrection(
            RotationVector.Compose(-from.Rotation, to.Rotation),
            new Vector3d(b.X - a.X * b.Z / a.Z, b.Y - a.Y * b.Z / a.Z, Math.Log(b.Z / a.Z)),
            from.Rotation, default, IsKnown: true);
    }

    /// <summary>The corrected pose.</summary>
    /// <param name="pose">In front of the camera.</param>
    public Pose Apply(Pose pose)
    {
        if (!IsKnown) return pose;
        Vector3d t = pose.Translation;
        double ratio = Math.Exp(Place.Z);
        return new Pose(
            RotationVector.Compose(pose.Rotation, TurnAt(pose.Rotation)),
            new Vector3d(t.X * ratio + Place.X, t.Y * ratio + Place.Y, t.Z * ratio));
    }

    private Vector3d TurnAt(Vector3d rotation)
    {
        Vector3d away = rotation - At;
        return away.Length <= Reach ? Rotation + Slope * away : Rotation;
    }
}
