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
    private readonly CellHeads _heads;

    internal NanoNetwork(NanoArchitecture? architecture = null) : base(nameof(NanoNetwork))
    {
        Architecture = architecture ?? new NanoArchitecture();
        _pyramid = new NanoPyramid(Architecture);
        foreach ((string name, nn.Module module) in _pyramid.named_children()) register_module(name, module);
        _heads = new CellHeads(this, Architecture.Pyramid, Architecture.Heads);
    }

    internal NanoArchitecture Architecture { get; }

    /// <summary>How it becomes a graph.</summary>
    internal OneStageGraph Graph => new((_, parts, _, image) => parts.Write(Architecture, image), Architecture.Heads);

    /// <summary>
    /// Maps normalised pictures [N,3,H,W], H and W multiples of 64, float32 or bfloat16, to float32 codes [N, cells, 8]:
    /// the levels one after another, each in row order.
    /// </summary>
    public override Tensor forward(Tensor input) => _heads.Call(_pyramid.call(input));
}
