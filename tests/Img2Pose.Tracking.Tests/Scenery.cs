using Img2Pose.Geometry;

namespace Img2Pose.Tracking.Tests;

/// <summary>Synthetic faces in a 1280×720 picture, with repeatable Gaussian noise.</summary>
internal sealed class Scenery(int seed = 1)
{
    public const int Width = 1280, Height = 720;
    public const double FrameTime = 1.0 / 30;

    private readonly Random _random = new(seed);

    public static CameraIntrinsics Camera { get; } = CameraIntrinsics.ForImage(Width, Height);

    /// <summary>A face whose middle projects to (x, y) pixels at a size (its width of 1.5 units) in pixels.</summary>
    public static Pose PoseAt(double x, double y, double size, Vector3d rotation = default)
    {
        double z = 1.5 * Camera.FocalLength / size;
        return new Pose(rotation, new Vector3d((x - Camera.CenterX) * z / Camera.FocalLength, (y - Camera.CenterY) * z / Camera.FocalLength, z));
    }

    public static FaceDetection Detection(Pose pose, double score = 0.95) => new(BoxOf(pose), score, pose);

    public static Box BoxOf(Pose pose) => FaceBox.FromPose(pose, Camera, Width, Height, ReferenceFace.Default, FaceBoxFactors.Default);

    /// <summary>Noise as a detector's: on the place in face widths, on the distance relative, on the rotation in radians.</summary>
    public Pose Noisy(Pose pose, double place = 0.01, double distance = 0.015, double angle = 0.02)
    {
        double z = pose.Translation.Z * Math.Exp(distance * Gaussian());
        double x = pose.Translation.X / pose.Translation.Z + 1.5 * place * Gaussian() / pose.Translation.Z;
        double y = pose.Translation.Y / pose.Translation.Z + 1.5 * place * Gaussian() / pose.Translation.Z;
        Vector3d turn = angle * new Vector3d(Gaussian(), Gaussian(), Gaussian());
        return new Pose(RotationVector.Compose(pose.Rotation, turn), new Vector3d(x * z, y * z, z));
    }

    private double Gaussian() =>
        Math.Sqrt(-2 * Math.Log(1 - _random.NextDouble())) * Math.Cos(2 * Math.PI * _random.NextDouble());
}
