namespace Img2Pose.Geometry;

/// <summary>
/// Aligned face crops: the five points of a face are brought onto the best of five templates (frontal, two half and two
/// full profiles) by a similarity transform, as ArcFace-style recognisers expect.
/// </summary>
public static class FaceAlignment
{
    /// <summary>The side of the square that the templates are defined in, pixels.</summary>
    public const int TemplateSize = 112;

    /// <summary>
    /// The templates of InsightFace's face_align (MIT): left profile, half left, front, half right, right profile. In
    /// single precision, as the original holds them: the difference shows in the fifth decimal of a transform.
    /// </summary>
    private static readonly (float X, float Y)[][] Templates =
    [
        [(51.642f, 50.115f), (57.617f, 49.990f), (35.740f, 69.007f), (51.157f, 89.050f), (57.025f, 89.702f)],
        [(45.031f, 50.118f), (65.568f, 50.872f), (39.677f, 68.111f), (45.177f, 86.190f), (64.246f, 86.758f)],
        [(39.730f, 51.138f), (72.270f, 51.138f), (56.000f, 68.493f), (42.463f, 87.010f), (69.537f, 87.010f)],
        [(46.845f, 50.872f), (67.382f, 50.118f), (72.737f, 68.111f), (48.167f, 86.758f), (67.236f, 86.190f)],
        [(54.796f, 49.990f), (60.771f, 50.115f), (76.673f, 69.007f), (55.388f, 89.702f), (61.257f, 89.050f)],
    ];

    /// <summary>
    /// The similarity that maps picture pixels to crop pixels: of the five templates, the one that the mapped landmarks
    /// come closest to by the sum of distances.
    /// </summary>
    /// <param name="landmarks">Eye (picture left), eye (right), nose tip, mouth corner (left), mouth corner (right), in pixels.</param>
    /// <param name="size">Side of the crop, pixels; the templates scale with it.</param>
    /// <param name="template">Which template was chosen, 0 to 4.</param>
    /// <exception cref="ArgumentException">Not five landmarks.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The size is not positive.</exception>
    public static SimilarityTransform Estimate(ReadOnlySpan<(double X, double Y)> landmarks, int size, out int template)
    {
        if (landmarks.Length != 5) throw new ArgumentException("Five landmarks are needed.", nameof(landmarks));
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(size);

        double scale = (double)size / TemplateSize, leastError = double.PositiveInfinity;
        SimilarityTransform best = default;
        template = 0;
        Span<(double X, double Y)> target = stackalloc (double, double)[5];
        for (int i = 0; i < Templates.Length; i++)
        {
            for (int k = 0; k < 5; k++) target[k] = (Templates[i][k].X * scale, Templates[i][k].Y * scale);
            SimilarityTransform transform = SimilarityTransform.Estimate(landmarks, target);
            double error = 0;
            for (int k = 0; k < 5; k++)
            {
                (double x, double y) = transform.Apply(landmarks[k].X, landmarks[k].Y);
                error += Math.Sqrt((x - target[k].X) * (x - target[k].X) + (y - target[k].Y) * (y - target[k].Y));
            }
            if (error < leastError) (best, leastError, template) = (transform, error, i);
        }
        return best;
    }

    /// <summary>The similarity for the face of a pose, through the projection of the reference's five points.</summary>
    /// <param name="pose">Pose under <paramref name="camera"/>.</param>
    /// <param name="camera">Camera of the picture.</param>
    /// <param name="reference">The face whose five points are projected.</param>
    /// <param name="size">Side of the crop, pixels.</param>
    public static SimilarityTransform FromPose(Pose pose, CameraIntrinsics camera, ReferenceFace reference, int size)
    {
        Matrix3x3d rotation = RotationVector.ToMatrix(pose.Rotation);
        Span<(double X, double Y)> landmarks = stackalloc (double, double)[5];
        for (int i = 0; i < 5; i++) landmarks[i] = camera.Project(rotation * reference.Points5[i] + pose.Translation);
        return Estimate(landmarks, size, out _);
    }

    /// <summary>
    /// Cuts the aligned crop out of an interleaved 8-bit RGB picture by exact bilinear interpolation; outside the picture
    /// is black. (OpenCV's warpAffine rounds source positions to 1/32 pixel; this does not.)
    /// </summary>
    /// <param name="picture">Rows of <paramref name="stride"/> bytes, three bytes a pixel.</param>
    /// <param name="width">Width of the picture, pixels.</param>
    /// <param name="height">Height of the picture, pixels.</param>
    /// <param name="stride">Bytes from one row to the next, at least 3·width.</param>
    /// <param name="transform">Picture pixels to crop pixels; must be invertible.</param>
    /// <param name="crop">Receives size·size·3 bytes.</param>
    /// <param name="size">Side of the crop, pixels.</param>
    /// <exception cref="ArgumentException">A buffer is too small, or the transform has no inverse.</exception>
    public static void Crop(
        ReadOnlySpan<byte> picture, int width, int height, int stride, SimilarityTransform transform, Span<byte> crop, int size)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(height);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(size);
        if (stride < 3 * width || picture.Length < (long)stride * (height - 1) + 3L * width)
        {
            throw new ArgumentException("The picture's buffer is smaller than its size and stride say.", nameof(picture));
        }
        if (crop.Length < 3L * size * size) throw new ArgumentException("The crop's buffer is too small.", nameof(crop));
        SimilarityTransform inverse = transform.Inverse;
        if (!double.IsFinite(inverse.A + inverse.B + inverse.X + inverse.Y))
        {
            throw new ArgumentException("The transform has no inverse.", nameof(transform));
        }

        for (int row = 0; row < size; row++)
        {
            for (int column = 0; column < size; column++)
            {
                (double x, double y) = inverse.Apply(column, row);
                Sample(picture, width, height, stride, x, y, crop.Slice(3 * (row * size + column), 3));
            }
        }
    }

    private static void Sample(ReadOnlySpan<byte> picture, int width, int height, int stride, double x, double y, Span<byte> pixel)
    {
        // Written so that NaN and far-away positions fall out here, before the casts.
        if (!(x > -1 && x < width && y > -1 && y < height))
        {
            pixel.Clear();
            return;
        }

        int left = (int)Math.Floor(x), top = (int)Math.Floor(y);
        double fx = x - left, fy = y - top;
        for (int channel = 0; channel < 3; channel++)
        {
            double upper = (1 - fx) * At(picture, left, top, channel) + fx * At(picture, left + 1, top, channel);
            double lower = (1 - fx) * At(picture, left, top + 1, channel) + fx * At(picture, left + 1, top + 1, channel);
            pixel[channel] = (byte)((1 - fy) * upper + fy * lower + 0.5);
        }

        int At(ReadOnlySpan<byte> source, int column, int row, int channel) =>
            (uint)column < (uint)width && (uint)row < (uint)height ? source[row * stride + 3 * column + channel] : 0;
    }
}
