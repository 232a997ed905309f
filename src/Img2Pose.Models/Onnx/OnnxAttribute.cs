using Google.Protobuf;
using Img2Pose.Formats.Onnx;

namespace Img2Pose.Models.Onnx;

/// <summary>A named constant of a node: a number, a text, a list of numbers, or a subgraph.</summary>
public sealed class OnnxAttribute
{
    private OnnxAttribute(AttributeProto proto) => Proto = proto;

    internal AttributeProto Proto { get; }

    /// <summary>An integer.</summary>
    public static OnnxAttribute Of(string name, long value) =>
        new(new AttributeProto { Name = name, Type = AttributeProto.Types.AttributeType.Int, I = value });

    /// <summary>A number.</summary>
    public static OnnxAttribute Of(string name, float value) =>
        new(new AttributeProto { Name = name, Type = AttributeProto.Types.AttributeType.Float, F = value });

    /// <summary>A text, written as UTF-8.</summary>
    public static OnnxAttribute Of(string name, string value) =>
        new(new AttributeProto { Name = name, Type = AttributeProto.Types.AttributeType.String, S = ByteString.CopyFromUtf8(value) });

    /// <summary>A list of integers.</summary>
    public static OnnxAttribute Of(string name, params long[] values)
    {
        AttributeProto proto = new() { Name = name, Type = AttributeProto.Types.AttributeType.Ints };
        proto.Ints.AddRange(values);
        return new OnnxAttribute(proto);
    }

    /// <summary>A list of numbers.</summary>
    public static OnnxAttribute Of(string name, params float[] values)
    {
        AttributeProto proto = new() { Name = name, Type = AttributeProto.Types.AttributeType.Floats };
        proto.Floats.AddRange(values);
        return new OnnxAttribute(proto);
    }

    /// <summary>
    /// A subgraph made by <see cref="OnnxGraphBuilder.Subgraph"/>, complete at the time of this call.
    /// </summary>
    public static OnnxAttribute Of(string name, OnnxGraphBuilder subgraph) =>
        new(new AttributeProto { Name = name, Type = AttributeProto.Types.AttributeType.Graph, G = subgraph.BuildGraph() });
}
