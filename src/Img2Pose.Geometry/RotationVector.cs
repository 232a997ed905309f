namespace Img2Pose.Geometry;

/// <summary>
/// Conversions between rotation vectors (axis times angle, radians) and 3×3 matrices, by the formulas of SciPy's
/// <c>Rotation</c>, which the original img2pose relies on.
/// </summary>
public static class RotationVector
{
    /// <summary>Below this angle (radians) the trigonometric quotients are replaced by their series.</summary>
    private const double SmallAngle = 1e-3;

    /// <summary>The rotation matrix of a rotation vector (Rodrigues' formula); finite for any finite input.</summary>
    public static Matrix3x3d ToMatrix(Vector3d rotation)
    {
        (double x, double y, double z, double w) = ToQuaternion(rotation);
        double xx = x * x, yy = y * y, zz = z * z, ww = w * w;
        double xy = x * y, xz = x * z, yz = y * z, xw = x * w, yw = y * w, zw = z * w;
        return new Matrix3x3d(
            xx - yy - zz + ww, 2 * (xy - zw), 2 * (xz + yw),
            2 * (xy + zw), -xx + yy - zz + ww, 2 * (yz - xw),
            2 * (xz - yw), 2 * (yz + xw), -xx - yy + zz + ww);
    }

    /// <summary>
    /// The rotation vector, of at most π, that belongs to a matrix. The matrix need not be orthogonal: the quaternion is
    /// built by the formula that belongs to the largest of the three diagonal elements and the trace (the first of them
    /// when equal), then normalised, with no orthogonalisation. Box-relative poses depend on exactly this choice
    /// (golden quirk V5).
    /// </summary>
    public static Vector3d FromMatrix(in Matrix3x3d m)
    {
        double trace = m.Trace;
        double x, y, z, w;
        if (m.M11 >= m.M22 && m.M11 >= m.M33 && m.M11 >= trace)
        {
            (x, y, z, w) = (1 - trace + 2 * m.M11, m.M21 + m.M12, m.M31 + m.M13, m.M32 - m.M23);
        }
        else if (m.M22 >= m.M33 && m.M22 >= trace)
        {
            (x, y, z, w) = (m.M12 + m.M21, 1 - trace + 2 * m.M22, m.M32 + m.M23, m.M13 - m.M31);
        }
        else if (m.M33 >= trace)
        {
            (x, y, z, w) = (m.M13 + m.M31, m.M23 + m.M32, 1 - trace + 2 * m.M33, m.M21 - m.M12);
        }
        else
        {
            (x, y, z, w) = (m.M32 - m.M23, m.M13 - m.M31, m.M21 - m.M12, 1 + trace);
        }

        double norm = Math.Sqrt(x * x + y * y + z * z + w * w);
        return FromQuaternion(x / norm, y / norm, z / norm, w / norm);
    }

    /// <summary>The rotation vector of "first <paramref name="b"/>, then <paramref name="a"/>", that is of R(a)·R(b).</summary>
    public static Vector3d Compose(Vector3d a, Vector3d b)
    {
        (double ax, double ay, double az, double aw) = ToQuaternion(a);
        (double bx, double by, double bz, double bw) = ToQuaternion(b);
        return FromQuaternion(
            aw * bx + ax * bw + ay * bz - az * by,
            aw * by - ax * bz + ay * bw + az * bx,
            aw * bz + ax * by - ay * bx + az * bw,
            aw * bw - ax * bx - ay * by - az * bz);
    }

    /// <summary>The angle, in [0, π] radians, of the rotation that turns one orientation into the other.</summary>
    public static double GeodesicDistance(Vector3d a, Vector3d b) => Compose(-a, b).Length;

    /// <summary>The point a fraction <paramref name="t"/> along the shortest rotation from <paramref name="a"/> to <paramref name="b"/>.</summary>
    public static Vector3d Interpolate(Vector3d a, Vector3d b, double t) => Compose(a, t * Compose(-a, b));

    private static (double X, double Y, double Z, double W) ToQuaternion(Vector3d rotation)
    {
        double angle = rotation.Length;
        double scale;
        if (angle <= SmallAngle)
        {
            double square = angle * angle;
            scale = 0.5 - square / 48 + square * square / 3840;
        }
        else
        {
            scale = Math.Sin(0.5 * angle) / angle;
        }
        return (scale * rotation.X, scale * rotation.Y, scale * rotation.Z, Math.Cos(0.5 * angle));
    }

    private static Vector3d FromQuaternion(double x, double y, double z, double w)
    {
        if (w < 0) (x, y, z, w) = (-x, -y, -z, -w);
        double sine = Math.Sqrt(x * x + y * y + z * z);
        double angle = 2 * Math.Atan2(sine, w);
        double scale;
        if (angle <= SmallAngle)
        {
            double square = angle * angle;
            scale = 2 + square / 12 + 7 * square * square / 2880;
        }
        else
        {
            scale = angle / Math.Sin(0.5 * angle);
        }
        return new Vector3d(scale * x, scale * y, scale * z);
    }
}
