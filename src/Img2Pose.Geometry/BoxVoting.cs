using System.Runtime.InteropServices;

namespace Img2Pose.Geometry;

/// <summary>Merges the detections of one face at several scales into their weighted mean, as the original's evaluation does.</summary>
public static class BoxVoting
{
    /// <summary>
    /// Takes the best remaining box, merges all whose intersection over union with it (areas with + 1) is at or above the
    /// threshold, and repeats. Weights are IoU × score / best score; the merged score is the sum of the weighted scores, so
    /// that it can exceed 1.
    /// </summary>
    /// <param name="boxes">Boxes.</param>
    /// <param name="scores">One score a box.</param>
    /// <param name="iouThreshold">In [0, 1].</param>
    /// <param name="voted">Receives the merged boxes with their scores, in order of their best members; cleared first.</param>
    /// <exception cref="ArgumentException">Not one score a box.</exception>
    public static void Apply(
        ReadOnlySpan<Box> boxes, ReadOnlySpan<double> scores, double iouThreshold, List<(Box Box, double Score)> voted)
    {
        if (scores.Length != boxes.Length) throw new ArgumentException("There must be one score a box.", nameof(scores));
        voted.Clear();
        int[] order = new int[boxes.Length];
        ScoreOrder.Sort(scores, order);

        Span<int> remaining = order;
        List<int> members = [];
        List<double> weights = [];
        while (!remaining.IsEmpty)
        {
            Box best = boxes[remaining[0]];
            double bestScore = scores[remaining[0]];
            members.Clear();
            weights.Clear();
            int rest = 0;
            for (int i = 0; i < remaining.Length; i++)
            {
                int index = remaining[i];
                double overlap = InclusiveIntersectionOverUnion(best, boxes[index]);
                // The best box is always its own member, also when damaged numbers make its overlap NaN.
                if (i > 0 && !(overlap >= iouThreshold))
                {
                    remaining[rest++] = index;
                    continue;
                }
                members.Add(index);
                // In this order, as the original: its files are compared digit by digit.
                weights.Add(scores[index] / bestScore * overlap);
            }
            voted.Add(Merge(boxes, scores, members, weights));
            remaining = remaining[..rest];
        }
    }

    private static (Box Box, double Score) Merge(
        ReadOnlySpan<Box> boxes, ReadOnlySpan<double> scores, List<int> members, List<double> weights)
    {
        double[] weightedScores = new double[members.Count];
        double left = 0, top = 0, right = 0, bottom = 0;
        for (int i = 0; i < members.Count; i++)
        {
            (Box box, double weight) = (boxes[members[i]], weights[i]);
            weightedScores[i] = scores[members[i]] * weight;
            left += weight * box.Left;
            top += weight * box.Top;
            right += weight * box.Right;
            bottom += weight * box.Bottom;
        }
        double total = Sum(CollectionsMarshal.AsSpan(weights));
        return (new Box(left / total, top / total, right / total, bottom / total), Sum(weightedScores));
    }

    /// <summary>Pairwise summation in the grouping that NumPy uses for up to 128 numbers: eight running sums, then a tree.</summary>
    private static double Sum(ReadOnlySpan<double> numbers)
    {
        double sum = 0;
        int grouped = 0;
        if (numbers.Length >= 8)
        {
            grouped = numbers.Length / 8 * 8;
            Span<double> sums = stackalloc double[8];
            for (int i = 0; i < grouped; i++) sums[i % 8] += numbers[i];
            sum = sums[0] + sums[1] + (sums[2] + sums[3]) + (sums[4] + sums[5] + (sums[6] + sums[7]));
        }
        for (int i = grouped; i < numbers.Length; i++) sum += numbers[i];
        return sum;
    }

    /// <summary>Intersection over union with the old pixel convention: a box from 0 to 9 is 10 wide.</summary>
    public static double InclusiveIntersectionOverUnion(in Box a, in Box b)
    {
        double width = Math.Max(0, Math.Min(a.Right, b.Right) - Math.Max(a.Left, b.Left) + 1);
        double height = Math.Max(0, Math.Min(a.Bottom, b.Bottom) - Math.Max(a.Top, b.Top) + 1);
        double intersection = width * height;
        double areas = (a.Width + 1) * (a.Height + 1) + (b.Width + 1) * (b.Height + 1);
        return intersection / (areas - intersection);
    }
}
