using System.Text.Json;
using System.Text.Json.Nodes;
using Img2Pose.Formats.Onnx;
using Img2Pose.Models.Onnx;

namespace Img2Pose.Models.Packages;

/// <summary>
/// Writes a package whose scores went through a <see cref="ScoreCalibration"/>. Their order stays, and the default threshold goes the same
/// way, so that the same faces are reported; only what a score says changes.
/// </summary>
public static class PackageCalibrator
{
    private const string Prefix = "calibration.", Threshold = "score_threshold", Section = "score_calibration", ThresholdBefore = "uncalibrated_threshold";
    private const string Scores = "scores", Uncalibrated = "scores.uncalibrated", OneStage = "img2pose-nano", Calibrated = "img2pose-nano-calibrated";

    // Where the logit ends; in float32, 1 minus less is 1.
    private const double Margin = ScoreCalibration.Margin;

    /// <summary>Reads a package and writes the calibrated one.</summary>
    /// <exception cref="ModelException">The package cannot be read, is calibrated already, or is not one of one stage that this program made.</exception>
    /// <exception cref="OutputException">The file cannot be written.</exception>
    public static void Write(string package, ScoreCalibration calibration, string path)
    {
        ArgumentNullException.ThrowIfNull(calibration);
        ModelProto model = OnnxFile.Read(package);
        GraphProto graph = model.Graph;
        if (graph.Name == Calibrated) throw new ModelException($"{package}: its scores are calibrated already; start from it as it was trained (models export --uncalibrated).");
        int at = graph.Node.ToList().FindIndex(node => node.Output.Contains(Scores));
        if (graph.Name != OneStage || at < 0) throw new ModelException($"{package}: is no one-stage package that this program made; scores of others stay as their authors made them.");
        NodeProto maker = graph.Node[at];
        for (int i = 0; i < maker.Output.Count; i++)
        {
            if (maker.Output[i] == Scores) maker.Output[i] = Uncalibrated;
        }
        Add("Clip", Uncalibrated + ".inside", Uncalibrated, Constant("low", Margin), Constant("high", 1 - Margin));
        Add("Sub", Uncalibrated + ".rest", Constant("one", 1), Uncalibrated + ".inside");
        Add("Div", Uncalibrated + ".odds", Uncalibrated + ".inside", Uncalibrated + ".rest");
        Add("Log", Uncalibrated + ".logit", Uncalibrated + ".odds");
        // The line through the points: its first piece, and what its slope grows by at each bend.
        string line = Uncalibrated + ".line0";
        double slope = Slope(0);
        Add("Mul", Uncalibrated + ".scaled", Uncalibrated + ".logit", Constant("slope", slope));
        Add("Add", line, Uncalibrated + ".scaled", Constant("offset", calibration.Calibrated[0] - slope * calibration.Logits[0]));
        for (int bend = 1; bend < calibration.Logits.Count - 1; bend++)
        {
            string beyond = $"{Uncalibrated}.beyond{bend}", risen = $"{Uncalibrated}.risen{bend}", next = $"{Uncalibrated}.line{bend}";
            Add("Sub", beyond + ".signed", Uncalibrated + ".logit", Constant($"bend{bend}", calibration.Logits[bend]));
            Add("Relu", beyond, beyond + ".signed");
            Add("Mul", risen, beyond, Constant($"more{bend}", Slope(bend) - Slope(bend - 1)));
            Add("Add", next, line, risen);
            line = next;
        }
        Add("Sigmoid", Scores, line);
        // Cells may now score more than the sigmoid of their first number, by which the old name lets them be left out.
        graph.Name = Calibrated;
        Describe(model, calibration, package);
        OnnxFile.Write(model, path);

        void Add(string type, string output, params string[] inputs)
        {
            NodeProto node = new() { OpType = type, Name = Prefix + output };
            node.Input.AddRange(inputs);
            node.Output.Add(output);
            graph.Node.Insert(++at, node);
        }

        double Slope(int piece) => (calibration.Calibrated[piece + 1] - calibration.Calibrated[piece]) / (calibration.Logits[piece + 1] - calibration.Logits[piece]);

        string Constant(string name, double value)
        {
            TensorProto tensor = new() { Name = Prefix + name, DataType = (int)OnnxElementType.Float32 };
            tensor.FloatData.Add((float)value);
            graph.Initializer.Add(tensor);
            return tensor.Name;
        }
    }

    /// <summary>Takes back what <see cref="Write"/> did to a model: scores as the network was trained to give them, and their threshold.</summary>
    /// <exception cref="ModelException">Its scores are not calibrated, or not by this program.</exception>
    internal static void Remove(ModelProto model, string package)
    {
        GraphProto graph = model.Graph;
        int made = graph.Node.ToList().FindIndex(node => node.Output.Contains(Uncalibrated));
        if (graph.Name != Calibrated || made < 0) throw new ModelException($"{package}: its scores are as they were trained; no calibration can be taken back.");
        NodeProto maker = graph.Node[made];
        for (int i = 0; i < maker.Output.Count; i++)
        {
            if (maker.Output[i] == Uncalibrated) maker.Output[i] = Scores;
        }
        for (int i = graph.Node.Count - 1; i >= 0; i--)
        {
            if (graph.Node[i].Name.StartsWith(Prefix, StringComparison.Ordinal)) graph.Node.RemoveAt(i);
        }
        for (int i = graph.Initializer.Count - 1; i >= 0; i--)
        {
            if (graph.Initializer[i].Name.StartsWith(Prefix, StringComparison.Ordinal)) graph.Initializer.RemoveAt(i);
        }
        graph.Name = OneStage;
        Redescribe(model, package, json =>
        {
            json[Threshold] = json[Section]?[ThresholdBefore]?.GetValue<double>() ?? throw new InvalidOperationException(ThresholdBefore);
            json.Remove(Section);
        });
    }

    private static void Describe(ModelProto model, ScoreCalibration calibration, string package) => Redescribe(model, package, json =>
    {
        double threshold = json[Threshold]?.GetValue<double>() ?? throw new InvalidOperationException(Threshold);
        json[Threshold] = Math.Round(calibration.Apply(threshold), 6);
        JsonObject described = calibration.ToJson();
        described[ThresholdBefore] = threshold;
        json[Section] = described;
    });

    private static void Redescribe(ModelProto model, string package, Action<JsonObject> change)
    {
        try
        {
            StringStringEntryProto entry = model.MetadataProps.First(property => property.Key == PackageDescription.Key);
            JsonObject json = JsonNode.Parse(entry.Value)?.AsObject() ?? throw new InvalidOperationException("null");
            change(json);
            entry.Value = json.ToJsonString();
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            throw new ModelException($"{package}: has no '{PackageDescription.Key}' metadata with a threshold; it is not an img2pose model package.", error);
        }
    }
}
