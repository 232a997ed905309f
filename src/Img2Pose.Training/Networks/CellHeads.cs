using Img2Pose.Formats;
using Img2Pose.Models.Onnx;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Img2Pose.Training.Networks;

/// <summary>
/// What a one-stage network says on the levels of its pyramid: on every cell of every level one face hypothesis, a score and the
/// six degrees of freedom (<see cref="CellCode"/>). The modules are its owner's, registered there as <c>head0.conv0</c>,
/// <c>head0.output</c> and so on.
/// </summary>
internal sealed class CellHeads
{
    private readonly ConvolutionUnit[][] _units;
    private readonly Conv2d[] _outputs;

    /// <summary>Creates the heads below <paramref name="owner"/>.</summary>
    /// <param name="owner">The network.</param>
    /// <param name="pyramid">Channels of its pyramid.</param>
    /// <param name="widths">For each level the channels of its 3×3 convolutions.</param>
    internal CellHeads(nn.Module owner, int pyramid, int[][] widths)
    {
        _units = new ConvolutionUnit[widths.Length][];
        _outputs = new Conv2d[widths.Length];
        for (int level = 0; level < widths.Length; level++)
        {
            _units[level] = new ConvolutionUnit[widths[level].Length];
            int width = pyramid;
            for (int i = 0; i < widths[level].Length; i++)
            {
                _units[level][i] = new ConvolutionUnit(width, widths[level][i], 3);
                width = widths[level][i];
                owner.Register($"head{level}.conv{i}", _units[level][i]);
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
            owner.Register($"head{level}.output", _outputs[level]);
        }
    }

    /// <summary>Float32 codes [N, cells, 8] of the levels: one after another, each in row order.</summary>
    internal Tensor Call(Tensor[] levels)
    {
        Tensor[] codes = new Tensor[levels.Length];
        for (int level = 0; level < codes.Length; level++)
        {
            Tensor head = levels[level];
            long batch = head.shape[0];
            foreach (ConvolutionUnit unit in _units[level]) head = unit.call(head);
            // The last layer runs in float32: scores and millimetres need more than eight bits of mantissa.
            codes[level] = _outputs[level].call(head.to(float32)).permute(0, 2, 3, 1).reshape(batch, -1, CellCode.Values);
        }
        return cat(codes, 1);
    }
}

/// <summary>How a one-stage network becomes a graph.</summary>
/// <param name="Pyramid">Writes backbone and pyramid over the graph's pictures; gives the levels, stride 8 first.</param>
/// <param name="Heads">For each level the channels of its head's 3×3 convolutions.</param>
/// <param name="HalfWeights">Whether the weights of all convolutions but the last are stored in 16 bits.</param>
internal sealed record OneStageGraph(Func<OnnxGraphBuilder, PyramidGraph, NamedArray[], string, string[]> Pyramid, int[][] Heads, bool HalfWeights = false);
