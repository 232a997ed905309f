using Img2Pose.Formats;
using Img2Pose.Geometry;

namespace Img2Pose.Training.Augmentation;

/// <summary>Small facts about face labels.</summary>
internal static class FaceLabels
{
    /// <summary>Yaw in degrees, AFLW convention (positive: the face looks to the image's left).</summary>
    public static double Yaw(Pose pose) =>
        double.RadiansToDegrees(Math.Asin(Math.Clamp(RotationVector.ToMatrix(pose.Rotation).M13, -1, 1)));

    /// <summary>
    /// Trust in a pose label, from how it was made and how far its independent estimates were apart: full for annotated
    /// points, falling from 6° of disagreement on.
    /// </summary>
    public static float Trust(AnnotatedFace face)
    {
        if (face.Pose is null) return 0;
        if (face.Label == "gt68") return 1;
        // Nominal poses were moved toward the recording's angle because the estimates disagree there; their spread says little.
        if (face.Label == "nominal") return 0.7f;
        double spread = Math.Max(0, (face.Agreement ?? 6) - 6) / 6;
        return (float)(1 / (1 + spread * spread));
    }

    /// <summary>
    /// The box of the projected reference points before truncation and clipping, by the rule of <see cref="FaceBox"/> with
    /// the default factors.
    /// </summary>
    public static Box UnclippedBox(ReadOnlySpan<Vector3d> points, Pose pose, CameraIntrinsics camera)
    {
        Matrix3x3d rotation = RotationVector.ToMatrix(pose.Rotation);
        double left = double.PositiveInfinity, top = double.PositiveInfinity;
        double right = double.NegativeInfinity, bottom = double.NegativeInfinity;
        foreach (Vector3d point in points)
        {
            (double x, double y) = camera.Project(rotation * point + pose.Translation);
            left = Math.Min(left, x);
            right = Math.Max(right, x);
            top = Math.Min(top, y);
            bottom = Math.Max(bottom, y);
        }
        FaceBoxFactors factors = FaceBoxFactors.Default;
        double width = right - left, height = bottom - top;
        double growX = 0.5 * (factors.Width - 1) * width, growY = 0.5 * (factors.Height - 1) * height;
        Box box = new(left - growX, top - growY, right + growX, bottom + growY);
        double roll = pose.Rotation.Z;
        return roll switch
        {
            > 2.5 or < -2.5 => box with { Bottom = box.Bottom + factors.Forehead * height },
            > 1 => box with { Right = box.Right + factors.Forehead * width },
            < -1 => box with { Left = box.Left - factors.Forehead * width },
            _ => box with { Top = box.Top - factors.Forehead * height },
        };
    }
}
