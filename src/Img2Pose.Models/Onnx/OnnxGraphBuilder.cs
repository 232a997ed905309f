using System.Globalization;
using System.Runtime.InteropServices;
using Google.Protobuf;
using Img2Pose.Formats.Onnx;

namespace Img2Pose.Models.Onnx;

/// <summary>
/// Writes an ONNX graph node by node. Values are referred to by their names; a node may only use values that exist
/// already, so that the nodes are in topological order and a misspelt name is an error where it is made. Not thread-safe.
/// </summary>
public sealed class OnnxGraphBuilder
{
    /// <summary>The operator set that is used unless told otherwise (ONNX 1.12).</summary>
    public const int DefaultOpset = 17;

    // IR version 8 belongs to ONNX 1.10 to 1.12: every runtime since then reads it.
    private const int IrVersion = 8;

    private readonly GraphProto _graph = new();
    private readonly OnnxGraphBuilder? _parent;
    private readonly HashSet<string> _values = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _sharedConstants = new(StringComparer.Ordinal);
    private readonly NameSource _names;

    /// <summary>Starts an empty graph.</summary>
    /// <param name="name">The graph's name, for people who look at the file.</param>
    public OnnxGraphBuilder(string name) : this(name, null) { }

    private OnnxGraphBuilder(string name, OnnxGraphBuilder? parent)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        _graph.Name = name;
        _parent = parent;
        _names = parent?._names ?? new NameSource();
    }

    /// <summary>
    /// Starts a subgraph, for <c>If</c>, <c>Loop</c> and <c>Scan</c>. It sees this graph's values of now and later; its
    /// own names never collide with them. Finish it, then hand it to <see cref="OnnxAttribute.Of(string, OnnxGraphBuilder)"/>.
    /// </summary>
    public OnnxGraphBuilder Subgraph(string name) => new(name, this);

    /// <summary>Declares a graph input and returns its name.</summary>
    /// <exception cref="ArgumentException">The name is taken.</exception>
    public string Input(string name, OnnxElementType type, params OnnxDimension[] dims)
    {
        Declare(name);
        _graph.Input.Add(ValueInfo(name, type, dims));
        return name;
    }

    /// <summary>
    /// Declares a float input that has a value of its own where the caller gives none: an initialiser that is also a
    /// graph input. The declared dimensions may be symbolic where the default's length is only one of those allowed.
    /// </summary>
    public string InputWithDefault(string name, ReadOnlySpan<float> defaultValue, ReadOnlySpan<long> defaultDims, params OnnxDimension[] dims)
    {
        Initializer(name, defaultValue, defaultDims);
        _graph.Input.Add(ValueInfo(name, OnnxElementType.Float32, dims));
        return name;
    }

    /// <summary>Declares a graph output: a value that exists already.</summary>
    /// <exception cref="ArgumentException">There is no such value in this graph.</exception>
    public void Output(string name, OnnxElementType type, params OnnxDimension[] dims)
    {
        if (!_values.Contains(name)) throw new ArgumentException($"The graph has no value '{name}' to put out.", nameof(name));
        _graph.Output.Add(ValueInfo(name, type, dims));
    }

    /// <summary>Adds a float32 constant; an empty or null name gets a fresh one. No dims: a scalar if there is one value, else a vector.</summary>
    /// <exception cref="ArgumentException">The number of values is not the product of the dimensions, or the name is taken.</exception>
    public string Initializer(string? name, ReadOnlySpan<float> values, params ReadOnlySpan<long> dims) =>
        AddInitializer(name, OnnxElementType.Float32, MemoryMarshal.AsBytes(values).ToArray(), values.Length, dims);

    /// <summary>Adds a float16 constant; see the float32 overload.</summary>
    public string Initializer(string? name, ReadOnlySpan<Half> values, params ReadOnlySpan<long> dims) =>
        AddInitializer(name, OnnxElementType.Float16, MemoryMarshal.AsBytes(values).ToArray(), values.Length, dims);

    /// <summary>Adds an int64 constant; see the float32 overload.</summary>
    public string Initializer(string? name, ReadOnlySpan<long> values, params ReadOnlySpan<long> dims) =>
        AddInitializer(name, OnnxElementType.Int64, MemoryMarshal.AsBytes(values).ToArray(), values.Length, dims);

    /// <summary>Adds an int32 constant; see the float32 overload.</summary>
    public string Initializer(string? name, ReadOnlySpan<int> values, params ReadOnlySpan<long> dims) =>
        AddInitializer(name, OnnxElementType.Int32, MemoryMarshal.AsBytes(values).ToArray(), values.Length, dims);

    /// <summary>Adds a boolean constant; see the float32 overload.</summary>
    public string Initializer(string? name, ReadOnlySpan<bool> values, params ReadOnlySpan<long> dims) =>
        AddInitializer(name, OnnxElementType.Boolean, MemoryMarshal.AsBytes(values).ToArray(), values.Length, dims);

    /// <summary>A float32 scalar; equal scalars of a graph share one initialiser.</summary>
    public string Scalar(float value) =>
        Shared("f" + BitConverter.SingleToInt32Bits(value).ToString("x8", CultureInfo.InvariantCulture), () => Initializer(null, [value]));

    /// <summary>An int64 scalar; equal scalars of a graph share one initialiser.</summary>
    public string Scalar(long value) =>
        Shared("i" + value.ToString(CultureInfo.InvariantCulture), () => Initializer(null, [value]));

    /// <summary>An int64 vector (also of length 1 or 0); equal vectors of a graph share one initialiser.</summary>
    public string Vector(params long[] values) =>
        Shared("v" + string.Join(',', values), () => Initializer(null, values, values.Length));

    /// <summary>Adds a node with one output and returns the output's (fresh) name.</summary>
    /// <param name="opType">Operator of the default domain.</param>
    /// <param name="inputs">Names of existing values; empty for an optional input that is left out.</param>
    /// <param name="attributes">The node's attributes.</param>
    /// <exception cref="ArgumentException">An input does not exist.</exception>
    public string Node(string opType, ReadOnlySpan<string> inputs, params ReadOnlySpan<OnnxAttribute> attributes) =>
        Node(opType, inputs, 1, attributes)[0];

    /// <summary>Adds a node with <paramref name="outputs"/> outputs and returns their (fresh) names.</summary>
    public string[] Node(string opType, ReadOnlySpan<string> inputs, int outputs, params ReadOnlySpan<OnnxAttribute> attributes)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(outputs);
        string[] names = new string[outputs];
        for (int i = 0; i < outputs; i++) names[i] = _names.Next(opType);
        AddNode(opType, inputs, names, attributes);
        return names;
    }

    /// <summary>Adds a node with one output of the given name and returns that name.</summary>
    /// <exception cref="ArgumentException">An input does not exist, or the name is taken.</exception>
    public string NamedNode(string output, string opType, ReadOnlySpan<string> inputs, params ReadOnlySpan<OnnxAttribute> attributes)
    {
        AddNode(opType, inputs, [output], attributes);
        return output;
    }

    /// <summary>Adds a node with outputs of the given names.</summary>
    /// <exception cref="ArgumentException">An input does not exist, or a name is taken.</exception>
    public void NamedNode(ReadOnlySpan<string> outputs, string opType, ReadOnlySpan<string> inputs, params ReadOnlySpan<OnnxAttribute> attributes) =>
        AddNode(opType, inputs, outputs, attributes);

    /// <summary>The finished model.</summary>
    /// <param name="opset">Version of the default operator set; at least 16 for this project's graphs.</param>
    /// <param name="metadata">Entries of <c>metadata_props</c>.</param>
    /// <exception cref="InvalidOperationException">This is a subgraph, or the graph puts nothing out.</exception>
    public ModelProto Build(int opset = DefaultOpset, IReadOnlyDictionary<string, string>? metadata = null)
    {
        if (_parent is not null) throw new InvalidOperationException("A subgraph is part of a model, not a model.");
        ModelProto model = new()
        {
            IrVersion = IrVersion,
            ProducerName = "Img2Pose.Realtime",
            ProducerVersion = typeof(OnnxGraphBuilder).Assembly.GetName().Version?.ToString(3) ?? "",
            Graph = BuildGraph(),
        };
        model.OpsetImport.Add(new OperatorSetIdProto { Domain = "", Version = opset });
        foreach ((string key, string value) in metadata ?? new Dictionary<string, string>())
            model.MetadataProps.Add(new StringStringEntryProto { Key = key, Value = value });
        return model;
    }

    /// <summary>The finished model as the bytes of an ONNX file.</summary>
    public byte[] ToBytes(int opset = DefaultOpset, IReadOnlyDictionary<string, string>? metadata = null) =>
        Build(opset, metadata).ToByteArray();

    /// <summary>Writes the finished model to a file, which appears only when it is complete.</summary>
    /// <exception cref="OutputException">The file cannot be written.</exception>
    public void Save(string path, int opset = DefaultOpset, IReadOnlyDictionary<string, string>? metadata = null) =>
        OnnxFile.Write(Build(opset, metadata), path);

    internal GraphProto BuildGraph()
    {
        if (_graph.Output.Count == 0) throw new InvalidOperationException($"Graph '{_graph.Name}' puts nothing out.");
        return _graph;
    }

    private void AddNode(string opType, ReadOnlySpan<string> inputs, ReadOnlySpan<string> outputs, ReadOnlySpan<OnnxAttribute> attributes)
    {
        ArgumentException.ThrowIfNullOrEmpty(opType);
        NodeProto node = new() { OpType = opType, Name = outputs[0] };
        foreach (string input in inputs)
        {
            if (input.Length > 0 && !IsVisible(input))
                throw new ArgumentException($"Node {opType} refers to '{input}', which does not exist.", nameof(inputs));
            node.Input.Add(input);
        }
        foreach (string output in outputs)
        {
            Declare(output);
            node.Output.Add(output);
        }
        foreach (OnnxAttribute attribute in attributes) node.Attribute.Add(attribute.Proto);
        _graph.Node.Add(node);
    }

    private string AddInitializer(string? name, OnnxElementType type, byte[] raw, int count, ReadOnlySpan<long> dims)
    {
        if (string.IsNullOrEmpty(name)) name = _names.Next("constant");
        long product = 1;
        foreach (long dim in dims) product *= dim;
        // Without dimensions one value is a scalar and several are a vector.
        bool vector = dims.IsEmpty && count != 1;
        if (!vector && product != count)
            throw new ArgumentException($"'{name}' has {count} values for the shape [{string.Join(", ", dims.ToArray())}].", nameof(dims));
        Declare(name);
        TensorProto tensor = new() { Name = name, DataType = (int)type, RawData = UnsafeByteOperations.UnsafeWrap(raw) };
        if (vector) tensor.Dims.Add(count);
        else foreach (long dim in dims) tensor.Dims.Add(dim);
        _graph.Initializer.Add(tensor);
        return name;
    }

    private string Shared(string key, Func<string> make)
    {
        for (OnnxGraphBuilder? scope = this; scope is not null; scope = scope._parent)
        {
            if (scope._sharedConstants.TryGetValue(key, out string? found)) return found;
        }
        return _sharedConstants[key] = make();
    }

    private void Declare(string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        if (IsVisible(name)) throw new ArgumentException($"The name '{name}' is taken.", nameof(name));
        _values.Add(name);
    }

    private bool IsVisible(string name)
    {
        for (OnnxGraphBuilder? scope = this; scope is not null; scope = scope._parent)
        {
            if (scope._values.Contains(name)) return true;
        }
        return false;
    }

    private static ValueInfoProto ValueInfo(string name, OnnxElementType type, ReadOnlySpan<OnnxDimension> dims)
    {
        TensorShapeProto shape = new();
        foreach (OnnxDimension dim in dims) shape.Dim.Add(dim.ToProto());
        return new ValueInfoProto
        {
            Name = name,
            Type = new TypeProto { TensorType = new TypeProto.Types.Tensor { ElemType = (int)type, Shape = shape } },
        };
    }

    /// <summary>Fresh names, shared by a graph and its subgraphs.</summary>
    private sealed class NameSource
    {
        private int _count;

        public string Next(string stem) => string.Create(CultureInfo.InvariantCulture, $"{stem}_{_count++}");
    }
}
