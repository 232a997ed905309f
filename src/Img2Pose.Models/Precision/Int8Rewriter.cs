using Img2Pose.Formats.Onnx;
using Img2Pose.Models.Onnx;

namespace Img2Pose.Models.Precision;

/// <summary>
/// Writes the region in eight bits as the ONNX format spells it: every layer between DequantizeLinear and QuantizeLinear,
/// activations as unsigned bytes with a range each, weights as signed bytes with a scale for each output channel, biases as 32-bit
/// integers. ONNX Runtime replaces each such group by one integer kernel.
/// </summary>
internal sealed class Int8Rewriter(DenseRegion region, IReadOnlyDictionary<string, ValueRange> ranges, int largestWeight) : GraphRewriter(region)
{
    // Pooling and enlargement put out what came in: they share its range.
    private readonly Dictionary<string, string> _rangeOf = new(StringComparer.Ordinal);

    /// <inheritdoc/>
    protected override void Enter(string value)
    {
        Range(value, value);
        Round(value, value, Entered(value));
    }

    /// <inheritdoc/>
    protected override void Compute(NodeProto node)
    {
        if (Region.Layers.Contains(node)) ComputeLayer(node);
        else if (Region.Sums.Contains(node)) ComputeSum(node);
        else if (Region.Moves.Contains(node)) Move(node);
        // What remains is a rectification that only a layer's output goes into: a range that begins at 0 cuts off the same.
    }

    private void ComputeLayer(NodeProto node)
    {
        string input = node.Input[0], result = Region.ResultOf(node);
        string weight = node.Input[1], name = weight + ".int8";
        long[] dims = [.. Region.Constants[weight].Dims];
        float[] scales = Quantise(weight, (int)dims[0], out sbyte[] quantised);
        Constant<sbyte>(name, OnnxElementType.Int8, quantised, dims);
        Constant<float>(weight + ".scale", OnnxElementType.Float32, scales, dims[0]);
        Constant<sbyte>(weight + ".zero_point", OnnxElementType.Int8, new sbyte[dims[0]], dims[0]);
        Add("DequantizeLinear", result + ".weight", name, weight + ".scale", weight + ".zero_point").Attribute.Add(OnnxAttribute.Of("axis", 0L).Proto);

        ReadOnlySpan<float> bias = Floats(node.Input[2]);
        float step = ranges[_rangeOf[input]].Scale;
        int[] steps = new int[bias.Length];
        for (int o = 0; o < steps.Length; o++)
        {
            scales[o] *= step;
            steps[o] = (int)Math.Clamp(Math.Round((double)bias[o] / scales[o]), int.MinValue / 2, int.MaxValue / 2);
        }
        Constant<int>(result + ".bias.int32", OnnxElementType.Int32, steps, dims[0]);
        Constant<float>(result + ".bias.scale", OnnxElementType.Float32, scales, dims[0]);
        Constant<int>(result + ".bias.zero_point", OnnxElementType.Int32, new int[dims[0]], dims[0]);
        Add("DequantizeLinear", result + ".bias", result + ".bias.int32", result + ".bias.scale", result + ".bias.zero_point")
            .Attribute.Add(OnnxAttribute.Of("axis", 0L).Proto);

        Add(node.OpType, result + ".exact", Entered(input), result + ".weight", result + ".bias").Attribute.Add(node.Attribute);
        Range(result, result);
        Round(result + ".exact", result, result);
    }

    private void ComputeSum(NodeProto node)
    {
        string result = Region.ResultOf(node);
        Add("Add", result + ".exact", Entered(node.Input[0]), Entered(node.Input[1]));
        Range(result, result);
        Round(result + ".exact", result, result);
    }

    private void Move(NodeProto node)
    {
        string input = node.Input[0], result = node.Output[0];
        Range(result, _rangeOf[input]);
        if (node.OpType == "Relu")
        {
            // Of bytes no less than the one that stands for 0.
            Add("Clip", Bytes(result), Bytes(input), _rangeOf[input] + ".zero_point");
            Add("DequantizeLinear", result, Bytes(result), _rangeOf[input] + ".scale", _rangeOf[input] + ".zero_point");
            return;
        }
        NodeProto moved = Add(node.OpType, result + ".exact", [Entered(input), .. node.Input.Skip(1)]);
        moved.Attribute.Add(node.Attribute);
        Round(result + ".exact", result, result);
    }

    // The value as bytes, and from them again as a number.
    private void Round(string exact, string value, string rounded)
    {
        string range = _rangeOf[value];
        Add("QuantizeLinear", Bytes(value), exact, range + ".scale", range + ".zero_point");
        Add("DequantizeLinear", rounded, Bytes(value), range + ".scale", range + ".zero_point");
    }

    private void Range(string value, string like)
    {
        _rangeOf[value] = like;
        ValueRange range = ranges[like];
        Constant<float>(like + ".scale", OnnxElementType.Float32, [range.Scale]);
        Constant<byte>(like + ".zero_point", OnnxElementType.UInt8, [range.ZeroPoint]);
    }

    private static string Bytes(string value) => value + ".uint8";

    // A value from outside keeps its name there; inside it has another.
    private string Entered(string value) => Region.Entries.Contains(value) ? value + ".rounded" : value;

    private float[] Quantise(string weight, int channels, out sbyte[] quantised)
    {
        ReadOnlySpan<float> values = Floats(weight);
        quantised = new sbyte[values.Length];
        float[] scales = new float[channels];
        int each = values.Length / channels;
        for (int o = 0; o < channels; o++)
        {
            float largest = 0;
            foreach (float value in values.Slice(o * each, each)) largest = Math.Max(largest, Math.Abs(value));
            // A channel without weights still has a bias, whose steps are as fine as this scale.
            scales[o] = largest > 1e-6f ? largest / largestWeight : 1e-6f;
            for (int i = o * each; i < (o + 1) * each; i++) quantised[i] = (sbyte)Math.Clamp(MathF.Round(values[i] / scales[o]), -largestWeight, largestWeight);
        }
        return scales;
    }
}
