using Img2Pose.Geometry;

namespace Img2Pose.Tracking;

/// <summary>
/// A pose as rotation vector and (x/z, y/z, log z): there noise and motion do not depend on how far away the face is. For poses in front
/// of the camera.
/// </summary>
internal readonly record struct PoseCoordinates(Vector3d Rotation, Vector3d Place)
{
    /// <summary>Width of the reference face, in its units: turns directions into face widths.</summary>
    private const double FaceWidth = 1.5;

    public static PoseCoordinates Of(Pose pose) => new(
        pose.Rotation,
        new Vector3d(pose.Translation.X / pose.Translation.Z, pose.Translation.Y / pose.Translation.Z, Math.Log(pose.Translation.Z)));

    public Pose ToPose()
    {
        double z = Math.Exp(Place.Z);
        return new Pose(Rotation, new Vector3d(Place.X * z, Place.Y * z, z));
    }

    /// <summary>Face widths per unit of direction, as far away as the face is.</summary>
    public double WidthsPerUnit => Math.Exp(Place.Z) / FaceWidth;

    /// <summary>The place a part <paramref name="t"/> of the way to another.</summary>
    public Vector3d PlaceTowards(in PoseCoordinates other, double t) => Place + t * (other.Place - Place);

    /// <summary>The rotation a part <paramref name="t"/> of the way to another's.</summary>
    public Vector3d RotationTowards(in PoseCoordinates other, double t) => RotationVector.Interpolate(Rotation, other.Rotation, t);
}
