using System.Globalization;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using Img2Pose.Formats.Onnx;
using Img2Pose.Models.Onnx;
using Img2Pose.Models.Precision;
using Img2Pose.Training.Optimization;

namespace Img2Pose.Training.Networks;

/// <summary>The model package (docs/architecture.md) of a network that <see cref="NanoTrainer"/> trained.</summary>
internal static class NanoPackage
{
    /// <summary>Writes the package; a file of that name is replaced once the new one is complete.</summary>
    /// <param name="graph">The network.</param>
    /// <param name="path">The file.</param>
    /// <param name="metadata">The JSON of the "img2pose" metadata key.</param>
    /// <param name="half">Whether weights of convolutions, but for the last ones, take 16 bits each in the file.</param>
    internal static void Save(OnnxGraphBuilder graph, string path, string metadata, bool half = false)
    {
        ModelProto model = graph.Build(metadata: new Dictionary<string, string> { ["img2pose"] = metadata });
        if (half) HalfStorage.Rewrite(model.Graph, name => name.Contains(".output.", StringComparison.Ordinal));
        OnnxFile.Write(model, path);
    }

    /// <summary>The JSON of the "img2pose" metadata key for the model that <paramref name="options"/> made.</summary>
    internal static string Metadata(TrainingOptions options, TrainedSoFar trained, double scoreThreshold, double[] poseMean, double[] poseStddev)
    {
        string manifest = Path.Combine(options.Data, "annotations.jsonl");
        string? digest = null;
        if (File.Exists(manifest))
        {
            using FileStream file = File.OpenRead(manifest);
            digest = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(file));
        }
        JsonObject json = new()
        {
            ["schema"] = 1,
            ["name"] = $"img2pose-{options.Network}",
            ["size"] = new JsonObject { ["rule"] = "long-side", ["long"] = 640, ["enlarge"] = false, ["multiple"] = 64 },
            ["mean"] = new JsonArray(0.485, 0.456, 0.406),
            ["stddev"] = new JsonArray(0.229, 0.224, 0.225),
            ["pose_mean"] = new JsonArray([.. poseMean.Select(value => JsonValue.Create(value))]),
            ["pose_stddev"] = new JsonArray([.. poseStddev.Select(value => JsonValue.Create(value))]),
            ["reference"] = "default",
            ["score_threshold"] = scoreThreshold,
            ["nms_threshold"] = 0.5,
            ["box_factors"] = new JsonArray(1.1, 1.1, 0.3),
            ["licence"] = "research only: trained on pictures licensed for non-commercial research",
            ["training_manifest_sha256"] = digest,
            // What a card must name: the program with its commit, the seed, the hours; the data's digest stands above.
            ["metrics"] = new JsonObject
            {
                ["training_step"] = trained.Step.ToString(CultureInfo.InvariantCulture),
                ["training_program"] = typeof(NanoPackage).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion,
                ["training_seed"] = options.Seed.ToString(CultureInfo.InvariantCulture),
                ["training_hours"] = trained.Hours.ToString("0.###", CultureInfo.InvariantCulture),
                ["training_devices"] = options.Device,
            },
        };
        return json.ToJsonString(new JsonSerializerOptions(JsonSerializerOptions.Default));
    }
}
