using Img2Pose.Formats.Onnx;
using Img2Pose.Models.Onnx;

namespace Img2Pose.Models.Precision;

/// <summary>
/// The part of a detector's graph that can compute with fewer bits: its convolutions and fully connected layers, and what
/// lies between them (sums, pooling, enlargement, rectification). The last layers stay outside, because logits that are
/// compared and poses need more than eight bits, and they cost next to nothing; so does everything after them: selection, decoding
/// and region pooling. Branches of <c>If</c> belong to the graph; names are unique over all of them.
/// </summary>
internal sealed class DenseRegion
{
    private readonly Dictionary<string, List<NodeProto>> _consumers = new(StringComparer.Ordinal);
    private readonly HashSet<NodeProto> _layers = [], _sums = [], _moves = [], _rectified = [];
    private readonly HashSet<string> _results = new(StringComparer.Ordinal), _entries = new(StringComparer.Ordinal);

    /// <summary>Finds the region.</summary>
    /// <param name="graph">The graph; only read.</param>
    public DenseRegion(GraphProto graph)
    {
        List<NodeProto> nodes = [.. NodesOf(graph)];
        foreach (NodeProto node in nodes)
        {
            foreach (string input in node.Input)
            {
                if (!_consumers.TryGetValue(input, out List<NodeProto>? list)) _consumers[input] = list = [];
                list.Add(node);
            }
        }
        foreach (TensorProto tensor in InitializersOf(graph)) Constants[tensor.Name] = tensor;
        foreach (NodeProto node in nodes)
        {
            switch (node.OpType)
            {
                case "Conv" or "Gemm" when HasConstantWeights(node) && !IsLast(node):
                    _layers.Add(node);
                    Enter(node.Input[0]);
                    TakeResult(node);
                    break;
                case "Add" when node.Input.All(IsInside):
                    _sums.Add(node);
                    TakeResult(node);
                    break;
                case "MaxPool" or "Resize" when IsInside(node.Input[0]):
                case "Relu" when !_rectified.Contains(node) && IsInside(node.Input[0]):
                    _moves.Add(node);
                    _results.Add(node.Output[0]);
                    break;
                default:
                    break;
            }
        }
    }

    /// <summary>Constants of the graph and its branches, by name.</summary>
    public Dictionary<string, TensorProto> Constants { get; } = new(StringComparer.Ordinal);

    /// <summary>Values that come from outside and that the region's nodes take.</summary>
    public IReadOnlySet<string> Entries => _entries;

    /// <summary>Values that the region puts out.</summary>
    public IReadOnlySet<string> Results => _results;

    /// <summary>Convolutions and fully connected layers.</summary>
    public IReadOnlySet<NodeProto> Layers => _layers;

    /// <summary>Additions of two values of the region.</summary>
    public IReadOnlySet<NodeProto> Sums => _sums;

    /// <summary>Nodes whose output has no other values than their input has, but for zeros: pooling, enlargement, rectification.</summary>
    public IReadOnlySet<NodeProto> Moves => _moves;

    /// <summary>Rectifications that are the only use of a layer's or sum's output.</summary>
    public IReadOnlySet<NodeProto> Rectified => _rectified;

    /// <summary>The node's output, or that of the rectification that is its only use.</summary>
    public string ResultOf(NodeProto node) => OnlyRectification(node)?.Output[0] ?? node.Output[0];

    /// <summary>Whether a node outside the region takes the value.</summary>
    public bool IsUsedOutside(string value) =>
        !_consumers.TryGetValue(value, out List<NodeProto>? users) || users.Exists(node => !Contains(node));

    /// <summary>Whether the node belongs to the region.</summary>
    public bool Contains(NodeProto node) => _layers.Contains(node) || _sums.Contains(node) || _moves.Contains(node) || _rectified.Contains(node);

    /// <summary>Subgraphs of a node.</summary>
    public static IEnumerable<GraphProto> BranchesOf(NodeProto node) => node.Attribute.Where(attribute => attribute.G is not null).Select(attribute => attribute.G);

    private static IEnumerable<NodeProto> NodesOf(GraphProto graph) =>
        graph.Node.Concat(graph.Node.SelectMany(BranchesOf).SelectMany(NodesOf));

    private static IEnumerable<TensorProto> InitializersOf(GraphProto graph) =>
        graph.Initializer.Concat(graph.Node.SelectMany(BranchesOf).SelectMany(InitializersOf));

    private bool HasConstantWeights(NodeProto node) =>
        node.Input.Count == 3 && Constants.TryGetValue(node.Input[1], out TensorProto? weight) && Constants.ContainsKey(node.Input[2])
        && weight.DataType == (int)OnnxElementType.Float32 && weight.HasRawData
        && (node.OpType == "Conv" || node.Attribute.Any(attribute => attribute.Name == "transB" && attribute.I == 1));

    private bool IsLast(NodeProto node) =>
        !_consumers.TryGetValue(ResultOf(node), out List<NodeProto>? users)
        || !users.Exists(user => user.OpType is "Conv" or "Gemm" or "Add" or "MaxPool" or "Resize" or "RoiAlign");

    private bool IsInside(string value) => _results.Contains(value) || _entries.Contains(value);

    private void Enter(string value)
    {
        if (!_results.Contains(value)) _entries.Add(value);
    }

    private void TakeResult(NodeProto node)
    {
        if (OnlyRectification(node) is { } relu) _rectified.Add(relu);
        _results.Add(ResultOf(node));
    }

    private NodeProto? OnlyRectification(NodeProto node) =>
        _consumers.TryGetValue(node.Output[0], out List<NodeProto>? users) && users is [{ OpType: "Relu" } relu] ? relu : null;
}
