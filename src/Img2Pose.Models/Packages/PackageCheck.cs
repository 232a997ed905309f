using System.Runtime.InteropServices;
using Img2Pose.Formats.Onnx;
using Img2Pose.Models.Onnx;

namespace Img2Pose.Models.Packages;

/// <summary>Checks of a package's content beyond its contract.</summary>
public static class PackageCheck
{
    /// <summary>Refuses a model with a weight that is not a finite number, or whose bytes do not fill its shape.</summary>
    /// <exception cref="ModelException">There is one; the message names the tensor.</exception>
    public static void RequireFinite(ModelProto model, string path) => RequireFinite(model.Graph, path);

    private static long CountOf(TensorProto tensor, string path)
    {
        long count = 1;
        foreach (long side in tensor.Dims)
        {
            if (side < 0 || (side > 0 && count > int.MaxValue / side)) throw new ModelException($"{path}: tensor '{tensor.Name}' has a shape that no file can fill; the file is damaged.");
            count *= side;
        }
        return count;
    }

    private static void RequireFinite(GraphProto graph, string path)
    {
        foreach (TensorProto tensor in graph.Initializer)
        {
            if (tensor.DataType != (int)OnnxElementType.Float32 || !tensor.HasRawData) continue;
            long count = CountOf(tensor, path);
            if (tensor.RawData.Length / 4 != count || tensor.RawData.Length % 4 != 0)
                throw new ModelException($"{path}: tensor '{tensor.Name}' has {tensor.RawData.Length} bytes for {count} numbers; the file is damaged.");
            // -∞ is the one constant of the graph itself that is not finite: it marks what must not come out.
            if (count == 1) continue;
            foreach (float value in MemoryMarshal.Cast<byte, float>(tensor.RawData.Span))
            {
                if (!float.IsFinite(value)) throw new ModelException($"{path}: tensor '{tensor.Name}' has a number that is not finite; the file is damaged.");
            }
        }
        foreach (AttributeProto attribute in graph.Node.SelectMany(n => n.Attribute))
        {
            if (attribute.G is not null) RequireFinite(attribute.G, path);
        }
    }
}
