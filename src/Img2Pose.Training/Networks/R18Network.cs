using Img2Pose.Formats;
using Img2Pose.Models.Checkpoints;
using Img2Pose.Models.Networks;
using Img2Pose.Models.Onnx;
using static TorchSharp.torch;

namespace Img2Pose.Training.Networks;

/// <summary>
/// The accurate one-stage network (<c>img2pose-r18</c>): ResNet-18 below a pyramid of strides 8 to 64 and the cells of the default
/// model (<see cref="CellHeads"/>). It begins with ImageNet's weights where they are given (<see cref="ImageNetBackbone"/>); of these the
/// stem and the first stage learn nothing, as in the paper's training. The norms above learn, as the paper's do not: with frozen ones the last
/// stage's features grew to deviations of a thousand in 5,500 steps.
/// </summary>
internal sealed class R18Network : nn.Module<Tensor, Tensor>
{
    /// <summary>Epsilon of the ResNet's norms.</summary>
    internal const double NormEpsilon = 1e-5;

    // 12.5 million parameters, in 16 bits 25 MB. A stage of stride 64 stands on the ResNet's last one.
    private const int Depth = 18, Pyramid = 96, Top = 128;

    // Channels of the ResNet's stages at strides 8, 16 and 32, and of the stage above.
    private static readonly int[] s_channels = [128, 256, 512, Top];
    private static readonly int[][] s_heads = [[96], [96, 96], [96, 96], [96, 96]];

    private readonly ResNetBody _body;
    private readonly ConvolutionUnit down;
    private readonly ConvolutionUnit[] _laterals;
    private readonly CellHeads _heads;

    internal R18Network() : base(nameof(R18Network))
    {
        _body = new ResNetBody(Depth, NormEpsilon, learns: true);
        // Not with RegisterComponents, which would give the body its field's name as well.
        this.Register("backbone.body", _body);
        register_module(nameof(down), down = new ConvolutionUnit(s_channels[2], Top, 3, 2));
        _laterals = [.. s_channels.Select(channels => new ConvolutionUnit(channels, Pyramid, 1, activate: false))];
        for (int level = 0; level < _laterals.Length; level++) register_module($"lateral{level}", _laterals[level]);
        _heads = new CellHeads(this, Pyramid, s_heads);
    }

    /// <summary>How it becomes a graph.</summary>
    internal static OneStageGraph Graph => new(WritePyramid, s_heads, HalfWeights: true);

    /// <summary>The ResNet.</summary>
    internal ResNetBody Body => _body;

    /// <summary>Maps normalised pictures [N,3,H,W], H and W multiples of 64, float32 or bfloat16, to float32 codes [N, cells, 8], as <see cref="NanoNetwork"/>.</summary>
    public override Tensor forward(Tensor input)
    {
        Tensor[] stages = _body.call(input);
        return _heads.Call(NanoPyramid.Merge([stages[1], stages[2], stages[3], down.call(stages[3])], _laterals));
    }

    private static string[] WritePyramid(OnnxGraphBuilder graph, PyramidGraph parts, NamedArray[] state, string image)
    {
        StateDictionary weights = StateDictionary.FromTensors(
            state.Where(array => array.Name.StartsWith("backbone.", StringComparison.Ordinal)).Select(array => KeyValuePair.Create(array.Name, CheckpointTensor.FromSingle(array.Values, array.Shape))),
            "img2pose-r18");
        string[] stages = new ResNet(Depth).Write(graph, weights, NormEpsilon, image);
        return parts.Merge([stages[1], stages[2], stages[3], parts.Unit("down", stages[3], 2)]);
    }
}
