using static TorchSharp.torch;

namespace Img2Pose.Training.Networks;

/// <summary>Widths and depths of the nano networks' shared part. Index 0…3 stands for strides 8, 16, 32, 64.</summary>
internal record PyramidArchitecture
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
}

/// <summary>
/// What the nano networks share: a small residual backbone and a feature pyramid of strides 8 to 64. A network registers its
/// modules under their own names, so that it is no level of the weights' names.
/// </summary>
internal sealed class NanoPyramid : nn.Module<Tensor, Tensor[]>
{
    private readonly ConvolutionUnit stem1;
    private readonly ConvolutionUnit stem2;
    private readonly ConvolutionUnit[] _downs;
    private readonly ResidualBlock[][] _blocks;
    private readonly ConvolutionUnit[] _laterals;

    internal NanoPyramid(PyramidArchitecture architecture) : base(nameof(NanoPyramid))
    {
        stem1 = new ConvolutionUnit(3, architecture.Stem.Stride2, 3, 2);
        stem2 = new ConvolutionUnit(architecture.Stem.Stride2, architecture.Stem.Stride4, 3, 2);
        int levels = CellCode.Strides.Length;
        _downs = new ConvolutionUnit[levels];
        _blocks = new ResidualBlock[levels][];
        _laterals = new ConvolutionUnit[levels];
        RegisterComponents();
        int channels = architecture.Stem.Stride4;
        for (int level = 0; level < levels; level++)
        {
            _downs[level] = new ConvolutionUnit(channels, architecture.Channels[level], 3, 2);
            channels = architecture.Channels[level];
            _blocks[level] = new ResidualBlock[architecture.Blocks[level]];
            _laterals[level] = new ConvolutionUnit(channels, architecture.Pyramid, 1, activate: false);
            this.Register($"stage{level}.down", _downs[level]);
            for (int i = 0; i < _blocks[level].Length; i++)
            {
                _blocks[level][i] = new ResidualBlock(channels, architecture.Middle[level]);
                this.Register($"stage{level}.block{i}", _blocks[level][i]);
            }
            register_module($"lateral{level}", _laterals[level]);
        }
    }

    /// <summary>
    /// Maps normalised pictures [N,3,H,W], H and W multiples of 64, float32 or bfloat16, to the pyramid's levels after a ReLU,
    /// stride 8 first.
    /// </summary>
    public override Tensor[] forward(Tensor input)
    {
        Tensor x = stem2.call(stem1.call(input));
        Tensor[] levels = new Tensor[_downs.Length];
        for (int level = 0; level < levels.Length; level++)
        {
            x = _downs[level].call(x);
            foreach (ResidualBlock block in _blocks[level]) x = block.call(x);
            levels[level] = x;
        }
        return Merge(levels, _laterals);
    }

    /// <summary>The pyramid over a backbone's stages, each twice as fine as the next; gives its levels after a ReLU.</summary>
    internal static Tensor[] Merge(Tensor[] stages, ConvolutionUnit[] laterals)
    {
        Tensor[] levels = [.. stages];
        Tensor? above = null;
        for (int level = levels.Length - 1; level >= 0; level--)
        {
            Tensor merged = laterals[level].call(levels[level]);
            if (above is not null)
            {
                long[] shape = merged.shape;
                merged = merged + nn.functional.upsample_nearest2d(above, [shape[2], shape[3]]);
            }
            above = merged;
            levels[level] = merged.relu();
        }
        return levels;
    }
}
