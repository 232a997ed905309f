using Img2Pose.Training.Optimization;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Img2Pose.Training.Networks;

/// <summary>Batch norm with everything fixed: four buffers, no gradient, the same in training and evaluation.</summary>
internal sealed class FrozenBatchNorm : nn.Module
{
    private readonly double _epsilon;
    private readonly bool _folds;
    private readonly Tensor weight, bias, running_mean, running_var;

    /// <summary>Creates one that changes nothing.</summary>
    /// <param name="features">Channels.</param>
    /// <param name="epsilon">Added to the variance.</param>
    /// <param name="folds">Whether it is part of the convolution, which is faster, or is computed after it in float32, with the original's roundings.</param>
    internal FrozenBatchNorm(long features, double epsilon, bool folds) : base(nameof(FrozenBatchNorm))
    {
        (_epsilon, _folds) = (epsilon, folds);
        register_buffer("weight", weight = ones([features]));
        register_buffer("bias", bias = zeros([features]));
        register_buffer("running_mean", running_mean = zeros([features]));
        register_buffer("running_var", running_var = ones([features]));
    }

    /// <summary>What it makes of a convolution's output. Where it folds, the convolution adds up in float32, and only what this norm has made small again is rounded.</summary>
    internal Tensor Convolve(Tensor input, Conv2d convolution, int stride)
    {
        Tensor scale = weight * (running_var + _epsilon).rsqrt(), shift = bias - running_mean * scale;
        return _folds
            ? MixedPrecision.Convolve(input, convolution, stride, scale, shift)
            : MixedPrecision.Convolve(input, convolution, stride) * scale.reshape(1, -1, 1, 1) + shift.reshape(1, -1, 1, 1);
    }
}

/// <summary>The residual networks of He et al. 2015 in torchvision's form: stages at strides 4, 8, 16, 32, names as in its checkpoints.</summary>
internal sealed class ResNetBody : nn.Module<Tensor, Tensor[]>
{
    /// <summary>What the names of its tensors begin with in a detector, as torchvision has them.</summary>
    internal const string Prefix = "backbone.body.";

    private readonly Conv2d conv1;
    private readonly FrozenBatchNorm bn1;
    private readonly Sequential[] _layers;

    /// <summary>Creates one with random weights.</summary>
    /// <param name="depth">18, 50 or 101.</param>
    /// <param name="epsilon">Of the norms.</param>
    /// <param name="learns">
    /// Whether the norms of stages 2 to 4 learn with their convolutions, and the frozen ones of the stem and the first stage fold. With
    /// frozen ones everywhere, which is the original's way, nothing holds the features' size where the rate is high.
    /// </param>
    internal ResNetBody(int depth, double epsilon, bool learns) : base(nameof(ResNetBody))
    {
        (int[] blocks, bool bottleneck) = depth switch
        {
            18 => (new[] { 2, 2, 2, 2 }, false),
            50 => ([3, 4, 6, 3], true),
            101 => ([3, 4, 23, 3], true),
            _ => throw new UsageException($"resnet{depth} is not one of resnet18, resnet50, resnet101"),
        };
        conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias: false);
        bn1 = new FrozenBatchNorm(64, epsilon, folds: learns);
        RegisterComponents();
        _layers = new Sequential[4];
        long channels = 64;
        for (int layer = 0; layer < 4; layer++)
        {
            long width = 64L << layer;
            BodyNorm norm = !learns ? BodyNorm.Frozen : layer == 0 ? BodyNorm.Folded : BodyNorm.Learnt;
            (string, nn.Module<Tensor, Tensor>)[] modules = new (string, nn.Module<Tensor, Tensor>)[blocks[layer]];
            for (int block = 0; block < modules.Length; block++)
            {
                int stride = layer > 0 && block == 0 ? 2 : 1;
                ResNetBlock made = new(channels, width, stride, bottleneck, epsilon, norm);
                channels = made.OutChannels;
                modules[block] = ($"{block}", made);
            }
            _layers[layer] = nn.Sequential(modules);
            register_module($"layer{layer + 1}", _layers[layer]);
            OutChannels[layer] = channels;
        }
        // The original leaves the stem and the first stage as ImageNet made them (Q16).
        foreach (Parameter parameter in conv1.parameters().Concat(_layers[0].parameters())) parameter.requires_grad = false;
    }

    /// <summary>Channels of the four stages.</summary>
    internal long[] OutChannels { get; } = new long[4];

    /// <summary>Features of pictures [N,3,H,W] at strides 4, 8, 16, 32.</summary>
    public override Tensor[] forward(Tensor input)
    {
        Tensor x = nn.functional.max_pool2d(bn1.Convolve(input, conv1, 2).relu(), [3], [2], [1]);
        Tensor[] features = new Tensor[4];
        for (int layer = 0; layer < 4; layer++) features[layer] = x = _layers[layer].call(x);
        return features;
    }
}

/// <summary>What follows the convolutions of a ResNet's stage.</summary>
internal enum BodyNorm
{
    /// <summary>Norms with everything fixed, computed after the convolution.</summary>
    Frozen,

    /// <summary>Norms with everything fixed, as part of the convolution.</summary>
    Folded,

    /// <summary>Norms that learn, with the batch's statistics.</summary>
    Learnt,
}

/// <summary>A basic block (two 3×3 convolutions) or a bottleneck (1×1, 3×3, 1×1 at four times the width).</summary>
internal sealed class ResNetBlock : nn.Module<Tensor, Tensor>, IJoined, INormed
{
    private readonly List<Func<Tensor, Tensor>> _path = [];
    private readonly List<NormedConvolution> _normed = [];
    private readonly Func<Tensor, Tensor>? _shortcut;
    private readonly double _epsilon;
    private readonly BodyNorm _norm;

    internal ResNetBlock(long inChannels, long width, int stride, bool bottleneck, double epsilon, BodyNorm norm) : base(nameof(ResNetBlock))
    {
        OutChannels = bottleneck ? 4 * width : width;
        (_epsilon, _norm) = (epsilon, norm);
        if (bottleneck)
        {
            AddStep(inChannels, width, 1, 1);
            AddStep(width, width, 3, stride);
            AddStep(width, OutChannels, 1, 1);
        }
        else
        {
            AddStep(inChannels, width, 3, stride);
            AddStep(width, width, 3, 1);
        }
        if (stride != 1 || inChannels != OutChannels) _shortcut = Add("downsample.0", "downsample.1", inChannels, OutChannels, 1, stride);
    }

    internal long OutChannels { get; }

    /// <inheritdoc/>
    public IEnumerable<NormedConvolution> Normed => _normed;

    /// <inheritdoc/>
    public bool NeedsOthers => _normed.Exists(each => !each.KeepsStatistics);

    /// <inheritdoc/>
    public ReplicaLink? Link
    {
        get => _normed.Count > 0 ? _normed[0].Link : null;
        set => _normed.ForEach(each => each.Link = value);
    }

    public override Tensor forward(Tensor input)
    {
        Tensor x = input;
        for (int i = 0; i < _path.Count; i++)
        {
            x = _path[i](x);
            if (i + 1 < _path.Count) x = x.relu();
        }
        return (x + (_shortcut?.Invoke(input) ?? input)).relu();
    }

    private void AddStep(long inputs, long outputs, int kernel, int stride)
    {
        int number = _path.Count + 1;
        _path.Add(Add($"conv{number}", $"bn{number}", inputs, outputs, kernel, stride));
    }

    /// <summary>Registers a convolution and its norm under their names; returns what they do.</summary>
    private Func<Tensor, Tensor> Add(string convolutionName, string normName, long inputs, long outputs, int kernel, int stride)
    {
        Conv2d convolution = nn.Conv2d(inputs, outputs, kernel, stride, kernel / 2, bias: false);
        this.Register(convolutionName, convolution);
        if (_norm == BodyNorm.Learnt)
        {
            BatchNorm2d learnt = nn.BatchNorm2d(outputs, eps: _epsilon, momentum: NormedConvolution.Momentum);
            this.Register(normName, learnt);
            NormedConvolution normed = new(convolution, learnt, stride, _epsilon);
            _normed.Add(normed);
            return input => normed.Call(input, training);
        }
        FrozenBatchNorm frozen = new(outputs, _epsilon, folds: _norm == BodyNorm.Folded);
        this.Register(normName, frozen);
        return input => frozen.Convolve(input, convolution, stride);
    }
}
