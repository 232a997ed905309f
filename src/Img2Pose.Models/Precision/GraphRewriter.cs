using System.Runtime.InteropServices;
using Google.Protobuf;
using Img2Pose.Formats.Onnx;
using Img2Pose.Models.Onnx;

namespace Img2Pose.Models.Precision;

/// <summary>
/// Writes a graph anew with another arithmetic inside its <see cref="DenseRegion"/>. Every value keeps its name and type, so
/// that what lies outside, and what cuts the graph by names, sees no difference.
/// </summary>
internal abstract class GraphRewriter(DenseRegion region)
{
    /// <summary>The region.</summary>
    protected DenseRegion Region { get; } = region;

    /// <summary>The graph that is being written: the whole one, or a branch.</summary>
    protected GraphProto Target { get; private set; } = new();

    /// <summary>Rewrites a graph and its branches in place.</summary>
    public void Rewrite(GraphProto graph)
    {
        NodeProto[] nodes = [.. graph.Node];
        GraphProto outer = Target;
        Target = graph;
        graph.Node.Clear();
        foreach (ValueInfoProto input in graph.Input)
        {
            if (Region.Entries.Contains(input.Name)) Enter(input.Name);
        }
        foreach (NodeProto node in nodes)
        {
            foreach (GraphProto branch in DenseRegion.BranchesOf(node)) Rewrite(branch);
            if (Region.Contains(node)) Compute(node);
            else graph.Node.Add(node);
            foreach (string output in node.Output)
            {
                if (Region.Entries.Contains(output)) Enter(output);
            }
        }
        DropUnused(graph);
        Target = outer;
    }

    /// <summary>Turns a value from outside into what the region computes with.</summary>
    protected abstract void Enter(string value);

    /// <summary>Writes what stands for a node of the region.</summary>
    protected abstract void Compute(NodeProto node);

    /// <summary>Adds a node with one output.</summary>
    protected NodeProto Add(string type, string output, params ReadOnlySpan<string> inputs)
    {
        NodeProto node = new() { OpType = type, Name = output, Output = { output } };
        foreach (string input in inputs) node.Input.Add(input);
        Target.Node.Add(node);
        return node;
    }

    /// <summary>Adds a constant, unless it has been added: layers share weights.</summary>
    protected void Constant<T>(string name, OnnxElementType type, ReadOnlySpan<T> values, params ReadOnlySpan<long> dims) where T : unmanaged
    {
        if (!_constants.Add(name)) return;
        TensorProto tensor = new() { Name = name, DataType = (int)type, RawData = ByteString.CopyFrom(MemoryMarshal.AsBytes(values)) };
        foreach (long dim in dims) tensor.Dims.Add(dim);
        Target.Initializer.Add(tensor);
    }

    /// <summary>Numbers of a constant of the graph as it was.</summary>
    protected ReadOnlySpan<float> Floats(string constant) => MemoryMarshal.Cast<byte, float>(Region.Constants[constant].RawData.Span);

    private readonly HashSet<string> _constants = new(StringComparer.Ordinal);

    // Weights that only the region used have been replaced.
    private static void DropUnused(GraphProto graph)
    {
        HashSet<string> used = new(StringComparer.Ordinal);
        Collect(graph, used);
        foreach (ValueInfoProto value in graph.Input.Concat(graph.Output)) used.Add(value.Name);
        foreach (TensorProto unused in graph.Initializer.Where(tensor => !used.Contains(tensor.Name)).ToArray()) graph.Initializer.Remove(unused);
    }

    private static void Collect(GraphProto graph, HashSet<string> used)
    {
        foreach (NodeProto node in graph.Node)
        {
            used.UnionWith(node.Input);
            foreach (GraphProto branch in DenseRegion.BranchesOf(node))
            {
                Collect(branch, used);
                used.UnionWith(branch.Output.Select(output => output.Name));
            }
        }
    }
}
