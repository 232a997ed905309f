using Img2Pose.Training.Optimization;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Img2Pose.Training.Networks;

/// <summary>
/// A convolution without bias, batch norm, and an optional ReLU. Convolves in the type of its input: weights stay float32
/// and are rounded to bfloat16 on the way where the input is bfloat16 (mixed precision); batch norm's own numbers stay float32.
/// In evaluation, and in training where <see cref="KeepsStatistics"/> is set, the norm is part of the convolution.
/// </summary>
internal sealed class ConvolutionUnit : nn.Module<Tensor, Tensor>, IJoined
{
    private readonly Conv2d conv;
    private readonly BatchNorm2d bn;
    private readonly int _stride;
    private readonly bool _activate;
    private double[]? _sums;
    private double[]? _squares;
    private int _counted;

    internal ConvolutionUnit(int inChannels, int outChannels, int kernel, int stride = 1, bool activate = true)
        : base(nameof(ConvolutionUnit))
    {
        (_stride, _activate) = (stride, activate);
        conv = nn.Conv2d(inChannels, outChannels, kernel, stride, kernel / 2, bias: false);
        bn = nn.BatchNorm2d(outChannels, eps: NormEpsilon, momentum: NormMomentum);
        using (no_grad())
        using (TorchSharp.DisposeScope scope = NewDisposeScope())
            conv.weight.normal_(0, Math.Sqrt(2.0 / (outChannels * kernel * kernel)));
        RegisterComponents();
    }

    /// <summary>Spatial step of the convolution.</summary>
    internal int Stride => _stride;

    /// <summary>Whether a ReLU follows.</summary>
    internal bool Activates => _activate;

    internal Conv2d Convolution => conv;

    internal BatchNorm2d Norm => bn;

    /// <summary>Whether the norm goes on with the statistics that it has, in training too; its scale and shift learn.</summary>
    internal bool KeepsStatistics { get; set; }

    /// <inheritdoc/>
    public bool NeedsOthers => !KeepsStatistics;

    internal const double NormEpsilon = 1e-3;

    private const double NormMomentum = 0.03;

    /// <inheritdoc/>
    public ReplicaLink? Link { get; set; }

    public override Tensor forward(Tensor input)
    {
        if (_sums is null && (KeepsStatistics || !training))
        {
            Tensor scale = bn.weight! * (bn.running_var! + NormEpsilon).rsqrt();
            Tensor normalized = MixedPrecision.Convolve(input, conv, _stride, scale, bn.bias! - bn.running_mean! * scale);
            return _activate ? normalized.relu() : normalized;
        }
        Tensor convolved = MixedPrecision.Convolve(input, conv, _stride);
        if (_sums is not null) AddMoments(convolved);
        Tensor output = training && Link is { } link ? JoinedNorm.Apply(bn, convolved, NormEpsilon, NormMomentum, link) : bn.call(convolved);
        return _activate ? output.relu() : output;
    }

    /// <summary>Lets all units of a network keep their statistics.</summary>
    internal static void KeepStatistics(nn.Module network)
    {
        if (network is ConvolutionUnit unit) unit.KeepsStatistics = true;
        foreach ((_, nn.Module child) in network.named_children()) KeepStatistics(child);
    }

    /// <summary>From now on counts means and squares of what reaches the batch norm.</summary>
    internal void StartMeasuring() => (_sums, _squares, _counted) = (new double[bn.weight!.shape[0]], new double[bn.weight.shape[0]], 0);

    /// <summary>Makes what was counted the batch norm's statistics; scale and shift change so that it passes on what it did.</summary>
    internal void AdoptMeasured()
    {
        if (_sums is null || _squares is null || _counted == 0) throw new InvalidOperationException("Nothing has been measured.");
        float[] scale = Numbers(bn.weight!), shift = Numbers(bn.bias!), mean = Numbers(bn.running_mean!), variance = Numbers(bn.running_var!);
        for (int i = 0; i < scale.Length; i++)
        {
            double factor = scale[i] / Math.Sqrt(variance[i] + NormEpsilon), offset = shift[i] - mean[i] * factor;
            double measured = _sums[i] / _counted, spread = Math.Max(0, _squares[i] / _counted - measured * measured);
            (mean[i], variance[i]) = ((float)measured, (float)spread);
            scale[i] = (float)(factor * Math.Sqrt(variance[i] + NormEpsilon));
            shift[i] = (float)(offset + factor * mean[i]);
        }
        Set(bn.weight!, scale);
        Set(bn.bias!, shift);
        Set(bn.running_mean!, mean);
        Set(bn.running_var!, variance);
        (_sums, _squares) = (null, null);
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

/// <summary>Two 3×3 units around an identity: x + unit(unit(x)), then ReLU.</summary>
internal sealed class ResidualBlock : nn.Module<Tensor, Tensor>
{
    private readonly ConvolutionUnit conv1;
    private readonly ConvolutionUnit conv2;

    internal ResidualBlock(int channels, int middle) : base(nameof(ResidualBlock))
    {
        conv1 = new ConvolutionUnit(channels, middle, 3);
        conv2 = new ConvolutionUnit(middle, channels, 3, activate: false);
        RegisterComponents();
    }

    internal ConvolutionUnit First => conv1;

    internal ConvolutionUnit Second => conv2;

    public override Tensor forward(Tensor input) => (input + conv2.call(conv1.call(input))).relu();
}
