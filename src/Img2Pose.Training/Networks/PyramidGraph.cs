using Img2Pose.Formats;
using Img2Pose.Models.Onnx;

namespace Img2Pose.Training.Networks;

/// <summary>Writes <see cref="NanoPyramid"/> and single convolution units into an ONNX graph, batch norm folded into the convolutions.</summary>
/// <param name="graph">The graph.</param>
/// <param name="state">Weights, named as in the network's state dictionary.</param>
internal sealed class PyramidGraph(OnnxGraphBuilder graph, IEnumerable<NamedArray> state)
{
    private readonly Dictionary<string, NamedArray> _state = state.ToDictionary(array => array.Name);

    /// <summary>Writes backbone and pyramid over pictures whose sides are multiples of 64; returns the levels, stride 8 first.</summary>
    internal string[] Write(PyramidArchitecture architecture, string image)
    {
        string x = Unit("stem2", Unit("stem1", image, 2), 2);
        string[] levels = new string[CellCode.Strides.Length];
        for (int level = 0; level < levels.Length; level++)
        {
            x = Unit($"stage{level}.down", x, 2);
            for (int i = 0; i < architecture.Blocks[level]; i++)
            {
                string inner = Unit($"stage{level}.block{i}.conv2", Unit($"stage{level}.block{i}.conv1", x), activate: false);
                x = graph.Node("Relu", [graph.Node("Add", [x, inner])]);
            }
            levels[level] = x;
        }
        return Merge(levels);
    }

    /// <summary>The pyramid over a backbone's stages, each twice as fine as the next; returns its levels after a ReLU.</summary>
    internal string[] Merge(string[] stages)
    {
        string[] levels = [.. stages];
        string? above = null;
        for (int level = levels.Length - 1; level >= 0; level--)
        {
            string merged = Unit($"lateral{level}", levels[level], kernel: 1, activate: false);
            if (above is not null)
            {
                // Sides are multiples of 64, so every level is exactly twice the one above.
                string larger = graph.Node("Resize", [above, "", graph.Initializer(null, [1f, 1f, 2f, 2f], 4)],
                    OnnxAttribute.Of("mode", "nearest"), OnnxAttribute.Of("nearest_mode", "floor"), OnnxAttribute.Of("coordinate_transformation_mode", "asymmetric"));
                merged = graph.Node("Add", [merged, larger]);
            }
            above = merged;
            levels[level] = graph.Node("Relu", [merged]);
        }
        return levels;
    }

    /// <summary>A convolution unit with its batch norm folded in.</summary>
    internal string Unit(string name, string input, int stride = 1, int kernel = 3, bool activate = true)
    {
        NamedArray weight = _state[name + ".conv.weight"];
        float[] gamma = _state[name + ".bn.weight"].Values, beta = _state[name + ".bn.bias"].Values;
        float[] mean = _state[name + ".bn.running_mean"].Values, variance = _state[name + ".bn.running_var"].Values;
        float[] folded = new float[weight.Values.Length];
        float[] bias = new float[gamma.Length];
        int each = folded.Length / bias.Length;
        for (int channel = 0; channel < bias.Length; channel++)
        {
            double factor = gamma[channel] / Math.Sqrt(variance[channel] + ConvolutionUnit.NormEpsilon);
            for (int i = channel * each; i < (channel + 1) * each; i++) folded[i] = (float)(weight.Values[i] * factor);
            bias[channel] = (float)(beta[channel] - mean[channel] * factor);
        }
        long pad = kernel / 2;
        string output = graph.Node("Conv", [input, graph.Initializer(name + ".weight", folded, weight.Shape), graph.Initializer(name + ".bias", bias, bias.Length)],
            OnnxAttribute.Of("kernel_shape", (long)kernel, kernel), OnnxAttribute.Of("strides", (long)stride, stride), OnnxAttribute.Of("pads", pad, pad, pad, pad));
        return activate ? graph.Node("Relu", [output]) : output;
    }

    /// <summary>A weight as it is.</summary>
    internal string Weight(string name) => graph.Initializer(name, _state[name].Values, _state[name].Shape);
}
