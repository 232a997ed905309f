using Google.Protobuf;
using Img2Pose.Core;

namespace Img2Pose.Formats.Onnx;

/// <summary>A tensor that an ONNX graph takes or gives, as its file declares it.</summary>
/// <param name="Name">Name.</param>
/// <param name="ElementType">Number of the type in ONNX's TensorProto.DataType.</param>
/// <param name="Rank">Number of sides; -1 where no tensor is declared.</param>
internal readonly record struct OnnxTensor(string Name, int ElementType, int Rank);

/// <summary>
/// The outside of an ONNX file: metadata, inputs, outputs and names of initialisers. Reading it walks over every message of the
/// file without building one, and refuses what the program never runs (tensors in other files, training graphs) and what would
/// take memory out of proportion to the file: after it, <see cref="ModelProto"/> may be parsed from the same bytes.
/// </summary>
internal sealed class OnnxOutline
{
    // Graphs within graphs, of which this program's models have one; ONNX Runtime would read their tensors from other files, too.
    private const int DepthLimit = 16;

    // Names, nodes and values that a file may have; each costs an object though it may be two bytes long in the file.
    private const int CountLimit = 200_000, TextLimit = 1 << 20, MetadataLimit = 16 << 20, TextTotalLimit = 64 << 20;

    private readonly byte[] _bytes;
    private readonly string _path;
    private bool _hasGraph;
    private int _count;
    private long _textBytes;

    private OnnxOutline(byte[] bytes, string path) => (_bytes, _path) = (bytes, path);

    /// <summary>Entries of <c>metadata_props</c>.</summary>
    public Dictionary<string, string> Metadata { get; } = new(StringComparer.Ordinal);

    /// <summary>Declared inputs, those with a default too.</summary>
    public List<OnnxTensor> Inputs { get; } = [];

    /// <summary>Declared outputs.</summary>
    public List<OnnxTensor> Outputs { get; } = [];

    /// <summary>Names of the initialisers.</summary>
    public HashSet<string> Initialisers { get; } = new(StringComparer.Ordinal);

    /// <summary>Reads the bytes of a file.</summary>
    /// <exception cref="ModelException">It is no ONNX model, cut short, above a limit, or keeps tensors in other files.</exception>
    public static OnnxOutline Read(byte[] bytes, string path)
    {
        OnnxOutline outline = new(bytes, path);
        try
        {
            outline.ReadModel(new Field(0, WireFormat.WireType.LengthDelimited, 0, bytes.Length));
        }
        catch (InvalidProtocolBufferException error)
        {
            throw new ModelException($"{path}: is not an ONNX model, or is cut short or damaged ({error.Message}); download or export it again.", error);
        }
        return outline._hasGraph ? outline : throw new ModelException($"{path}: is not an ONNX model.");
    }

    private void ReadModel(Field model)
    {
        foreach (Field field in FieldsOf(model))
        {
            switch (field.Number)
            {
                case ModelProto.GraphFieldNumber:
                    _hasGraph = true;
                    ReadGraph(field);
                    break;
                case ModelProto.MetadataPropsFieldNumber:
                    ReadPair(field);
                    break;
                case ModelProto.FunctionsFieldNumber:
                    ReadFunction(field);
                    break;
                case ModelProto.TrainingInfoFieldNumber:
                    throw new ModelException($"{_path}: has training graphs; it does not keep the model contract.");
                default:
                    break;
            }
        }
    }

    private void ReadFunction(Field function)
    {
        foreach (Field field in FieldsOf(function))
        {
            if (field.Number == FunctionProto.NodeFieldNumber) ReadNode(field, 1);
            else if (field.Number == FunctionProto.AttributeProtoFieldNumber) ReadAttribute(field, 1);
        }
    }

    private void ReadGraph(Field graph)
    {
        foreach (Field field in FieldsOf(graph))
        {
            switch (field.Number)
            {
                case GraphProto.InitializerFieldNumber:
                    Initialisers.Add(ReadTensor(field));
                    break;
                case GraphProto.InputFieldNumber:
                    Inputs.Add(ReadValue(field));
                    break;
                case GraphProto.OutputFieldNumber:
                    Outputs.Add(ReadValue(field));
                    break;
                default:
                    ReadWithin(field, 0);
                    break;
            }
        }
    }

    private void ReadInnerGraph(Field graph, int depth)
    {
        if (depth > DepthLimit) throw new ModelException($"{_path}: has graphs within graphs deeper than the limit of {DepthLimit}; it does not keep the model contract.");
        foreach (Field field in FieldsOf(graph)) ReadWithin(field, depth);
    }

    // A field of a graph, of which only what it costs and where its tensors lie is of interest.
    private void ReadWithin(Field field, int depth)
    {
        switch (field.Number)
        {
            case GraphProto.NodeFieldNumber:
                ReadNode(field, depth + 1);
                break;
            case GraphProto.InitializerFieldNumber:
                ReadTensor(field);
                break;
            case GraphProto.SparseInitializerFieldNumber:
                ReadSparse(field);
                break;
            case GraphProto.InputFieldNumber or GraphProto.OutputFieldNumber or GraphProto.ValueInfoFieldNumber:
                ReadValue(field);
                break;
            default:
                break;
        }
    }

    private void ReadNode(Field node, int depth)
    {
        foreach (Field field in FieldsOf(node))
        {
            if (field.Number == NodeProto.AttributeFieldNumber) ReadAttribute(field, depth);
        }
    }

    private void ReadAttribute(Field attribute, int depth)
    {
        foreach (Field field in FieldsOf(attribute))
        {
            switch (field.Number)
            {
                case AttributeProto.TFieldNumber or AttributeProto.TensorsFieldNumber:
                    ReadTensor(field);
                    break;
                case AttributeProto.GFieldNumber or AttributeProto.GraphsFieldNumber:
                    ReadInnerGraph(field, depth);
                    break;
                case AttributeProto.SparseTensorFieldNumber or AttributeProto.SparseTensorsFieldNumber:
                    ReadSparse(field);
                    break;
                default:
                    break;
            }
        }
    }

    private void ReadSparse(Field sparse)
    {
        foreach (Field field in FieldsOf(sparse))
        {
            if (field.Number is SparseTensorProto.ValuesFieldNumber or SparseTensorProto.IndicesFieldNumber) ReadTensor(field);
        }
    }

    private string ReadTensor(Field tensor)
    {
        string name = "";
        bool elsewhere = false;
        foreach (Field field in FieldsOf(tensor))
        {
            if (field.Number == TensorProto.NameFieldNumber) name = TextOf(field, TextLimit);
            else if (field.Number == TensorProto.ExternalDataFieldNumber) elsewhere = true;
            else if (field.Number == TensorProto.DataLocationFieldNumber) elsewhere |= NumberOf(field) != 0;
        }
        if (!elsewhere) return name;
        string which = name.Length == 0 ? "a tensor" : $"tensor '{TerminalText.Escape(name)}'";
        throw new ModelException($"{_path}: {which} lies in another file, which this program never opens; save the model as one file.");
    }

    private OnnxTensor ReadValue(Field value)
    {
        OnnxTensor read = new("", 0, -1);
        foreach (Field field in FieldsOf(value))
        {
            if (field.Number == ValueInfoProto.NameFieldNumber) read = read with { Name = TextOf(field, TextLimit) };
            else if (field.Number == ValueInfoProto.TypeFieldNumber) read = ReadType(field, read);
        }
        return read;
    }

    private OnnxTensor ReadType(Field type, OnnxTensor read)
    {
        foreach (Field tensor in FieldsOf(type))
        {
            if (tensor.Number != TypeProto.TensorTypeFieldNumber) continue;
            read = read with { Rank = 0 };
            foreach (Field field in FieldsOf(tensor))
            {
                if (field.Number == TypeProto.Types.Tensor.ElemTypeFieldNumber) read = read with { ElementType = (int)NumberOf(field) };
                else if (field.Number == TypeProto.Types.Tensor.ShapeFieldNumber)
                    read = read with { Rank = FieldsOf(field).Count(side => side.Number == TensorShapeProto.DimFieldNumber) };
            }
        }
        return read;
    }

    private void ReadPair(Field pair)
    {
        string key = "", value = "";
        foreach (Field field in FieldsOf(pair))
        {
            if (field.Number == StringStringEntryProto.KeyFieldNumber) key = TextOf(field, TextLimit);
            else if (field.Number == StringStringEntryProto.ValueFieldNumber) value = TextOf(field, MetadataLimit);
        }
        Metadata[key] = value;
    }

    /// <summary>A field of a message, and where its bytes lie after the tag; a message's begin with its length, but for the whole file's.</summary>
    private readonly record struct Field(int Number, WireFormat.WireType Type, int Start, int End);

    private CodedInputStream Open(Field field) => new(_bytes, field.Start, field.End - field.Start);

    private IEnumerable<Field> FieldsOf(Field message)
    {
        if (message.Type != WireFormat.WireType.LengthDelimited) yield break;
        CodedInputStream input = Open(message);
        if (message.Number != 0) input.ReadLength();
        while (!input.IsAtEnd)
        {
            uint tag = input.ReadTag();
            WireFormat.WireType type = WireFormat.GetTagWireType(tag);
            // The format has no groups: one is another kind of file, and skipping them would recurse.
            if (type is WireFormat.WireType.StartGroup or WireFormat.WireType.EndGroup) throw new ModelException($"{_path}: is not an ONNX model.");
            if (type == WireFormat.WireType.LengthDelimited && ++_count > CountLimit)
                throw new ModelException($"{_path}: has more than {CountLimit} nodes, tensors and values, the limit for a model.");
            int start = (int)input.Position;
            input.SkipLastField();
            yield return new Field(WireFormat.GetTagFieldNumber(tag), type, start, (int)input.Position);
        }
    }

    private ulong NumberOf(Field field) => field.Type == WireFormat.WireType.Varint ? Open(field).ReadUInt64() : 0;

    private string TextOf(Field field, int limit)
    {
        if (field.Type != WireFormat.WireType.LengthDelimited) return "";
        // Names and metadata are short; a longer text is a sign of damage, and reading it would be a way to exhaust memory.
        int length = field.End - field.Start;
        if (length > limit) throw new ModelException($"{_path}: has a text of {length} bytes, above the limit of {limit}; it is damaged.");
        if ((_textBytes += length) > TextTotalLimit) throw new ModelException($"{_path}: has more than {TextTotalLimit} bytes of names and metadata, the limit for a model.");
        return Open(field).ReadString();
    }
}
