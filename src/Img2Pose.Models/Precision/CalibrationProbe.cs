using Img2Pose.Formats.Onnx;
using Img2Pose.Models.Onnx;
using Img2Pose.Models.Packages;

namespace Img2Pose.Models.Precision;

/// <summary>
/// A package that also puts out the values whose ranges eight bits must cover. Run it on pictures, hand each value to its
/// histogram, and <see cref="Ranges"/> is what <see cref="PackageExporter"/> needs.
/// </summary>
public sealed class CalibrationProbe
{
    private const string Suffix = ".observed";

    private readonly Dictionary<string, ValueHistogram> _histograms = new(StringComparer.Ordinal);
    private readonly List<string> _outputs = [];
    private readonly List<string> _values = [];

    private CalibrationProbe() { }

    /// <summary>Names of the outputs to observe.</summary>
    public IReadOnlyList<string> Outputs => _outputs;

    /// <summary>The best range of each value.</summary>
    /// <exception cref="ModelException">A value was never computed: no face was found in any picture.</exception>
    public IReadOnlyDictionary<string, ValueRange> Ranges()
    {
        if (_histograms.Values.Any(histogram => histogram.IsEmpty))
            throw new ModelException("The network found no face in the calibration pictures, so that a part of it never ran; use pictures with faces.");
        return _histograms.ToDictionary(pair => pair.Key, pair => pair.Value.Best(), StringComparer.Ordinal);
    }

    /// <summary>Writes the probe of a package.</summary>
    /// <exception cref="ModelException">The package cannot be read, or has nothing that eight bits could compute.</exception>
    /// <exception cref="OutputException">The probe cannot be written.</exception>
    public static CalibrationProbe Write(string package, string path)
    {
        ModelProto model = OnnxFile.Read(package);
        _ = HalfStorage.Expand(model.Graph);
        DenseRegion region = new(model.Graph);
        if (region.Layers.Count == 0)
            throw new ModelException($"{package}: has no layer of 32-bit weights that eight bits could compute; start from the package as it was imported or trained.");
        CalibrationProbe probe = new();
        Dictionary<string, string> outside = new(StringComparer.Ordinal);
        List<GraphProto> branches = [.. model.Graph.Node.SelectMany(DenseRegion.BranchesOf)];
        foreach (GraphProto branch in branches) Hoist(model.Graph, branch, region, outside);
        HashSet<string> moved = [.. region.Moves.Select(node => node.Output[0])];
        foreach (string value in region.Entries.Concat(region.Results.Where(result => !moved.Contains(result))))
        {
            string output = value + Suffix;
            // Under a name of its own, so that a graph input can be put out as well.
            model.Graph.Node.Add(new NodeProto { OpType = "Identity", Name = output, Input = { outside.GetValueOrDefault(value, value) }, Output = { output } });
            model.Graph.Output.Add(new ValueInfoProto
            {
                Name = output,
                Type = new TypeProto { TensorType = new TypeProto.Types.Tensor { ElemType = (int)OnnxElementType.Float32 } },
            });
            probe._outputs.Add(output);
            probe._values.Add(value);
            probe._histograms[value] = new ValueHistogram();
        }
        OnnxFile.Write(model, path);
        return probe;
    }

    /// <summary>Counts what an output was for one picture.</summary>
    /// <param name="output">Position in <see cref="Outputs"/>.</param>
    /// <param name="values">Its numbers.</param>
    /// <exception cref="ModelException">One is not finite.</exception>
    public void Observe(int output, ReadOnlySpan<float> values) => _histograms[_values[output]].Add(values);

    // Values of a branch cannot be put out: its layers are computed a second time outside, under other names.
    private static void Hoist(GraphProto graph, GraphProto branch, DenseRegion region, Dictionary<string, string> outside)
    {
        foreach (NodeProto node in branch.Node)
        {
            if (!region.Contains(node)) continue;
            NodeProto copy = node.Clone();
            for (int i = 0; i < copy.Input.Count; i++)
            {
                if (region.Constants.TryGetValue(copy.Input[i], out TensorProto? constant) && branch.Initializer.Contains(constant))
                {
                    string name = constant.Name + Suffix;
                    if (outside.TryAdd(constant.Name, name))
                    {
                        TensorProto tensor = constant.Clone();
                        tensor.Name = name;
                        graph.Initializer.Add(tensor);
                    }
                }
                copy.Input[i] = outside.GetValueOrDefault(copy.Input[i], copy.Input[i]);
            }
            outside[copy.Output[0]] = copy.Name = copy.Output[0] + ".copied";
            copy.Output[0] = copy.Name;
            graph.Node.Add(copy);
        }
    }
}
