using Img2Pose.Formats.Onnx;
using Img2Pose.Models.Onnx;

namespace Img2Pose.Models.Precision;

/// <summary>Writes the region in 16-bit floating point; casts stand where values enter it and where they are used outside.</summary>
internal sealed class HalfRewriter(DenseRegion region) : GraphRewriter(region)
{
    /// <inheritdoc/>
    protected override void Enter(string value) => Cast(value, Halved(value), OnnxElementType.Float16);

    /// <inheritdoc/>
    protected override void Compute(NodeProto node)
    {
        string output = node.Output[0];
        NodeProto half = node.Clone();
        half.Name = half.Output[0] = Halved(output);
        half.Input[0] = Halved(node.Input[0]);
        if (Region.Sums.Contains(node)) half.Input[1] = Halved(node.Input[1]);
        if (Region.Layers.Contains(node))
        {
            for (int i = 1; i < 3; i++) half.Input[i] = Constant(node.Input[i]);
        }
        Target.Node.Add(half);
        if (Region.Results.Contains(output) && Region.IsUsedOutside(output)) Cast(Halved(output), output, OnnxElementType.Float32);
    }

    private void Cast(string from, string to, OnnxElementType type) => Add("Cast", to, from).Attribute.Add(OnnxAttribute.Of("to", (long)type).Proto);

    private string Constant(string name)
    {
        ReadOnlySpan<float> values = Floats(name);
        Half[] halves = new Half[values.Length];
        for (int i = 0; i < halves.Length; i++)
        {
            halves[i] = (Half)values[i];
            if (!Half.IsFinite(halves[i]))
                throw new ModelException($"Tensor '{name}' has the number {values[i]}, which 16-bit floating point cannot hold; this model cannot be exported with --fp16.");
        }
        Constant<Half>(Halved(name), OnnxElementType.Float16, halves, [.. Region.Constants[name].Dims]);
        return Halved(name);
    }

    private static string Halved(string value) => value + ".half";
}
