using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Img2Pose.Training.Networks;

/// <summary>Widths and depths of <see cref="NanoNetwork"/>.</summary>
internal sealed record NanoArchitecture : PyramidArchitecture
{
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
    private readonly NanoPyramid _pyramid;
    private readonly ConvolutionUnit[][] _heads;
    private readonly Conv2d[] _outputs;

    internal NanoNetwork(NanoArchitecture? architecture = null) : base(nameof(NanoNetwork))
    {
        Architecture = architecture ?? new NanoArchitecture();
        _pyramid = new NanoPyramid(Architecture);
        foreach ((string name, nn.Module module) in _pyramid.named_children()) register_module(name, module);
        int levels = CellCode.Strides.Length;
        _heads = new ConvolutionUnit[levels][];
        _outputs = new Conv2d[levels];
        for (int level = 0; level < levels; level++)
        {
            int[] widths = Architecture.Heads[level];
            _heads[level] = new ConvolutionUnit[widths.Length];
            int width = Architecture.Pyramid;
            for (int i = 0; i < widths.Length; i++)
            {
                _heads[level][i] = new ConvolutionUnit(width, widths[i], 3);
                width = widths[i];
                this.Register($"head{level}.conv{i}", _heads[level][i]);
            }
            _outputs[level] = nn.Conv2d(width, CellCode.Values, 1);
            using (no_grad())
            using (TorchSharp.DisposeScope scope = NewDisposeScope())
            {
                _outputs[level].weight.normal_(0, 0.01);
                // A face is rare: start every cell at a probability of one in a hundred, as focal loss wants (RetinaNet, section 4.1).
                _outputs[level].bias!.fill_(0);
                _outputs[level].bias!.narrow(0, 0, 1).fill_(-Math.Log(99));
                // And upright.
                _outputs[level].bias!.narrow(0, CellCode.Values - CellCode.RotationValues, 1).fill_(CellCode.DirectionScale);
            }
            this.Register($"head{level}.output", _outputs[level]);
        }
    }

    internal NanoArchitecture Architecture { get; }

    /// <summary>
    /// Maps normalised pictures [N,3,H,W], H and W multiples of 64, float32 or bfloat16, to float32 codes [N, cells, 8]:
    /// the levels one after another, each in row order.
    /// </summary>
    public override Tensor forward(Tensor input)
    {
        long batch = input.shape[0];
        Tensor[] codes = _pyramid.call(input);
        for (int level = 0; level < codes.Length; level++)
        {
            Tensor head = codes[level];
            foreach (ConvolutionUnit unit in _heads[level]) head = unit.call(head);
            // The last layer runs in float32: scores and millimetres need more than eight bits of mantissa.
            codes[level] = _outputs[level].call(head.to(float32)).permute(0, 2, 3, 1).reshape(batch, -1, CellCode.Values);
        }
        return cat(codes, 1);
    }
}
