using Img2Pose.Training.Optimization;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Img2Pose.Training.Networks;

/// <summary>A convolution without bias, batch norm, and an optional ReLU, computed as <see cref="NormedConvolution"/> says.</summary>
internal sealed class ConvolutionUnit : nn.Module<Tensor, Tensor>, IJoined, INormed
{
    private readonly Conv2d conv;
    private readonly BatchNorm2d bn;
    private readonly NormedConvolution _normed;
    private readonly int _stride;
    private readonly bool _activate;

    internal ConvolutionUnit(int inChannels, int outChannels, int kernel, int stride = 1, bool activate = true)
        : base(nameof(ConvolutionUnit))
    {
        (_stride, _activate) = (stride, activate);
        conv = nn.Conv2d(inChannels, outChannels, kernel, stride, kernel / 2, bias: false);
        bn = nn.BatchNorm2d(outChannels, eps: NormEpsilon, momentum: NormedConvolution.Momentum);
        using (no_grad())
        using (TorchSharp.DisposeScope scope = NewDisposeScope())
            conv.weight.normal_(0, NormedConvolution.FilterDeviation(outChannels, kernel));
        RegisterComponents();
        _normed = new NormedConvolution(conv, bn, stride, NormEpsilon);
    }

    /// <summary>Spatial step of the convolution.</summary>
    internal int Stride => _stride;

    /// <summary>Whether a ReLU follows.</summary>
    internal bool Activates => _activate;

    internal Conv2d Convolution => conv;

    internal BatchNorm2d Norm => bn;

    internal const double NormEpsilon = 1e-3;

    /// <inheritdoc/>
    public IEnumerable<NormedConvolution> Normed => [_normed];

    /// <inheritdoc/>
    public bool NeedsOthers => !_normed.KeepsStatistics;

    /// <inheritdoc/>
    public ReplicaLink? Link { get => _normed.Link; set => _normed.Link = value; }

    public override Tensor forward(Tensor input)
    {
        Tensor output = _normed.Call(input, training);
        return _activate ? output.relu() : output;
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
