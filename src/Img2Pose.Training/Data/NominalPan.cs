using Img2Pose.Formats;
using Img2Pose.Geometry;

namespace Img2Pose.Training.Data;

/// <summary>
/// Turns side views that were recorded at a known pan (label <c>nominal</c>: Pointing'04) all the way to it. The pack's
/// estimates shrink large yaws, by 13° at 75° and 19° at 90° on average, and the pack moved them only half-way back; a
/// network that learns from them shrinks its own.
/// </summary>
internal static class NominalPan
{
    /// <summary>From this pan on, degrees, estimates are turned where nothing else is asked for: at 75° and 90°.</summary>
    internal const double SmallestPan = 70;

    /// <summary>An estimate that is farther away, degrees, is another matter, and stays.</summary>
    private const double LargestTurn = 40;

    /// <summary>The same pictures with the faces turned.</summary>
    /// <param name="images">The pictures.</param>
    /// <param name="smallest">From which pan on, degrees; below, estimates stay as the pack has them.</param>
    public static AnnotatedImage[] Restore(IReadOnlyList<AnnotatedImage> images, double smallest = SmallestPan) =>
        [.. images.Select(image => image with { Faces = [.. image.Faces.Select(face => Restore(face, smallest))] })];

    private static AnnotatedFace Restore(AnnotatedFace face, double smallest)
    {
        if (face.Label != "nominal" || face.Pose is not { } pose || face.SourceYaw is not { } pan || Math.Abs(pan) < smallest) return face;

        // The head turns about the camera's vertical axis: position and elevation stay.
        Vector3d forward = RotationVector.ToMatrix(pose.Rotation) * new Vector3d(0, 0, -1);
        double azimuth = double.RadiansToDegrees(Math.Atan2(-forward.X, -forward.Z));
        double turn = pan - azimuth;
        if (Math.Abs(turn) > LargestTurn) return face;
        Vector3d rotation = RotationVector.Compose(new Vector3d(0, double.DegreesToRadians(turn), 0), pose.Rotation);
        return face with { Pose = pose with { Rotation = rotation } };
    }
}
