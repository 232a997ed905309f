namespace Img2Pose.Evaluation.Wider;

/// <summary>
/// The order that <c>scores.argsort()[::-1]</c> gives in NumPy 1.24. Its sort is not stable, so the order of equal scores, and
/// with it the original's merged boxes, follows from the algorithm: quicksort with the median of three as pivot (Sedgewick,
/// 1978), the smaller part first, insertion sort for parts of up to 16. NumPy's fallback for degenerate recursion is left out:
/// it needs inputs that no detector gives.
/// </summary>
internal static class NumPyOrder
{
    private const int InsertionSpan = 15;

    /// <summary>Indices by falling score.</summary>
    public static int[] Descending(double[] scores)
    {
        int[] order = [.. Enumerable.Range(0, scores.Length)];
        Stack<(int First, int Last)> parts = new();
        parts.Push((0, order.Length - 1));
        while (parts.TryPop(out (int First, int Last) part))
        {
            (int first, int last) = part;
            while (last - first > InsertionSpan)
            {
                int middle = Partition(scores, order, first, last);
                if (middle - first < last - middle)
                {
                    parts.Push((middle + 1, last));
                    last = middle - 1;
                }
                else
                {
                    parts.Push((first, middle - 1));
                    first = middle + 1;
                }
            }
            Insert(scores, order, first, last);
        }
        Array.Reverse(order);
        return order;
    }

    private static int Partition(double[] scores, int[] order, int first, int last)
    {
        int middle = first + (last - first) / 2;
        SwapIfLess(middle, first);
        SwapIfLess(last, middle);
        SwapIfLess(middle, first);
        double pivot = scores[order[middle]];
        Swap(middle, last - 1);
        // The ends stop both scans: the first is not above the pivot, the last but one is the pivot.
        int up = first, down = last - 1;
        while (true)
        {
            do up++; while (scores[order[up]] < pivot);
            do down--; while (pivot < scores[order[down]]);
            if (up >= down) break;
            Swap(up, down);
        }
        Swap(up, last - 1);
        return up;

        void Swap(int a, int b) => (order[a], order[b]) = (order[b], order[a]);

        void SwapIfLess(int a, int b)
        {
            if (scores[order[a]] < scores[order[b]]) Swap(a, b);
        }
    }

    private static void Insert(double[] scores, int[] order, int first, int last)
    {
        for (int i = first + 1; i <= last; i++)
        {
            int moving = order[i], hole = i;
            while (hole > first && scores[moving] < scores[order[hole - 1]])
            {
                order[hole] = order[hole - 1];
                hole--;
            }
            order[hole] = moving;
        }
    }
}
