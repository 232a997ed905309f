using Google.Protobuf;
using Img2Pose.Formats.Onnx;

namespace Img2Pose.Inference.OneStage;

/// <summary>
/// A one-stage network cut in two: what is the same for every picture of a size, up to the maps of its last convolutions, and what
/// chooses among their cells. On a GPU the first part is static, which can be captured and replayed, and little has to leave the
/// device between the two.
/// </summary>
/// <param name="Dense">The first part, an ONNX model: "image" to <paramref name="Heads"/>.</param>
/// <param name="Choosing">The second part: <paramref name="Heads"/> instead of "image", the graph's other inputs and all of its outputs.</param>
/// <param name="Heads">Names of the maps, [N, values, h, w], in the order in which cells count.</param>
/// <param name="IsScoreFirst">
/// Whether a cell's first value is a logit whose sigmoid no score of the cell exceeds before calibration, so that cells below a threshold's logit can be left out.
/// </param>
/// <param name="Calibration">What the second part does to scores at its end, or null.</param>
internal sealed record OneStageParts(byte[] Dense, byte[] Choosing, string[] Heads, bool IsScoreFirst, ScoreCalibration? Calibration)
{
    private const int MostHeads = 4;

    /// <summary>The names that this program gives to graphs whose cells begin with a logit.</summary>
    private const string NanoGraph = "img2pose-nano", CalibratedGraph = "img2pose-nano-calibrated";

    /// <summary>The logit below which no cell's score exceeds a threshold.</summary>
    /// <param name="threshold">In (0, 1).</param>
    public double LeastLogit(double threshold) => ScoreCalibration.Logit(Calibration?.Undo(threshold) ?? threshold);

    /// <summary>Cuts a model; null where it is no one-stage network of this program's builder.</summary>
    /// <exception cref="ModelException">The file was changed since it was opened, or is damaged.</exception>
    public static OneStageParts? TryRead(ModelPackage package)
    {
        ModelProto model = OnnxFile.Read(package.Path);
        GraphProto graph = model.Graph;
        Dictionary<string, int> makers = new(StringComparer.Ordinal);
        for (int i = 0; i < graph.Node.Count; i++)
        {
            foreach (string output in graph.Node[i].Output) makers[output] = i;
        }
        // Cells are the places of the last maps, laid in a row: what is reshaped comes out of a convolution.
        List<string> heads = [];
        foreach (NodeProto node in graph.Node)
        {
            if (node.OpType == "Reshape" && node.Input.Count > 0 && makers.TryGetValue(node.Input[0], out int maker) && graph.Node[maker].OpType == "Conv" && !heads.Contains(node.Input[0]))
                heads.Add(node.Input[0]);
        }
        if (heads.Count is 0 or > MostHeads) return null;
        bool[] isDense = new bool[graph.Node.Count];
        Stack<string> needed = new(heads);
        while (needed.TryPop(out string? value))
        {
            if (!makers.TryGetValue(value, out int maker) || isDense[maker]) continue;
            isDense[maker] = true;
            foreach (string input in graph.Node[maker].Input) needed.Push(input);
        }
        NodeProto[] dense = [.. graph.Node.Where((_, i) => isDense[i])], choosing = [.. graph.Node.Where((_, i) => !isDense[i])];
        HashSet<string> inside = [.. dense.SelectMany(node => node.Output)];
        inside.ExceptWith(heads);
        // What the second part reads of the first is its maps alone, or the cut is at the wrong place.
        if (choosing.SelectMany(NamesIn).Any(inside.Contains) || dense.Any(node => node.Input.Contains("sizes") || node.Input.Contains("boxes"))) return null;
        ScoreCalibration? calibration = graph.Name == CalibratedGraph ? package.Metadata.Calibration : null;
        return new OneStageParts(
            Part(model, dense, [.. graph.Input.Where(input => input.Name == "image")], [.. heads.Select(FloatMap)]),
            Part(model, choosing, [.. graph.Input.Where(input => input.Name != "image"), .. heads.Select(FloatMap)], [.. graph.Output]),
            [.. heads], graph.Name == NanoGraph || calibration is not null, calibration);
    }

    private static byte[] Part(ModelProto model, NodeProto[] nodes, ValueInfoProto[] inputs, ValueInfoProto[] outputs)
    {
        HashSet<string> used = [.. nodes.SelectMany(NamesIn), .. inputs.Select(input => input.Name)];
        ModelProto part = new() { Graph = new GraphProto { Name = "part" } };
        // Versions, operator sets and functions, without copying the weights of the graph twice.
        GraphProto whole = model.Graph;
        model.Graph = null;
        part.MergeFrom(model);
        model.Graph = whole;
        part.MetadataProps.Clear();
        part.Graph = new GraphProto { Name = "part" };
        part.Graph.Node.AddRange(nodes);
        part.Graph.Initializer.AddRange(whole.Initializer.Where(constant => used.Contains(constant.Name)));
        part.Graph.Input.AddRange(inputs);
        part.Graph.Output.AddRange(outputs);
        return part.ToByteArray();
    }

    /// <summary>Every value that a node reads, branches included, which see the values around them.</summary>
    private static IEnumerable<string> NamesIn(NodeProto node) =>
        node.Input.Concat(node.Attribute.Where(attribute => attribute.G is not null).SelectMany(attribute => attribute.G.Node.SelectMany(NamesIn)));

    private static ValueInfoProto FloatMap(string name) =>
        new() { Name = name, Type = new TypeProto { TensorType = new TypeProto.Types.Tensor { ElemType = (int)TensorProto.Types.DataType.Float } } };
}
