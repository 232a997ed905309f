using Img2Pose.Models.Checkpoints;
using Img2Pose.Models.Onnx;

namespace Img2Pose.Models.Networks;

/// <summary>
/// The residual networks of depth 18, 50 and 101 (He et al., CVPR 2016; the stride of a bottleneck on its 3×3
/// convolution, as torchvision has it), their normalisation folded into the convolutions.
/// </summary>
internal sealed class ResNet
{
    private const string Body = "backbone.body.";

    private readonly int _depth;
    private readonly int[] _blocks;
    private readonly bool _bottleneck;

    public ResNet(int depth)
    {
        (_blocks, _bottleneck) = depth switch
        {
            18 => ((int[])[2, 2, 2, 2], false),
            50 => ([3, 4, 6, 3], true),
            101 => ([3, 4, 23, 3], true),
            _ => throw new UsageException($"There is no network of depth {depth}; choose 18, 50 or 101."),
        };
        _depth = depth;
    }

    /// <summary>Channels of the four stages' outputs.</summary>
    public int[] Channels => _bottleneck ? [256, 512, 1024, 2048] : [64, 128, 256, 512];

    /// <summary>Names and shapes of all tensors.</summary>
    public IEnumerable<(string Name, long[] Shape)> Parameters()
    {
        foreach ((string, long[]) tensor in ConvolutionAndNorm("conv1", "bn1", 64, 3, 7)) yield return tensor;
        int channels = 64;
        for (int stage = 0; stage < 4; stage++)
        {
            int width = 64 << stage;
            int output = Channels[stage];
            for (int block = 0; block < _blocks[stage]; block++)
            {
                string name = $"layer{stage + 1}.{block}.";
                IEnumerable<(string, long[])> inner = _bottleneck
                    ? [
                        .. ConvolutionAndNorm(name + "conv1", name + "bn1", width, channels, 1),
                        .. ConvolutionAndNorm(name + "conv2", name + "bn2", width, width, 3),
                        .. ConvolutionAndNorm(name + "conv3", name + "bn3", output, width, 1),
                    ]
                    : [
                        .. ConvolutionAndNorm(name + "conv1", name + "bn1", width, channels, 3),
                        .. ConvolutionAndNorm(name + "conv2", name + "bn2", width, width, 3),
                    ];
                foreach ((string, long[]) tensor in inner) yield return tensor;
                if (block == 0 && (stage > 0 || _bottleneck))
                {
                    foreach ((string, long[]) tensor in ConvolutionAndNorm(name + "downsample.0", name + "downsample.1", output, channels, 1))
                        yield return tensor;
                }
                channels = output;
            }
        }
    }

    /// <summary>Writes the network; returns the outputs of its four stages (strides 4, 8, 16, 32).</summary>
    public string[] Write(OnnxGraphBuilder graph, StateDictionary weights, double epsilon, string image)
    {
        string Convolution(string x, string convolution, string norm, int kernel, int stride) =>
            FoldedConvolution(graph, weights, epsilon, x, Body + convolution, Body + norm, kernel, stride);

        string x = graph.Node("Relu", [Convolution(image, "conv1", "bn1", 7, 2)]);
        x = graph.Node("MaxPool", [x], OnnxAttribute.Of("kernel_shape", 3, 3), OnnxAttribute.Of("strides", 2, 2), OnnxAttribute.Of("pads", 1, 1, 1, 1));
        string[] stages = new string[4];
        for (int stage = 0; stage < 4; stage++)
        {
            for (int block = 0; block < _blocks[stage]; block++)
            {
                string name = $"layer{stage + 1}.{block}.";
                int stride = block == 0 && stage > 0 ? 2 : 1;
                string shortcut = block == 0 && (stage > 0 || _bottleneck)
                    ? Convolution(x, name + "downsample.0", name + "downsample.1", 1, stride)
                    : x;
                string y;
                if (_bottleneck)
                {
                    y = graph.Node("Relu", [Convolution(x, name + "conv1", name + "bn1", 1, 1)]);
                    y = graph.Node("Relu", [Convolution(y, name + "conv2", name + "bn2", 3, stride)]);
                    y = Convolution(y, name + "conv3", name + "bn3", 1, 1);
                }
                else
                {
                    y = graph.Node("Relu", [Convolution(x, name + "conv1", name + "bn1", 3, stride)]);
                    y = Convolution(y, name + "conv2", name + "bn2", 3, 1);
                }
                x = graph.Node("Relu", [graph.Node("Add", [y, shortcut])]);
            }
            stages[stage] = x;
        }
        return stages;
    }

    /// <summary>For people: "ResNet-18".</summary>
    public override string ToString() => $"ResNet-{_depth}";

    // y = γ (W∗x − μ) / √(σ² + ε) + β  =  (W γ/√(σ² + ε)) ∗ x + (β − μ γ/√(σ² + ε)), computed in double and rounded once.
    private static string FoldedConvolution(
        OnnxGraphBuilder graph, StateDictionary weights, double epsilon, string x, string convolution, string norm, int kernel, int stride)
    {
        float[] weight = weights.Values(convolution + ".weight");
        float[] gamma = weights.Values(norm + ".weight");
        float[] beta = weights.Values(norm + ".bias");
        float[] mean = weights.Values(norm + ".running_mean");
        float[] variance = weights.Values(norm + ".running_var");
        int perOutput = weight.Length / gamma.Length;
        float[] bias = new float[gamma.Length];
        for (int o = 0; o < gamma.Length; o++)
        {
            double scale = gamma[o] / Math.Sqrt(variance[o] + epsilon);
            if (!double.IsFinite(scale))
                throw new ModelException($"{weights.Source}: '{norm}.running_var' has a variance of {variance[o]}, which cannot be normalised by.");
            bias[o] = (float)(beta[o] - mean[o] * scale);
            foreach (ref float value in weight.AsSpan(o * perOutput, perOutput)) value = (float)(value * scale);
        }
        long[] shape = [.. weights.Shape(convolution + ".weight")];
        int pad = kernel / 2;
        return graph.Node(
            "Conv", [x, graph.Initializer(convolution + ".weight", weight, shape), graph.Initializer(convolution + ".bias", bias, bias.Length)],
            OnnxAttribute.Of("kernel_shape", kernel, kernel), OnnxAttribute.Of("strides", stride, stride), OnnxAttribute.Of("pads", pad, pad, pad, pad));
    }

    private static IEnumerable<(string, long[])> ConvolutionAndNorm(string convolution, string norm, int output, int input, int kernel)
    {
        yield return (Body + convolution + ".weight", [output, input, kernel, kernel]);
        foreach (string part in (string[])["weight", "bias", "running_mean", "running_var"])
            yield return ($"{Body}{norm}.{part}", [output]);
    }
}
