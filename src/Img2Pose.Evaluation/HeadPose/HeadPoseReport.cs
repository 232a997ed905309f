using Img2Pose.Geometry;

namespace Img2Pose.Evaluation.HeadPose;

/// <summary>A face as a head-pose protocol compares it, degrees.</summary>
/// <param name="Image">The picture.</param>
/// <param name="TrueYaw">Annotated yaw.</param>
/// <param name="TruePitch">Annotated pitch.</param>
/// <param name="TrueRoll">Annotated roll.</param>
/// <param name="Yaw">Found yaw.</param>
/// <param name="Pitch">Found pitch.</param>
/// <param name="Roll">Found roll.</param>
/// <param name="TranslationError">Absolute differences of the translation, or null where the set has none.</param>
public sealed record HeadPoseSample(
    string Image, double TrueYaw, double TruePitch, double TrueRoll, double Yaw, double Pitch, double Roll, Vector3d? TranslationError);

/// <summary>Mean absolute errors as the original's notebooks print them: plain differences of angles, no wrapping.</summary>
public sealed record HeadPoseReport
{
    /// <summary>The data set and its angle convention.</summary>
    public required string Convention { get; init; }

    /// <summary>Pictures listed.</summary>
    public required int Pictures { get; init; }

    /// <summary>Pictures left out because an angle is beyond ±99° (AFLW2000-3D).</summary>
    public required int Skipped { get; init; }

    /// <summary>Pictures in which the model found no face at all; the notebooks leave them out of the mean.</summary>
    public required int Failed { get; init; }

    /// <summary>What was compared.</summary>
    public required IReadOnlyList<HeadPoseSample> Samples { get; init; }

    /// <summary>Pictures that could not be read.</summary>
    public required IReadOnlyList<UnreadablePicture> Unreadable { get; init; }

    /// <summary>Mean absolute yaw error, degrees; null without samples.</summary>
    public double? Yaw => Mean(Samples, s => Math.Abs(s.Yaw - s.TrueYaw));

    /// <summary>Mean absolute pitch error, degrees.</summary>
    public double? Pitch => Mean(Samples, s => Math.Abs(s.Pitch - s.TruePitch));

    /// <summary>Mean absolute roll error, degrees.</summary>
    public double? Roll => Mean(Samples, s => Math.Abs(s.Roll - s.TrueRoll));

    /// <summary>The mean of the three.</summary>
    public double? MeanError => (Yaw + Pitch + Roll) / 3;

    /// <summary>Mean absolute translation errors, or null where the set has none.</summary>
    public Vector3d? Translation
    {
        get
        {
            HeadPoseSample[] with = [.. Samples.Where(s => s.TranslationError is not null)];
            return with.Length == 0 ? null : with.Aggregate(Vector3d.Zero, (sum, s) => sum + s.TranslationError!.Value) / with.Length;
        }
    }

    /// <summary>The samples whose true |yaw| lies in a range, as a report of their own.</summary>
    public HeadPoseReport WithYaw(double from, double to) =>
        this with { Samples = [.. Samples.Where(s => Math.Abs(s.TrueYaw) >= from && Math.Abs(s.TrueYaw) < to)] };

    private static double? Mean(IReadOnlyList<HeadPoseSample> samples, Func<HeadPoseSample, double> error) =>
        samples.Count == 0 ? null : samples.Average(error);
}
