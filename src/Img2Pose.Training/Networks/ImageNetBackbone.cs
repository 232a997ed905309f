using System.Runtime.InteropServices;
using Img2Pose.Formats;
using Img2Pose.Formats.Onnx;
using Img2Pose.Training.Optimization;
using static TorchSharp.torch;

namespace Img2Pose.Training.Networks;

/// <summary>
/// The ResNet-18 of <see cref="ImageNetPackage"/>, read from its ONNX file (written by CNTK) and laid into a <see cref="ResNetBody"/>.
/// <para>
/// What was found by reading and running it: stem and stages are torchvision's; a stage's shortcut is a 1×1 convolution with stride 2;
/// paddings at the right and bottom are smaller by one where the stride is 2, which is the same for even sides; batch norms have
/// ε = 1e-5; the last stage has a third block, which is left out here (the network's features at stride 32 are then those of its
/// second block, as deep as torchvision's). Pictures go in as blue, green, red in 0 to 255 less a mean picture, whose average over all
/// pixels stands for it here: this project's normalised red, green, blue become that by a factor and a summand a channel, which
/// go into the first convolution and its norm.
/// </para>
/// </summary>
internal sealed class ImageNetBackbone
{
    // Averages of the mean picture (the package's ResNetPreprocess.onnx) in the order red, green, blue; single pixels lie 4 to 13 beside them.
    internal static readonly double[] MeanPicture = [123.1516, 115.9029, 103.0626];

    private const double Epsilon = 1e-5;
    private const string Remedy = $"To fetch {ImageNetPackage.Id} {ImageNetPackage.Version} again, remove its folder and start --init {ImageNetPackage.Name} anew.";
    private static readonly int[] s_blocks = [2, 2, 2, 3];

    private readonly Dictionary<string, NamedArray> _tensors;

    private ImageNetBackbone(Dictionary<string, NamedArray> tensors) => _tensors = tensors;

    /// <summary>Reads the file.</summary>
    /// <exception cref="ModelException">The file is absent, cut short or no ONNX model.</exception>
    /// <exception cref="InputException">It is another network.</exception>
    internal static ImageNetBackbone Read(string path)
    {
        ModelProto model;
        try
        {
            model = OnnxFile.Read(path);
        }
        catch (ModelException error)
        {
            // Exporting it again, as is said of other models, is nobody's task here.
            throw new ModelException($"{error.Message} {Remedy}", error);
        }
        Dictionary<string, TensorProto> constants = [];
        foreach (TensorProto tensor in model.Graph.Initializer) constants.TryAdd(tensor.Name, tensor);
        Dictionary<string, NodeProto> convolutions = [], norms = [];
        foreach (NodeProto node in model.Graph.Node)
        {
            if (node.OpType == "Conv" && node.Input.Count >= 2) convolutions.TryAdd(node.Output.FirstOrDefault() ?? "", node);
            else if (node.OpType == "BatchNormalization" && node.Input.Count == 5) norms.TryAdd(node.Input[0], node);
        }
        // The order of the file: a block's shortcut, where it has one, stands before its two convolutions.
        Queue<NodeProto> order = new(convolutions.Values);
        Dictionary<string, NamedArray> found = [];
        Take("conv1", "bn1", 64, 3, 7);
        int channels = 64;
        for (int stage = 0; stage < s_blocks.Length; stage++)
        {
            int width = 64 << stage;
            for (int block = 0; block < s_blocks[stage]; block++)
            {
                string name = $"layer{stage + 1}.{block}.";
                if (channels != width) Take(name + "downsample.0", name + "downsample.1", width, channels, 1);
                Take(name + "conv1", name + "bn1", width, channels, 3);
                Take(name + "conv2", name + "bn2", width, width, 3);
                channels = width;
            }
        }
        if (order.Count > 0) throw Another($"it has {order.Count} more convolutions");
        return new ImageNetBackbone(found);

        void Take(string convolution, string norm, int outputs, int inputs, int kernel)
        {
            if (!order.TryDequeue(out NodeProto? node)) throw Another($"{convolution} is missing");
            if (!norms.TryGetValue(node.Output[0], out NodeProto? after)) throw Another($"{convolution} has no batch norm");
            Add(convolution + ".weight", node.Input[1], [outputs, inputs, kernel, kernel]);
            string[] parts = ["weight", "bias", "running_mean", "running_var"];
            for (int i = 0; i < parts.Length; i++) Add($"{norm}.{parts[i]}", after.Input[1 + i], [outputs]);
        }

        void Add(string name, string constant, long[] shape)
        {
            if (!constants.TryGetValue(constant, out TensorProto? tensor)) throw Another($"{name} is missing");
            if (!tensor.Dims.SequenceEqual(shape)) throw Another($"{name} has the shape [{string.Join(", ", tensor.Dims)}] instead of [{string.Join(", ", shape)}]");
            float[] values = tensor.FloatData.Count > 0 ? [.. tensor.FloatData] : MemoryMarshal.Cast<byte, float>(tensor.RawData.Span).ToArray();
            long count = shape.Aggregate(1L, (product, side) => product * side);
            if (tensor.DataType != (int)TensorProto.Types.DataType.Float || values.Length != count) throw Another($"{name} has {values.Length} numbers instead of {count}");
            if (Array.Exists(values, value => !float.IsFinite(value))) throw Another($"{name} has numbers that are not finite");
            found.Add(name, new NamedArray(name, shape, values));
        }

        InputException Another(string what) => new($"{path}: is not the ResNet-18 of {ImageNetPackage.Id} {ImageNetPackage.Version}: {what}. {Remedy}");
    }

    /// <summary>Gives a ResNet-18 these weights, for pictures that are normalised as this project's.</summary>
    /// <param name="body">The ResNet.</param>
    /// <param name="epsilon">What its norms add to a variance.</param>
    internal void Load(ResNetBody body, double epsilon)
    {
        using IDisposable still = no_grad();
        using TorchSharp.DisposeScope scope = NewDisposeScope();
        Dictionary<string, NamedArray> own = new(_tensors);
        (float[] weights, float[] shift) = Stem(_tensors["conv1.weight"]);
        own["conv1.weight"] = own["conv1.weight"] with { Values = weights };
        own["bn1.running_mean"] = own["bn1.running_mean"] with { Values = [.. own["bn1.running_mean"].Values.Zip(shift, (mean, constant) => mean - constant)] };
        foreach ((string name, Tensor target) in body.state_dict())
        {
            // A norm that learns counts its batches.
            if (target.dtype != float32) continue;
            NamedArray array = own[name];
            if (name.EndsWith(".running_var", StringComparison.Ordinal)) array = array with { Values = Array.ConvertAll(array.Values, variance => (float)(variance + Epsilon - epsilon)) };
            TrainingState.Copy(new Dictionary<string, NamedArray> { [name] = array }, name, target);
        }
    }

    /// <summary>The first convolution for normalised red, green, blue, and what it adds where these are zero.</summary>
    private static (float[] Weights, float[] Shift) Stem(NamedArray convolution)
    {
        int outputs = (int)convolution.Shape[0], area = (int)(convolution.Shape[2] * convolution.Shape[3]);
        float[] weights = new float[convolution.Values.Length], shift = new float[outputs];
        for (int output = 0; output < outputs; output++)
        {
            double constant = 0;
            for (int channel = 0; channel < 3; channel++)
            {
                ReadOnlySpan<float> from = convolution.Values.AsSpan((3 * output + 2 - channel) * area, area);
                Span<float> to = weights.AsSpan((3 * output + channel) * area, area);
                double factor = 255 * NanoTrainer.Stddev[channel], summand = 255 * NanoTrainer.Mean[channel] - MeanPicture[channel];
                for (int i = 0; i < area; i++)
                {
                    to[i] = (float)(from[i] * factor);
                    constant += from[i] * summand;
                }
            }
            shift[output] = (float)constant;
        }
        return (weights, shift);
    }
}
