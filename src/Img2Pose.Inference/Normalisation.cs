namespace Img2Pose.Inference;

/// <summary>
/// (value / 255 − mean) / stddev for each colour, as one multiplication and one addition on values in 0…255.
/// </summary>
public readonly record struct Normalisation
{
    /// <summary>Creates the map.</summary>
    /// <param name="mean">Means of R, G, B in units where 1 is the brightest.</param>
    /// <param name="stddev">Standard deviations of R, G, B, positive.</param>
    /// <exception cref="ArgumentException">Not three numbers each, or a deviation that is not positive.</exception>
    public Normalisation(ReadOnlySpan<double> mean, ReadOnlySpan<double> stddev)
    {
        if (mean.Length != 3 || stddev.Length != 3 || !(stddev[0] > 0 && stddev[1] > 0 && stddev[2] > 0))
            throw new ArgumentException("A normalisation has three means and three positive deviations.");
        (RedScale, RedOffset) = Map(mean[0], stddev[0]);
        (GreenScale, GreenOffset) = Map(mean[1], stddev[1]);
        (BlueScale, BlueOffset) = Map(mean[2], stddev[2]);

        static (float, float) Map(double mean, double stddev) => ((float)(1 / (255 * stddev)), (float)(-mean / stddev));
    }

    internal float RedScale { get; }

    internal float RedOffset { get; }

    internal float GreenScale { get; }

    internal float GreenOffset { get; }

    internal float BlueScale { get; }

    internal float BlueOffset { get; }
}
