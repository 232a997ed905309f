using Img2Pose.Models.Checkpoints;
using Img2Pose.Models.Onnx;

namespace Img2Pose.Models.Networks;

/// <summary>
/// Writes a detector of the img2pose family as one ONNX graph with the contract that every model of this project has:
/// inputs <c>image</c> [N,3,H,W], <c>sizes</c> int64 [N,2] (h, w before padding), <c>boxes</c> [K,5] (picture, l, t, r, b;
/// empty by default) and <c>score_threshold</c> []; outputs <c>proposals</c> [M,4], <c>image_index</c> int64 [M],
/// <c>scores</c> [M], <c>pose_index</c> int64 [P] and <c>poses</c> [P,6].
/// </summary>
public static class DetectorGraph
{
    /// <summary>Default of the input <c>score_threshold</c>: the original's score threshold.</summary>
    public const float DefaultScoreThreshold = 0.05f;

    /// <summary>Names and shapes of the tensors of the official network of a depth (18, 50 or 101).</summary>
    /// <exception cref="UsageException">There is no such depth.</exception>
    public static IReadOnlyList<(string Name, long[] Shape)> OfficialParameters(int depth)
    {
        ResNet backbone = new(depth);
        DetectorLayout layout = DetectorLayout.Official;
        return
        [
            .. backbone.Parameters(),
            .. FeaturePyramid.Parameters(backbone.Channels, 256),
            .. RegionProposals.Parameters(256, layout.AnchorRatios.Count),
            .. RegionHeads.Parameters(256 * layout.PooledSize * layout.PooledSize, 1024, 256),
        ];
    }

    /// <summary>The depth of the official network that a state dictionary belongs to, by its tensors' names.</summary>
    /// <exception cref="ModelException">It belongs to none.</exception>
    public static int OfficialDepth(StateDictionary weights)
    {
        if (weights.TryGet("backbone.body.layer3.22.conv3.weight", out _)) return 101;
        if (weights.TryGet("backbone.body.layer3.5.conv3.weight", out _)) return 50;
        if (weights.TryGet("backbone.body.layer3.1.conv2.weight", out _)) return 18;
        throw new ModelException($"{weights.Source}: none of the tensors of an img2pose network (ResNet-18, 50 or 101) is in it.");
    }

    /// <summary>The official network of a depth.</summary>
    /// <exception cref="ModelException">The weights are not that network's, or the pose statistics are unusable.</exception>
    /// <exception cref="UsageException">A setting makes no sense.</exception>
    public static OnnxGraphBuilder Official(StateDictionary weights, int depth, DetectorSettings settings)
    {
        ResNet backbone = new(depth);
        weights.Require(OfficialParameters(depth), $"img2pose with {backbone}");
        return Build(weights, DetectorLayout.Official, settings, (graph, image) =>
            FeaturePyramid.Write(graph, weights, backbone.Write(graph, weights, settings.Epsilon, image)));
    }

    /// <summary>A network with the family's proposal and region heads on any pyramid.</summary>
    /// <param name="weights">Tensors of the heads, named as in the official checkpoints.</param>
    /// <param name="layout">Strides, anchors, pooling.</param>
    /// <param name="settings">Numbers of proposals, pose statistics.</param>
    /// <param name="writePyramid">Given the graph and its input <c>image</c>, writes backbone and pyramid and returns the levels, finest first.</param>
    /// <exception cref="UsageException">A setting makes no sense.</exception>
    public static OnnxGraphBuilder Build(
        StateDictionary weights, DetectorLayout layout, DetectorSettings settings, Func<OnnxGraphBuilder, string, string[]> writePyramid)
    {
        settings.Validate();
        OnnxGraphBuilder graph = new("img2pose");
        string image = graph.Input("image", OnnxElementType.Float32, "N", 3, "H", "W");
        string sizes = graph.Input("sizes", OnnxElementType.Int64, "N", 2);
        string boxes = graph.InputWithDefault("boxes", [], [0, 5], "K", 5);
        string threshold = graph.InputWithDefault("score_threshold", [DefaultScoreThreshold], []);

        string[] levels = writePyramid(graph, image);
        if (levels.Length != layout.Strides.Count)
            throw new ArgumentException($"The pyramid has {levels.Length} levels where the layout has {layout.Strides.Count}.", nameof(writePyramid));
        string[] proposalLevels = levels;
        if (layout.AnchorSizes.Count == levels.Length + 1)
        {
            string subsampled = graph.Node("MaxPool", [levels[^1]], OnnxAttribute.Of("kernel_shape", 1, 1), OnnxAttribute.Of("strides", 2, 2));
            proposalLevels = [.. levels, subsampled];
        }

        (string Objectness, string Deltas)[]? head = null;
        RegionProposals proposalsOutside = new(graph, weights, layout, settings);
        if (settings.Taps) head = proposalsOutside.WriteHead(proposalLevels);

        string given = graph.Node("Gather", [graph.Node("Shape", [boxes]), graph.Scalar(0L)]);
        string none = graph.Node("Equal", [given, graph.Scalar(0L)]);
        string[] chosen = graph.Node(
            "If", [none], 3,
            OnnxAttribute.Of("then_branch", Proposing(graph, weights, layout, settings, proposalLevels, head, image, sizes)),
            OnnxAttribute.Of("else_branch", Given(graph, boxes)));
        string proposals = graph.NamedNode("proposals", "Identity", [chosen[0]]);
        string imageIndex = graph.NamedNode("image_index", "Identity", [chosen[1]]);

        RegionHeads heads = new(graph, weights, layout, settings);
        (string scores, string poseIndex, string poses) = heads.Write(levels, proposals, imageIndex, threshold);
        graph.Output("proposals", OnnxElementType.Float32, "M", 4);
        graph.Output("image_index", OnnxElementType.Int64, "M");
        graph.Output(graph.NamedNode("scores", "Identity", [scores]), OnnxElementType.Float32, "M");
        graph.Output(graph.NamedNode("pose_index", "Identity", [poseIndex]), OnnxElementType.Int64, "P");
        graph.Output(graph.NamedNode("poses", "Identity", [poses]), OnnxElementType.Float32, "P", 6);
        if (settings.Taps) PutOutTaps(graph, proposalsOutside, levels, proposalLevels, head!, image, chosen[2]);
        return graph;
    }

    private static OnnxGraphBuilder Proposing(
        OnnxGraphBuilder graph, StateDictionary weights, DetectorLayout layout, DetectorSettings settings,
        string[] levels, (string Objectness, string Deltas)[]? head, string image, string sizes)
    {
        OnnxGraphBuilder branch = graph.Subgraph("propose");
        RegionProposals network = new(branch, weights, layout, settings);
        (string boxes, string imageIndex, string objectness) = network.WriteSelection(head ?? network.WriteHead(levels), image, sizes);
        branch.Output(boxes, OnnxElementType.Float32, "M", 4);
        branch.Output(imageIndex, OnnxElementType.Int64, "M");
        branch.Output(objectness, OnnxElementType.Float32, "M");
        return branch;
    }

    private static OnnxGraphBuilder Given(OnnxGraphBuilder graph, string boxes)
    {
        OnnxGraphBuilder branch = graph.Subgraph("given");
        string[] parts = branch.Node("Split", [boxes, branch.Vector(1, 4)], 2, OnnxAttribute.Of("axis", 1L));
        string picture = branch.Node("Squeeze", [parts[0], branch.Vector(1)]);
        branch.Output(parts[1], OnnxElementType.Float32, "M", 4);
        branch.Output(branch.Node("Cast", [picture], OnnxAttribute.Of("to", (long)OnnxElementType.Int64)), OnnxElementType.Int64, "M");
        branch.Output(branch.Node("Mul", [picture, branch.Scalar(0f)]), OnnxElementType.Float32, "M");
        return branch;
    }

    private static void PutOutTaps(
        OnnxGraphBuilder graph, RegionProposals network, string[] levels, string[] proposalLevels,
        (string Objectness, string Deltas)[] head, string image, string objectness)
    {
        void PutOut(string name, string value, params OnnxDimension[] dims) =>
            graph.Output(graph.NamedNode(name, "Identity", [value]), OnnxElementType.Float32, dims);

        for (int i = 0; i < proposalLevels.Length; i++)
        {
            PutOut(i < levels.Length ? $"fpn_{i}" : "fpn_pool", proposalLevels[i], "N", $"C{i}", $"h{i}", $"w{i}");
            PutOut($"rpn_objectness_{i}", head[i].Objectness, "N", $"A{i}", $"h{i}", $"w{i}");
            PutOut($"rpn_deltas_{i}", head[i].Deltas, "N", $"D{i}", $"h{i}", $"w{i}");
        }
        PutOut("rpn_decoded_all_anchors_unclipped", network.WriteAllDecoded(head, image), "N", "anchors", 4);
        PutOut("proposal_objectness", objectness, "M");
        graph.Output("class_logits_all", OnnxElementType.Float32, "M", 2);
        graph.Output("dof_regression_all", OnnxElementType.Float32, "M", 12);
    }
}
