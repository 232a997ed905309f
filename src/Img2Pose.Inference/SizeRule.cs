using Img2Pose.Geometry;

namespace Img2Pose.Inference;

/// <summary>How a model wants pictures to be resized.</summary>
public enum SizeRuleKind
{
    /// <summary>The long side gets a given length.</summary>
    LongSide,

    /// <summary>The short side gets a given length unless the long side would get too long (torchvision's detectors).</summary>
    MinMax,
}

/// <summary>The size that pictures have when the network sees them, before and after padding.</summary>
/// <param name="Kind">Which rule.</param>
/// <param name="Side">Long side wanted, for <see cref="SizeRuleKind.LongSide"/>.</param>
/// <param name="Enlarge">Whether smaller pictures are enlarged, for <see cref="SizeRuleKind.LongSide"/>.</param>
/// <param name="Min">Short side wanted, for <see cref="SizeRuleKind.MinMax"/>.</param>
/// <param name="Max">Longest side allowed, for <see cref="SizeRuleKind.MinMax"/>.</param>
/// <param name="Multiple">Padded sides are multiples of this.</param>
/// <param name="DoublePrecision">
/// For <see cref="SizeRuleKind.MinMax"/>: scale in double precision (torchvision 0.8.2) instead of single (0.14).
/// </param>
public sealed record SizeRule(
    SizeRuleKind Kind, int Side, bool Enlarge, int Min, int Max, int Multiple, bool DoublePrecision)
{
    /// <summary>Most pixels that a padded batch may have: 64 million, 768 MB of input.</summary>
    public const long PixelLimit = 64_000_000;

    /// <summary>A rule for the long side.</summary>
    public static SizeRule LongSide(int side, bool enlarge, int multiple) =>
        new(SizeRuleKind.LongSide, side, enlarge, 0, 0, multiple, false);

    /// <summary>A rule of torchvision's detectors.</summary>
    public static SizeRule MinMax(int min, int max, int multiple, bool doublePrecision) =>
        new(SizeRuleKind.MinMax, 0, false, min, max, multiple, doublePrecision);

    /// <summary>Whether a <see cref="ResizeFilter"/> averages blocks: only the long-side rule's networks were trained so.</summary>
    public bool Prefilter => Kind == SizeRuleKind.LongSide;

    /// <summary>The size of a picture of the given size after resizing; sides are at least 1.</summary>
    public (int Width, int Height) Resize(int width, int height)
    {
        (int w, int h) = Kind == SizeRuleKind.LongSide ? ResizeRule.LongSide(width, height, Side, Enlarge)
            : DoublePrecision ? ResizeRule.MinMax(width, height, Min, Max)
            : ResizeRule.MinMaxSingle(width, height, Min, Max);
        return (Math.Max(1, w), Math.Max(1, h));
    }

    /// <summary>The side of the padded batch for a longest resized side.</summary>
    public int Pad(int side) => ResizeRule.PadTo(side, Multiple);

    /// <summary>The same rule made to give a picture two chosen sides.</summary>
    /// <param name="shorter">Its shorter side.</param>
    /// <param name="longer">Its longer side, in the picture's proportions; a limit where the rule is for the short side.</param>
    public SizeRule ForSides(int shorter, int longer) =>
        Kind == SizeRuleKind.MinMax ? this with { Min = shorter, Max = longer } : this with { Side = longer, Enlarge = true };

    /// <summary>The same rule with another size: the long side, or the short side wanted (its limit then grows along).</summary>
    /// <exception cref="UsageException">The size is not between 16 and 16384.</exception>
    public SizeRule WithSize(int size)
    {
        if (size is < 16 or > 16384) throw new UsageException($"The size {size} is not between 16 and 16384 pixels.");
        return Kind == SizeRuleKind.LongSide
            ? this with { Side = size, Enlarge = Enlarge || size > Side }
            : this with { Min = size, Max = Math.Max(Max, (int)Math.Min(int.MaxValue, (long)Max * size / Min)) };
    }
}
