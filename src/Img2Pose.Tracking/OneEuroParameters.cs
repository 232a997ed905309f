namespace Img2Pose.Tracking;

/// <summary>
/// The One-Euro filter (Casiez, Roussel, Vogel: "1€ filter", CHI 2012): a low-pass filter whose cutoff rises with speed,
/// so that a still face does not jitter and a moving one does not lag.
/// </summary>
/// <param name="MinimumCutoff">Cutoff at rest, Hz, positive.</param>
/// <param name="SpeedCoefficient">Hz of cutoff per unit of speed, not negative.</param>
/// <param name="DerivativeCutoff">Cutoff of the speed estimate, Hz, positive.</param>
public readonly record struct OneEuroParameters(double MinimumCutoff, double SpeedCoefficient, double DerivativeCutoff)
{
    /// <summary>The weight of a new measurement at a speed, after a time step.</summary>
    internal double MeasurementWeight(double speed, double elapsed) =>
        LowPassWeight(MinimumCutoff + SpeedCoefficient * speed, elapsed);

    /// <summary>The weight of a new difference in the speed estimate, after a time step.</summary>
    internal double DerivativeWeight(double elapsed) => LowPassWeight(DerivativeCutoff, elapsed);

    /// <exception cref="UsageException">A number makes no sense.</exception>
    internal void Validate(string name)
    {
        if (!(MinimumCutoff > 0) || !(DerivativeCutoff > 0) || !(SpeedCoefficient >= 0))
        {
            throw new UsageException($"Smoothing of {name} needs positive cutoffs and a speed coefficient that is not negative, not {this}.");
        }
    }

    private static double LowPassWeight(double cutoff, double elapsed) => 1 / (1 + 1 / (2 * Math.PI * cutoff * elapsed));
}
