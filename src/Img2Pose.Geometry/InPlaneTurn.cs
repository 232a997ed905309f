namespace Img2Pose.Geometry;

/// <summary>
/// What turning a picture about its camera's principal point does to poses in it: the camera turns about its axis, so that the pose of
/// a face turns with it and is exact under the same camera. Angles are radians, clockwise as the picture is seen.
/// </summary>
public static class InPlaneTurn
{
    /// <summary>The pose in the turned picture.</summary>
    /// <param name="pose">Pose in the picture.</param>
    /// <param name="angle">Radians clockwise by which the picture is turned.</param>
    public static Pose Of(Pose pose, double angle)
    {
        (double sin, double cos) = Math.SinCos(angle);
        Vector3d t = pose.Translation;
        return new Pose(RotationVector.Compose(new Vector3d(0, 0, angle), pose.Rotation), new Vector3d(cos * t.X - sin * t.Y, sin * t.X + cos * t.Y, t.Z));
    }

    /// <summary>How far a face is turned in the plane of the picture: of its down axis, from the picture's.</summary>
    /// <param name="rotation">Rotation vector of its pose.</param>
    /// <returns>Radians clockwise, from −π to π; 0 where the axis points along the line of sight.</returns>
    public static double RollOf(Vector3d rotation)
    {
        Vector3d down = RotationVector.ToMatrix(rotation) * new Vector3d(0, 1, 0);
        return Math.Atan2(-down.X, down.Y);
    }
}
