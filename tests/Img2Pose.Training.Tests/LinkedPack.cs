using System.Text.Json.Nodes;
using Img2Pose.Formats;
using Img2Pose.Testing;

namespace Img2Pose.Training.Tests;

/// <summary>A pack of a few pictures of the shared training data with one face of known pose each, which stay where they are.</summary>
internal static class LinkedPack
{
    /// <summary>Writes the pack; skips the test where the data is absent.</summary>
    /// <param name="folder">Where its annotations go.</param>
    /// <param name="count">Pictures.</param>
    /// <param name="every">Takes one line in so many: pictures far apart have faces in many poses.</param>
    /// <param name="change">Changes a record.</param>
    internal static AnnotatedImage[] Write(string folder, int count, int every = 1, Action<JsonNode>? change = null)
    {
        string source = SharedData.Require("data", "train");
        List<string> lines = [];
        foreach (string line in File.ReadLines(Path.Combine(source, AnnotationPackReader.FileName)).Where((_, i) => i % every == 0))
        {
            JsonNode record = JsonNode.Parse(line)!;
            JsonArray faces = record["faces"]!.AsArray();
            if (faces.Count != 1 || faces[0]!["pose"] is null || !record["complete"]!.GetValue<bool>()) continue;
            record["image"] = Path.Combine(source, record["image"]!.GetValue<string>());
            change?.Invoke(record);
            lines.Add(record.ToJsonString());
            if (lines.Count == count) break;
        }
        Directory.CreateDirectory(folder);
        File.WriteAllLines(Path.Combine(folder, AnnotationPackReader.FileName), lines);
        return AnnotationPackReader.Load(folder);
    }
}
