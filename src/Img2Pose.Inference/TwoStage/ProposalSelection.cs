using System.Runtime.Intrinsics;

namespace Img2Pose.Inference.TwoStage;

/// <summary>
/// The proposals of a picture from objectness and box deltas: the best anchors of each level, decoded, clipped, suppressed
/// level by level, and the best of what is left (Ren et al., NIPS 2015, as torchvision computes it; golden quirk Q4).
/// Buffers are reused. Not thread-safe.
/// </summary>
internal sealed unsafe class ProposalSelection(TwoStageLayout layout)
{
    private const int HistogramShift = 20;
    private const float SmallestSide = 1e-3f;

    // dw and dh are clamped so that the exponential stays sensible.
    internal static readonly float DeltaLimit = (float)Math.Log(1000.0 / 16);

    private readonly int[] _histogram = new int[1 << (32 - HistogramShift)];
    private readonly int[] _levelEnd = new int[layout.Objectness.Length];
    private ulong[] _keys = [];
    private float[] _score = [];
    private readonly BoxColumns _candidates = new();
    private readonly BoxColumns _kept = new();
    private int[] _survivors = [];
    private ulong[] _order = [];

    /// <summary>Proposals of the last call, four numbers each, best first.</summary>
    public float[] Boxes { get; private set; } = [];

    /// <summary>Selects a picture's proposals and returns how many there are.</summary>
    /// <param name="objectness">A map for each level.</param>
    /// <param name="deltas">A map for each level.</param>
    /// <param name="picture">Which picture of the batch.</param>
    /// <param name="width">The picture's width without padding.</param>
    /// <param name="height">Its height without padding.</param>
    /// <param name="paddedWidth">Width of the batch.</param>
    /// <param name="paddedHeight">Height of the batch.</param>
    public int Select(
        ReadOnlySpan<FeatureMap> objectness, ReadOnlySpan<FeatureMap> deltas, int picture, int width, int height, int paddedWidth, int paddedHeight)
    {
        int count = 0;
        for (int level = 0; level < objectness.Length; level++)
        {
            FeatureMap map = objectness[level];
            RequireFit(level, map, deltas[level], picture);
            int best = TakeBest(map.Of(picture), map.Channels * map.Height * map.Width);
            count = Decode(level, map, map.Of(picture), deltas[level].Of(picture), best, count, (width, height, paddedWidth, paddedHeight));
            _levelEnd[level] = count;
        }
        int survivors = 0;
        float step = layout.Shifted ? _candidates.Largest(count) + 1 : 0;
        for (int level = 0; level < objectness.Length; level++)
            survivors = Suppress(level == 0 ? 0 : _levelEnd[level - 1], _levelEnd[level], level * step, survivors);
        return TakeBestSurvivors(survivors);
    }

    // Both maps decide what is read of the other, and of the anchors.
    private void RequireFit(int level, in FeatureMap map, in FeatureMap moves, int picture)
    {
        if (map.Channels != layout.Anchors[level].Length / 4 || moves.Channels != 4L * map.Channels
            || (moves.Height, moves.Width) != (map.Height, map.Width) || picture >= map.Count || picture >= moves.Count)
        {
            throw new NetworkOutputException(
                $"the network's maps of level {level} do not fit together: {map.Count}×{map.Channels}×{map.Height}×{map.Width} scores, " +
                $"{moves.Count}×{moves.Channels}×{moves.Height}×{moves.Width} moves, {layout.Anchors[level].Length / 4} anchors");
        }
    }

    // The best scores of a map, in _keys: descending, equal ones in the map's order.
    private int TakeBest(float* scores, int count)
    {
        int wanted = Math.Min(count, layout.Before);
        int floor = 0;
        if (wanted < count)
        {
            // A histogram over the leading bits tells which values can be among the best; only those are sorted.
            Array.Clear(_histogram);
            for (int i = 0; i < count; i++) _histogram[Descending(scores[i]) >> HistogramShift]++;
            for (int seen = 0; floor < _histogram.Length && (seen += _histogram[floor]) < wanted;) floor++;
        }
        else
        {
            floor = _histogram.Length - 1;
        }
        if (_keys.Length < count) _keys = new ulong[count];
        int taken = 0;
        for (int i = 0; i < count; i++)
        {
            uint key = Descending(scores[i]);
            if (key >> HistogramShift <= floor) _keys[taken++] = ((ulong)key << 32) | (uint)i;
        }
        _keys.AsSpan(0, taken).Sort();
        return wanted;
    }

    // Floats in descending order as unsigned numbers in ascending order.
    private static uint Descending(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        return (bits & 0x8000_0000) != 0 ? bits : ~(bits | 0x8000_0000);
    }

    private int Decode(int level, FeatureMap map, float* scores, float* deltas, int best, int count, (int Width, int Height, int PaddedWidth, int PaddedHeight) sizes)
    {
        float[] anchors = layout.Anchors[level];
        int cells = map.Height * map.Width;
        // Integer division, which at the subsampled level is not the level's true stride (golden quirk Q3).
        int strideX = sizes.PaddedWidth / map.Width, strideY = sizes.PaddedHeight / map.Height;
        _candidates.Reserve(count + best);
        if (_score.Length < count + best) Array.Resize(ref _score, Math.Max(count + best, 2 * _score.Length));
        for (int k = 0; k < best; k++)
        {
            int index = (int)(uint)_keys[k];
            int shape = index / cells, cell = index - shape * cells;
            int row = cell / map.Width, column = cell - row * map.Width;
            float* delta = deltas + (long)4 * shape * cells + cell;
            (float left, float right) = Move(anchors[4 * shape] + column * strideX, anchors[4 * shape + 2] + column * strideX, delta[0], delta[2L * cells]);
            (float top, float bottom) = Move(anchors[4 * shape + 1] + row * strideY, anchors[4 * shape + 3] + row * strideY, delta[cells], delta[3L * cells]);
            left = Math.Clamp(left, 0, sizes.Width);
            right = Math.Clamp(right, 0, sizes.Width);
            top = Math.Clamp(top, 0, sizes.Height);
            bottom = Math.Clamp(bottom, 0, sizes.Height);
            if (!(right - left >= SmallestSide && bottom - top >= SmallestSide)) continue;
            _score[count] = scores[index];
            _candidates.Set(count++, left, top, right, bottom);
        }
        return count;
    }

    private static (float Low, float High) Move(float low, float high, float shift, float stretch)
    {
        float extent = high - low;
        float center = shift * extent + (low + 0.5f * extent);
        float half = 0.5f * (Exponential(Math.Min(stretch, DeltaLimit)) * extent);
        return (center - half, center + half);
    }

    /// <summary>
    /// e to a power up to <see cref="DeltaLimit"/>, or not a number, by an arithmetic that is the same on every machine and in the kernels of a GPU
    /// (<c>native/cuda/propose.h</c>), which the system's function is not. Right to half a unit in the last place and little more.
    /// </summary>
    internal static float Exponential(float power)
    {
        // Below, nothing is left in a float; a not-a-number stays one.
        if (!(power >= -104)) return power < 0 ? 0 : power;
        double whole = (int)(power * 1.4426950408889634 + (power < 0 ? -0.5 : 0.5));
        double r = power - whole * 0.6931471805599453;
        double sum = 2.7557319223985893e-06;
        sum = sum * r + 2.48015873015873e-05;
        sum = sum * r + 0.0001984126984126984;
        sum = sum * r + 0.001388888888888889;
        sum = sum * r + 0.008333333333333333;
        sum = sum * r + 0.041666666666666664;
        sum = sum * r + 0.16666666666666666;
        sum = sum * r + 0.5;
        sum = sum * r + 1;
        sum = sum * r + 1;
        return (float)(sum * BitConverter.UInt64BitsToDouble((ulong)(1023 + (int)whole) << 52));
    }

    // Candidates from begin to end stand best first; a candidate goes when a kept one overlaps it too much.
    private int Suppress(int begin, int end, float shift, int survivors)
    {
        int kept = 0;
        _kept.Reserve(Math.Min(end - begin, layout.After));
        if (_survivors.Length < survivors + Math.Min(end - begin, layout.After))
            Array.Resize(ref _survivors, Math.Max(2 * _survivors.Length, survivors + Math.Min(end - begin, layout.After)));
        for (int i = begin; i < end && kept < layout.After; i++)
        {
            float left = _candidates.Left[i] + shift, top = _candidates.Top[i] + shift;
            float right = _candidates.Right[i] + shift, bottom = _candidates.Bottom[i] + shift;
            if (_kept.AnyOverlaps(kept, left, top, right, bottom, layout.SuppressionThreshold)) continue;
            _kept.Set(kept++, left, top, right, bottom);
            _survivors[survivors++] = i;
        }
        return survivors;
    }

    private int TakeBestSurvivors(int count)
    {
        if (_order.Length < count) _order = new ulong[_survivors.Length];
        for (int i = 0; i < count; i++) _order[i] = ((ulong)Descending(_score[_survivors[i]]) << 32) | (uint)i;
        _order.AsSpan(0, count).Sort();
        int wanted = Math.Min(count, layout.After);
        if (Boxes.Length < 4 * wanted) Boxes = new float[4 * wanted];
        for (int i = 0; i < wanted; i++)
        {
            int candidate = _survivors[(int)(uint)_order[i]];
            Boxes[4 * i] = _candidates.Left[candidate];
            Boxes[4 * i + 1] = _candidates.Top[candidate];
            Boxes[4 * i + 2] = _candidates.Right[candidate];
            Boxes[4 * i + 3] = _candidates.Bottom[candidate];
        }
        return wanted;
    }

    /// <summary>Boxes column by column, so that sixteen are compared at once.</summary>
    private sealed class BoxColumns
    {
        public float[] Left { get; private set; } = [];

        public float[] Top { get; private set; } = [];

        public float[] Right { get; private set; } = [];

        public float[] Bottom { get; private set; } = [];

        /// <summary>Makes room; what was set stays. There is always room for a whole vector more.</summary>
        public void Reserve(int count)
        {
            if (Left.Length >= count + Vector512<float>.Count) return;
            int length = Math.Max(count, 2 * Left.Length) + Vector512<float>.Count;
            (Left, Top, Right, Bottom) = (Grown(Left, length), Grown(Top, length), Grown(Right, length), Grown(Bottom, length));
        }

        public void Set(int i, float left, float top, float right, float bottom) =>
            (Left[i], Top[i], Right[i], Bottom[i]) = (left, top, right, bottom);

        public float Largest(int count)
        {
            float largest = 0;
            for (int i = 0; i < count; i++) largest = Math.Max(largest, Math.Max(Right[i], Bottom[i]));
            return largest;
        }

        /// <summary>Whether one of the first boxes has an intersection over union with the given one above a threshold.</summary>
        public bool AnyOverlaps(int count, float left, float top, float right, float bottom, float threshold)
        {
            Vector512<float> l = Vector512.Create(left), t = Vector512.Create(top), r = Vector512.Create(right), b = Vector512.Create(bottom);
            Vector512<float> area = Vector512.Create((right - left) * (bottom - top)), limit = Vector512.Create(threshold);
            for (int i = 0; i < count; i += Vector512<float>.Count)
            {
                Vector512<float> kl = Vector512.LoadUnsafe(ref Left[i]), kt = Vector512.LoadUnsafe(ref Top[i]);
                Vector512<float> kr = Vector512.LoadUnsafe(ref Right[i]), kb = Vector512.LoadUnsafe(ref Bottom[i]);
                Vector512<float> w = Vector512.Max(Vector512.Min(kr, r) - Vector512.Max(kl, l), Vector512<float>.Zero);
                Vector512<float> h = Vector512.Max(Vector512.Min(kb, b) - Vector512.Max(kt, t), Vector512<float>.Zero);
                Vector512<float> both = w * h;
                Vector512<float> overlap = both / ((kr - kl) * (kb - kt) + area - both);
                ulong hits = Vector512.GreaterThan(overlap, limit).ExtractMostSignificantBits();
                int valid = Math.Min(count - i, Vector512<float>.Count);
                if ((hits & ((1UL << valid) - 1)) != 0) return true;
            }
            return false;
        }

        private static float[] Grown(float[] values, int length)
        {
            Array.Resize(ref values, length);
            return values;
        }
    }
}
