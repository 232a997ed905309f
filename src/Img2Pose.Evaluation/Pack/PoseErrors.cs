using Img2Pose.Geometry;

namespace Img2Pose.Evaluation.Pack;

/// <summary>How far a found pose is from the true one, degrees and fractions.</summary>
/// <param name="Geodesic">Angle of the rotation between them, degrees in [0, 180].</param>
/// <param name="Yaw">Absolute yaw difference, degrees in [0, 180].</param>
/// <param name="Pitch">Absolute pitch difference, degrees in [0, 180].</param>
/// <param name="Roll">Absolute roll difference, degrees in [0, 180].</param>
/// <param name="Translation">Length of the translation difference over the true depth.</param>
public readonly record struct PoseErrors(double Geodesic, double Yaw, double Pitch, double Roll, double Translation)
{
    /// <summary>What a face that was not found counts: 180° of rotation, 90° of each angle, an infinite translation.</summary>
    public static PoseErrors Missed { get; } = new(
        PackRules.MissedRotation, PackRules.MissedAngle, PackRules.MissedAngle, PackRules.MissedAngle, double.PositiveInfinity);

    /// <summary>Compares a found pose with the true one.</summary>
    public static PoseErrors Between(Pose found, Pose truth)
    {
        EulerAngles foundAngles = EulerAngles.FromRotationVector(found.Rotation);
        EulerAngles trueAngles = EulerAngles.FromRotationVector(truth.Rotation);
        return new PoseErrors(
            RotationVector.GeodesicDistance(found.Rotation, truth.Rotation) * (180 / Math.PI),
            AngleDifference(foundAngles.Yaw, trueAngles.Yaw),
            AngleDifference(foundAngles.Pitch, trueAngles.Pitch),
            AngleDifference(foundAngles.Roll, trueAngles.Roll),
            (found.Translation - truth.Translation).Length / truth.Translation.Z);
    }

    /// <summary>The absolute difference of two angles in degrees, the short way round.</summary>
    public static double AngleDifference(double a, double b) => Math.Abs(Math.IEEERemainder(a - b, 360));
}
