namespace Img2Pose.Geometry;

/// <summary>A row-major 3×3 matrix of doubles, acting on column vectors.</summary>
public readonly record struct Matrix3x3d(
    double M11, double M12, double M13,
    double M21, double M22, double M23,
    double M31, double M32, double M33)
{
    /// <summary>The identity.</summary>
    public static Matrix3x3d Identity => new(1, 0, 0, 0, 1, 0, 0, 0, 1);

    /// <summary>The trace.</summary>
    public double Trace => M11 + M22 + M33;

    /// <summary>The determinant.</summary>
    public double Determinant =>
        M11 * (M22 * M33 - M23 * M32) - M12 * (M21 * M33 - M23 * M31) + M13 * (M21 * M32 - M22 * M31);

    /// <summary>The transpose.</summary>
    public Matrix3x3d Transposed => new(M11, M21, M31, M12, M22, M32, M13, M23, M33);

    /// <summary>Matrix product.</summary>
    public static Matrix3x3d operator *(in Matrix3x3d a, in Matrix3x3d b) => new(
        a.M11 * b.M11 + a.M12 * b.M21 + a.M13 * b.M31,
        a.M11 * b.M12 + a.M12 * b.M22 + a.M13 * b.M32,
        a.M11 * b.M13 + a.M12 * b.M23 + a.M13 * b.M33,
        a.M21 * b.M11 + a.M22 * b.M21 + a.M23 * b.M31,
        a.M21 * b.M12 + a.M22 * b.M22 + a.M23 * b.M32,
        a.M21 * b.M13 + a.M22 * b.M23 + a.M23 * b.M33,
        a.M31 * b.M11 + a.M32 * b.M21 + a.M33 * b.M31,
        a.M31 * b.M12 + a.M32 * b.M22 + a.M33 * b.M32,
        a.M31 * b.M13 + a.M32 * b.M23 + a.M33 * b.M33);

    /// <summary>Matrix times column vector.</summary>
    public static Vector3d operator *(in Matrix3x3d m, Vector3d v) => new(
        m.M11 * v.X + m.M12 * v.Y + m.M13 * v.Z,
        m.M21 * v.X + m.M22 * v.Y + m.M23 * v.Z,
        m.M31 * v.X + m.M32 * v.Y + m.M33 * v.Z);
}
