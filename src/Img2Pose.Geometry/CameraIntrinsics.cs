namespace Img2Pose.Geometry;

/// <summary>
/// A pinhole camera with square pixels: u = f·x/z + cx, v = f·y/z + cy.
/// </summary>
/// <param name="FocalLength">Focal length, pixels.</param>
/// <param name="CenterX">Principal point, pixels from the left edge.</param>
/// <param name="CenterY">Principal point, pixels from the top edge.</param>
public readonly record struct CameraIntrinsics(double FocalLength, double CenterX, double CenterY)
{
    /// <summary>
    /// The intrinsics that img2pose assumes for a picture: f = width + height, principal point at the centre by
    /// integer division (CVPR 2021, section 4).
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">A side is not positive.</exception>
    public static CameraIntrinsics ForImage(int width, int height)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(height);
        return new CameraIntrinsics((double)width + height, width / 2, height / 2);
    }

    /// <summary>Projects a point in camera axes to pixels. Points at or behind the camera give non-finite or mirrored results.</summary>
    public (double X, double Y) Project(Vector3d point) =>
        (FocalLength * point.X / point.Z + CenterX, FocalLength * point.Y / point.Z + CenterY);
}
