namespace Img2Pose.Geometry;

/// <summary>Indices by descending score, equal scores in input order, NaN last; sorted in place without allocating.</summary>
internal static class ScoreOrder
{
    /// <summary>Fills <paramref name="order"/> with 0 … n−1 and sorts it (heap sort: no recursion, no comparer object).</summary>
    public static void Sort(ReadOnlySpan<double> scores, Span<int> order)
    {
        for (int i = 0; i < order.Length; i++) order[i] = i;
        for (int root = order.Length / 2 - 1; root >= 0; root--) SiftDown(scores, order, root);
        for (int end = order.Length - 1; end > 0; end--)
        {
            (order[0], order[end]) = (order[end], order[0]);
            SiftDown(scores, order[..end], 0);
        }
    }

    private static void SiftDown(ReadOnlySpan<double> scores, Span<int> heap, int root)
    {
        while (2 * root + 1 < heap.Length)
        {
            int child = 2 * root + 1;
            if (child + 1 < heap.Length && ComesBefore(scores, heap[child], heap[child + 1])) child++;
            if (!ComesBefore(scores, heap[root], heap[child])) return;
            (heap[root], heap[child]) = (heap[child], heap[root]);
            root = child;
        }
    }

    private static bool ComesBefore(ReadOnlySpan<double> scores, int a, int b)
    {
        double first = scores[a], second = scores[b];
        if (first > second) return true;
        if (first < second) return false;
        bool firstIsNaN = double.IsNaN(first), secondIsNaN = double.IsNaN(second);
        return firstIsNaN == secondIsNaN ? a < b : secondIsNaN;
    }
}
