using Img2Pose.Models.Checkpoints;
using Img2Pose.Models.Onnx;

namespace Img2Pose.Models.Networks;

/// <summary>
/// The region proposal network (Ren et al., NIPS 2015) on a pyramid, all of it in the graph: head, best anchors per
/// level, decoding, clipping, suppression per level, best proposals over all levels.
/// </summary>
internal sealed class RegionProposals(OnnxGraphBuilder graph, StateDictionary weights, DetectorLayout layout, DetectorSettings settings)
{
    // dw and dh are clamped so that the exponential stays sensible: at most 1000/16 times the anchor.
    private static readonly float DeltaLimit = (float)Math.Log(1000.0 / 16);

    // Below every objectness, above the -∞ that marks what must not come out.
    private const float Lowest = -3e38f;

    private int Anchors => layout.AnchorRatios.Count;

    /// <summary>Names and shapes of all tensors.</summary>
    public static IEnumerable<(string Name, long[] Shape)> Parameters(int width, int anchors) =>
    [
        ("rpn.head.conv.weight", [width, width, 3, 3]),
        ("rpn.head.conv.bias", [width]),
        ("rpn.head.cls_logits.weight", [anchors, width, 1, 1]),
        ("rpn.head.cls_logits.bias", [anchors]),
        ("rpn.head.bbox_pred.weight", [4 * anchors, width, 1, 1]),
        ("rpn.head.bbox_pred.bias", [4 * anchors]),
    ];

    /// <summary>Objectness [N, A, h, w] and box deltas [N, 4A, h, w] of each level.</summary>
    public (string Objectness, string Deltas)[] WriteHead(string[] levels)
    {
        string weight = graph.Initializer("rpn.head.conv.weight", weights.Values("rpn.head.conv.weight"), [.. weights.Shape("rpn.head.conv.weight")]);
        string bias = graph.Initializer("rpn.head.conv.bias", weights.Values("rpn.head.conv.bias"), weights.Shape("rpn.head.conv.bias")[0]);
        // One 1×1 convolution for both predictions reads its input once.
        long width = weights.Shape("rpn.head.cls_logits.weight")[1];
        string predictWeight = graph.Initializer(
            "rpn.head.predict.weight", [.. weights.Values("rpn.head.cls_logits.weight"), .. weights.Values("rpn.head.bbox_pred.weight")], 5 * Anchors, width, 1, 1);
        string predictBias = graph.Initializer(
            "rpn.head.predict.bias", [.. weights.Values("rpn.head.cls_logits.bias"), .. weights.Values("rpn.head.bbox_pred.bias")], 5 * Anchors);
        string split = graph.Vector(Anchors, 4 * Anchors);
        int number = 0;
        return Array.ConvertAll(levels, level =>
        {
            string hidden = graph.Node("Relu", [graph.Node("Conv", [level, weight, bias], OnnxAttribute.Of("kernel_shape", 3, 3), OnnxAttribute.Of("pads", 1, 1, 1, 1))]);
            string predicted = graph.Node("Conv", [hidden, predictWeight, predictBias], OnnxAttribute.Of("kernel_shape", 1, 1));
            // Named, so that a runtime can cut the graph here.
            string[] parts = [$"rpn.objectness.{number}", $"rpn.deltas.{number++}"];
            graph.NamedNode(parts, "Split", [predicted, split], OnnxAttribute.Of("axis", 1L));
            return (parts[0], parts[1]);
        });
    }

    /// <summary>Name of the constant in a model file that holds the number of anchors kept per level before suppression.</summary>
    public const string BeforeSuppression = "rpn.proposals_before_suppression";

    /// <summary>Name of the constant in a model file that holds the number of proposals kept per picture.</summary>
    public const string AfterSuppression = "rpn.proposals_after_suppression";

    /// <summary>Proposals [M, 4], their picture [M] and their objectness [M], best first within each picture.</summary>
    public (string Boxes, string ImageIndex, string Objectness) WriteSelection((string Objectness, string Deltas)[] head, string image, string sizes)
    {
        graph.Initializer(BeforeSuppression, [(long)settings.ProposalsBeforeSuppression], 1);
        graph.Initializer(AfterSuppression, [(long)settings.ProposalsAfterSuppression], 1);
        List<string> scores = [];
        List<string> anchors = [];
        List<string> deltas = [];
        List<string> counts = [];
        for (int i = 0; i < head.Length; i++)
        {
            string flat = graph.Node("Reshape", [CellsFirst(head[i].Objectness), graph.Vector(0, -1)]);
            string regression = graph.Node("Reshape", [CellsFirst(head[i].Deltas), graph.Vector(0, -1, 4)]);
            string count = graph.Node("Gather", [graph.Node("Shape", [flat]), graph.Vector(1)]);
            string kept = graph.Node("Min", [count, BeforeSuppression]);
            string[] best = graph.Node("TopK", [flat, kept], 2, OnnxAttribute.Of("axis", 1L));
            scores.Add(best[0]);
            counts.Add(kept);
            anchors.Add(WriteAnchors(i, best[1], head[i].Objectness, image));
            deltas.Add(graph.Node("GatherND", [regression, Unsqueeze(best[1], -1)], OnnxAttribute.Of("batch_dims", 1L)));
        }
        string score = Concat(scores, 1);
        string[] sides = Clip(Decode(Concat(anchors, 1), Concat(deltas, 1)), sizes);
        string boxes = Concat(sides, -1);
        string smallest = graph.Scalar(1e-3f);
        string large = graph.Node("And",
        [
            graph.Node("GreaterOrEqual", [graph.Node("Sub", [sides[2], sides[0]]), smallest]),
            graph.Node("GreaterOrEqual", [graph.Node("Sub", [sides[3], sides[1]]), smallest]),
        ]);
        score = graph.Node("Where", [Squeeze(large, -1), score, graph.Scalar(float.NegativeInfinity)]);

        string survivors = settings.Behaviour == TorchvisionBehaviour.V082
            ? SuppressShifted(boxes, score, counts)
            : SuppressByLevel(boxes, score, counts);
        return BestOfAllLevels(boxes, score, survivors);
    }

    /// <summary>Every anchor of every level decoded, [N, anchors, 4], not clipped: for golden tests.</summary>
    public string WriteAllDecoded((string Objectness, string Deltas)[] head, string image)
    {
        List<string> anchors = [];
        List<string> deltas = [];
        for (int i = 0; i < head.Length; i++)
        {
            string flat = graph.Node("Reshape", [CellsFirst(head[i].Objectness), graph.Vector(0, -1)]);
            string one = graph.Node("Cast", [graph.Node("Mul", [flat, graph.Scalar(0f)])], OnnxAttribute.Of("to", (long)OnnxElementType.Int64));
            string count = Squeeze(graph.Node("Gather", [graph.Node("Shape", [flat]), graph.Vector(1)]), 0);
            string index = graph.Node("Add", [one, graph.Node("Range", [graph.Scalar(0L), count, graph.Scalar(1L)])]);
            anchors.Add(WriteAnchors(i, index, head[i].Objectness, image));
            deltas.Add(graph.Node("Reshape", [CellsFirst(head[i].Deltas), graph.Vector(0, -1, 4)]));
        }
        return Concat(Decode(Concat(anchors, 1), Concat(deltas, 1)), -1);
    }

    // The anchors [N, k, 4] with the given indices [N, k], which count ratio first, then column, then row. Strides are
    // the padded picture's size over the feature map's by integer division: at the subsampled level that is not 64.
    private string WriteAnchors(int level, string index, string featureMap, string image)
    {
        string stencil = graph.Initializer($"rpn.anchors.{level}", layout.BaseAnchors(level), Anchors, 4);
        string mapShape = graph.Node("Shape", [featureMap]);
        string imageShape = graph.Node("Shape", [image]);
        string columns = graph.Node("Gather", [mapShape, graph.Scalar(3L)]);
        string rows = graph.Node("Gather", [mapShape, graph.Scalar(2L)]);
        string strideX = graph.Node("Div", [graph.Node("Gather", [imageShape, graph.Scalar(3L)]), columns]);
        string strideY = graph.Node("Div", [graph.Node("Gather", [imageShape, graph.Scalar(2L)]), rows]);

        string ratio = graph.Node("Mod", [index, graph.Scalar((long)Anchors)]);
        string cell = graph.Node("Div", [index, graph.Scalar((long)Anchors)]);
        string x = graph.Node("Mul", [graph.Node("Mod", [cell, columns]), strideX]);
        string y = graph.Node("Mul", [graph.Node("Div", [cell, columns]), strideY]);
        string corner = Concat([Unsqueeze(x, -1), Unsqueeze(y, -1)], -1);
        string shift = graph.Node("Cast", [Concat([corner, corner], -1)], OnnxAttribute.Of("to", (long)OnnxElementType.Float32));
        return graph.Node("Add", [graph.Node("Gather", [stencil, ratio]), shift]);
    }

    // Box regression of R-CNN with unit weights: the centre moves by multiples of the anchor's size, the size changes
    // by exponentials. Returns x1, y1, x2, y2, each [N, k, 1].
    private string[] Decode(string anchors, string deltas)
    {
        string[] anchor = graph.Node("Split", [anchors, graph.Vector(1, 1, 1, 1)], 4, OnnxAttribute.Of("axis", -1L));
        string[] delta = graph.Node("Split", [deltas, graph.Vector(1, 1, 1, 1)], 4, OnnxAttribute.Of("axis", -1L));
        string[] low = new string[2];
        string[] high = new string[2];
        for (int axis = 0; axis < 2; axis++)
        {
            string extent = graph.Node("Sub", [anchor[axis + 2], anchor[axis]]);
            string center = graph.Node("Add", [anchor[axis], graph.Node("Mul", [extent, graph.Scalar(0.5f)])]);
            string moved = graph.Node("Add", [graph.Node("Mul", [delta[axis], extent]), center]);
            string limited = graph.Node("Min", [delta[axis + 2], graph.Scalar(DeltaLimit)]);
            string half = graph.Node("Mul", [graph.Node("Mul", [graph.Node("Exp", [limited]), extent]), graph.Scalar(0.5f)]);
            low[axis] = graph.Node("Sub", [moved, half]);
            high[axis] = graph.Node("Add", [moved, half]);
        }
        return [low[0], low[1], high[0], high[1]];
    }

    // To the picture without its padding.
    private string[] Clip(string[] sides, string sizes)
    {
        string real = Unsqueeze(graph.Node("Cast", [sizes], OnnxAttribute.Of("to", (long)OnnxElementType.Float32)), -1);
        string[] limits = graph.Node("Split", [real, graph.Vector(1, 1)], 2, OnnxAttribute.Of("axis", 1L));
        string zero = graph.Scalar(0f);
        string[] clipped = new string[4];
        for (int i = 0; i < 4; i++)
        {
            string limit = limits[i % 2 == 0 ? 1 : 0];
            clipped[i] = graph.Node("Min", [graph.Node("Max", [sides[i], zero]), limit]);
        }
        return clipped;
    }

    // Pairs (picture, candidate) that survive, [S, 2]: one suppression per level.
    private string SuppressByLevel(string boxes, string score, List<string> counts)
    {
        string split = Concat(counts, 0);
        string[] boxesOf = graph.Node("Split", [boxes, split], counts.Count, OnnxAttribute.Of("axis", 1L));
        string[] scoreOf = graph.Node("Split", [score, split], counts.Count, OnnxAttribute.Of("axis", 1L));
        List<string> survivors = [];
        string offset = graph.Vector(0);
        for (int i = 0; i < counts.Count; i++)
        {
            string kept = Suppress(boxesOf[i], scoreOf[i]);
            survivors.Add(graph.Node("Add", [kept, Concat([graph.Vector(0), offset], 0)]));
            offset = graph.Node("Add", [offset, counts[i]]);
        }
        return Concat(survivors, 0);
    }

    // torchvision 0.8.2 moves each level's boxes beyond the largest coordinate and suppresses once: the same but for
    // the rounding of the moved coordinates.
    private string SuppressShifted(string boxes, string score, List<string> counts)
    {
        List<string> levels = [];
        string batch = graph.Node("Gather", [graph.Node("Shape", [score]), graph.Vector(0)]);
        for (int i = 0; i < counts.Count; i++)
        {
            string level = graph.Node("Unsqueeze", [graph.Scalar((float)i), graph.Vector(0, 1)]);
            levels.Add(graph.Node("Expand", [level, Concat([batch, counts[i]], 0)]));
        }
        string candidates = graph.Node("Where", [graph.Node("Greater", [Unsqueeze(score, -1), graph.Scalar(Lowest)]), boxes, graph.Scalar(0f)]);
        string largest = graph.Node("ReduceMax", [candidates], OnnxAttribute.Of("axes", 1, 2));
        string step = graph.Node("Add", [largest, graph.Scalar(1f)]);
        string shift = graph.Node("Mul", [Unsqueeze(Concat(levels, 1), -1), step]);
        return Suppress(graph.Node("Add", [boxes, shift]), score);
    }

    // No level and no picture can contribute more than the number of proposals that are kept in the end.
    private string Suppress(string boxes, string score)
    {
        string selected = graph.Node("NonMaxSuppression",
        [
            boxes, Unsqueeze(score, 1), AfterSuppression,
            graph.Initializer(null, [(float)settings.ProposalSuppressionThreshold], 1), graph.Initializer(null, [Lowest], 1),
        ]);
        return graph.Node("Gather", [selected, graph.Vector(0, 2)], OnnxAttribute.Of("axis", 1L));
    }

    private (string Boxes, string ImageIndex, string Objectness) BestOfAllLevels(string boxes, string score, string survivors)
    {
        string nothing = graph.Node("Expand", [graph.Scalar(float.NegativeInfinity), graph.Node("Shape", [score])]);
        string surviving = graph.Node("ScatterND", [nothing, survivors, graph.Node("GatherND", [score, survivors])]);
        string count = graph.Node("Gather", [graph.Node("Shape", [score]), graph.Vector(1)]);
        string[] best = graph.Node("TopK",
            [surviving, graph.Node("Min", [count, AfterSuppression])], 2, OnnxAttribute.Of("axis", 1L));
        string rows = graph.Node("Transpose", [graph.Node("NonZero", [graph.Node("Greater", [best[0], graph.Scalar(Lowest)])])]);
        string imageIndex = graph.Node("Gather", [rows, graph.Scalar(0L)], OnnxAttribute.Of("axis", 1L));
        string position = graph.Node("GatherND", [best[1], rows]);
        string objectness = graph.Node("GatherND", [best[0], rows]);
        string address = Concat([Unsqueeze(imageIndex, -1), Unsqueeze(position, -1)], -1);
        return (graph.Node("GatherND", [boxes, address]), imageIndex, objectness);
    }

    private string CellsFirst(string map) => graph.Node("Transpose", [map], OnnxAttribute.Of("perm", 0, 2, 3, 1));

    private string Concat(IReadOnlyList<string> parts, long axis) => graph.Node("Concat", [.. parts], OnnxAttribute.Of("axis", axis));

    private string Unsqueeze(string value, long axis) => graph.Node("Unsqueeze", [value, graph.Vector(axis)]);

    private string Squeeze(string value, long axis) => graph.Node("Squeeze", [value, graph.Vector(axis)]);
}
