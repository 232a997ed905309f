namespace Img2Pose.Geometry;

/// <summary>What turning a picture by right angles does to poses in it.</summary>
public static class QuarterTurns
{
    /// <summary>
    /// The pose, in a picture, of a face that was found in a copy of it turned clockwise. Both poses are under the camera of
    /// <see cref="CameraIntrinsics.ForImage"/>, whose focal length is the same for both; its centre is rounded down, so that odd sides
    /// shift it by a pixel.
    /// </summary>
    /// <param name="pose">Pose in the turned copy.</param>
    /// <param name="quarters">Quarter turns clockwise by which the copy was turned, 0 to 3.</param>
    /// <param name="width">Width of the picture itself, pixels.</param>
    /// <param name="height">Height of the picture itself.</param>
    public static Pose Back(Pose pose, int quarters, int width, int height)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(quarters);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(quarters, 3);
        if (quarters == 0) return pose;
        Vector3d t = pose.Translation;
        double pixel = t.Z / CameraIntrinsics.ForImage(width, height).FocalLength, oddX = (width & 1) * pixel, oddY = (height & 1) * pixel;
        Vector3d translation = quarters switch
        {
            1 => new Vector3d(t.Y, oddY - t.X, t.Z),
            2 => new Vector3d(oddX - t.X, oddY - t.Y, t.Z),
            _ => new Vector3d(oddX - t.Y, t.X, t.Z),
        };
        return new Pose(RotationVector.Compose(new Vector3d(0, 0, -0.5 * Math.PI * quarters), pose.Rotation), translation);
    }
}
