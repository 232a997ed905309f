using Img2Pose.Models.Checkpoints;
using Img2Pose.Models.Onnx;

namespace Img2Pose.Models.Networks;

/// <summary>Feature Pyramid Networks (Lin et al., CVPR 2017): 1×1 lateral convolutions, top-down sums, 3×3 output convolutions.</summary>
internal static class FeaturePyramid
{
    /// <summary>Names and shapes of all tensors.</summary>
    public static IEnumerable<(string Name, long[] Shape)> Parameters(int[] inputChannels, int width)
    {
        for (int i = 0; i < inputChannels.Length; i++)
        {
            yield return ($"backbone.fpn.inner_blocks.{i}.weight", [width, inputChannels[i], 1, 1]);
            yield return ($"backbone.fpn.inner_blocks.{i}.bias", [width]);
        }
        for (int i = 0; i < inputChannels.Length; i++)
        {
            yield return ($"backbone.fpn.layer_blocks.{i}.weight", [width, width, 3, 3]);
            yield return ($"backbone.fpn.layer_blocks.{i}.bias", [width]);
        }
    }

    /// <summary>
    /// Writes the pyramid over the given stages, finest first. Each stage is exactly twice as large as the next, because
    /// pictures are padded to a multiple of the coarsest stride: nearest-neighbour enlargement is a factor of 2.
    /// </summary>
    public static string[] Write(OnnxGraphBuilder graph, StateDictionary weights, string[] stages)
    {
        string[] levels = new string[stages.Length];
        string scales = graph.Initializer("backbone.fpn.enlargement", [1f, 1f, 2f, 2f], 4);
        string? above = null;
        for (int i = stages.Length - 1; i >= 0; i--)
        {
            string lateral = Convolution(graph, weights, stages[i], $"backbone.fpn.inner_blocks.{i}", 1);
            if (above is not null)
            {
                string enlarged = graph.Node(
                    "Resize", [above, "", scales],
                    OnnxAttribute.Of("mode", "nearest"), OnnxAttribute.Of("coordinate_transformation_mode", "asymmetric"), OnnxAttribute.Of("nearest_mode", "floor"));
                lateral = graph.Node("Add", [lateral, enlarged]);
            }
            above = lateral;
            levels[i] = Convolution(graph, weights, lateral, $"backbone.fpn.layer_blocks.{i}", 3);
        }
        return levels;
    }

    /// <summary>A convolution with bias, stride 1 and the padding that keeps the size.</summary>
    public static string Convolution(OnnxGraphBuilder graph, StateDictionary weights, string x, string name, int kernel)
    {
        float[] bias = weights.Values(name + ".bias");
        int pad = kernel / 2;
        return graph.Node(
            "Conv",
            [x, graph.Initializer(name + ".weight", weights.Values(name + ".weight"), [.. weights.Shape(name + ".weight")]), graph.Initializer(name + ".bias", bias, bias.Length)],
            OnnxAttribute.Of("kernel_shape", kernel, kernel), OnnxAttribute.Of("pads", pad, pad, pad, pad));
    }
}
