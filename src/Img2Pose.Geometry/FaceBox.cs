namespace Img2Pose.Geometry;

/// <summary>The face box that a pose defines: the box around the projected 68 points, enlarged towards the forehead.</summary>
public static class FaceBox
{
    /// <summary>|roll| beyond which the head counts as upside down, radians.</summary>
    private const double UpsideDownRoll = 2.5;

    /// <summary>|roll| beyond which the head counts as lying on its side, radians.</summary>
    private const double SidewaysRoll = 1;

    /// <summary>
    /// Projects the reference face's 68 points and encloses them. The roll that decides where the forehead is, is the third
    /// component of the rotation vector (golden quirk Q8). Edges are whole pixels, clipped to the picture per side: a face
    /// outside the picture gives an empty or inverted box (<see cref="Box.IsEmpty"/>).
    /// </summary>
    /// <param name="pose">Pose under <paramref name="camera"/>.</param>
    /// <param name="camera">Camera of the picture.</param>
    /// <param name="width">Width of the picture, pixels.</param>
    /// <param name="height">Height of the picture, pixels.</param>
    /// <param name="reference">The face whose points are projected.</param>
    /// <param name="factors">Enlargement; <see cref="FaceBoxFactors.Default"/> for the original's.</param>
    public static Box FromPose(
        Pose pose, CameraIntrinsics camera, int width, int height, ReferenceFace reference, FaceBoxFactors factors)
    {
        Matrix3x3d rotation = RotationVector.ToMatrix(pose.Rotation);
        Bounds bounds = Bounds.Empty;
        foreach (Vector3d point in reference.Points68)
        {
            (double x, double y) = camera.Project(rotation * point + pose.Translation);
            bounds.Add(x, y);
        }
        return Enlarge(bounds, width, height, factors, pose.Rotation.Z);
    }

    /// <summary>
    /// The box around given points, for instance annotated landmarks, by the same rule.
    /// </summary>
    /// <param name="points">Points in pixels, at least one.</param>
    /// <param name="width">Width of the picture, pixels.</param>
    /// <param name="height">Height of the picture, pixels.</param>
    /// <param name="factors">Enlargement.</param>
    /// <param name="roll">Roll of the head, radians, which decides where the forehead is.</param>
    /// <exception cref="ArgumentException">No points.</exception>
    public static Box FromPoints(
        ReadOnlySpan<(double X, double Y)> points, int width, int height, FaceBoxFactors factors, double roll)
    {
        if (points.IsEmpty) throw new ArgumentException("A box needs at least one point.", nameof(points));
        Bounds bounds = Bounds.Empty;
        foreach ((double x, double y) in points) bounds.Add(x, y);
        return Enlarge(bounds, width, height, factors, roll);
    }

    private static Box Enlarge(in Bounds bounds, int width, int height, FaceBoxFactors factors, double roll)
    {
        double extentX = bounds.Right - bounds.Left, extentY = bounds.Bottom - bounds.Top;
        // The enlarged size is truncated before it is halved, as the original does; half pixels matter for equal boxes.
        double sizeX = (int)(extentX * factors.Width), sizeY = (int)(extentY * factors.Height);
        double centerX = 0.5 * bounds.Left + 0.5 * bounds.Right, centerY = 0.5 * bounds.Top + 0.5 * bounds.Bottom;
        double left = centerX - 0.5 * sizeX, right = centerX + 0.5 * sizeX;
        double top = centerY - 0.5 * sizeY, bottom = centerY + 0.5 * sizeY;

        if (Math.Abs(roll) > UpsideDownRoll) bottom += factors.Forehead * extentY;
        else if (roll > SidewaysRoll) right += factors.Forehead * extentX;
        else if (roll < -SidewaysRoll) left -= factors.Forehead * extentX;
        else top -= factors.Forehead * extentY;

        return new Box(
            Math.Max(0, (int)left), Math.Max(0, (int)top),
            Math.Min(width, (int)right), Math.Min(height, (int)bottom));
    }

    private struct Bounds
    {
        public double Left, Top, Right, Bottom;

        public static Bounds Empty => new()
        {
            Left = double.PositiveInfinity,
            Top = double.PositiveInfinity,
            Right = double.NegativeInfinity,
            Bottom = double.NegativeInfinity,
        };

        public void Add(double x, double y)
        {
            Left = Math.Min(Left, x);
            Right = Math.Max(Right, x);
            Top = Math.Min(Top, y);
            Bottom = Math.Max(Bottom, y);
        }
    }
}
