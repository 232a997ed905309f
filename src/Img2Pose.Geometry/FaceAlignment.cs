namespace Img2Pose.Geometry;

/// <summary>
/// Aligned face crops: the five points of a face are brought onto the best of five templates (frontal, two half and two
/// full profiles) by a similarity transform, as ArcFace-style recognisers expect.
/// </summary>
public static class FaceAlignment
{
    /// <summary>The side of the square that the templates are defined in, pixels.</summary>
    public const int TemplateSize = 112;

    /// <summary>The templates of InsightFace's face_align (MIT): left profile, half left, front, half right, right profile.</summary>
    private static readonly (double X, double Y)[][] Templates =
    [
        [(51.642, 50.115), (57.617, 49.990), (35.740, 69.007), (51.157, 89.050), (57.025, 89.702)],
        [(45.031, 50.118), (65.568, 50.872), (39.677, 68.111), (45.177, 86.190), (64.246, 86.758)],
        [(39.730, 51.138), (72.270, 51.138), (56.000, 68.493), (42.463, 87.010), (69.537, 87.010)],
        [(46.845, 50.872), (67.382, 50.118), (72.737, 68.111), (48.167, 86.758), (67.236, 86.190)],
        [(54.796, 49.990), (60.771, 50.115), (76.673, 69.007), (55.388, 89.702), (61.257, 89.050)],
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
