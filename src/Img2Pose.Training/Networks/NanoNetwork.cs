using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Img2Pose.Training.Networks;

/// <summary>Widths and depths of <see cref="NanoNetwork"/>. Index 0…3 stands for strides 8, 16, 32, 64.</summary>
internal sealed record NanoArchitecture
{
    /// <summary>Channels at strides 2 and 4.</summary>
    public (int Stride2, int Stride4) Stem { get; init; } = (16, 24);

    /// <summary>Channels of the backbone's stages.</summary>
    public int[] Channels { get; init; } = [48, 80, 128, 128];

    /// <summary>Channels between the two convolutions of a stage's residual blocks.</summary>
    public int[] Middle { get; init; } = [32, 64, 96, 96];

    /// <summary>Residual blocks of the stages.</summary>
    public int[] Blocks { get; init; } = [1, 2, 2, 1];

    /// <summary>Channels of the feature pyramid.</summary>
    public int Pyramid { get; init; } = 48;

    /// <summary>Channels of each level's head, one number per 3×3 convolution.</summary>
    public int[][] Heads { get; init; } = [[48], [64, 64], [64, 64], [64, 64]];
}

/// <summary>
/// The default model's network: a small residual backbone, a feature pyramid of strides 8 to 64, and on every cell of
/// every level one face hypothesis: a score and the six degrees of freedom (see <see cref="CellCode"/>). One stage: the
/// poses are regressed densely and boxes follow from poses, so there is no box regression and no region pooling.
/// </summary>
internal sealed class NanoNetwork : nn.Module<Tensor, Tensor>
{
    private readonly ConvolutionUnit stem1;
    private readonly ConvolutionUnit stem2;
    private readonly ConvolutionUnit[] _downs;
    private readonly ResidualBlock[][] _blocks;
    private readonly ConvolutionUnit[] _laterals;
    private readonly ConvolutionUnit[][] _heads;
    private readonly Conv2d[] _outputs;

    internal NanoNetwork(NanoArchitecture? architecture = null) : base(nameof(NanoNetwork))
    {
        Architecture = architecture ?? new NanoArchitecture();
        NanoArchitecture a = Architecture;
        stem1 = new ConvolutionUnit(3, a.Stem.Stride2, 3, 2);
        stem2 = new ConvolutionUnit(a.Stem.Stride2, a.Stem.Stride4, 3, 2);
        int levels = CellCode.Strides.Length;
        _downs = new ConvolutionUnit[levels];
        _blocks = new ResidualBlock[levels][];
        _laterals = new ConvolutionUnit[levels];
        _heads = new ConvolutionUnit[levels][];
        _outputs = new Conv2d[levels];
        RegisterComponents();
        int channels = a.Stem.Stride4;
        for (int level = 0; level < levels; level++)
        {
            _downs[level] = new ConvolutionUnit(channels, a.Channels[level], 3, 2);
            channels = a.Channels[level];
            _blocks[level] = new ResidualBlock[a.Blocks[level]];
            _laterals[level] = new ConvolutionUnit(channels, a.Pyramid, 1, activate: false);
            register_module($"stage{level}.down", _downs[level]);
            for (int i = 0; i < a.Blocks[level]; i++)
            {
                _blocks[level][i] = new ResidualBlock(channels, a.Middle[level]);
                register_module($"stage{level}.block{i}", _blocks[level][i]);
            }
            register_module($"lateral{level}", _laterals[level]);
            _heads[level] = new ConvolutionUnit[a.Heads[level].Length];
            int width = a.Pyramid;
            for (int i = 0; i < a.Heads[level].Length; i++)
            {
                _heads[level][i] = new ConvolutionUnit(width, a.Heads[level][i], 3);
                width = a.Heads[level][i];
                register_module($"head{level}.conv{i}", _heads[level][i]);
            }
            _outputs[level] = nn.Conv2d(width, CellCode.Values, 1);
            using (no_grad())
            using (TorchSharp.DisposeScope scope = NewDisposeScope())
            {
                _outputs[level].weight.normal_(0, 0.01);
                // A face is rare: start every cell at a probability of one in a hundred, as focal loss wants (RetinaNet, section 4.1).
                _outputs[level].bias!.fill_(0);
                _outputs[level].bias!.narrow(0, 0, 1).fill_(-Math.Log(99));
            }
            register_module($"head{level}.output", _outputs[level]);
        }
    }

    internal NanoArchitecture Architecture { get; }

    internal ConvolutionUnit Stem1 => stem1;

    internal ConvolutionUnit Stem2 => stem2;

    internal IReadOnlyList<ConvolutionUnit> Downs => _downs;

    internal IReadOnlyList<ResidualBlock[]> Blocks => _blocks;

    internal IReadOnlyList<ConvolutionUnit> Laterals => _laterals;

    internal IReadOnlyList<ConvolutionUnit[]> Heads => _heads;

    internal IReadOnlyList<Conv2d> Outputs => _outputs;

    /// <summary>
    /// Maps normalised pictures [N,3,H,W], H and W multiples of 64, float32 or bfloat16, to float32 codes [N, cells, 7]:
    /// the levels one after another, each in row order.
    /// </summary>
    public override Tensor forward(Tensor input)
    {
        long batch = input.shape[0];
        Tensor x = stem2.call(stem1.call(input));
        int levels = _downs.Length;
        Tensor[] features = new Tensor[levels];
        for (int level = 0; level < levels; level++)
        {
            x = _downs[level].call(x);
            foreach (ResidualBlock block in _blocks[level]) x = block.call(x);
            features[level] = x;
        }

        Tensor[] codes = new Tensor[levels];
        Tensor? above = null;
        for (int level = levels - 1; level >= 0; level--)
        {
            Tensor merged = _laterals[level].call(features[level]);
            if (above is not null)
            {
                long[] shape = merged.shape;
                merged = merged + nn.functional.upsample_nearest2d(above, [shape[2], shape[3]]);
            }
            above = merged;
            Tensor head = merged.relu();
            foreach (ConvolutionUnit unit in _heads[level]) head = unit.call(head);
            Conv2d output = _outputs[level];
            // The last layer runs in float32: scores and millimetres need more than eight bits of mantissa.
            codes[level] = output.call(head.to(float32)).permute(0, 2, 3, 1).reshape(batch, -1, CellCode.Values);
        }
        return cat(codes, 1);
    }
}
