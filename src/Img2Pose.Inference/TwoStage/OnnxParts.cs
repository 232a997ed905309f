using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Img2Pose.Inference.TwoStage;

/// <summary>
/// The graph of an ONNX file, opened so that parts of it can be run on their own: a part is the nodes between given values,
/// with their constants, as a model of its own. The nodes of the <c>then</c> branches of <c>If</c> count as the graph's. Read
/// from the protobuf encoding itself; weights are copied once, from the file's bytes into the part.
/// </summary>
internal sealed unsafe class OnnxParts : IDisposable
{
    // Field numbers of onnx.proto.
    private const int ModelGraph = 7, ModelMetadata = 14;
    private const int GraphNode = 1, GraphName = 2, GraphInitializer = 5, GraphInput = 11, GraphOutput = 12;
    private const int NodeInput = 1, NodeOutput = 2, NodeOpType = 4, NodeAttribute = 5;
    private const int AttributeName = 1, AttributeFloat = 2, AttributeInt = 3, AttributeGraph = 6, AttributeInts = 8, AttributeType = 20;
    private const int AttributeTypeInts = 7;
    private const int ConstantLimit = 1 << 20;
    private const int TensorName = 8, TensorRawData = 9;
    private const int ValueName = 1, ValueType = 2, TypeTensor = 1, TensorElementType = 1;

    // Graphs within graphs; the same limit as the check of the whole file has.
    private const int DepthLimit = 16;

    private readonly string _path;
    private readonly AlignedBuffer _bytes;
    private readonly List<Slice> _modelFields = [];
    private readonly List<Node> _nodes = [];
    private readonly Dictionary<string, Slice> _initializers = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Slice> _inputs = new(StringComparer.Ordinal);

    private OnnxParts(string path, AlignedBuffer bytes)
    {
        (_path, _bytes) = (path, bytes);
        Slice whole = new(bytes.Pointer, checked((int)bytes.Length));
        for (Fields fields = new(whole); fields.Next();)
        {
            if (fields.Number == ModelGraph) ReadGraph(fields.Content, inputs: true, 0);
            else if (fields.Number != ModelMetadata) _modelFields.Add(fields.Whole);
        }
    }

    /// <summary>The nodes, in the file's order; those of branches after the others.</summary>
    public IReadOnlyList<Node> Nodes => _nodes;

    /// <summary>Opens a file that <see cref="ModelPackage.Load"/> has accepted.</summary>
    /// <exception cref="ModelException">It is damaged.</exception>
    public static OnnxParts Open(ModelPackage model)
    {
        AlignedBuffer? bytes = null;
        try
        {
            // Read, not mapped: a file that is cut while it is mapped ends the process.
            using SafeFileHandle file = File.OpenHandle(model.Path);
            long length = RandomAccess.GetLength(file);
            if (length != model.FileSize) throw new InvalidDataException();
            bytes = new AlignedBuffer(length);
            for (long at = 0; at < length;)
            {
                int read = RandomAccess.Read(file, new Span<byte>(bytes.Pointer + at, (int)Math.Min(length - at, 1 << 26)), at);
                if (read == 0) throw new InvalidDataException();
                at += read;
            }
            return new OnnxParts(model.Path, bytes);
        }
        catch (Exception error)
        {
            bytes?.Dispose();
            throw error switch
            {
                InvalidDataException => new ModelException($"{model.Path}: is cut short or damaged; download or export the model again.", error),
                IOException or UnauthorizedAccessException => new ModelException($"{model.Path}: cannot be read ({OneLine.Of(error.Message)}).", error),
                _ => error,
            };
        }
    }

    /// <summary>The error that says what is wrong with the file.</summary>
    public ModelException Wrong(string what) => new($"{_path}: {what}; it does not keep the model contract.");

    /// <summary>Whether some node puts out a value of this name.</summary>
    public bool Has(string value) => _nodes.Exists(node => node.Outputs.Contains(value));

    /// <summary>The numbers of a constant that is stored as raw bytes; empty where there is none of that name.</summary>
    public T[] Constant<T>(string name) where T : unmanaged
    {
        if (!_initializers.TryGetValue(name, out Slice tensor)) return [];
        for (Fields fields = new(tensor); fields.Next();)
        {
            // A constant of such a name is a few numbers.
            if (fields.Number != TensorRawData || fields.Content.Length > ConstantLimit || fields.Content.Length % sizeof(T) != 0) continue;
            return MemoryMarshal.Cast<byte, T>(fields.Content.Span).ToArray();
        }
        return [];
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
                if (taken[i] || !_nodes[i].Outputs.Any(needed.Contains)) continue;
                taken[i] = true;
                needed.UnionWith(_nodes[i].Inputs.Where(input => !given.Contains(input)));
            }
        }
        List<Slice> graph = [Encode(w => Text(w, GraphName, "part"))];
        for (int i = 0; i < taken.Length; i++)
        {
            if (taken[i]) graph.Add(_nodes[i].Field);
        }
        foreach (string value in channelsLast) graph.Add(Encode(w => Message(w, GraphNode, node => Transpose(node, value))));
        foreach ((string name, Slice tensor) in _initializers)
        {
            if (!needed.Contains(name)) continue;
            graph.Add(Encode(w => Header(w, GraphInitializer, tensor.Length)));
            graph.Add(tensor);
        }
        foreach ((string name, Slice field) in _inputs)
        {
            if (needed.Contains(name)) graph.Add(field);
        }
        foreach ((string name, int type) in inputs) graph.Add(Encode(w => Value(w, GraphInput, name, type)));
        foreach ((string name, int type) in outputs) graph.Add(Encode(w => Value(w, GraphOutput, name, type)));
        foreach (string value in channelsLast) graph.Add(Encode(w => Value(w, GraphOutput, ChannelsLast(value), 1)));
        return Join([.. _modelFields, Encode(w => Header(w, ModelGraph, graph.Sum(slice => (long)slice.Length))), .. graph]);
    }

    /// <summary>Name of the output with the channels of <paramref name="value"/> last.</summary>
    public static string ChannelsLast(string value) => value + ".channels_last";

    /// <summary>Frees the file's bytes; slices of them must not be used any more.</summary>
    public void Dispose()
    {
        _bytes.Dispose();
    }

    private void ReadGraph(Slice graph, bool inputs, int depth)
    {
        if (depth > DepthLimit) throw Wrong($"has graphs within graphs deeper than the limit of {DepthLimit}");
        List<Slice> branches = [];
        for (Fields fields = new(graph); fields.Next();)
        {
            switch (fields.Number)
            {
                case GraphNode:
                    Node node = ReadNode(fields.Whole, fields.Content);
                    if (node.Branch.Length > 0) branches.Add(node.Branch);
                    _nodes.Add(node);
                    break;
                case GraphInitializer:
                    _initializers[TextOf(fields.Content, TensorName)] = fields.Content;
                    break;
                case GraphInput when inputs:
                    _inputs[TextOf(fields.Content, ValueName)] = fields.Whole;
                    break;
                default:
                    break;
            }
        }
        foreach (Slice branch in branches) ReadGraph(branch, inputs: false, depth + 1);
    }

    private static Node ReadNode(Slice field, Slice content)
    {
        List<string> inputs = [], outputs = [];
        Dictionary<string, double> numbers = new(StringComparer.Ordinal);
        string type = "";
        Slice branch = default;
        for (Fields fields = new(content); fields.Next();)
        {
            switch (fields.Number)
            {
                case NodeInput:
                    inputs.Add(fields.Content.Text);
                    break;
                case NodeOutput:
                    outputs.Add(fields.Content.Text);
                    break;
                case NodeOpType:
                    type = fields.Content.Text;
                    break;
                case NodeAttribute:
                    string name = TextOf(fields.Content, AttributeName);
                    for (Fields attribute = new(fields.Content); attribute.Next();)
                    {
                        if (attribute.Number == AttributeFloat && attribute.Content.Length == sizeof(float)) numbers[name] = BinaryPrimitives.ReadSingleLittleEndian(attribute.Content.Span);
                        else if (attribute.Number == AttributeInt && attribute.IsVarint) numbers[name] = attribute.Varint;
                        else if (attribute.Number == AttributeGraph && name == "then_branch") branch = attribute.Content;
                    }
                    break;
                default:
                    break;
            }
        }
        return new Node(type, [.. inputs], [.. outputs], numbers, field, branch);
    }

    private static string TextOf(Slice message, int number)
    {
        for (Fields fields = new(message); fields.Next();)
        {
            if (fields.Number == number) return fields.Content.Text;
        }
        return "";
    }

    private static byte[] Join(List<Slice> slices)
    {
        // Not larger than the file and some words, which is at most 2 GiB.
        byte[] bytes = new byte[checked((int)slices.Sum(slice => (long)slice.Length))];
        int at = 0;
        foreach (Slice slice in slices)
        {
            slice.Span.CopyTo(bytes.AsSpan(at));
            at += slice.Length;
        }
        return bytes;
    }

    private static Slice Encode(Action<MemoryStream> write)
    {
        MemoryStream stream = new();
        write(stream);
        return new Slice(stream.ToArray());
    }

    private static void Transpose(MemoryStream stream, string value)
    {
        Text(stream, NodeInput, value);
        Text(stream, NodeOutput, ChannelsLast(value));
        Text(stream, NodeOpType, "Transpose");
        Message(stream, NodeAttribute, attribute =>
        {
            Text(attribute, AttributeName, "perm");
            foreach (ulong axis in (ReadOnlySpan<ulong>)[0, 2, 3, 1]) Number(attribute, AttributeInts, axis);
            Number(attribute, AttributeType, AttributeTypeInts);
        });
    }

    private static void Value(MemoryStream stream, int field, string name, int type) => Message(stream, field, value =>
    {
        Text(value, ValueName, name);
        Message(value, ValueType, t => Message(t, TypeTensor, tensor => Number(tensor, TensorElementType, (ulong)type)));
    });

    private static void Message(MemoryStream stream, int field, Action<MemoryStream> write)
    {
        MemoryStream inner = new();
        write(inner);
        Header(stream, field, inner.Length);
        inner.WriteTo(stream);
    }

    private static void Text(MemoryStream stream, int field, string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        Header(stream, field, bytes.Length);
        stream.Write(bytes);
    }

    private static void Number(MemoryStream stream, int field, ulong value)
    {
        Varint(stream, (ulong)field << 3);
        Varint(stream, value);
    }

    private static void Header(MemoryStream stream, int field, long length)
    {
        Varint(stream, ((ulong)field << 3) | 2);
        Varint(stream, (ulong)length);
    }

    private static void Varint(MemoryStream stream, ulong value)
    {
        for (; value >= 0x80; value >>= 7) stream.WriteByte((byte)(value | 0x80));
        stream.WriteByte((byte)value);
    }

    /// <summary>One node.</summary>
    /// <param name="Type">Operator.</param>
    /// <param name="Inputs">Names of the values it takes.</param>
    /// <param name="Outputs">Names of the values it gives.</param>
    /// <param name="Numbers">Attributes that are one number.</param>
    /// <param name="Field">The node as a field of the graph.</param>
    /// <param name="Branch">Its <c>then</c> branch, or empty.</param>
    public sealed record Node(string Type, string[] Inputs, string[] Outputs, IReadOnlyDictionary<string, double> Numbers, Slice Field, Slice Branch);

    /// <summary>Bytes of the file, or of an array.</summary>
    public readonly struct Slice
    {
        private readonly byte* _pointer;
        private readonly byte[]? _array;

        public Slice(byte* pointer, int length)
        {
            _pointer = pointer;
            Length = length;
        }

        public Slice(byte[] array) => (_array, Length) = (array, array.Length);

        public int Length { get; }

        public ReadOnlySpan<byte> Span => _array is null ? new ReadOnlySpan<byte>(_pointer, Length) : _array;

        public string Text => Encoding.UTF8.GetString(Span);

        public Slice Part(int start, int length) => new(_pointer + start, length);
    }

    /// <summary>The fields of a message of the file, one after the other.</summary>
    private ref struct Fields(Slice message)
    {
        private int _at;

        public int Number { get; private set; }

        public long Varint { get; private set; }

        public bool IsVarint { get; private set; }

        /// <summary>What the field holds, without its header; empty for a varint.</summary>
        public Slice Content { get; private set; }

        /// <summary>The field with its header.</summary>
        public Slice Whole { get; private set; }

        public bool Next()
        {
            int begin = _at;
            if (begin >= message.Length) return false;
            ulong tag = ReadVarint();
            Number = (int)(tag >> 3);
            ulong length = 0;
            Varint = 0;
            if (tag >> 3 is 0 or > 0x1FFFFFFF) throw new InvalidDataException();
            IsVarint = (tag & 7) == 0;
            switch (tag & 7)
            {
                case 0:
                    Varint = (long)ReadVarint();
                    break;
                case 1:
                    length = 8;
                    break;
                case 2:
                    length = ReadVarint();
                    break;
                case 5:
                    length = 4;
                    break;
                default:
                    throw new InvalidDataException();
            }
            if (length > (ulong)(message.Length - _at)) throw new InvalidDataException();
            Content = message.Part(_at, (int)length);
            _at += (int)length;
            Whole = message.Part(begin, _at - begin);
            return true;
        }

        private ulong ReadVarint()
        {
            ulong value = 0;
            for (int shift = 0; shift < 64; shift += 7)
            {
                if (_at >= message.Length) throw new InvalidDataException();
                byte next = message.Span[_at++];
                value |= (ulong)(next & 0x7F) << shift;
                if (next < 0x80) return value;
            }
            throw new InvalidDataException();
        }
    }
}
