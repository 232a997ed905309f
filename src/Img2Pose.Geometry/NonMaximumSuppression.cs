namespace Img2Pose.Geometry;

/// <summary>Greedy suppression of overlapping boxes, best score first.</summary>
public static class NonMaximumSuppression
{
    /// <summary>
    /// Writes the indices of the boxes that survive, by descending score; equal scores keep their input order. A box goes
    /// when its intersection over union with a surviving better one is strictly above the threshold. Nothing is allocated.
    /// </summary>
    /// <param name="boxes">Boxes, areas without any + 1.</param>
    /// <param name="scores">One score a box; NaN sorts last.</param>
    /// <param name="iouThreshold">In [0, 1].</param>
    /// <param name="kept">Room for as many indices as there are boxes (also used as working memory).</param>
    /// <returns>How many indices were written.</returns>
    /// <exception cref="ArgumentException">The spans' lengths do not fit.</exception>
    public static int Apply(ReadOnlySpan<Box> boxes, ReadOnlySpan<double> scores, double iouThreshold, Span<int> kept) =>
        Apply(boxes, scores, [], iouThreshold, kept);

    /// <summary>
    /// As <see cref="Apply(ReadOnlySpan{Box}, ReadOnlySpan{double}, double, Span{int})"/>, but only boxes of one class
    /// suppress each other (torchvision's batched variant).
    /// </summary>
    /// <param name="boxes">Boxes.</param>
    /// <param name="scores">One score a box.</param>
    /// <param name="classes">One class a box; empty where all are of one class.</param>
    /// <param name="iouThreshold">In [0, 1].</param>
    /// <param name="kept">Room for as many indices as there are boxes.</param>
    public static int Apply(
        ReadOnlySpan<Box> boxes, ReadOnlySpan<double> scores, ReadOnlySpan<int> classes, double iouThreshold, Span<int> kept)
    {
        if (scores.Length != boxes.Length) throw new ArgumentException("There must be one score a box.", nameof(scores));
        if (!classes.IsEmpty && classes.Length != boxes.Length) throw new ArgumentException("There must be one class a box.", nameof(classes));
        if (kept.Length < boxes.Length) throw new ArgumentException("There must be room for every index.", nameof(kept));

        Span<int> order = kept[..boxes.Length];
        ScoreOrder.Sort(scores, order);

        int count = 0;
        foreach (int candidate in order)
        {
            bool survives = true;
            for (int k = 0; k < count && survives; k++)
            {
                int better = order[k];
                survives = !(boxes[better].IntersectionOverUnion(boxes[candidate]) > iouThreshold
                    && (classes.IsEmpty || classes[better] == classes[candidate]));
            }
            // The survivors' prefix never overtakes the position being read, so one span serves both.
            if (survives) order[count++] = candidate;
        }
        return count;
    }
}
