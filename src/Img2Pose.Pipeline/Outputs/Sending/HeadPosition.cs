using System.Buffers.Binary;
using Img2Pose.Geometry;

namespace Img2Pose.Pipeline;

/// <summary>
/// Where a head is and where it looks, for programs that follow heads: in centimetres and degrees, in axes of the person's own, who
/// looks at the camera. x to the person's right, y up, z away from the camera, a right-handed system; the angles turn by the right-hand
/// rule: yaw about y, positive to the own left; pitch about x, positive up; roll about z, positive to the left shoulder.
/// </summary>
/// <param name="X">Centimetres.</param>
/// <param name="Y">Centimetres.</param>
/// <param name="Z">Centimetres.</param>
/// <param name="Yaw">Degrees, −180…180.</param>
/// <param name="Pitch">Degrees, −90…90.</param>
/// <param name="Roll">Degrees, −180…180.</param>
public readonly record struct HeadPosition(double X, double Y, double Z, double Yaw, double Pitch, double Roll)
{
    /// <summary>Bytes of a datagram of opentrack's "UDP over network".</summary>
    public const int DatagramSize = 48;

    /// <summary>Reads a pose under a camera.</summary>
    /// <param name="pose">The pose.</param>
    /// <param name="neutral">What counts as straight ahead and in the middle; null: looking along the camera's axis, at the camera.</param>
    /// <param name="millimetresPerUnit">Scale of the reference face.</param>
    public static HeadPosition Of(Pose pose, Pose? neutral, double millimetresPerUnit)
    {
        Matrix3x3d rotation = RotationVector.ToMatrix(pose.Rotation);
        Vector3d t = pose.Translation;
        if (neutral is { } origin)
        {
            rotation = RotationVector.ToMatrix(origin.Rotation).Transposed * rotation;
            t -= origin.Translation;
        }
        // Half a turn about the camera's axis: x and y change sign, in matrices where one of both is involved.
        Matrix3x3d h = new(
            rotation.M11, rotation.M12, -rotation.M13, rotation.M21, rotation.M22, -rotation.M23, -rotation.M31, -rotation.M32, rotation.M33);
        const double degrees = 180 / Math.PI;
        // h = Ry(yaw)·Rx(pitch)·Rz(roll).
        double pitch = Math.Asin(Math.Clamp(-h.M23, -1, 1)), yaw, roll;
        if (Math.Abs(h.M23) < 1 - 1e-9)
        {
            yaw = Math.Atan2(h.M13, h.M33);
            roll = Math.Atan2(h.M21, h.M22);
        }
        else
        {
            // Straight up or down yaw and roll are one turn.
            yaw = Math.Atan2(-h.M31, h.M11);
            roll = 0;
        }
        double scale = millimetresPerUnit / 10;
        return new HeadPosition(-t.X * scale, -t.Y * scale, t.Z * scale, yaw * degrees, pitch * degrees, roll * degrees);
    }

    /// <summary>Whether all six numbers are finite.</summary>
    public bool IsFinite => double.IsFinite(X + Y + Z + Yaw + Pitch + Roll);

    /// <summary>Writes opentrack's datagram: six little-endian doubles x, y, z, yaw, pitch, roll.</summary>
    public void Write(Span<byte> datagram)
    {
        ReadOnlySpan<double> values = [X, Y, Z, Yaw, Pitch, Roll];
        for (int i = 0; i < values.Length; i++) BinaryPrimitives.WriteDoubleLittleEndian(datagram[(8 * i)..], values[i]);
    }
}
