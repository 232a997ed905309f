using System.Runtime.InteropServices;
using Img2Pose.Formats;
using Img2Pose.Formats.Onnx;
using Img2Pose.Models.Precision;
using Img2Pose.Training.Optimization;
using static TorchSharp.torch;

namespace Img2Pose.Training.Networks;

/// <summary>
/// Starts a <see cref="NanoNetwork"/> or an <see cref="R18Network"/> from an exported package, whose batch norms were folded into the convolutions: the
/// weights are taken as they are, and every batch norm gets the statistics of training pictures, undone by its own scale and shift, so that
/// the network computes what the package does, and goes on to do so when it learns with the statistics of its batches. The frozen norms of
/// a ResNet's first stage have none to get: they only shift.
/// </summary>
internal static class NanoStart
{
    // Values of a cell before the rotation became a direction and two angles: a rotation vector took three.
    private const int OlderValues = 7;

    // In units of 0.25, 0.40 and 0.20 radians.
    private const float OlderRollScale = 0.20f;

    /// <summary>Takes the weights of the package at <paramref name="path"/>; batch norms pass everything on until <see cref="Measure"/>.</summary>
    /// <exception cref="InputException">The package is of another network.</exception>
    /// <exception cref="ModelException">The file is no model.</exception>
    internal static void Load(string path, nn.Module network) => Load(path, TensorsOf(path), network);

    /// <summary>The one-stage network of a package, ready to say what the package says: in evaluation mode, and nothing of it learns.</summary>
    /// <exception cref="InputException">The package is of no one-stage network.</exception>
    /// <exception cref="ModelException">The file is no model.</exception>
    internal static nn.Module<Tensor, Tensor> Teacher(string path)
    {
        Dictionary<string, TensorProto> tensors = TensorsOf(path);
        nn.Module<Tensor, Tensor> network = tensors.Keys.Any(name => name.StartsWith(ResNetBody.Prefix, StringComparison.Ordinal)) ? new R18Network() : new NanoNetwork();
        try
        {
            Load(path, tensors, network);
        }
        catch
        {
            network.Dispose();
            throw;
        }
        network.eval();
        foreach ((string _, TorchSharp.Modules.Parameter parameter) in network.named_parameters()) parameter.requires_grad = false;
        return network;
    }

    private static Dictionary<string, TensorProto> TensorsOf(string path)
    {
        Dictionary<string, TensorProto> tensors = [];
        foreach (TensorProto tensor in OnnxFile.Read(path).Graph.Initializer) tensors.TryAdd(tensor.Name, tensor);
        return tensors;
    }

    private static void Load(string path, Dictionary<string, TensorProto> tensors, nn.Module network)
    {
        Dictionary<string, Tensor> state = network.state_dict();
        foreach ((string name, Tensor target) in state)
        {
            if (target.dtype != float32) continue;
            string unit = name[..name.LastIndexOf('.')];
            NamedArray values;
            if (name.StartsWith(ResNetBody.Prefix, StringComparison.Ordinal)) values = Body(path, tensors, name, target.shape);
            else if (name.EndsWith(".conv.weight", StringComparison.Ordinal)) values = Take(path, tensors, unit[..^".conv".Length] + ".weight", target.shape);
            else if (name.EndsWith(".bn.bias", StringComparison.Ordinal)) values = Take(path, tensors, unit[..^".bn".Length] + ".bias", target.shape);
            else if (name.EndsWith(".bn.weight", StringComparison.Ordinal)) values = Filled(target.shape, 1);
            else if (name.EndsWith(".bn.running_mean", StringComparison.Ordinal)) values = Filled(target.shape, 0);
            else if (name.EndsWith(".bn.running_var", StringComparison.Ordinal)) values = Filled(target.shape, (float)(1 - ConvolutionUnit.NormEpsilon));
            else values = Output(path, tensors, name, target.shape);
            TrainingState.Copy(new Dictionary<string, NamedArray> { [name] = values with { Name = name } }, name, target);
        }
    }

    /// <summary>Gives every batch norm the mean and deviation of what reaches it in <paramref name="pictures"/>; what the network computes stays the same.</summary>
    /// <param name="network">The network, in any mode; it is left in training mode.</param>
    /// <param name="batches">How many batches to measure, at least one.</param>
    /// <param name="pictures">Makes a batch by its number: normalised pictures [N,3,H,W], freed here.</param>
    internal static void Measure(nn.Module<Tensor, Tensor> network, int batches, Func<int, Tensor> pictures)
    {
        using IDisposable still = no_grad();
        NormedConvolution[] units = [.. NormedConvolution.Of(network)];
        network.eval();
        foreach (NormedConvolution unit in units) unit.StartMeasuring();
        for (int i = 0; i < batches; i++)
        {
            using TorchSharp.DisposeScope scope = NewDisposeScope();
            _ = network.call(pictures(i));
        }
        foreach (NormedConvolution unit in units) unit.AdoptMeasured();
        network.train();
    }

    /// <summary>A tensor of a ResNet: convolutions carry all that their norms did but the shift.</summary>
    private static NamedArray Body(string path, Dictionary<string, TensorProto> tensors, string name, long[] shape)
    {
        string norm = name[..name.LastIndexOf('.')], number = name[(norm.Length + 1)..];
        // bn1 follows conv1, downsample.1 follows downsample.0.
        string convolution = norm.EndsWith("downsample.1", StringComparison.Ordinal) ? norm[..^1] + "0" : norm.Replace("bn", "conv", StringComparison.Ordinal);
        if (convolution == norm) return Take(path, tensors, name, shape);
        return number switch
        {
            "weight" => Filled(shape, 1),
            "bias" => Take(path, tensors, convolution + ".bias", shape),
            "running_mean" => Filled(shape, 0),
            _ => Filled(shape, (float)(1 - R18Network.NormEpsilon)),
        };
    }

    private static NamedArray Filled(long[] shape, float value)
    {
        float[] values = new float[shape.Aggregate(1L, (product, side) => product * side)];
        Array.Fill(values, value);
        return new NamedArray("", shape, values);
    }

    private static NamedArray Take(string path, Dictionary<string, TensorProto> tensors, string name, long[] shape)
    {
        (float[] values, long[] found) = Read(path, tensors, name);
        return found.AsSpan().SequenceEqual(shape) ? new NamedArray(name, shape, values)
            : throw new InputException($"{path}: {name} has the shape [{string.Join(", ", found)}], and this network's has [{string.Join(", ", shape)}]; only a package of the same network starts it.");
    }

    private static (float[] Values, long[] Shape) Read(string path, Dictionary<string, TensorProto> tensors, string name)
    {
        // Weights that are stored in 16 bits are as good a start; what computes in fewer bits has other names.
        bool isHalf = !tensors.TryGetValue(name, out TensorProto? tensor) && tensors.TryGetValue(name + HalfStorage.Suffix, out tensor);
        if (tensor?.DataType != (int)(isHalf ? TensorProto.Types.DataType.Float16 : TensorProto.Types.DataType.Float))
            throw new InputException($"{path}: has no tensor {name} as it was trained; only a package of the same network starts it.");
        long[] shape = [.. tensor.Dims];
        long count = 1;
        foreach (long side in shape) count = side is > 0 and < 1 << 20 && count < 1 << 24 ? count * side : throw new InputException($"{path}: {name} has an impossible shape.");
        float[] values = isHalf ? Array.ConvertAll(MemoryMarshal.Cast<byte, Half>(tensor.RawData.Span).ToArray(), half => (float)half)
            : tensor.FloatData.Count > 0 ? [.. tensor.FloatData] : MemoryMarshal.Cast<byte, float>(tensor.RawData.Span).ToArray();
        if (values.Length != count) throw new InputException($"{path}: {name} has {values.Length} values for a shape of {count}.");
        return (values, shape);
    }

    /// <summary>The last layer, or its bias: rows of an older package become the present ones, equal to first order for upright faces.</summary>
    private static NamedArray Output(string path, Dictionary<string, TensorProto> tensors, string name, long[] shape)
    {
        (float[] values, long[] found) = Read(path, tensors, name);
        if (found.Length > 0 && found[0] == OlderValues && found.AsSpan(1).SequenceEqual(shape.AsSpan(1)))
        {
            int row = values.Length / OlderValues;
            float[] present = new float[CellCode.Values * row];
            values.AsSpan(0, 4 * row).CopyTo(present);
            bool isBias = shape.Length == 1;
            if (isBias) present[4] = CellCode.DirectionScale;
            float roll = OlderRollScale * CellCode.DirectionScale;
            for (int i = 0; i < row; i++) present[5 * row + i] = roll * values[6 * row + i];
            values.AsSpan(4 * row, 2 * row).CopyTo(present.AsSpan(6 * row));
            return new NamedArray(name, shape, present);
        }
        return Take(path, tensors, name, shape);
    }
}
