using Img2Pose.Training.Optimization;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Img2Pose.Training.Networks;

/// <summary>A module with convolutions whose batch norms learn.</summary>
internal interface INormed
{
    /// <summary>These convolutions.</summary>
    IEnumerable<NormedConvolution> Normed { get; }
}

/// <summary>
/// A convolution without bias and the batch norm after it, which a module owns and registers. Convolves in the type of its input: weights
/// stay float32 and are rounded to bfloat16 on the way where the input is bfloat16 (mixed precision); batch norm's own numbers stay float32.
/// In evaluation, and in training where <see cref="KeepsStatistics"/> is set, the norm is part of the convolution.
/// </summary>
/// <param name="convolution">The convolution.</param>
/// <param name="norm">The norm, with <see cref="Momentum"/>.</param>
/// <param name="stride">Spatial step.</param>
/// <param name="epsilon">The norm's.</param>
internal sealed class NormedConvolution(Conv2d convolution, BatchNorm2d norm, int stride, double epsilon)
{
    /// <summary>Share of a batch in the statistics that run along.</summary>
    internal const double Momentum = 0.03;

    private double[]? _sums;
    private double[]? _squares;
    private int _counted;

    /// <summary>Whether the norm goes on with the statistics that it has, in training too; its scale and shift learn.</summary>
    internal bool KeepsStatistics { get; set; }

    /// <summary>The way to the other replicas, or null where there are none.</summary>
    internal ReplicaLink? Link { get; set; }

    /// <summary>All of a network.</summary>
    internal static IEnumerable<NormedConvolution> Of(nn.Module network) =>
        [.. network is INormed normed ? normed.Normed : [], .. network.named_children().SelectMany(child => Of(child.module))];

    /// <summary>Lets all norms of a network that learn keep their statistics.</summary>
    internal static void KeepStatistics(nn.Module network)
    {
        foreach (NormedConvolution each in Of(network)) each.KeepsStatistics = true;
    }

    /// <summary>Convolution and norm of an input [N,C,H,W].</summary>
    /// <param name="input">Float32 or bfloat16.</param>
    /// <param name="training">Whether the norm uses the batch's statistics, unless it keeps its own.</param>
    internal Tensor Call(Tensor input, bool training)
    {
        if (_sums is null && (KeepsStatistics || !training))
        {
            Tensor scale = norm.weight! * (norm.running_var! + epsilon).rsqrt();
            return MixedPrecision.Convolve(input, convolution, stride, scale, norm.bias! - norm.running_mean! * scale);
        }
        Tensor convolved = MixedPrecision.Convolve(input, convolution, stride);
        if (_sums is not null) AddMoments(convolved);
        return training && Link is { } link ? JoinedNorm.Apply(norm, convolved, epsilon, Momentum, link) : norm.call(convolved);
    }

    /// <summary>From now on counts means and squares of what reaches the batch norm.</summary>
    internal void StartMeasuring() => (_sums, _squares, _counted) = (new double[norm.weight!.shape[0]], new double[norm.weight.shape[0]], 0);

    /// <summary>
    /// Makes what was counted the batch norm's statistics; scale and shift change so that it passes on what it did. Filters get the size that
    /// random ones begin with: what a norm was folded into may have any, and the optimiser's steps are as large for small weights as for large ones.
    /// </summary>
    internal void AdoptMeasured()
    {
        if (_sums is null || _squares is null || _counted == 0) throw new InvalidOperationException("Nothing has been measured.");
        double[] growth = ResizeFilters();
        float[] scale = Numbers(norm.weight!), shift = Numbers(norm.bias!), mean = Numbers(norm.running_mean!), variance = Numbers(norm.running_var!);
        for (int i = 0; i < scale.Length; i++)
        {
            double factor = scale[i] / Math.Sqrt(variance[i] + epsilon), offset = shift[i] - mean[i] * factor;
            double measured = _sums[i] / _counted, spread = Math.Max(0, _squares[i] / _counted - measured * measured);
            (mean[i], variance[i]) = ((float)(growth[i] * measured), (float)(growth[i] * growth[i] * spread));
            factor /= growth[i];
            scale[i] = (float)(factor * Math.Sqrt(variance[i] + epsilon));
            shift[i] = (float)(offset + factor * mean[i]);
        }
        Set(norm.weight!, scale);
        Set(norm.bias!, shift);
        Set(norm.running_mean!, mean);
        Set(norm.running_var!, variance);
        (_sums, _squares) = (null, null);
    }

    /// <summary>The deviation of a new filter's weights: ReLU halves what goes on (He et al., ICCV 2015, by the outputs that an input reaches).</summary>
    internal static double FilterDeviation(long outChannels, long kernel) => Math.Sqrt(2.0 / (outChannels * kernel * kernel));

    /// <summary>Gives all filters a new one's size; returns by how much each grew.</summary>
    private double[] ResizeFilters()
    {
        long[] shape = convolution.weight.shape;
        float[] weights = Numbers(convolution.weight);
        int filters = (int)shape[0], length = weights.Length / filters;
        double wanted = FilterDeviation(shape[0], shape[2]);
        double[] growth = new double[filters];
        for (int i = 0; i < filters; i++)
        {
            Span<float> filter = weights.AsSpan(i * length, length);
            double squares = 0;
            foreach (float weight in filter) squares += (double)weight * weight;
            // One of zeros stays.
            growth[i] = squares > 0 ? wanted / Math.Sqrt(squares / length) : 1;
            foreach (ref float weight in filter) weight = (float)(weight * growth[i]);
        }
        Set(convolution.weight, weights);
        return growth;
    }

    private void AddMoments(Tensor convolved)
    {
        long[] shape = convolved.shape;
        Tensor rows = convolved.to(float32).permute(1, 0, 2, 3).reshape(shape[1], -1);
        float[] mean = Numbers(rows.mean([1])), square = Numbers(rows.square().mean([1]));
        for (int i = 0; i < mean.Length; i++)
        {
            _sums![i] += mean[i];
            _squares![i] += square[i];
        }
        _counted++;
    }

    private static float[] Numbers(Tensor values)
    {
        using Tensor plain = values.detach().cpu().contiguous();
        return plain.data<float>().ToArray();
    }

    private static void Set(Tensor target, float[] values)
    {
        using Tensor source = tensor(values, target.shape);
        using Tensor plain = target.detach();
        plain.copy_(source);
    }
}
