namespace Img2Pose.Geometry;

/// <summary>The rigid motion that best maps one set of points onto another.</summary>
public static class RigidAlignment
{
    /// <summary>
    /// Least-squares rotation and translation with target ≈ R·source + t, by Horn's quaternion method (J. Opt. Soc. Am. A,
    /// 1987); always a proper rotation.
    /// </summary>
    /// <param name="source">At least three points.</param>
    /// <param name="target">As many points.</param>
    /// <exception cref="ArgumentException">Too few points, or unequal numbers.</exception>
    public static Pose Estimate(ReadOnlySpan<Vector3d> source, ReadOnlySpan<Vector3d> target)
    {
        if (source.Length < 3 || source.Length != target.Length)
        {
            throw new ArgumentException("At least three pairs of points are needed.", nameof(target));
        }

        Vector3d sourceMean = Mean(source), targetMean = Mean(target);
        double xx = 0, xy = 0, xz = 0, yx = 0, yy = 0, yz = 0, zx = 0, zy = 0, zz = 0;
        for (int i = 0; i < source.Length; i++)
        {
            Vector3d s = source[i] - sourceMean, t = target[i] - targetMean;
            (xx, xy, xz) = (xx + s.X * t.X, xy + s.X * t.Y, xz + s.X * t.Z);
            (yx, yy, yz) = (yx + s.Y * t.X, yy + s.Y * t.Y, yz + s.Y * t.Z);
            (zx, zy, zz) = (zx + s.Z * t.X, zy + s.Z * t.Y, zz + s.Z * t.Z);
        }

        // The quaternion (w, x, y, z) of the rotation is the eigenvector of the largest eigenvalue.
        Span<double> matrix =
        [
            xx + yy + zz, yz - zy, zx - xz, xy - yx,
            yz - zy, xx - yy - zz, xy + yx, zx + xz,
            zx - xz, xy + yx, -xx + yy - zz, yz + zy,
            xy - yx, zx + xz, yz + zy, -xx - yy + zz,
        ];
        Span<double> values = stackalloc double[4], vectors = stackalloc double[16];
        SymmetricEigen.Decompose(matrix, 4, values, vectors);
        double w = vectors[12];
        Vector3d axis = new(vectors[13], vectors[14], vectors[15]);
        if (w < 0) (w, axis) = (-w, -axis);
        double sine = axis.Length;
        Vector3d rotation = sine > 0 ? 2 * Math.Atan2(sine, w) / sine * axis : Vector3d.Zero;
        return new Pose(rotation, targetMean - RotationVector.ToMatrix(rotation) * sourceMean);
    }

    /// <summary>
    /// Least-squares similarity with target ≈ scale·R·source + t (Umeyama, PAMI 1991, equations 40 to 42); the rotation is
    /// that of <see cref="Estimate"/>.
    /// </summary>
    /// <param name="source">At least three points, not all one.</param>
    /// <param name="target">As many points.</param>
    /// <exception cref="ArgumentException">Too few points, unequal numbers, or all source points in one place.</exception>
    public static (double Scale, Pose Motion) EstimateSimilarity(ReadOnlySpan<Vector3d> source, ReadOnlySpan<Vector3d> target)
    {
        Vector3d axis = Estimate(source, target).Rotation;
        Matrix3x3d rotation = RotationVector.ToMatrix(axis);
        Vector3d sourceMean = Mean(source), targetMean = Mean(target);
        double along = 0, spread = 0;
        for (int i = 0; i < source.Length; i++)
        {
            Vector3d s = source[i] - sourceMean;
            along += Vector3d.Dot(rotation * s, target[i] - targetMean);
            spread += Vector3d.Dot(s, s);
        }
        if (!(spread > 0)) throw new ArgumentException("The source points are all in one place.", nameof(source));
        double scale = along / spread;
        return (scale, new Pose(axis, targetMean - scale * (rotation * sourceMean)));
    }

    private static Vector3d Mean(ReadOnlySpan<Vector3d> points)
    {
        Vector3d sum = Vector3d.Zero;
        foreach (Vector3d point in points) sum += point;
        return sum / points.Length;
    }
}
