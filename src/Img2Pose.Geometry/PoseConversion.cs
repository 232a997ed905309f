namespace Img2Pose.Geometry;

/// <summary>
/// In which arithmetic a box's size and centre are taken. The original's dtypes differ between inference and training,
/// and its results depend on them (golden quirk Q7).
/// </summary>
public enum BoxArithmetic
{
    /// <summary>Double precision throughout, centre not rounded beyond the floor division of the definition.</summary>
    Exact,

    /// <summary>The training loss: box sides subtracted, halved and summed in single precision.</summary>
    SinglePrecision,

    /// <summary>Inference: as <see cref="SinglePrecision"/>, and the centre truncated toward zero because the original's K is an integer matrix.</summary>
    SinglePrecisionInteger,
}

/// <summary>
/// Moves poses between the camera of the whole picture and that of a face box (CVPR 2021, section 4 and its supplement),
/// and between the cameras of two sizes of one picture.
/// </summary>
public static class PoseConversion
{
    /// <summary>
    /// The camera of a box: that of the picture with its principal point moved to the box centre,
    /// left + ⌊(right − left)/2⌋, top + ⌊(bottom − top)/2⌋.
    /// </summary>
    public static CameraIntrinsics BoxIntrinsics(CameraIntrinsics camera, in Box box) =>
        BoxIntrinsics(camera, box, BoxArithmetic.Exact);

    /// <inheritdoc cref="BoxIntrinsics(CameraIntrinsics, in Box)"/>
    public static CameraIntrinsics BoxIntrinsics(CameraIntrinsics camera, in Box box, BoxArithmetic arithmetic)
    {
        (double x, double y, _) = Measure(box, arithmetic);
        return camera with { CenterX = x, CenterY = y };
    }

    /// <summary>
    /// The pose relative to a box of the same pose given in the whole picture: t' = K_box⁻¹·K·t with t'z divided by
    /// f/(w_box + h_box), R' = quaternion(K_box⁻¹·K·R).
    /// </summary>
    /// <param name="full">Pose under <paramref name="camera"/>.</param>
    /// <param name="camera">Camera of the picture that the box lies in.</param>
    /// <param name="box">Box in pixels of that picture; width + height must not be zero for a finite result.</param>
    public static Pose FullToBox(Pose full, CameraIntrinsics camera, in Box box) =>
        FullToBox(full, camera, box, BoxArithmetic.Exact);

    /// <inheritdoc cref="FullToBox(Pose, CameraIntrinsics, in Box)"/>
    public static Pose FullToBox(Pose full, CameraIntrinsics camera, in Box box, BoxArithmetic arithmetic)
    {
        (double x, double y, double size) = Measure(box, arithmetic);
        (Vector3d rotation, Vector3d t) = Shift(full, (camera.CenterX - x) / camera.FocalLength, (camera.CenterY - y) / camera.FocalLength);
        return new Pose(rotation, t with { Z = t.Z / (camera.FocalLength / size) });
    }

    /// <summary>
    /// The pose in the whole picture of a pose relative to a box: the inverse rule of <see cref="FullToBox(Pose, CameraIntrinsics, in Box)"/>.
    /// The translation inverts exactly, the rotation only approximately, because K⁻¹·K_box·R is no rotation.
    /// </summary>
    public static Pose BoxToFull(Pose local, CameraIntrinsics camera, in Box box) =>
        BoxToFull(local, camera, box, BoxArithmetic.Exact);

    /// <inheritdoc cref="BoxToFull(Pose, CameraIntrinsics, in Box)"/>
    public static Pose BoxToFull(Pose local, CameraIntrinsics camera, in Box box, BoxArithmetic arithmetic)
    {
        (double x, double y, double size) = Measure(box, arithmetic);
        Vector3d t = local.Translation with { Z = local.Translation.Z * (camera.FocalLength / size) };
        return Shift(local with { Translation = t }, (x - camera.CenterX) / camera.FocalLength, (y - camera.CenterY) / camera.FocalLength);
    }

    /// <summary>
    /// Carries a pose from a resized picture to the displayed one so that both project the face to the same place: a
    /// point at (u, v) in the former appears at (u·scaleX, v·scaleY) in the latter.
    /// </summary>
    /// <remarks>
    /// Both cameras are fixed by their pictures' sizes, so that only rounding (of the resized sides, of the principal
    /// points) is left to absorb. It goes into the translation: the reference origin projects exactly, and the local
    /// scale by the geometric mean of both axes. The rotation is kept; when all sizes scale by one even integer the
    /// pose does not change at all, otherwise the face moves by a fraction of a pixel.
    /// </remarks>
    /// <param name="pose">Pose under <paramref name="from"/>.</param>
    /// <param name="from">Camera of the resized picture.</param>
    /// <param name="to">Camera of the displayed picture.</param>
    /// <param name="scaleX">Displayed width over resized width.</param>
    /// <param name="scaleY">Displayed height over resized height.</param>
    public static Pose Rescale(Pose pose, CameraIntrinsics from, CameraIntrinsics to, double scaleX, double scaleY)
    {
        Vector3d t = pose.Translation;
        double depth = t.Z * to.FocalLength / (from.FocalLength * Math.Sqrt(scaleX * scaleY));
        // Pixels of the origin times depth: defined by x·f + c·z rather than x/z, so that z = 0 stays finite.
        double x = (scaleX * (from.FocalLength * t.X + from.CenterX * t.Z) - to.CenterX * t.Z) / to.FocalLength;
        double y = (scaleY * (from.FocalLength * t.Y + from.CenterY * t.Z) - to.CenterY * t.Z) / to.FocalLength;
        double ratio = to.FocalLength / (from.FocalLength * Math.Sqrt(scaleX * scaleY));
        return pose with { Translation = new Vector3d(x * ratio, y * ratio, depth) };
    }

    /// <summary>Applies the upper triangular matrix [1 0 a; 0 1 b; 0 0 1], a product of one camera and the other's inverse.</summary>
    private static Pose Shift(Pose pose, double a, double b)
    {
        Matrix3x3d shift = new(1, 0, a, 0, 1, b, 0, 0, 1);
        return new Pose(
            RotationVector.FromMatrix(shift * RotationVector.ToMatrix(pose.Rotation)),
            shift * pose.Translation);
    }

    private static (double CenterX, double CenterY, double Size) Measure(in Box box, BoxArithmetic arithmetic)
    {
        if (arithmetic == BoxArithmetic.Exact)
        {
            return (box.Left + Math.Floor(box.Width / 2), box.Top + Math.Floor(box.Height / 2), box.Width + box.Height);
        }

        float left = (float)box.Left, top = (float)box.Top;
        float width = (float)box.Right - left, height = (float)box.Bottom - top;
        float x = left + MathF.Floor(width / 2), y = top + MathF.Floor(height / 2);
        return arithmetic == BoxArithmetic.SinglePrecision
            ? (x, y, width + height)
            : (Math.Truncate(x), Math.Truncate(y), width + height);
    }
}
