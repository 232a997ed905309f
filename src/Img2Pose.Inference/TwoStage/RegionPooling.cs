using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Img2Pose.Inference.TwoStage;

/// <summary>
/// Pools regions from a pyramid by the average of bilinear samples (He et al., Mask R-CNN, ICCV 2017; torchvision's
/// <c>aligned=False</c>). Maps have their channels last: a sample reads contiguous channels, sixteen at once.
/// </summary>
internal sealed unsafe class RegionPooling : IDisposable
{
    // Channels that are pooled together: a tile of 49 cells then stays in the first-level cache until it is turned.
    private const int Tile = 64;

    private readonly TwoStageLayout _layout;
    private readonly ParallelOptions _parallel;
    private readonly Action<int> _poolStrip;
    private readonly FeatureMap[] _maps;
    private readonly AlignedBuffer[] _scratch;
    private Job _job;

    /// <summary>Creates one that works with up to <paramref name="threads"/> threads.</summary>
    public RegionPooling(TwoStageLayout layout, int threads)
    {
        _layout = layout;
        _maps = new FeatureMap[layout.Levels.Length];
        _parallel = new ParallelOptions { MaxDegreeOfParallelism = threads };
        _poolStrip = PoolStrip;
        int cells = layout.PooledSide * layout.PooledSide;
        _scratch = [.. Enumerable.Range(0, threads).Select(_ => new AlignedBuffer(cells * Tile * sizeof(float)))];
    }

    /// <summary>Pools regions into rows of channels · side² values, channel by channel.</summary>
    /// <param name="maps">The levels, finest first, channels last.</param>
    /// <param name="boxes">Left, top, right, bottom of each region in pixels of the batch.</param>
    /// <param name="pictures">Picture of each region.</param>
    /// <param name="count">Regions.</param>
    /// <param name="rows">Room for the rows.</param>
    public void Pool(ReadOnlySpan<FeatureMap> maps, float* boxes, long* pictures, int count, float* rows)
    {
        foreach (FeatureMap map in maps)
        {
            if (map.Channels != maps[0].Channels) throw new NetworkOutputException("the network's levels differ in their channels");
            for (int i = 0; i < count; i++)
            {
                if (pictures[i] < 0 || pictures[i] >= map.Count) throw new NetworkOutputException($"a box is in picture {pictures[i]} of {map.Count}");
            }
        }
        maps.CopyTo(_maps);
        _job = new Job(boxes, pictures, count, rows);
        if (_scratch.Length == 1 || count < _scratch.Length) Pool(0, count, (float*)_scratch[0].Pointer);
        else Parallel.For(0, _scratch.Length, _parallel, _poolStrip);
    }

    /// <summary>Frees the buffers.</summary>
    public void Dispose()
    {
        foreach (AlignedBuffer buffer in _scratch) buffer.Dispose();
    }

    /// <summary>The level that a region is pooled from (Feature Pyramid Networks, equation 1), in single precision as the original.</summary>
    internal int LevelOf(float left, float top, float right, float bottom)
    {
        float ratio = MathF.Sqrt((right - left) * (bottom - top)) / _layout.CanonicalSize;
        int level = 0;
        foreach (float threshold in _layout.LevelThresholds)
        {
            if (ratio >= threshold) level++;
        }
        return level;
    }

    private void PoolStrip(int strip)
    {
        int begin = (int)((long)_job.Count * strip / _scratch.Length), end = (int)((long)_job.Count * (strip + 1) / _scratch.Length);
        Pool(begin, end, (float*)_scratch[strip].Pointer);
    }

    private void Pool(int begin, int end, float* tile)
    {
        int side = _layout.PooledSide;
        // The layout keeps both within bounds that fit on the stack: some 9 KB.
        System.Diagnostics.Debug.Assert(side <= TwoStageLayout.SideLimit && _layout.Samples <= TwoStageLayout.SampleLimit);
        // Both samples of a cell have two neighbours each; neighbours that coincide are merged.
        int most = 2 * _layout.Samples;
        const int Most = 2 * TwoStageLayout.SampleLimit;
        Tap* xs = stackalloc Tap[TwoStageLayout.SideLimit * Most], ys = stackalloc Tap[TwoStageLayout.SideLimit * Most];
        int* xCount = stackalloc int[TwoStageLayout.SideLimit], yCount = stackalloc int[TwoStageLayout.SideLimit];
        Tap* taps = stackalloc Tap[Most * Most];
        for (int i = begin; i < end; i++)
        {
            float* box = _job.Boxes + 4L * i;
            int level = LevelOf(box[0], box[1], box[2], box[3]);
            FeatureMap map = _maps[level];
            float scale = _layout.Scales[level];
            float* source = map.Of((int)_job.Pictures[i]);
            Place(box[0] * scale, box[2] * scale, map.Width, map.Channels, xs, xCount);
            Place(box[1] * scale, box[3] * scale, map.Height, map.Channels * map.Width, ys, yCount);
            float* row = _job.Rows + (long)i * map.Channels * side * side;
            for (int channel = 0; channel < map.Channels; channel += Tile)
            {
                int width = Math.Min(Tile, map.Channels - channel);
                for (int y = 0; y < side; y++)
                {
                    for (int x = 0; x < side; x++)
                    {
                        int count = Cross(ys + y * most, yCount[y], xs + x * most, xCount[x], taps);
                        float* target = tile + (y * side + x) * Tile;
                        if (width == Tile) AverageTile(source + channel, taps, count, target);
                        else Average(source + channel, taps, count, target, width);
                    }
                }
                Turn(tile, side * side, width, row + (long)channel * side * side);
            }
        }
    }

    // The samples of each cell along one axis.
    private void Place(float start, float end, int size, int step, Tap* taps, int* counts)
    {
        int most = 2 * _layout.Samples;
        float bin = Math.Max(end - start, 1f) / _layout.PooledSide;
        float share = 1f / _layout.Samples;
        for (int cell = 0; cell < _layout.PooledSide; cell++)
        {
            Tap* own = taps + cell * most;
            int count = 0;
            for (int sample = 0; sample < _layout.Samples; sample++)
            {
                float at = start + cell * bin + (sample + 0.5f) * bin / _layout.Samples;
                // More than a cell outside: such a sample counts as zero.
                if (at < -1 || at > size) continue;
                at = Math.Max(at, 0);
                int low = Math.Min((int)at, size - 1);
                float weight = low == size - 1 ? 0 : at - low;
                count = Add(own, count, low * step, (1 - weight) * share);
                if (weight > 0) count = Add(own, count, (low + 1) * step, weight * share);
            }
            counts[cell] = count;
        }
    }

    private static int Add(Tap* taps, int count, int offset, float weight)
    {
        for (int i = 0; i < count; i++)
        {
            if (taps[i].Offset != offset) continue;
            taps[i].Weight += weight;
            return count;
        }
        taps[count] = new Tap(offset, weight);
        return count + 1;
    }

    private static int Cross(Tap* ys, int yCount, Tap* xs, int xCount, Tap* taps)
    {
        int count = 0;
        for (int y = 0; y < yCount; y++)
        {
            for (int x = 0; x < xCount; x++) taps[count++] = new Tap(ys[y].Offset + xs[x].Offset, ys[y].Weight * xs[x].Weight);
        }
        return count;
    }

    private static void AverageTile(float* source, Tap* taps, int count, float* target)
    {
        Vector512<float> a = Vector512<float>.Zero, b = a, c = a, d = a;
        for (int i = 0; i < count; i++)
        {
            Vector512<float> weight = Vector512.Create(taps[i].Weight);
            float* from = source + taps[i].Offset;
            a = Vector512.FusedMultiplyAdd(weight, Vector512.Load(from), a);
            b = Vector512.FusedMultiplyAdd(weight, Vector512.Load(from + 16), b);
            c = Vector512.FusedMultiplyAdd(weight, Vector512.Load(from + 32), c);
            d = Vector512.FusedMultiplyAdd(weight, Vector512.Load(from + 48), d);
        }
        a.Store(target);
        b.Store(target + 16);
        c.Store(target + 32);
        d.Store(target + 48);
    }

    private static void Average(float* source, Tap* taps, int count, float* target, int width)
    {
        new Span<float>(target, width).Clear();
        for (int i = 0; i < count; i++)
        {
            float weight = taps[i].Weight;
            float* from = source + taps[i].Offset;
            for (int channel = 0; channel < width; channel++) target[channel] += weight * from[channel];
        }
    }

    // From cells with channels to channels with cells, which is the order of the next layer's weights.
    private static void Turn(float* tile, int cells, int channels, float* row)
    {
        for (int channel = 0; channel < channels; channel++)
        {
            float* from = tile + channel;
            for (int cell = 0; cell < cells; cell++) *row++ = from[cell * Tile];
        }
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Tap(int offset, float weight)
    {
        public int Offset = offset;
        public float Weight = weight;
    }

    private readonly struct Job(float* boxes, long* pictures, int count, float* rows)
    {
        public readonly float* Boxes = boxes;
        public readonly long* Pictures = pictures;
        public readonly int Count = count;
        public readonly float* Rows = rows;
    }
}
