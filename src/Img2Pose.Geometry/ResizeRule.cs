namespace Img2Pose.Geometry;

/// <summary>How large a picture becomes before the network sees it.</summary>
public static class ResizeRule
{
    /// <summary>
    /// torchvision 0.8.2: the short side becomes <paramref name="minimum"/> unless the long one would exceed
    /// <paramref name="maximum"/>; scale in double precision, sizes rounded down.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">A number is not positive.</exception>
    public static (int Width, int Height) MinMax(int width, int height, int minimum, int maximum)
    {
        Validate(width, height, minimum, maximum);
        double scale = (double)minimum / Math.Min(width, height);
        if (Math.Max(width, height) * scale > maximum) scale = (double)maximum / Math.Max(width, height);
        return Floor(width, height, scale);
    }

    /// <summary>
    /// torchvision 0.14: the same rule with the scale as the product of a single-precision reciprocal and the wanted side,
    /// which often makes the short side one pixel less (golden quirk V2).
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">A number is not positive.</exception>
    public static (int Width, int Height) MinMaxSingle(int width, int height, int minimum, int maximum)
    {
        Validate(width, height, minimum, maximum);
        float scale = Math.Min(1f / Math.Min(width, height) * minimum, 1f / Math.Max(width, height) * maximum);
        return Floor(width, height, scale);
    }

    /// <summary>
    /// The long side becomes <paramref name="side"/>, the other in proportion, rounded to the nearest and at least 1;
    /// smaller pictures keep their size unless <paramref name="enlarge"/> is set.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">A number is not positive.</exception>
    public static (int Width, int Height) LongSide(int width, int height, int side, bool enlarge = false)
    {
        Validate(width, height, side, side);
        int longest = Math.Max(width, height);
        if (longest <= side && !enlarge) return (width, height);
        return (Scaled(width), Scaled(height));

        int Scaled(int length) => Math.Max(1, (int)((2L * length * side + longest) / (2L * longest)));
    }

    /// <summary>The next multiple of <paramref name="multiple"/> at or above a length.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A number is not positive.</exception>
    public static int PadTo(int length, int multiple)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(length);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(multiple);
        return (length + multiple - 1) / multiple * multiple;
    }

    private static (int Width, int Height) Floor(int width, int height, double scale) =>
        ((int)Math.Floor(width * scale), (int)Math.Floor(height * scale));

    private static void Validate(int width, int height, int minimum, int maximum)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(height);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(minimum);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maximum);
    }
}
