namespace Img2Pose.Media;

/// <summary>An exact ratio: a time base in seconds a tick, or the width of a sample to its height.</summary>
/// <param name="Numerator">Above the line.</param>
/// <param name="Denominator">Below the line; 0 where the ratio is unknown.</param>
public readonly record struct Rational(int Numerator, int Denominator)
{
    /// <summary>1/1.</summary>
    public static Rational One { get; } = new(1, 1);

    /// <summary>Whether both parts are positive.</summary>
    public bool IsPositive => Numerator > 0 && Denominator > 0;

    /// <summary>The ratio as a number.</summary>
    public double Value => (double)Numerator / Denominator;

    /// <summary>The ratio upside down.</summary>
    public Rational Invert() => new(Denominator, Numerator);
}
