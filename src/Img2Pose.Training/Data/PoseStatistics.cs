using Img2Pose.Geometry;

namespace Img2Pose.Training.Data;

/// <summary>Mean and spread of six-number poses.</summary>
public static class PoseStatistics
{
    /// <summary>Mean and population standard deviation of each number.</summary>
    /// <exception cref="ArgumentException">There is no pose.</exception>
    public static (double[] Mean, double[] StandardDeviation) Of(IReadOnlyCollection<Pose> poses)
    {
        if (poses.Count == 0) throw new ArgumentException("At least one pose is needed.", nameof(poses));
        double[] mean = new double[6], deviation = new double[6];
        foreach (Pose pose in poses)
        {
            double[] numbers = Numbers(pose);
            for (int i = 0; i < 6; i++) mean[i] += numbers[i];
        }
        for (int i = 0; i < 6; i++) mean[i] /= poses.Count;
        foreach (Pose pose in poses)
        {
            double[] numbers = Numbers(pose);
            for (int i = 0; i < 6; i++) deviation[i] += (numbers[i] - mean[i]) * (numbers[i] - mean[i]);
        }
        for (int i = 0; i < 6; i++) deviation[i] = Math.Sqrt(deviation[i] / poses.Count);
        return (mean, deviation);
    }

    /// <summary>rx, ry, rz, tx, ty, tz.</summary>
    internal static double[] Numbers(Pose pose) =>
        [pose.Rotation.X, pose.Rotation.Y, pose.Rotation.Z, pose.Translation.X, pose.Translation.Y, pose.Translation.Z];
}
