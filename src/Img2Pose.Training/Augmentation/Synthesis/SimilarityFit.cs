using Img2Pose.Geometry;

namespace Img2Pose.Training.Augmentation.Synthesis;

/// <summary>
/// The similarity between two point sets by least squares (Umeyama, PAMI 1991), the rotation by Newton's iteration for
/// the polar factor (Higham 1986) instead of a singular value decomposition: the sets here are alike, so that the
/// covariance is well conditioned and its determinant positive.
/// </summary>
internal static class SimilarityFit
{
    /// <summary>Scale, rotation and translation that take <paramref name="from"/> nearest to <paramref name="to"/>.</summary>
    /// <exception cref="ArgumentException">The sets differ in number, or are flat or mirrored.</exception>
    public static (double Scale, Matrix3x3d Rotation, Vector3d Translation) Fit(ReadOnlySpan<Vector3d> from, ReadOnlySpan<Vector3d> to)
    {
        if (from.Length != to.Length || from.Length < 4) throw new ArgumentException("Two sets of at least four points are needed.", nameof(to));
        Vector3d fromMean = Vector3d.Zero, toMean = Vector3d.Zero;
        for (int i = 0; i < from.Length; i++)
        {
            fromMean += from[i] / from.Length;
            toMean += to[i] / to.Length;
        }
        Span<double> h = stackalloc double[9];
        double spread = 0;
        for (int i = 0; i < from.Length; i++)
        {
            Vector3d a = from[i] - fromMean, b = to[i] - toMean;
            spread += Vector3d.Dot(a, a);
            h[0] += b.X * a.X;
            h[1] += b.X * a.Y;
            h[2] += b.X * a.Z;
            h[3] += b.Y * a.X;
            h[4] += b.Y * a.Y;
            h[5] += b.Y * a.Z;
            h[6] += b.Z * a.X;
            h[7] += b.Z * a.Y;
            h[8] += b.Z * a.Z;
        }
        Matrix3x3d covariance = new(h[0], h[1], h[2], h[3], h[4], h[5], h[6], h[7], h[8]);
        if (!(covariance.Determinant > 0)) throw new ArgumentException("The point sets are flat or mirrored.", nameof(to));

        Matrix3x3d rotation = covariance;
        for (int i = 0; i < 60; i++)
        {
            Matrix3x3d next = Half(rotation, InverseTransposed(rotation));
            double change = Difference(next, rotation);
            rotation = next;
            if (change < 1e-15) break;
        }
        double scale = (rotation.Transposed * covariance).Trace / spread;
        return (scale, rotation, toMean + -(scale * (rotation * fromMean)));
    }

    private static Matrix3x3d InverseTransposed(in Matrix3x3d m)
    {
        double d = 1 / m.Determinant;
        return new Matrix3x3d(
            d * (m.M22 * m.M33 - m.M23 * m.M32), d * (m.M23 * m.M31 - m.M21 * m.M33), d * (m.M21 * m.M32 - m.M22 * m.M31),
            d * (m.M13 * m.M32 - m.M12 * m.M33), d * (m.M11 * m.M33 - m.M13 * m.M31), d * (m.M12 * m.M31 - m.M11 * m.M32),
            d * (m.M12 * m.M23 - m.M13 * m.M22), d * (m.M13 * m.M21 - m.M11 * m.M23), d * (m.M11 * m.M22 - m.M12 * m.M21));
    }

    private static Matrix3x3d Half(in Matrix3x3d a, in Matrix3x3d b) => new(
        0.5 * (a.M11 + b.M11), 0.5 * (a.M12 + b.M12), 0.5 * (a.M13 + b.M13),
        0.5 * (a.M21 + b.M21), 0.5 * (a.M22 + b.M22), 0.5 * (a.M23 + b.M23),
        0.5 * (a.M31 + b.M31), 0.5 * (a.M32 + b.M32), 0.5 * (a.M33 + b.M33));

    private static double Difference(in Matrix3x3d a, in Matrix3x3d b)
    {
        Vector3d x = new(a.M11 - b.M11, a.M12 - b.M12, a.M13 - b.M13);
        Vector3d y = new(a.M21 - b.M21, a.M22 - b.M22, a.M23 - b.M23);
        Vector3d z = new(a.M31 - b.M31, a.M32 - b.M32, a.M33 - b.M33);
        return x.Length + y.Length + z.Length;
    }
}
