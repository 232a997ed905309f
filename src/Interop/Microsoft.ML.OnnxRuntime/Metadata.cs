using Microsoft.ML.OnnxRuntime.Tensors;

namespace Microsoft.ML.OnnxRuntime;

/// <summary>Type and shape of an input, output or initialiser of a graph.</summary>
public class NodeMetadata
{
    private readonly TensorElementType _elementDataType;
    private readonly int[] _dimensions;
    private readonly string[] _symbolicDimensions;

    internal NodeMetadata(OnnxValueType type, TensorElementType elementDataType, int[] dimensions, string[] symbolicDimensions)
    {
        OnnxValueType = type;
        _elementDataType = elementDataType;
        _dimensions = dimensions;
        _symbolicDimensions = symbolicDimensions;
    }

    public OnnxValueType OnnxValueType { get; }

    /// <summary>Sides; −1 where the graph leaves one open.</summary>
    public int[] Dimensions => Checked(_dimensions);

    /// <summary>Names of open sides; empty where a side is fixed or has none.</summary>
    public string[] SymbolicDimensions => Checked(_symbolicDimensions);

    public TensorElementType ElementDataType => Checked(_elementDataType);

    public bool IsTensor => OnnxValueType is OnnxValueType.ONNX_TYPE_TENSOR or OnnxValueType.ONNX_TYPE_SPARSETENSOR;

    private T Checked<T>(T value) => IsTensor ? value
        : throw new OnnxRuntimeException(ErrorCode.Fail, $"The value is {OnnxValueType}, not a tensor");
}

/// <summary>What a model says of itself.</summary>
public class ModelMetadata
{
    internal ModelMetadata(string producerName, string graphName, Dictionary<string, string> customMetadataMap)
    {
        ProducerName = producerName;
        GraphName = graphName;
        CustomMetadataMap = customMetadataMap;
    }

    public string ProducerName { get; }

    public string GraphName { get; }

    public Dictionary<string, string> CustomMetadataMap { get; }
}

/// <summary>Reads the native description of a tensor.</summary>
internal static unsafe class TypeAndShape
{
    internal static (TensorElementType Type, long[] Shape, string[] Symbols) Read(nint info)
    {
        int type;
        nuint count;
        OrtApi.VerifySuccess(((delegate* unmanaged<nint, int*, nint>)OrtApi.Function(OrtApi.GetTensorElementType))(info, &type));
        OrtApi.VerifySuccess(((delegate* unmanaged<nint, nuint*, nint>)OrtApi.Function(OrtApi.GetDimensionsCount))(info, &count));
        long[] shape = new long[(int)count];
        string[] symbols = new string[shape.Length];
        nint[] names = new nint[shape.Length];
        fixed (long* sides = shape)
            OrtApi.VerifySuccess(((delegate* unmanaged<nint, long*, nuint, nint>)OrtApi.Function(OrtApi.GetDimensions))(info, sides, count));
        fixed (nint* pointers = names)
            OrtApi.VerifySuccess(((delegate* unmanaged<nint, nint*, nuint, nint>)OrtApi.Function(OrtApi.GetSymbolicDimensions))(info, pointers, count));
        for (int i = 0; i < symbols.Length; i++) symbols[i] = OrtApi.Text((byte*)names[i]);
        return ((TensorElementType)type, shape, symbols);
    }
}
