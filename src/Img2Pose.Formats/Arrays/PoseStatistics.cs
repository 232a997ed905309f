using Img2Pose.Geometry;

namespace Img2Pose.Formats;

/// <summary>Mean and standard deviation of the six numbers of a box-relative pose over a training set.</summary>
/// <param name="Mean">Rotation vector, then translation.</param>
/// <param name="StandardDeviation">Likewise; all positive.</param>
public sealed record PoseStatistics(double[] Mean, double[] StandardDeviation)
{
    /// <summary>Reads the two arrays as the original's converter writes them.</summary>
    /// <param name="mean">Stream of the means' <c>.npy</c>.</param>
    /// <param name="meanName">What errors call it.</param>
    /// <param name="deviation">Stream of the standard deviations' <c>.npy</c>.</param>
    /// <param name="deviationName">What errors call it.</param>
    /// <exception cref="ModelException">An array is not six finite numbers, or a deviation is not positive.</exception>
    public static PoseStatistics Read(Stream mean, string meanName, Stream deviation, string deviationName)
    {
        double[] means = Six(mean, meanName);
        double[] deviations = Six(deviation, deviationName);
        if (Array.Exists(deviations, d => d <= 0))
            throw new ModelException($"{deviationName}: a standard deviation is zero or negative; use the file that belongs to the checkpoint.");
        return new PoseStatistics(means, deviations);
    }

    /// <summary>Reads the two files.</summary>
    /// <exception cref="InputException">A file cannot be opened.</exception>
    /// <exception cref="ModelException">As for the other overload.</exception>
    public static PoseStatistics Load(string meanPath, string deviationPath)
    {
        using FileStream mean = Open(meanPath);
        using FileStream deviation = Open(deviationPath);
        return Read(mean, meanPath, deviation, deviationPath);
    }

    /// <summary>Mean and population standard deviation of each number of some poses.</summary>
    /// <exception cref="ArgumentException">There is no pose.</exception>
    public static PoseStatistics Of(IReadOnlyCollection<Pose> poses)
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
        return new PoseStatistics(mean, deviation);
    }

    /// <summary>rx, ry, rz, tx, ty, tz.</summary>
    internal static double[] Numbers(Pose pose) =>
        [pose.Rotation.X, pose.Rotation.Y, pose.Rotation.Z, pose.Translation.X, pose.Translation.Y, pose.Translation.Z];

    private static double[] Six(Stream stream, string name)
    {
        double[] values;
        try
        {
            values = NpyArray.Read(stream, name).ToDoubles();
        }
        catch (InputException e)
        {
            throw new ModelException(e.Message, e);
        }
        if (values.Length != 6) throw new ModelException($"{name}: a pose has 6 numbers, this file has {values.Length}; use the file that belongs to the checkpoint.");
        if (!Array.TrueForAll(values, double.IsFinite))
            throw new ModelException($"{name}: a number is not finite; use the file that belongs to the checkpoint.");
        return values;
    }

    /// <summary>Opens a file.</summary>
    /// <exception cref="InputException">It cannot be opened.</exception>
    internal static FileStream Open(string path)
    {
        try
        {
            return File.OpenRead(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{path}: cannot be opened: {e.Message}", e);
        }
    }
}
