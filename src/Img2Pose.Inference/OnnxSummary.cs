using System.Text;

namespace Img2Pose.Inference;

/// <summary>A tensor that an ONNX graph takes or gives, as its file declares it.</summary>
/// <param name="Name">Name.</param>
/// <param name="ElementType">Number of the type in ONNX's TensorProto.DataType.</param>
/// <param name="Rank">Number of sides.</param>
internal readonly record struct OnnxTensor(string Name, int ElementType, int Rank);

/// <summary>
/// The outside of an ONNX file: metadata, inputs, outputs and names of initialisers. It is read from the protobuf encoding
/// itself, seeking past weights, so that a model is described and checked in a millisecond and without a native library.
/// </summary>
internal sealed class OnnxSummary
{
    // Field numbers of onnx.proto.
    private const int ModelGraph = 7, ModelMetadataProps = 14, ModelTrainingInfo = 20, ModelFunctions = 25;
    private const int GraphNode = 1, GraphInitializer = 5, GraphInput = 11, GraphOutput = 12, GraphSparseInitializer = 15;
    private const int FunctionNode = 7, FunctionAttribute = 11, SparseValues = 1, SparseIndices = 2;
    private const int NodeAttribute = 5, AttributeTensor = 5, AttributeGraph = 6, AttributeTensors = 10, AttributeGraphs = 11, AttributeSparseTensor = 22, AttributeSparseTensors = 23;
    private const int TensorName = 8, TensorExternalData = 13, TensorDataLocation = 14;

    // Graphs within graphs, of which this program's models have one; ONNX Runtime would read their tensors from other files, too.
    private const int DepthLimit = 16;

    // Names and nodes that a file may have; each costs memory though it may be two bytes long in the file.
    private const int CountLimit = 200_000, TextLimit = 1 << 20, MetadataLimit = 16 << 20, TextTotalLimit = 64 << 20;

    private const int ValueName = 1, ValueType = 2;
    private const int TypeTensor = 1, TensorTypeElement = 1, TensorTypeShape = 2, ShapeDimension = 1;

    private readonly BinaryReader _reader;
    private readonly string _path;
    private bool _hasGraph;
    private int _count;
    private long _textBytes;

    private OnnxSummary(BinaryReader reader, string path) => (_reader, _path) = (reader, path);

    /// <summary>Entries of <c>metadata_props</c>.</summary>
    public Dictionary<string, string> Metadata { get; } = new(StringComparer.Ordinal);

    /// <summary>Declared inputs, those with a default too.</summary>
    public List<OnnxTensor> Inputs { get; } = [];

    /// <summary>Declared outputs.</summary>
    public List<OnnxTensor> Outputs { get; } = [];

    /// <summary>Names of the initialisers.</summary>
    public HashSet<string> Initialisers { get; } = new(StringComparer.Ordinal);

    /// <summary>Reads a file.</summary>
    /// <exception cref="ModelException">It is no ONNX model, cut short, or keeps tensors in other files.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static OnnxSummary Read(Stream stream, string path)
    {
        using BinaryReader reader = new(stream, Encoding.UTF8, leaveOpen: true);
        OnnxSummary summary = new(reader, path);
        summary.ReadModel(stream.Length);
        if (!summary._hasGraph) throw summary.NotAModel();
        return summary;
    }

    private long Position => _reader.BaseStream.Position;

    private void ReadModel(long end)
    {
        while (NextField(end, out int field, out long length))
        {
            long next = Position + length;
            if (field == ModelGraph)
            {
                _hasGraph = true;
                ReadGraph(next);
            }
            else if (field == ModelMetadataProps)
            {
                (string key, string value) = ReadPair(next);
                Metadata[key] = value;
            }
            else if (field == ModelFunctions) CheckFunction(next);
            else if (field == ModelTrainingInfo) throw new ModelException($"{_path}: has training graphs; it does not keep the model contract.");
            Seek(next);
        }
    }

    private void CheckFunction(long end)
    {
        while (NextField(end, out int field, out long length))
        {
            long next = Position + length;
            if (field == FunctionNode) CheckNode(next, 1);
            else if (field == FunctionAttribute) CheckAttribute(next, 1);
            Seek(next);
        }
    }

    private void Count()
    {
        if (++_count > CountLimit) throw new ModelException($"{_path}: has more than {CountLimit} nodes, tensors and values, the limit for a model.");
    }

    private void ReadGraph(long end)
    {
        while (NextField(end, out int field, out long length))
        {
            long next = Position + length;
            Count();
            if (field == GraphSparseInitializer) CheckSparse(next);
            if (field == GraphInitializer) ReadInitialiser(next);
            else if (field == GraphNode) CheckNode(next, 1);
            else if (field == GraphInput) Inputs.Add(ReadValue(next));
            else if (field == GraphOutput) Outputs.Add(ReadValue(next));
            Seek(next);
        }
    }

    private void ReadInitialiser(long end)
    {
        while (NextField(end, out int field, out long length, out ulong number))
        {
            long next = Position + length;
            if (field == TensorName) Initialisers.Add(ReadText(length, TextLimit));
            else if (field == TensorExternalData || (field == TensorDataLocation && number != 0)) throw InAnotherFile();
            Seek(next);
        }
    }

    // Of a node only what it holds is looked at: tensors and graphs, whose tensors must lie in this file.
    private void CheckNode(long end, int depth)
    {
        while (NextField(end, out int field, out long length))
        {
            long next = Position + length;
            Count();
            if (field == NodeAttribute) CheckAttribute(next, depth);
            Seek(next);
        }
    }

    private void CheckAttribute(long end, int depth)
    {
        while (NextField(end, out int field, out long length))
        {
            long next = Position + length;
            if (field is AttributeTensor or AttributeTensors) CheckTensor(next);
            else if (field is AttributeGraph or AttributeGraphs) CheckGraph(next, depth);
            else if (field is AttributeSparseTensor or AttributeSparseTensors) CheckSparse(next);
            Seek(next);
        }
    }

    private void CheckSparse(long end)
    {
        while (NextField(end, out int field, out long length))
        {
            long next = Position + length;
            if (field is SparseValues or SparseIndices) CheckTensor(next);
            Seek(next);
        }
    }

    private void CheckGraph(long end, int depth)
    {
        if (depth > DepthLimit) throw new ModelException($"{_path}: has graphs within graphs deeper than the limit of {DepthLimit}; it does not keep the model contract.");
        while (NextField(end, out int field, out long length))
        {
            long next = Position + length;
            Count();
            if (field == GraphInitializer) CheckTensor(next);
            else if (field == GraphNode) CheckNode(next, depth + 1);
            else if (field == GraphSparseInitializer) CheckSparse(next);
            Seek(next);
        }
    }

    private void CheckTensor(long end)
    {
        while (NextField(end, out int field, out long length, out ulong number))
        {
            long next = Position + length;
            if (field == TensorExternalData || (field == TensorDataLocation && number != 0)) throw InAnotherFile();
            Seek(next);
        }
    }

    private OnnxTensor ReadValue(long end)
    {
        string name = "";
        int type = 0, rank = -1;
        while (NextField(end, out int field, out long length))
        {
            long next = Position + length;
            if (field == ValueName) name = ReadText(length, TextLimit);
            else if (field == ValueType) ReadType(next, ref type, ref rank);
            Seek(next);
        }
        return new OnnxTensor(name, type, rank);
    }

    private void ReadType(long end, ref int type, ref int rank)
    {
        while (NextField(end, out int field, out long length))
        {
            long next = Position + length;
            if (field == TypeTensor)
            {
                rank = 0;
                while (NextField(next, out int inner, out long innerLength, out ulong number))
                {
                    long innerNext = Position + innerLength;
                    if (inner == TensorTypeElement) type = (int)number;
                    else if (inner == TensorTypeShape) rank = CountDimensions(innerNext);
                    Seek(innerNext);
                }
            }
            Seek(next);
        }
    }

    private int CountDimensions(long end)
    {
        int count = 0;
        while (NextField(end, out int field, out long length))
        {
            if (field == ShapeDimension) count++;
            Seek(Position + length);
        }
        return count;
    }

    private (string Key, string Value) ReadPair(long end)
    {
        string key = "", value = "";
        while (NextField(end, out int field, out long length))
        {
            long next = Position + length;
            if (field == 1) key = ReadText(length, TextLimit);
            else if (field == 2) value = ReadText(length, MetadataLimit);
            Seek(next);
        }
        return (key, value);
    }

    private bool NextField(long end, out int field, out long length) => NextField(end, out field, out length, out _);

    /// <summary>Reads a field's header; for a number, its value too. <paramref name="length"/> is what is left of the field.</summary>
    private bool NextField(long end, out int field, out long length, out ulong number)
    {
        (field, length, number) = (0, 0, 0);
        if (Position >= end) return false;
        ulong tag = ReadVarint(end);
        field = (int)(tag >> 3);
        if (field <= 0 || tag >> 3 > 0x1FFFFFFF) throw NotAModel();
        switch (tag & 7)
        {
            case 0:
                number = ReadVarint(end);
                return true;
            case 1:
                length = 8;
                break;
            case 2:
                ulong bytes = ReadVarint(end);
                if (bytes > long.MaxValue) throw NotAModel();
                length = (long)bytes;
                break;
            case 5:
                length = 4;
                break;
            default:
                throw NotAModel();
        }
        if (length > end - Position) throw CutShort();
        return true;
    }

    private ulong ReadVarint(long end)
    {
        ulong value = 0;
        for (int shift = 0; shift < 64; shift += 7)
        {
            if (Position >= end) throw CutShort();
            byte next = _reader.ReadByte();
            value |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80) return value;
        }
        throw NotAModel();
    }

    private string ReadText(long length, int limit)
    {
        // Names and metadata are short; a longer text is a sign of damage, and reading it would be a way to exhaust memory.
        if (length > limit) throw new ModelException($"{_path}: has a text of {length} bytes, above the limit of {limit}; it is damaged.");
        if ((_textBytes += length) > TextTotalLimit) throw new ModelException($"{_path}: has more than {TextTotalLimit} bytes of names and metadata, the limit for a model.");
        return Encoding.UTF8.GetString(_reader.ReadBytes((int)length));
    }

    private void Seek(long position)
    {
        if (position != Position) _reader.BaseStream.Position = position;
    }

    private ModelException InAnotherFile() =>
        new($"{_path}: keeps its weights in another file, which this program never opens; save the model as one file.");

    private ModelException NotAModel() => new($"{_path}: is not an ONNX model.");

    private ModelException CutShort() => new($"{_path}: is cut short or damaged; download or export the model again.");
}
