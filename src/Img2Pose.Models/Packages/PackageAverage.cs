using System.Runtime.InteropServices;
using Google.Protobuf;
using Img2Pose.Formats.Onnx;
using Img2Pose.Models.Precision;

namespace Img2Pose.Models.Packages;

/// <summary>
/// The mean of the weights of several packages of one network that were trained on from the same start: often better than each of
/// them, at the cost of one (Wortsman et al., Model soups, ICML 2022). Networks of different starts have nothing in common to average.
/// </summary>
public static class PackageAverage
{
    private const int Float = (int)TensorProto.Types.DataType.Float;

    /// <summary>Reads packages and writes their mean, with everything else as the first one has it.</summary>
    /// <param name="packages">Two or more .onnx files.</param>
    /// <param name="path">The package to write.</param>
    /// <exception cref="UsageException">There are fewer than two.</exception>
    /// <exception cref="ModelException">One cannot be read, is of another network, in fewer bits, or calibrated.</exception>
    /// <exception cref="OutputException">The file cannot be written.</exception>
    public static void Write(IReadOnlyList<string> packages, string path)
    {
        ArgumentNullException.ThrowIfNull(packages);
        if (packages.Count < 2) throw new UsageException("A mean is of two packages or more.");
        ModelProto mean = OnnxFile.Read(packages[0]);
        IReadOnlySet<string> halves = HalfStorage.Expand(mean.Graph);
        Dictionary<string, float[]> sums = Take(mean.Graph, packages[0]);
        for (int n = 1; n < packages.Count; n++)
        {
            string package = packages[n];
            ModelProto other = OnnxFile.Read(package);
            _ = HalfStorage.Expand(other.Graph);
            foreach ((string name, float[] values) in Take(other.Graph, package))
            {
                if (!sums.TryGetValue(name, out float[]? sum) || sum.Length != values.Length) throw Another(package, packages[0]);
                for (int i = 0; i < sum.Length; i++) sum[i] += (values[i] - sum[i]) / (n + 1);
            }
            // What is left is how the network is built.
            if (!mean.Graph.Equals(other.Graph)) throw Another(package, packages[0]);
        }
        foreach (TensorProto tensor in mean.Graph.Initializer)
        {
            if (sums.TryGetValue(tensor.Name, out float[]? values)) tensor.RawData = ByteString.CopyFrom(MemoryMarshal.AsBytes<float>(values));
        }
        if (halves.Count > 0) HalfStorage.Rewrite(mean.Graph, name => !halves.Contains(name));
        OnnxFile.Write(mean, path);
    }

    /// <summary>Takes the weights of the convolutions out of a graph.</summary>
    private static Dictionary<string, float[]> Take(GraphProto graph, string package)
    {
        HashSet<string> names = [.. graph.Node.Where(node => node.OpType == "Conv").SelectMany(node => node.Input.Skip(1))];
        Dictionary<string, float[]> weights = [];
        foreach (TensorProto tensor in graph.Initializer)
        {
            if (!names.Contains(tensor.Name)) continue;
            if (tensor.DataType != Float) throw new ModelException($"{package}: {tensor.Name} is not in 32 bits; a mean is taken of packages as they were trained.");
            weights[tensor.Name] = tensor.FloatData.Count > 0 ? [.. tensor.FloatData] : MemoryMarshal.Cast<byte, float>(tensor.RawData.Span).ToArray();
            tensor.FloatData.Clear();
            tensor.RawData = ByteString.Empty;
        }
        return weights.Count > 0 ? weights : throw new ModelException($"{package}: has no convolution with weights of its own.");
    }

    private static ModelException Another(string package, string first) =>
        new($"{package}: is of another network than {first}, or its scores are calibrated otherwise; a mean is taken of packages of one network, as they were trained.");
}
