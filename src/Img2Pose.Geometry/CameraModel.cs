namespace Img2Pose.Geometry;

/// <summary>
/// A real camera: two focal lengths, a principal point, and OpenCV's distortion, x_d = x·(1 + k1 r² + k2 r⁴ + k3 r⁶) /
/// (1 + k4 r² + k5 r⁴ + k6 r⁶) + 2 p1 x y + p2 (r² + 2x²), likewise y (OpenCV, "Camera calibration and 3D reconstruction").
/// </summary>
public sealed record CameraModel
{
    /// <summary>Focal length across, pixels.</summary>
    public required double FocalX { get; init; }

    /// <summary>Focal length down, pixels.</summary>
    public required double FocalY { get; init; }

    /// <summary>Principal point, pixels from the left; null: the middle of the picture, as <see cref="CameraIntrinsics.ForImage"/> has it.</summary>
    public double? CenterX { get; init; }

    /// <summary>Principal point, pixels from the top; null: the middle.</summary>
    public double? CenterY { get; init; }

    /// <summary>Width of the pictures that the numbers are of, pixels; 0: of whatever picture there is.</summary>
    public int Width { get; init; }

    /// <summary>Their height.</summary>
    public int Height { get; init; }

    /// <summary>k1, k2, p1, p2, k3, k4, k5, k6; fewer: the rest is 0.</summary>
    public IReadOnlyList<double> Distortion { get; init; } = [];

    /// <summary>A camera without distortion whose picture is seen under an angle.</summary>
    /// <param name="degrees">Horizontal field of view, degrees, above 0 and below 180.</param>
    /// <param name="width">Width of the picture, pixels.</param>
    public static CameraModel OfFieldOfView(double degrees, int width)
    {
        double focal = width / (2 * Math.Tan(degrees * Math.PI / 360));
        return new CameraModel { FocalX = focal, FocalY = focal };
    }

    /// <summary>The camera of a picture of another size with the same view.</summary>
    /// <exception cref="UsageException">The picture has another aspect than those that the camera was calibrated with.</exception>
    public CameraModel ForPicture(int width, int height)
    {
        CameraIntrinsics middle = CameraIntrinsics.ForImage(width, height);
        if (Width <= 0 || Height <= 0 || (Width == width && Height == height))
            return this with { CenterX = CenterX ?? middle.CenterX, CenterY = CenterY ?? middle.CenterY };
        double scaleX = (double)width / Width, scaleY = (double)height / Height;
        // A picture that was cut, as 16:9 from 4:3, has lost rows or columns that nobody knows of.
        if (Math.Abs(scaleX / scaleY - 1) > 0.02)
            throw new UsageException($"The camera was calibrated with pictures of {Width}x{Height}, whose shape is not that of {width}x{height}; calibrate it in the mode that is used.");
        return this with
        {
            Width = width,
            Height = height,
            FocalX = FocalX * scaleX,
            FocalY = FocalY * scaleY,
            // The middles of pixels are at whole numbers.
            CenterX = CenterX is { } x ? (x + 0.5) * scaleX - 0.5 : middle.CenterX,
            CenterY = CenterY is { } y ? (y + 0.5) * scaleY - 0.5 : middle.CenterY,
        };
    }

    /// <summary>Where a point in camera axes, in front of the camera, appears, pixels. The camera must be one of a picture (<see cref="ForPicture"/>).</summary>
    public (double X, double Y) Project(Vector3d point)
    {
        (double x, double y) = Distort(point.X / point.Z, point.Y / point.Z);
        return (FocalX * x + CenterX!.Value, FocalY * y + CenterY!.Value);
    }

    /// <summary>The direction (x/z, y/z) that a pixel is seen in.</summary>
    public (double X, double Y) Direction(double column, double row)
    {
        double dx = (column - CenterX!.Value) / FocalX, dy = (row - CenterY!.Value) / FocalY, x = dx, y = dy;
        if (Distortion.Count == 0) return (x, y);
        // Newton's method with differences: the fixed point that OpenCV iterates does not converge for wide lenses.
        const double step = 1e-6;
        for (int i = 0; i < 20; i++)
        {
            (double fx, double fy) = Distort(x, y);
            double ex = fx - dx, ey = fy - dy;
            if (ex * ex + ey * ey < 1e-22) break;
            (double ax, double ay) = Distort(x + step, y);
            (double bx, double by) = Distort(x, y + step);
            double a = (ax - fx) / step, b = (bx - fx) / step, c = (ay - fy) / step, d = (by - fy) / step, determinant = a * d - b * c;
            if (Math.Abs(determinant) < 1e-9) break;
            x -= (d * ex - b * ey) / determinant;
            y -= (a * ey - c * ex) / determinant;
        }
        // Outside of what the polynomial describes there is no such direction.
        return double.IsFinite(x) && double.IsFinite(y) && x * x + y * y < 100 ? (x, y) : (dx, dy);
    }

    private (double X, double Y) Distort(double x, double y)
    {
        if (Distortion.Count == 0) return (x, y);
        double r2 = x * x + y * y;
        double radial = (1 + r2 * (K(0) + r2 * (K(1) + r2 * K(4)))) / (1 + r2 * (K(5) + r2 * (K(6) + r2 * K(7))));
        return (x * radial + 2 * K(2) * x * y + K(3) * (r2 + 2 * x * x), y * radial + K(2) * (r2 + 2 * y * y) + 2 * K(3) * x * y);
    }

    private double K(int index) => index < Distortion.Count ? Distortion[index] : 0;
}
