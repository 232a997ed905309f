using TorchSharp;
using static TorchSharp.torch;

namespace Img2Pose.Training.Native;

/// <summary>
/// What TorchOperators.cs takes from native/torch, made of the real TorchSharp's own operators: its libtorch is another than the
/// one that native/torch is built with, and both cannot be in one process. The same numbers up to rounding; region pooling
/// gathers every sample's four cells instead of walking over them, which costs memory (channels × samples × 16 bytes a region).
/// Compiled instead of TorchOperators.cs where Interop names TorchSharp.
/// </summary>
internal static class TorchOperators
{
    /// <summary>Interleaved 8-bit RGB pictures [N,H,W,3] as normalised floats [N,3,H,W], channels last in memory.</summary>
    internal static Tensor NormalizePictures(Tensor pictures, ReadOnlySpan<float> mean, ReadOnlySpan<float> stddev)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor m = tensor(mean.ToArray(), device: pictures.device).mul(255f), s = tensor(stddev.ToArray(), device: pictures.device).mul(255f);
        return pictures.to(ScalarType.Float32).sub(m).div(s).permute(0, 3, 1, 2).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// Pools regions [K,5] (picture index, left, top, right, bottom in pixels of the picture) of features [N,C,H,W] into
    /// [K, C, <paramref name="size"/>, <paramref name="size"/>]; differentiable in the features (Mask R-CNN, section 3).
    /// </summary>
    /// <exception cref="Img2PoseException">A region names no picture of the batch, or the shapes are others.</exception>
    internal static Tensor RoiAlign(Tensor features, Tensor regions, double scale, int size, int samples, bool aligned = false)
    {
        if (features.dim() != 4 || regions.dim() != 2 || regions.shape[1] != 5 || size < 1 || samples < 1)
            throw new Img2PoseException("libtorch: roi_align: features must be [N,C,H,W], regions [K,5], sizes positive");
        using DisposeScope scope = NewDisposeScope();
        (long pictures, long channels, long height, long width) = (features.shape[0], features.shape[1], features.shape[2], features.shape[3]);
        ScalarType type = features.dtype;
        Tensor boxes = regions.detach().to(type);
        Tensor picture = boxes.select(1, 0).to(ScalarType.Int64);
        if (boxes.shape[0] > 0 && (picture.min().item<long>() < 0 || picture.max().item<long>() >= pictures))
            throw new Img2PoseException("libtorch: roi_align: a region names no picture of the batch");
        double shift = aligned ? 0.5 : 0;
        (Tensor row, Tensor rowEnd) = (boxes.select(1, 2).mul(scale).sub(shift), boxes.select(1, 4).mul(scale).sub(shift));
        (Tensor column, Tensor columnEnd) = (boxes.select(1, 1).mul(scale).sub(shift), boxes.select(1, 3).mul(scale).sub(shift));
        Axis vertical = Axis.Of(row, rowEnd.sub(row), height, size, samples, aligned), horizontal = Axis.Of(column, columnEnd.sub(column), width, size, samples, aligned);
        // [K, rows of samples, columns of samples]: cells of features laid out [N*H*W, C].
        Tensor cells = features.permute(0, 2, 3, 1).reshape(-1, channels);
        Tensor first = picture.mul(height * width).view(-1, 1, 1);
        long side = (long)size * samples, regionCount = boxes.shape[0];
        Tensor sum = zeros([regionCount * side * side, channels], dtype: type, device: features.device);
        foreach ((Tensor y, Tensor down) in vertical.Neighbours)
        {
            foreach ((Tensor x, Tensor right) in horizontal.Neighbours)
            {
                Tensor index = first.add(y.mul(width).unsqueeze(2)).add(x.unsqueeze(1)).reshape(-1);
                Tensor weight = down.unsqueeze(2).mul(right.unsqueeze(1)).reshape(-1, 1);
                sum = sum.add(cells.index_select(0, index).mul(weight));
            }
        }
        return sum.view(regionCount, size, samples, size, samples, channels).mean([2, 4]).permute(0, 3, 1, 2).MoveToOuterDisposeScope();
    }

    /// <summary>Indices of the boxes [n,4] that greedy non-maximum suppression keeps, by descending score (stable).</summary>
    /// <exception cref="Img2PoseException">The shapes are others.</exception>
    internal static Tensor NonMaximumSuppression(Tensor boxes, Tensor scores, double threshold)
    {
        if (boxes.dim() != 2 || boxes.shape[1] != 4 || scores.dim() != 1 || scores.shape[0] != boxes.shape[0])
            throw new Img2PoseException("libtorch: nms: boxes must be [n,4], with one score a box");
        using DisposeScope scope = NewDisposeScope();
        float[] box = boxes.detach().cpu().to(ScalarType.Float32).contiguous().data<float>().ToArray();
        float[] score = scores.detach().cpu().to(ScalarType.Float32).contiguous().data<float>().ToArray();
        int[] order = [.. Enumerable.Range(0, score.Length).OrderByDescending(i => score[i])];
        List<long> kept = [];
        bool[] gone = new bool[score.Length];
        for (int a = 0; a < order.Length; a++)
        {
            if (gone[order[a]]) continue;
            kept.Add(order[a]);
            ReadOnlySpan<float> one = box.AsSpan(4 * order[a], 4);
            for (int b = a + 1; b < order.Length; b++)
            {
                ReadOnlySpan<float> other = box.AsSpan(4 * order[b], 4);
                float shared = Math.Max(0, Math.Min(one[2], other[2]) - Math.Max(one[0], other[0])) * Math.Max(0, Math.Min(one[3], other[3]) - Math.Max(one[1], other[1]));
                float overlap = shared / (((one[2] - one[0]) * (one[3] - one[1])) + ((other[2] - other[0]) * (other[3] - other[1])) - shared);
                if (overlap > threshold) gone[order[b]] = true;
            }
        }
        return tensor(kept.ToArray(), device: boxes.device).MoveToOuterDisposeScope();
    }

    /// <summary>Pictures [N,C,H,W] resized bilinearly with half-pixel centres and no prefilter.</summary>
    internal static Tensor ResizeBilinear(Tensor pictures, int width, int height) =>
        nn.functional.interpolate(pictures, [height, width], null, InterpolationMode.Bilinear, false);

    // The samples of all regions along one axis, [K, bins × samples]: the two cells beside each, and their weights.
    private readonly record struct Axis((Tensor Cell, Tensor Weight)[] Neighbours)
    {
        public static Axis Of(Tensor start, Tensor extent, long cells, int bins, int samples, bool aligned)
        {
            // In the order of native/torch: these sums are rounded, and a position far from zero has few bits behind the point.
            Tensor extents = (aligned ? extent : extent.clamp_min(1)).div(bins).view(-1, 1, 1);
            Tensor bin = arange(bins, dtype: start.dtype, device: start.device).view(1, -1, 1);
            Tensor sample = arange(samples, dtype: start.dtype, device: start.device).add(0.5).view(1, 1, -1);
            Tensor at = start.view(-1, 1, 1).add(bin.mul(extents)).add(sample.mul(extents).div(samples)).reshape(start.shape[0], -1);
            // Points more than one cell outside count as zero; within that margin they are clamped to the border, as Detectron does.
            Tensor inside = at.ge(-1).logical_and(at.le(cells)).to(start.dtype);
            Tensor clamped = at.clamp(0, cells - 1);
            Tensor low = clamped.floor();
            Tensor part = clamped.sub(low);
            Tensor cell = low.to(ScalarType.Int64);
            return new Axis([(cell, part.neg().add(1).mul(inside)), (cell.add(1).clamp_max(cells - 1), part.mul(inside))]);
        }
    }
}

/// <summary>Whether libtorch can be used: with the real TorchSharp, its package for this machine's processor.</summary>
internal static class TorchLibrary
{
    /// <summary>Whether it loads.</summary>
    internal static bool IsThere => TryInitializeDeviceType(DeviceType.CPU);
}
