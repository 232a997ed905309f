using System.Globalization;

namespace Img2Pose;

/// <summary>
/// How much memory one run may take for what its inputs decide: decoder pictures, frames under way, packets that wait, files
/// read whole. What would need more is refused, with this limit's name, before the memory is taken.
/// </summary>
/// <param name="Bytes">Bytes in all.</param>
public sealed record MemoryBudget(long Bytes)
{
    /// <summary>2 GiB.</summary>
    public static MemoryBudget Default { get; } = new(2L << 30);

    /// <summary>Reads "512M", "3G" or a number of bytes; the units are powers of 1024.</summary>
    /// <exception cref="UsageException">It is no size, or less than 64 MiB.</exception>
    public static MemoryBudget Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        string number = text.Trim();
        int shift = number.Length == 0 ? 0 : char.ToUpperInvariant(number[^1]) switch { 'K' => 10, 'M' => 20, 'G' => 30, 'T' => 40, _ => 0 };
        if (shift > 0) number = number[..^1];
        if (!double.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double value)
            || value * (1L << shift) is not (>= 64 << 20 and <= 1L << 50))
        {
            throw new UsageException($"--memory {text} is no size; give at least 64M, for example 512M or 3G.");
        }
        return new MemoryBudget((long)(value * (1L << shift)));
    }

    /// <summary>The share of one consumer, in bytes.</summary>
    public long Share(double part) => (long)(Bytes * part);

    /// <summary>Refuses what needs more than all of it.</summary>
    /// <param name="name">The file or stream.</param>
    /// <param name="what">What needs the memory, as a clause: "its pictures of 16384x8192".</param>
    /// <param name="needed">Bytes, computed in 64 bits.</param>
    /// <exception cref="InputException">It needs more.</exception>
    public void Check(string name, string what, long needed)
    {
        if (Excess(what, needed) is { } excess) throw new InputException($"{name}: {excess}");
    }

    /// <summary>Why something needs more than all of it; null where it does not.</summary>
    /// <param name="what">What needs the memory, as a clause.</param>
    /// <param name="needed">Bytes, computed in 64 bits.</param>
    public string? Excess(string what, long needed) => needed <= Bytes ? null : string.Create(CultureInfo.InvariantCulture,
        $"{what} would need about {needed / (1 << 20):N0} MiB, more than the memory budget of {Bytes / (1 << 20):N0} MiB (--memory)");
}
