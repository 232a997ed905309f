using System.Runtime.InteropServices;
using Google.Protobuf;
using Img2Pose.Formats.Onnx;
using Img2Pose.Models.Onnx;

namespace Img2Pose.Models.Precision;

/// <summary>
/// Stores weights of convolutions in 16-bit floating point, half the file: a cast before the convolution makes 32 bits of them,
/// which ONNX Runtime does once, when it opens the model. What is computed stays 32-bit; weights are rounded to 11 bits.
/// </summary>
internal static class HalfStorage
{
    /// <summary>What the name of a stored weight ends with, after the name that the convolution knows it by.</summary>
    internal const string Suffix = ".half";

    // Below that a cast costs as much as it saves.
    private const int LeastCount = 256;

    /// <summary>Changes a graph in place.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="isKept">Names of weights that stay as they are.</param>
    /// <exception cref="ModelException">A weight is beyond what 16 bits hold.</exception>
    internal static void Rewrite(GraphProto graph, Func<string, bool> isKept)
    {
        Dictionary<string, TensorProto> constants = ConstantsOf(graph);
        List<NodeProto> casts = [];
        foreach (string name in graph.Node.Where(node => node.OpType == "Conv").Select(node => node.Input[1]).Distinct().ToArray())
        {
            if (isKept(name) || !constants.TryGetValue(name, out TensorProto? tensor) || tensor.DataType != (int)TensorProto.Types.DataType.Float) continue;
            float[] values = tensor.FloatData.Count > 0 ? [.. tensor.FloatData] : MemoryMarshal.Cast<byte, float>(tensor.RawData.Span).ToArray();
            if (values.Length < LeastCount) continue;
            Half[] halves = Array.ConvertAll(values, value => (Half)value);
            if (Array.Exists(halves, value => !Half.IsFinite(value)))
                throw new ModelException($"Tensor '{name}' has numbers that 16-bit floating point cannot hold; its training has run away, resume an earlier checkpoint.");
            tensor.FloatData.Clear();
            tensor.RawData = ByteString.CopyFrom(MemoryMarshal.AsBytes<Half>(halves));
            tensor.DataType = (int)TensorProto.Types.DataType.Float16;
            tensor.Name = name + Suffix;
            NodeProto cast = new() { OpType = "Cast", Name = name + ".cast" };
            cast.Input.Add(tensor.Name);
            cast.Output.Add(name);
            cast.Attribute.Add(OnnxAttribute.Of("to", (long)OnnxElementType.Float32).Proto);
            casts.Add(cast);
        }
        Replace(graph, [.. casts, .. graph.Node]);
    }

    /// <summary>Takes <see cref="Rewrite"/> back, in place, for what changes weights or how they compute; the rounding stays.</summary>
    /// <returns>Names of the weights that were stored so.</returns>
    /// <exception cref="ModelException">A stored weight is cut short.</exception>
    internal static IReadOnlySet<string> Expand(GraphProto graph)
    {
        Dictionary<string, TensorProto> constants = ConstantsOf(graph);
        HashSet<string> found = new(StringComparer.Ordinal);
        List<NodeProto> left = [];
        foreach (NodeProto node in graph.Node)
        {
            string name = node.OpType == "Cast" && node.Output.Count == 1 ? node.Output[0] : "";
            if (name.Length == 0 || node.Input.Count != 1 || node.Input[0] != name + Suffix || !constants.TryGetValue(name + Suffix, out TensorProto? tensor)
                || tensor.DataType != (int)TensorProto.Types.DataType.Float16)
            {
                left.Add(node);
                continue;
            }
            Half[] halves = MemoryMarshal.Cast<byte, Half>(tensor.RawData.Span).ToArray();
            if (halves.Length != tensor.Dims.Aggregate(1L, (product, side) => product * side)) throw new ModelException($"Tensor '{tensor.Name}' is cut short.");
            tensor.RawData = ByteString.CopyFrom(MemoryMarshal.AsBytes<float>(Array.ConvertAll(halves, half => (float)half)));
            tensor.DataType = (int)TensorProto.Types.DataType.Float;
            tensor.Name = name;
            found.Add(name);
        }
        Replace(graph, [.. left]);
        return found;
    }

    private static Dictionary<string, TensorProto> ConstantsOf(GraphProto graph)
    {
        // A damaged file may name two alike.
        Dictionary<string, TensorProto> constants = new(StringComparer.Ordinal);
        foreach (TensorProto tensor in graph.Initializer) constants[tensor.Name] = tensor;
        return constants;
    }

    private static void Replace(GraphProto graph, NodeProto[] nodes)
    {
        graph.Node.Clear();
        graph.Node.AddRange(nodes);
    }
}
