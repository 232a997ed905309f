namespace Img2Pose.Geometry;

/// <summary>
/// Head angles in degrees in the AFLW / 300W-LP convention: with a the extrinsic x-y-z Euler angles of the transposed
/// rotation, pitch = a₀, yaw = −a₁, roll = −a₂.
/// </summary>
/// <param name="Yaw">Turn about the vertical axis, in [−90, 90].</param>
/// <param name="Pitch">Nod, in [−180, 180].</param>
/// <param name="Roll">Tilt in the picture plane, in [−180, 180].</param>
public readonly record struct EulerAngles(double Yaw, double Pitch, double Roll)
{
    /// <summary>Cosine of yaw below which the two other axes count as aligned (SciPy's bound).</summary>
    private const double GimbalCosine = 1e-7;

    private const double DegreesPerRadian = 180 / Math.PI;

    /// <summary>The angles of a rotation vector (radians). At the poles (|yaw| = 90°) roll is 0 and pitch takes the whole turn.</summary>
    public static EulerAngles FromRotationVector(Vector3d rotation) => FromMatrix(RotationVector.ToMatrix(rotation));

    /// <summary>The angles of a rotation matrix.</summary>
    public static EulerAngles FromMatrix(in Matrix3x3d rotation)
    {
        // Elements of the transpose Rz(a2)·Ry(a1)·Rx(a0), written in those of the matrix itself.
        double sine = -rotation.M13;
        double cosine = Math.Sqrt(rotation.M11 * rotation.M11 + rotation.M12 * rotation.M12);
        double a0, a1 = Math.Atan2(sine, cosine), a2;
        if (cosine > GimbalCosine)
        {
            a0 = Math.Atan2(rotation.M23, rotation.M33);
            a2 = Math.Atan2(rotation.M12, rotation.M11);
        }
        else
        {
            a0 = Math.Atan2(-rotation.M32, rotation.M22);
            a2 = 0;
        }
        return new EulerAngles(-a1 * DegreesPerRadian, a0 * DegreesPerRadian, -a2 * DegreesPerRadian);
    }

    /// <summary>The rotation vector, radians: the inverse of <see cref="FromRotationVector"/> for |yaw| ≤ 90°.</summary>
    public Vector3d ToRotationVector()
    {
        (double s0, double c0) = Math.SinCos(Pitch / DegreesPerRadian);
        (double s1, double c1) = Math.SinCos(-Yaw / DegreesPerRadian);
        (double s2, double c2) = Math.SinCos(-Roll / DegreesPerRadian);
        Matrix3x3d transposed = new(
            c2 * c1, c2 * s1 * s0 - s2 * c0, c2 * s1 * c0 + s2 * s0,
            s2 * c1, s2 * s1 * s0 + c2 * c0, s2 * s1 * c0 - c2 * s0,
            -s1, c1 * s0, c1 * c0);
        return RotationVector.FromMatrix(transposed.Transposed);
    }
}
