using Img2Pose.Formats.Onnx;

namespace Img2Pose.Models.Onnx;

/// <summary>One dimension of a graph input or output: a length, or a name for one that is known only at run time.</summary>
/// <param name="Length">The length, or null for a symbolic dimension.</param>
/// <param name="Symbol">The name of a symbolic dimension; equal names mean equal lengths.</param>
public readonly record struct OnnxDimension(long? Length, string? Symbol)
{
    /// <summary>A fixed length.</summary>
    public static OnnxDimension FromInt64(long length) => new(length, null);

    /// <summary>A symbolic dimension.</summary>
    public static OnnxDimension FromString(string symbol) => new(null, symbol);

    /// <summary>A fixed length.</summary>
    public static implicit operator OnnxDimension(long length) => FromInt64(length);

    /// <summary>A symbolic dimension.</summary>
    public static implicit operator OnnxDimension(string symbol) => FromString(symbol);

    internal TensorShapeProto.Types.Dimension ToProto() => Length is { } length
        ? new TensorShapeProto.Types.Dimension { DimValue = length }
        : new TensorShapeProto.Types.Dimension { DimParam = Symbol ?? "" };
}
