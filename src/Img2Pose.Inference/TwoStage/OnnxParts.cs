using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Google.Protobuf;
using Img2Pose.Formats.Onnx;

namespace Img2Pose.Inference.TwoStage;

/// <summary>
/// The graph of an ONNX file, opened so that parts of it can be run on their own: a part is the nodes between given values,
/// with their constants, as a model of its own. The nodes of the <c>then</c> branches of <c>If</c> count as the graph's. Parts
/// share the messages of the file; weights are copied once more, into the part's bytes.
/// </summary>
internal sealed class OnnxParts
{
    private const int ConstantLimit = 1 << 20;

    private readonly string _path;
    private readonly ModelProto _frame;
    private readonly List<NodeProto> _nodes = [];
    private readonly Dictionary<string, TensorProto> _initializers = new(StringComparer.Ordinal);
    private readonly Dictionary<string, ValueInfoProto> _inputs = new(StringComparer.Ordinal);

    private OnnxParts(string path, ModelProto model)
    {
        _path = path;
        foreach (ValueInfoProto input in model.Graph.Input) _inputs[input.Name] = input;
        Add(model.Graph);
        // What every part has of the model: versions, operator sets, functions.
        model.Graph = null;
        model.MetadataProps.Clear();
        _frame = model;
    }

    /// <summary>The nodes, in the file's order; those of branches after the others.</summary>
    public IReadOnlyList<NodeProto> Nodes => _nodes;

    /// <summary>Opens a file that <see cref="ModelPackage.Load"/> has accepted.</summary>
    /// <exception cref="ModelException">It was changed since, or is damaged.</exception>
    public static OnnxParts Open(ModelPackage model) => new(model.Path, OnnxFile.Read(model.Path));

    /// <summary>The error that says what is wrong with the file.</summary>
    public ModelException Wrong(string what) => new($"{_path}: {what}; it does not keep the model contract.");

    /// <summary>Whether some node puts out a value of this name.</summary>
    public bool Has(string value) => _nodes.Exists(node => node.Output.Contains(value));

    /// <summary>The numbers of a constant that is stored as raw bytes; empty where there is none of that name.</summary>
    public T[] Constant<T>(string name) where T : unmanaged
    {
        // A constant of such a name is a few numbers.
        if (!_initializers.TryGetValue(name, out TensorProto? tensor) || tensor.RawData.Length > ConstantLimit) return [];
        ReadOnlySpan<byte> raw = tensor.RawData.Span;
        return raw.Length % Unsafe.SizeOf<T>() == 0 ? MemoryMarshal.Cast<byte, T>(raw).ToArray() : [];
    }

    /// <summary>
    /// A model of the nodes that <paramref name="outputs"/> need, down to <paramref name="inputs"/> and the graph's own inputs.
    /// </summary>
    /// <param name="inputs">Values that the part takes, with their element types.</param>
    /// <param name="outputs">Values that the part gives, with their element types.</param>
    /// <param name="channelsLast">Outputs of the part that are [N,C,H,W] values turned to [N,H,W,C], under the name that <see cref="ChannelsLast"/> makes.</param>
    public byte[] Extract((string Name, int Type)[] inputs, (string Name, int Type)[] outputs, string[] channelsLast)
    {
        HashSet<string> given = [.. inputs.Select(input => input.Name)];
        HashSet<string> needed = [.. outputs.Select(output => output.Name), .. channelsLast];
        needed.ExceptWith(given);
        bool[] taken = new bool[_nodes.Count];
        // Branches stand last and nodes in topological order: one pass from the end, and a second for what branches took.
        for (int pass = 0; pass < 2; pass++)
        {
            for (int i = _nodes.Count - 1; i >= 0; i--)
            {
                if (taken[i] || !_nodes[i].Output.Any(needed.Contains)) continue;
                taken[i] = true;
                needed.UnionWith(_nodes[i].Input.Where(input => !given.Contains(input)));
            }
        }
        GraphProto graph = new() { Name = "part" };
        graph.Node.AddRange(_nodes.Where((_, i) => taken[i]));
        graph.Node.AddRange(channelsLast.Select(Transpose));
        graph.Initializer.AddRange(_initializers.Where(constant => needed.Contains(constant.Key)).Select(constant => constant.Value));
        graph.Input.AddRange(_inputs.Where(input => needed.Contains(input.Key)).Select(input => input.Value));
        graph.Input.AddRange(inputs.Select(input => Value(input.Name, input.Type)));
        graph.Output.AddRange(outputs.Select(output => Value(output.Name, output.Type)));
        graph.Output.AddRange(channelsLast.Select(value => Value(ChannelsLast(value), (int)TensorProto.Types.DataType.Float)));
        ModelProto part = _frame.Clone();
        part.Graph = graph;
        return part.ToByteArray();
    }

    /// <summary>Name of the output with the channels of <paramref name="value"/> last.</summary>
    public static string ChannelsLast(string value) => value + ".channels_last";

    /// <summary>An attribute of a node that is one number; null where there is none of that name.</summary>
    public static double? NumberOf(NodeProto node, string name) =>
        node.Attribute.LastOrDefault(attribute => attribute.Name == name) switch
        {
            { HasF: true } attribute => attribute.F,
            { HasI: true } attribute => attribute.I,
            _ => null,
        };

    // Depth is bounded: the outline of the file was read first.
    private void Add(GraphProto graph)
    {
        _nodes.AddRange(graph.Node);
        foreach (TensorProto tensor in graph.Initializer) _initializers[tensor.Name] = tensor;
        foreach (NodeProto node in graph.Node)
        {
            if (node.Attribute.LastOrDefault(attribute => attribute.Name == "then_branch")?.G is { } branch) Add(branch);
        }
    }

    private static NodeProto Transpose(string value) => new()
    {
        OpType = "Transpose",
        Input = { value },
        Output = { ChannelsLast(value) },
        Attribute = { new AttributeProto { Name = "perm", Type = AttributeProto.Types.AttributeType.Ints, Ints = { 0, 2, 3, 1 } } },
    };

    private static ValueInfoProto Value(string name, int type) =>
        new() { Name = name, Type = new TypeProto { TensorType = new TypeProto.Types.Tensor { ElemType = type } } };
}
