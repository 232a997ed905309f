using Img2Pose.Formats.Onnx;

namespace Img2Pose.Inference.TwoStage;

/// <summary>
/// What stands between the dense part of a two-stage network and its region heads: anchors, selection and pooling, read
/// from the graph that does the same by ONNX operators.
/// </summary>
internal sealed record TwoStageLayout
{
    /// <summary>Most cells of a pooled region along an axis.</summary>
    public const int SideLimit = 32;

    /// <summary>Most samples of a pooled cell along an axis.</summary>
    public const int SampleLimit = 8;

    // Levels of a pyramid and anchors at a cell.
    private const int LevelLimit = 16, AnchorLimit = 4096;

    /// <summary>Value that the region heads begin with: pooled regions, [M, channels · side²].</summary>
    public const string Pooled = "roi_heads.pooled";

    /// <summary>Value that says in which row of <see cref="Pooled"/> each proposal is.</summary>
    public const string RowOf = "roi_heads.row_of";

    /// <summary>Names of the pyramid's levels, finest first.</summary>
    public required string[] Levels { get; init; }

    /// <summary>Cells of a level per pixel of the picture.</summary>
    public required float[] Scales { get; init; }

    /// <summary>Names of the objectness maps, [N, A, h, w].</summary>
    public required string[] Objectness { get; init; }

    /// <summary>Names of the box delta maps, [N, 4A, h, w].</summary>
    public required string[] Deltas { get; init; }

    /// <summary>Anchors around a cell's corner of each proposal level, four numbers each.</summary>
    public required float[][] Anchors { get; init; }

    /// <summary>Least √area / <see cref="CanonicalSize"/> of regions that are pooled from each level but the first.</summary>
    public required float[] LevelThresholds { get; init; }

    /// <summary>What √area is divided by.</summary>
    public required float CanonicalSize { get; init; }

    /// <summary>Cells of a pooled region along each axis.</summary>
    public required int PooledSide { get; init; }

    /// <summary>Samples per pooled cell along each axis.</summary>
    public required int Samples { get; init; }

    /// <summary>Anchors kept per level before suppression.</summary>
    public required int Before { get; init; }

    /// <summary>Proposals kept per picture.</summary>
    public required int After { get; init; }

    /// <summary>Overlap above which a proposal suppresses a weaker one of its level.</summary>
    public required float SuppressionThreshold { get; init; }

    /// <summary>Whether levels are kept apart by moving their boxes (torchvision 0.8.2), which rounds coordinates.</summary>
    public required bool Shifted { get; init; }

    /// <summary>Reads the layout; null for a graph that is not a two-stage network of this program's builder.</summary>
    /// <exception cref="ModelException">It is one, with numbers that no such network has.</exception>
    public static TwoStageLayout? TryRead(OnnxParts graph)
    {
        NodeProto[] pools = [.. graph.Nodes.Where(node => node.OpType == "RoiAlign")];
        NodeProto[] suppressions = [.. graph.Nodes.Where(node => node.OpType == "NonMaxSuppression")];
        if (pools.Length == 0 || suppressions.Length == 0 || !graph.Has(Pooled) || !graph.Has(RowOf)) return null;
        List<string> objectness = [], deltas = [];
        List<float[]> anchors = [];
        while (objectness.Count < LevelLimit && graph.Has($"rpn.objectness.{objectness.Count}"))
        {
            int level = objectness.Count;
            objectness.Add($"rpn.objectness.{level}");
            deltas.Add($"rpn.deltas.{level}");
            anchors.Add(graph.Constant<float>($"rpn.anchors.{level}"));
        }
        long[] before = graph.Constant<long>("rpn.proposals_before_suppression"), after = graph.Constant<long>("rpn.proposals_after_suppression");
        float[] overlap = suppressions[0].Input.Count > 3 ? graph.Constant<float>(suppressions[0].Input[3]) : [];
        float[] canonical = graph.Constant<float>("roi_heads.canonical_size");
        float[] thresholds = graph.Constant<float>("roi_heads.level_thresholds");
        bool complete = before.Length == 1 && after.Length == 1 && overlap.Length == 1 && canonical.Length == 1 && objectness.Count > 0
            && thresholds.Length == pools.Length - 1 && deltas.TrueForAll(graph.Has) && anchors.TrueForAll(a => a.Length > 0 && a.Length % 4 == 0)
            && Array.TrueForAll(pools, node => node.Input.Count > 0);
        if (!complete) return null;
        if (pools.Length > LevelLimit) throw graph.Wrong($"pools from {pools.Length} levels, above the limit of {LevelLimit}");
        if (anchors.Exists(a => a.Length > 4 * AnchorLimit || !Array.TrueForAll(a, float.IsFinite)))
            throw graph.Wrong($"has anchors that are not finite, or more than {AnchorLimit} of a level");
        if (!(overlap[0] is > 0 and <= 1)) throw graph.Wrong("has an overlap for suppression that is not in (0, 1]");
        if (!(float.IsFinite(canonical[0]) && canonical[0] > 0) || !Array.TrueForAll(thresholds, float.IsFinite))
            throw graph.Wrong("has thresholds of its levels that are not finite");
        float[] scales = Array.ConvertAll(pools, node => (float)Number(graph, node, "spatial_scale", 1e-6, 1));
        int[] heights = Array.ConvertAll(pools, node => (int)Number(graph, node, "output_height", 1, SideLimit));
        int[] widths = Array.ConvertAll(pools, node => (int)Number(graph, node, "output_width", 1, SideLimit));
        int[] samples = Array.ConvertAll(pools, node => (int)Number(graph, node, "sampling_ratio", 1, SampleLimit));
        if (Array.Exists(heights, h => h != heights[0]) || Array.Exists(widths, w => w != heights[0]) || Array.Exists(samples, n => n != samples[0]))
            throw graph.Wrong("pools its levels in different ways, or not into squares");
        return new TwoStageLayout
        {
            Levels = Array.ConvertAll(pools, node => node.Input[0]),
            Scales = scales,
            Objectness = [.. objectness],
            Deltas = [.. deltas],
            Anchors = [.. anchors],
            LevelThresholds = thresholds,
            CanonicalSize = canonical[0],
            PooledSide = heights[0],
            Samples = samples[0],
            Before = (int)Math.Clamp(before[0], 1, int.MaxValue),
            After = (int)Math.Clamp(after[0], 1, int.MaxValue),
            SuppressionThreshold = overlap[0],
            Shifted = suppressions.Length == 1,
        };
    }

    private static double Number(OnnxParts graph, NodeProto pool, string attribute, double least, double most)
    {
        if (OnnxParts.NumberOf(pool, attribute) is not { } number) throw graph.Wrong($"has a RoiAlign without '{attribute}'");
        return number >= least && number <= most ? number
            : throw graph.Wrong(FormattableString.Invariant($"has a RoiAlign whose '{attribute}' of {number} is not between {least} and {most}"));
    }
}
