namespace Img2Pose.Training.Losses;

/// <summary>Boxes as four float32 numbers (left, top, right, bottom), matched and coded as Faster R-CNN does.</summary>
internal static class BoxMatching
{
    /// <summary>A box below the lower threshold.</summary>
    internal const int Background = -1;

    /// <summary>A box between the thresholds.</summary>
    internal const int Between = -2;

    /// <summary>Largest log of a size ratio that a delta may ask for: ln(1000/16).</summary>
    internal static readonly float LargestScale = (float)Math.Log(1000.0 / 16);

    /// <summary>Intersection over union in float32.</summary>
    internal static float Overlap(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        float width = Math.Max(0, Math.Min(a[2], b[2]) - Math.Max(a[0], b[0]));
        float height = Math.Max(0, Math.Min(a[3], b[3]) - Math.Max(a[1], b[1]));
        float shared = width * height;
        return shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared);
    }

    /// <summary>Overlap of every true box with every box: row by true box.</summary>
    internal static float[] Overlaps(ReadOnlySpan<float> truth, ReadOnlySpan<float> boxes)
    {
        int truths = truth.Length / 4, count = boxes.Length / 4;
        float[] overlaps = new float[truths * count];
        for (int k = 0; k < truths; k++)
        {
            for (int i = 0; i < count; i++) overlaps[k * count + i] = Overlap(truth.Slice(4 * k, 4), boxes.Slice(4 * i, 4));
        }
        return overlaps;
    }

    /// <summary>
    /// For each box the index of the true box that it overlaps most, or <see cref="Background"/> or <see cref="Between"/>. With
    /// <paramref name="allowLowQuality"/> every true box also gets the boxes that overlap it most, however little.
    /// </summary>
    /// <param name="overlaps">Row by true box, as <see cref="Overlaps"/> gives them.</param>
    /// <param name="count">Number of boxes.</param>
    /// <param name="high">Overlap from which a box is matched.</param>
    /// <param name="low">Overlap below which a box is background.</param>
    /// <param name="allowLowQuality">Whether true boxes keep their best boxes below <paramref name="high"/>.</param>
    internal static int[] Match(ReadOnlySpan<float> overlaps, int count, float high, float low, bool allowLowQuality)
    {
        int truths = count == 0 ? 0 : overlaps.Length / count;
        int[] matches = new int[count];
        int[] nearest = new int[count];
        float[] bestOfTruth = new float[truths];
        for (int i = 0; i < count; i++)
        {
            float best = -1;
            for (int k = 0; k < truths; k++)
            {
                float overlap = overlaps[k * count + i];
                if (overlap > best) (best, nearest[i]) = (overlap, k);
                bestOfTruth[k] = Math.Max(bestOfTruth[k], overlap);
            }
            matches[i] = truths == 0 || best < low ? Background : best < high ? Between : nearest[i];
        }
        if (!allowLowQuality) return matches;
        for (int i = 0; i < count; i++)
        {
            for (int k = 0; k < truths; k++)
            {
                if (overlaps[k * count + i] == bestOfTruth[k]) matches[i] = nearest[i];
            }
        }
        return matches;
    }

    /// <summary>The deltas that turn <paramref name="box"/> into <paramref name="truth"/>.</summary>
    internal static void Encode(ReadOnlySpan<float> truth, ReadOnlySpan<float> box, ReadOnlySpan<float> weights, Span<float> deltas)
    {
        float width = box[2] - box[0], height = box[3] - box[1];
        float wantedWidth = truth[2] - truth[0], wantedHeight = truth[3] - truth[1];
        deltas[0] = weights[0] * (truth[0] + 0.5f * wantedWidth - (box[0] + 0.5f * width)) / width;
        deltas[1] = weights[1] * (truth[1] + 0.5f * wantedHeight - (box[1] + 0.5f * height)) / height;
        deltas[2] = weights[2] * MathF.Log(wantedWidth / width);
        deltas[3] = weights[3] * MathF.Log(wantedHeight / height);
    }

    /// <summary>The box that <paramref name="deltas"/> make of <paramref name="box"/>.</summary>
    internal static void Decode(ReadOnlySpan<float> deltas, ReadOnlySpan<float> box, ReadOnlySpan<float> weights, Span<float> result)
    {
        float width = box[2] - box[0], height = box[3] - box[1];
        float centerX = deltas[0] / weights[0] * width + (box[0] + 0.5f * width);
        float centerY = deltas[1] / weights[1] * height + (box[1] + 0.5f * height);
        float newWidth = MathF.Exp(Math.Min(deltas[2] / weights[2], LargestScale)) * width;
        float newHeight = MathF.Exp(Math.Min(deltas[3] / weights[3], LargestScale)) * height;
        result[0] = centerX - 0.5f * newWidth;
        result[1] = centerY - 0.5f * newHeight;
        result[2] = centerX + 0.5f * newWidth;
        result[3] = centerY + 0.5f * newHeight;
    }
}

/// <summary>Chooses which of the matched boxes a step learns from.</summary>
internal abstract class BalancedSampler
{
    /// <summary>
    /// Indices of at most <paramref name="count"/> boxes: up to <paramref name="positiveShare"/> of them positive, the rest negative,
    /// each list in ascending order.
    /// </summary>
    internal (int[] Positive, int[] Negative) Sample(ReadOnlySpan<int> labels, int count, double positiveShare)
    {
        List<int> positive = [], negative = [];
        for (int i = 0; i < labels.Length; i++)
        {
            if (labels[i] >= 1) positive.Add(i);
            else if (labels[i] == 0) negative.Add(i);
        }
        int wanted = Math.Min(positive.Count, (int)(count * positiveShare));
        int rest = Math.Min(negative.Count, count - wanted);
        return (Choose(positive, wanted), Choose(negative, rest));
    }

    /// <summary>The sampler of one draw, known by its number: its choice depends on no other draw, so that it is the same wherever it is made.</summary>
    internal abstract BalancedSampler Of(long draw);

    /// <summary>Chooses <paramref name="count"/> of the candidates; the result is ascending.</summary>
    protected abstract int[] Choose(List<int> candidates, int count);

    /// <summary>A sampler that draws without replacement.</summary>
    internal static BalancedSampler Random(int seed) => new Drawing(seed);

    /// <summary>A sampler that takes the first candidates; for comparisons with recorded runs.</summary>
    internal static BalancedSampler First { get; } = new Leading();

    private sealed class Drawing(int seed) : BalancedSampler
    {
        private readonly Random _random = new(seed);

        // SplitMix64's constants: neighbouring numbers give seeds far apart.
        internal override BalancedSampler Of(long draw) => new Drawing((int)((((ulong)(uint)seed << 32) + (ulong)draw + 1) * 0x9E3779B97F4A7C15 >> 33));

        protected override int[] Choose(List<int> candidates, int count)
        {
            int[] chosen = [.. candidates];
            _random.Shuffle(chosen);
            Array.Resize(ref chosen, count);
            Array.Sort(chosen);
            return chosen;
        }
    }

    private sealed class Leading : BalancedSampler
    {
        internal override BalancedSampler Of(long draw) => this;

        protected override int[] Choose(List<int> candidates, int count) => [.. candidates.Take(count)];
    }
}
