using Img2Pose.Geometry;

namespace Img2Pose.Models.Packages;

/// <summary>Mean and standard deviation of the six numbers of a box-relative pose over a training set.</summary>
/// <param name="Mean">Rotation vector, then translation.</param>
/// <param name="StandardDeviation">Likewise; all positive.</param>
public sealed record PoseStatistics(IReadOnlyList<double> Mean, IReadOnlyList<double> StandardDeviation)
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
