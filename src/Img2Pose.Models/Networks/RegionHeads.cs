using Img2Pose.Models.Checkpoints;
using Img2Pose.Models.Onnx;

namespace Img2Pose.Models.Networks;

/// <summary>
/// The second stage: every proposal is pooled once from its pyramid level, classified, and only where the face score
/// passes the threshold does the pose head run. The original pools twice and regresses every proposal, to the same numbers.
/// </summary>
internal sealed class RegionHeads(OnnxGraphBuilder graph, StateDictionary weights, DetectorLayout layout, DetectorSettings settings)
{
    // nn.BatchNorm1d's default; this normalisation is not a frozen one.
    private const double PoseNormEpsilon = 1e-5;

    private const string PoseHead = "roi_heads.box_predictor.dof_pred.";

    /// <summary>Names and shapes of all tensors.</summary>
    public static IEnumerable<(string Name, long[] Shape)> Parameters(int pooledFeatures, int width, int poseWidth)
    {
        foreach ((string, long[]) tensor in TwoLayers("box_head")) yield return tensor;
        yield return (PoseHead + "0.weight", [poseWidth, width]);
        yield return (PoseHead + "0.bias", [poseWidth]);
        foreach (string part in (string[])["weight", "bias", "running_mean", "running_var"]) yield return ($"{PoseHead}1.{part}", [poseWidth]);
        yield return (PoseHead + "1.num_batches_tracked", []);
        yield return (PoseHead + "3.weight", [12, poseWidth]);
        yield return (PoseHead + "3.bias", [12]);
        foreach ((string, long[]) tensor in TwoLayers("class_head")) yield return tensor;
        yield return ("roi_heads.class_predictor.cls_score.weight", [2, width]);
        yield return ("roi_heads.class_predictor.cls_score.bias", [2]);

        IEnumerable<(string, long[])> TwoLayers(string head) =>
        [
            ($"roi_heads.{head}.fc6.weight", [width, pooledFeatures]),
            ($"roi_heads.{head}.fc6.bias", [width]),
            ($"roi_heads.{head}.fc7.weight", [width, width]),
            ($"roi_heads.{head}.fc7.bias", [width]),
        ];
    }

    /// <summary>Writes the heads and returns scores [M], pose_index [P] and poses [P, 6].</summary>
    public (string Scores, string PoseIndex, string Poses) Write(string[] levels, string proposals, string imageIndex, string threshold)
    {
        // Pooled rows stand level after level; only the small results are put back into the proposals' order.
        (string pooled, string order) = Pool(levels, proposals, imageIndex);
        string count = graph.Node("Shape", [order]);
        string ascending = graph.Node("Range", [graph.Scalar(0L), graph.Node("Squeeze", [count]), graph.Scalar(1L)]);
        string rowOf = graph.NamedNode("roi_heads.row_of", "ScatterElements", [order, order, ascending]);

        string hidden = TwoLayers(pooled, "class_head");
        string logits = graph.Node("Gather", [Linear(hidden, "roi_heads.class_predictor.cls_score"), rowOf]);
        string probabilities = graph.Node("Softmax", [logits], OnnxAttribute.Of("axis", 1L));
        string scores = graph.Node("Gather", [probabilities, graph.Scalar(1L)], OnnxAttribute.Of("axis", 1L));

        string poseIndex = graph.Node("Reshape", [graph.Node("NonZero", [graph.Node("Greater", [scores, threshold])]), graph.Vector(-1)]);
        string chosen = graph.Node("Gather", [pooled, graph.Node("Gather", [rowOf, poseIndex])]);
        string poses = Poses(TwoLayers(chosen, "box_head"), faceOnly: true);

        if (settings.Taps)
        {
            graph.NamedNode("class_logits_all", "Identity", [logits]);
            string all = Poses(TwoLayers(pooled, "box_head"), faceOnly: false);
            graph.NamedNode("dof_regression_all", "Gather", [all, rowOf]);
        }
        return (scores, poseIndex, poses);
    }

    // A region's level follows its size (Feature Pyramid Networks, equation 1), in float32 as the original computes it.
    private (string Pooled, string Order) Pool(string[] levels, string proposals, string imageIndex)
    {
        string[] side = graph.Node("Split", [proposals, graph.Vector(1, 1, 1, 1)], 4, OnnxAttribute.Of("axis", 1L));
        string area = graph.Node("Mul", [graph.Node("Sub", [side[2], side[0]]), graph.Node("Sub", [side[3], side[1]])]);
        string ratio = graph.Node("Div", [graph.Node("Sqrt", [area]), graph.Initializer("roi_heads.canonical_size", [(float)layout.CanonicalSize])]);
        float[] thresholds = layout.LevelThresholds();
        string passed = graph.Node("GreaterOrEqual", [ratio, graph.Initializer("roi_heads.level_thresholds", thresholds, 1, thresholds.Length)]);
        string level = graph.Node("ReduceSum", [graph.Node("Cast", [passed], OnnxAttribute.Of("to", (long)OnnxElementType.Int64)), graph.Vector(1)],
            OnnxAttribute.Of("keepdims", 0L));

        List<string> pooled = [];
        List<string> order = [];
        for (int i = 0; i < levels.Length; i++)
        {
            string rows = graph.Node("Reshape", [graph.Node("NonZero", [graph.Node("Equal", [level, graph.Scalar((long)i)])]), graph.Vector(-1)]);
            order.Add(rows);
            pooled.Add(graph.Node(
                "RoiAlign", [levels[i], graph.Node("Gather", [proposals, rows]), graph.Node("Gather", [imageIndex, rows])],
                OnnxAttribute.Of("output_height", (long)layout.PooledSize), OnnxAttribute.Of("output_width", (long)layout.PooledSize),
                OnnxAttribute.Of("sampling_ratio", (long)layout.PoolSamples), OnnxAttribute.Of("spatial_scale", 1f / layout.Strides[i]),
                OnnxAttribute.Of("coordinate_transformation_mode", "output_half_pixel")));
        }
        string together = graph.Node("Concat", [.. pooled], OnnxAttribute.Of("axis", 0L));
        return (graph.NamedNode("roi_heads.pooled", "Flatten", [together]), graph.Node("Concat", [.. order], OnnxAttribute.Of("axis", 0L)));
    }

    private string TwoLayers(string x, string head)
    {
        x = graph.Node("Relu", [Linear(x, $"roi_heads.{head}.fc6")]);
        return graph.Node("Relu", [Linear(x, $"roi_heads.{head}.fc7")]);
    }

    private string Linear(string x, string name)
    {
        // The pose head's weights serve twice in a graph with taps.
        float[] bias = weights.Values(name + ".bias");
        return Gemm(x, Once(name + ".weight", () => weights.Values(name + ".weight"), [.. weights.Shape(name + ".weight")]), Once(name + ".bias", () => bias, bias.Length));
    }

    // Linear, normalisation, ReLU, linear. The normalisation is folded into the first layer; without taps the face's six
    // outputs alone remain of twelve, and the pose statistics are folded into them.
    private string Poses(string x, bool faceOnly)
    {
        float[] weight = weights.Values(PoseHead + "0.weight");
        float[] bias = weights.Values(PoseHead + "0.bias");
        float[] gamma = weights.Values(PoseHead + "1.weight");
        float[] beta = weights.Values(PoseHead + "1.bias");
        float[] mean = weights.Values(PoseHead + "1.running_mean");
        float[] variance = weights.Values(PoseHead + "1.running_var");
        int width = weight.Length / bias.Length;
        for (int o = 0; o < bias.Length; o++)
        {
            double scale = gamma[o] / Math.Sqrt(variance[o] + PoseNormEpsilon);
            bias[o] = (float)((bias[o] - mean[o]) * scale + beta[o]);
            foreach (ref float value in weight.AsSpan(o * width, width)) value = (float)(value * scale);
        }
        x = graph.Node("Relu", [Gemm(x, Once(PoseHead + "0.weight", () => weight, bias.Length, width), Once(PoseHead + "0.bias", () => bias, bias.Length))]);

        float[] lastWeight = weights.Values(PoseHead + "3.weight");
        float[] lastBias = weights.Values(PoseHead + "3.bias");
        int lastWidth = lastWeight.Length / 12;
        if (!faceOnly)
            return Gemm(x, graph.Initializer(PoseHead + "3.all.weight", lastWeight, 12, lastWidth), graph.Initializer(PoseHead + "3.all.bias", lastBias, 12));
        lastWeight = lastWeight[(6 * lastWidth)..];
        lastBias = lastBias[6..];
        for (int o = 0; o < 6; o++)
        {
            double deviation = settings.PoseStandardDeviation[o];
            lastBias[o] = (float)(lastBias[o] * deviation + settings.PoseMean[o]);
            foreach (ref float value in lastWeight.AsSpan(o * lastWidth, lastWidth)) value = (float)(value * deviation);
        }
        return Gemm(x, graph.Initializer(PoseHead + "3.weight", lastWeight, 6, lastWidth), graph.Initializer(PoseHead + "3.bias", lastBias, 6));
    }

    private readonly HashSet<string> _written = new(StringComparer.Ordinal);

    private string Once(string name, Func<float[]> values, params long[] shape) =>
        _written.Add(name) ? graph.Initializer(name, values(), shape) : name;

    private string Gemm(string x, string weight, string bias) => graph.Node("Gemm", [x, weight, bias], OnnxAttribute.Of("transB", 1L));
}
