using Img2Pose.Geometry;

namespace Img2Pose.Training.Data.Lmdb;

/// <summary>
/// The original converter's arithmetic to the last bit, so that the entries it and we write are the same bytes: the roundings
/// of the NumPy and SciPy calls that bring a pose to the picture. Everywhere else <see cref="PoseConversion"/> does that,
/// equal but for the last digits.
/// </summary>
/// <remarks>
/// NumPy hands its products to a BLAS, whose roundings are not part of its contract. These are those of the golden data:
/// OpenBLAS 0.3.21 with its AVX-512 kernels, measured on random 3×3 products with <c>OPENBLAS_CORETYPE=SkylakeX</c>. Its
/// other kernels differ in the last bit of a picture's pose; poses in boxes, and thus mean and deviation, do not depend on it.
/// </remarks>
internal static class ConverterArithmetic
{
    /// <summary>
    /// <see cref="PoseConversion.BoxToFull(Pose, CameraIntrinsics, in Box)"/>, in the original's order: the camera of the box
    /// times the pose, then the inverse camera of the picture times that.
    /// </summary>
    public static Pose ToPicture(Pose local, CameraIntrinsics camera, in Box box)
    {
        CameraIntrinsics inBox = PoseConversion.BoxIntrinsics(camera, box);
        // LAPACK inverts the diagonal once and multiplies by it.
        double inverse = 1 / camera.FocalLength;
        double backX = -(camera.CenterX * inverse), backY = -(camera.CenterY * inverse);
        Vector3d t = local.Translation with { Z = local.Translation.Z * (camera.FocalLength / (box.Width + box.Height)) };
        t = Apply(inverse, backX, backY, Apply(camera.FocalLength, inBox.CenterX, inBox.CenterY, t));
        Matrix3x3d r = RotationVector.ToMatrix(local.Rotation);
        r = Apply(inverse, backX, backY, Apply(camera.FocalLength, inBox.CenterX, inBox.CenterY, r));
        return new Pose(RotationVector.FromMatrix(r), t);
    }

    /// <summary>
    /// [f 0 x; 0 f y; 0 0 1] times a column: the product with f is rounded, that with the last number is added in one
    /// rounding. In whichever order the kernels take the three products, the zeros leave only this.
    /// </summary>
    private static Vector3d Apply(double f, double x, double y, Vector3d v) =>
        new(Math.FusedMultiplyAdd(x, v.Z, f * v.X), Math.FusedMultiplyAdd(y, v.Z, f * v.Y), v.Z);

    private static Matrix3x3d Apply(double f, double x, double y, in Matrix3x3d m)
    {
        Vector3d a = Apply(f, x, y, new Vector3d(m.M11, m.M21, m.M31));
        Vector3d b = Apply(f, x, y, new Vector3d(m.M12, m.M22, m.M32));
        Vector3d c = Apply(f, x, y, new Vector3d(m.M13, m.M23, m.M33));
        return new Matrix3x3d(a.X, b.X, c.X, a.Y, b.Y, c.Y, a.Z, b.Z, c.Z);
    }
}
