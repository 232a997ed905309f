namespace Img2Pose.Geometry;

/// <summary>
/// Removes double boxes of one face. Plain non-maximum suppression misses a box nested in another, whose union is so much
/// larger than their intersection that the intersection over union stays small.
/// </summary>
/// <param name="IouThreshold">Boxes whose intersection over union is strictly above are one face.</param>
/// <param name="ContainmentThreshold">So are boxes of which more than this part of the smaller lies in the larger …</param>
/// <param name="MinimumSizeRatio">
/// … unless the smaller is less than this part of the larger in size (root of the area): a far face may well show inside
/// the box of a near one.
/// </param>
public readonly record struct DuplicateSuppression(double IouThreshold, double ContainmentThreshold, double MinimumSizeRatio)
{
    /// <summary>Thresholds 0.5, 0.75 and 0.4.</summary>
    public static DuplicateSuppression Default => new(0.5, 0.75, 0.4);

    /// <summary>Whether two boxes count as one face.</summary>
    public bool AreDuplicates(in Box a, in Box b)
    {
        double intersection = a.IntersectionArea(b);
        if (intersection <= 0) return false;
        double areaA = a.Area, areaB = b.Area;
        if (intersection > IouThreshold * (areaA + areaB - intersection)) return true;
        double smaller = Math.Min(areaA, areaB), larger = Math.Max(areaA, areaB);
        return intersection > ContainmentThreshold * smaller && smaller >= MinimumSizeRatio * MinimumSizeRatio * larger;
    }

    /// <summary>
    /// Writes the indices of the faces that stay, best score first (equal scores in input order). Nothing is allocated.
    /// </summary>
    /// <param name="boxes">Boxes.</param>
    /// <param name="scores">One score a box.</param>
    /// <param name="kept">Room for as many indices as there are boxes.</param>
    /// <returns>How many indices were written.</returns>
    /// <exception cref="ArgumentException">The spans' lengths do not fit.</exception>
    public int Apply(ReadOnlySpan<Box> boxes, ReadOnlySpan<double> scores, Span<int> kept)
    {
        if (scores.Length != boxes.Length) throw new ArgumentException("There must be one score a box.", nameof(scores));
        if (kept.Length < boxes.Length) throw new ArgumentException("There must be room for every index.", nameof(kept));
        Span<int> order = kept[..boxes.Length];
        ScoreOrder.Sort(scores, order);
        int count = 0;
        foreach (int candidate in order)
        {
            bool stays = true;
            for (int k = 0; k < count && stays; k++) stays = !AreDuplicates(boxes[order[k]], boxes[candidate]);
            if (stays) order[count++] = candidate;
        }
        return count;
    }
}
