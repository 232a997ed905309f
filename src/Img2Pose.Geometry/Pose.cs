namespace Img2Pose.Geometry;

/// <summary>
/// A rigid 6DoF pose: a point X of the reference face lies at R·X + t in camera axes (x right, y down, z forward),
/// where R is the rotation of <paramref name="Rotation"/>.
/// </summary>
/// <param name="Rotation">Rotation vector (axis times angle), radians.</param>
/// <param name="Translation">Translation, in units of the reference face (about 1.5 units wide).</param>
public readonly record struct Pose(Vector3d Rotation, Vector3d Translation)
{
    /// <summary>Whether all six numbers are finite.</summary>
    public bool IsFinite => Rotation.IsFinite && Translation.IsFinite;
}
