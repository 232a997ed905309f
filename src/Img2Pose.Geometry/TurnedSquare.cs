namespace Img2Pose.Geometry;

/// <summary>
/// A square of a picture that is turned about its principal point, so that a face in it stands upright. The square may reach beyond
/// the picture.
/// </summary>
/// <param name="Left">Where it begins in the turned picture, pixels to the right of the principal point.</param>
/// <param name="Top">Where it begins, pixels below the principal point.</param>
/// <param name="Side">Its side, pixels; at least 1.</param>
/// <param name="Angle">Radians clockwise by which the picture is turned.</param>
public readonly record struct TurnedSquare(double Left, double Top, int Side, double Angle)
{
    /// <summary>The square around a face that stands upright in the middle of it.</summary>
    /// <param name="pose">Its pose in the picture.</param>
    /// <param name="camera">The picture's camera.</param>
    /// <param name="share">Part of the side that the face's box takes up, in (0, 1].</param>
    /// <param name="reference">The face whose points make the box.</param>
    /// <param name="factors">How they make it.</param>
    /// <param name="face">The face's box in the square, pixels of the picture.</param>
    public static TurnedSquare Around(Pose pose, CameraIntrinsics camera, double share, ReferenceFace reference, FaceBoxFactors factors, out Box face)
    {
        double angle = -InPlaneTurn.RollOf(pose.Rotation);
        Pose upright = InPlaneTurn.Of(pose, angle);
        // Boxes are clipped to pictures; here is none, so one that is large enough, around the face.
        Vector3d t = upright.Translation;
        double size = camera.FocalLength / t.Z, x = size * t.X, y = size * t.Y;
        int middle = (int)Math.Clamp(8 * size, 64, 1 << 24);
        Box box = FaceBox.FromPose(upright, camera with { CenterX = middle - x, CenterY = middle - y }, 2 * middle, 2 * middle, reference, factors);
        int side = Math.Max(1, (int)Math.Ceiling(Math.Max(box.Width, box.Height) / share));
        double left = box.CenterX - 0.5 * side, top = box.CenterY - 0.5 * side;
        face = new Box(box.Left - left, box.Top - top, box.Right - left, box.Bottom - top);
        return new TurnedSquare(left + x - middle, top + y - middle, side, angle);
    }

    /// <summary>The camera that sees the square as a picture of its own.</summary>
    /// <param name="picture">The picture's camera.</param>
    public CameraIntrinsics Of(CameraIntrinsics picture) => new(picture.FocalLength, -Left, -Top);

    /// <summary>The pose in the picture of a pose in the square.</summary>
    public Pose ToPicture(Pose pose) => InPlaneTurn.Of(pose, -Angle);
}
