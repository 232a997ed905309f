using Img2Pose.Geometry;

namespace Img2Pose.Monitor.Cameras;

/// <summary>A face of one moment as rules and the page see it.</summary>
internal readonly record struct WatchedFace
{
    /// <summary>Identity, positive, its own in this run of the camera.</summary>
    public required int Id { get; init; }

    /// <summary>Face box in displayed pixels.</summary>
    public required Box Box { get; init; }

    /// <summary>Confidence.</summary>
    public required double Score { get; init; }

    /// <summary>False where it is carried on from earlier looks.</summary>
    public required bool Detected { get; init; }

    /// <summary>The middle of the box as fractions of the picture.</summary>
    public required double X { get; init; }

    /// <inheritdoc cref="X"/>
    public required double Y { get; init; }

    /// <summary>Yaw, pitch and roll as the program tells them everywhere.</summary>
    public required EulerAngles Angles { get; init; }

    /// <summary>Degrees between where the face points and the camera.</summary>
    public required double OffCamera { get; init; }

    /// <summary>Degrees that it is turned to either side of the camera's axis.</summary>
    public required double Turned { get; init; }

    /// <summary>Degrees that it points below the level of the camera's axis; negative above.</summary>
    public required double Down { get; init; }

    /// <summary>Distance from the camera in millimetres; null where the lens is not known.</summary>
    public required double? Distance { get; init; }

    /// <summary>Distance in units of the assumed lens, for comparing heads of one camera.</summary>
    public required double Depth { get; init; }

    /// <summary>Where the middle of the head and the ends of its axes (right, down, out of the face) appear, displayed pixels: eight numbers.</summary>
    public required AxisPoints Axes { get; init; }

    /// <summary>Sees a tracked face of a picture.</summary>
    /// <param name="face">The face, its pose under the camera that the picture implies.</param>
    /// <param name="width">Width of the picture, displayed pixels.</param>
    /// <param name="height">Its height.</param>
    /// <param name="view">The camera's lens where it is known.</param>
    public static WatchedFace Of(in TrackedFace face, int width, int height, CameraView? view)
    {
        Pose pose = face.Face.Pose;
        Matrix3x3d rotation = RotationVector.ToMatrix(pose.Rotation);
        Vector3d outwards = rotation * new Vector3d(0, 0, -1), place = pose.Translation;
        double away = place.Length;
        double towards = away > 0 ? -(outwards.X * place.X + outwards.Y * place.Y + outwards.Z * place.Z) / away : 1;
        double? distance = view is { HasCamera: true } ? view.Millimetres(view.Express(pose, width, height)).Length : null;
        return new WatchedFace
        {
            Id = face.Id,
            Box = face.Face.Box,
            Score = face.Face.Score,
            Detected = face.Detected,
            X = face.Face.Box.CenterX / width,
            Y = face.Face.Box.CenterY / height,
            Angles = EulerAngles.FromRotationVector(pose.Rotation),
            OffCamera = Degrees(Math.Acos(Math.Clamp(towards, -1, 1))),
            Turned = Degrees(Math.Abs(Math.Atan2(outwards.X, -outwards.Z))),
            Down = Degrees(Math.Asin(Math.Clamp(outwards.Y, -1, 1))),
            Distance = distance is { } known && double.IsFinite(known) ? known : null,
            Depth = place.Z,
            Axes = AxisPoints.Of(rotation, place, CameraIntrinsics.ForImage(width, height)),
        };
    }

    private static double Degrees(double radians) => radians * 180 / Math.PI;
}

/// <summary>Projected axes of a head, displayed pixels.</summary>
internal readonly record struct AxisPoints((double X, double Y) Middle, (double X, double Y) Right, (double X, double Y) Down, (double X, double Y) Out)
{
    /// <summary>Length of an axis in units of the reference face.</summary>
    private const double Length = 1;

    public static AxisPoints Of(in Matrix3x3d rotation, Vector3d place, CameraIntrinsics camera)
    {
        return new AxisPoints(
            Seen(rotation, new Vector3d(0, 0, 0), place, camera), Seen(rotation, new Vector3d(Length, 0, 0), place, camera),
            Seen(rotation, new Vector3d(0, Length, 0), place, camera), Seen(rotation, new Vector3d(0, 0, -Length), place, camera));
    }

    private static (double X, double Y) Seen(in Matrix3x3d rotation, Vector3d point, Vector3d place, CameraIntrinsics camera)
    {
        Vector3d moved = rotation * point + place;
        // At or behind the camera there is nothing to draw.
        return moved.Z > 0.05 ? camera.Project(moved) : camera.Project(place);
    }
}
