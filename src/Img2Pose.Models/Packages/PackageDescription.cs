using System.Text;
using System.Text.Json;
using Img2Pose.Formats;
using Img2Pose.Models.Networks;

namespace Img2Pose.Models.Packages;

/// <summary>What a model package of the original's networks says about itself (docs/architecture.md, "A model package"; schema 1).</summary>
public sealed record PackageDescription
{
    /// <summary>The key in <c>metadata_props</c>.</summary>
    public const string Key = "img2pose";

    /// <summary>Name of the model.</summary>
    public required string Name { get; init; }

    /// <summary>Licence of the weights.</summary>
    public required string Licence { get; init; }

    /// <summary>Pose statistics; they are folded into the graph, and told for people.</summary>
    public required PoseStatistics Statistics { get; init; }

    /// <summary>Short side of the resized picture.</summary>
    public int MinSize { get; init; } = 400;

    /// <summary>Limit of its long side.</summary>
    public int MaxSize { get; init; } = 1400;

    /// <summary>Which torchvision's rule computes the resized size.</summary>
    public TorchvisionBehaviour Behaviour { get; init; } = TorchvisionBehaviour.V082;

    /// <summary>Default score threshold.</summary>
    public double ScoreThreshold { get; init; } = 0.05;

    /// <summary>Default overlap above which the weaker of two detections goes.</summary>
    public double SuppressionThreshold { get; init; } = 0.5;

    /// <summary>Enlargement of the face box: width, height, forehead.</summary>
    public IReadOnlyList<double> BoxFactors { get; init; } = [1.1, 1.1, 0.3];

    /// <summary>The JSON value.</summary>
    public string ToJson()
    {
        using MemoryStream stream = new();
        using (Utf8JsonWriter json = new(stream))
        {
            json.WriteStartObject();
            json.WriteNumber("schema", 1);
            json.WriteString("name", Name);
            json.WriteStartObject("size");
            json.WriteString("rule", "min-max");
            json.WriteNumber("min", MinSize);
            json.WriteNumber("max", MaxSize);
            json.WriteNumber("multiple", 32);
            json.WriteString("torchvision", Behaviour == TorchvisionBehaviour.V082 ? "0.8.2" : "0.14");
            json.WriteEndObject();
            // ImageNet's statistics, as the original's transform has them.
            Numbers(json, "mean", [0.485, 0.456, 0.406]);
            Numbers(json, "stddev", [0.229, 0.224, 0.225]);
            Numbers(json, "pose_mean", Statistics.Mean);
            Numbers(json, "pose_stddev", Statistics.StandardDeviation);
            json.WriteString("reference", "official");
            json.WriteNumber("score_threshold", ScoreThreshold);
            json.WriteNumber("nms_threshold", SuppressionThreshold);
            Numbers(json, "box_factors", BoxFactors);
            json.WriteString("licence", Licence);
            json.WriteNull("training_manifest_sha256");
            json.WriteNull("metrics");
            json.WriteEndObject();
        }
        return Encoding.UTF8.GetString(stream.GetBuffer(), 0, (int)stream.Length);
    }

    private static void Numbers(Utf8JsonWriter json, string name, IReadOnlyList<double> values)
    {
        json.WriteStartArray(name);
        foreach (double value in values) json.WriteNumberValue(value);
        json.WriteEndArray();
    }
}
