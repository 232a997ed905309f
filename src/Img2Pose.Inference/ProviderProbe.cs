using System.Globalization;
using System.Text.Json;

namespace Img2Pose.Inference;

/// <summary>
/// Tells which execution provider ran how many nodes, from the profile that ONNX Runtime writes. A session on a GPU hands
/// what its provider lacks to the CPU without saying so; this makes it visible.
/// </summary>
internal static class ProviderProbe
{
    /// <summary>How many nodes each provider ran.</summary>
    /// <exception cref="JsonException">It is no profile.</exception>
    public static Dictionary<string, int> Count(Stream profile)
    {
        Dictionary<string, int> nodes = new(StringComparer.Ordinal);
        using JsonDocument document = JsonDocument.Parse(profile);
        foreach (JsonElement item in document.RootElement.EnumerateArray())
        {
            if (item.TryGetProperty("args", out JsonElement args) && args.ValueKind == JsonValueKind.Object
                && args.TryGetProperty("provider", out JsonElement provider) && provider.GetString() is { Length: > 0 } name)
                nodes[name] = nodes.GetValueOrDefault(name) + 1;
        }
        return nodes;
    }

    /// <summary>For example "CUDA 96 % of nodes, CPU 4 %"; empty where no node ran.</summary>
    public static string Summarise(Dictionary<string, int> nodes)
    {
        int total = nodes.Values.Sum();
        return string.Join(", ", nodes.OrderByDescending(pair => pair.Value).Select((pair, i) => string.Create(
            CultureInfo.InvariantCulture,
            $"{pair.Key.Replace("ExecutionProvider", "", StringComparison.Ordinal)} {100.0 * pair.Value / total:0} %{(i == 0 ? " of nodes" : "")}")));
    }

    /// <summary>
    /// Nothing, where the provider that was asked for ran some node; a silent fallback ends with an error.
    /// </summary>
    /// <exception cref="ModelException">Nodes ran, and none of them on it.</exception>
    public static void Require(string provider, Dictionary<string, int> nodes)
    {
        if (nodes.Count > 0 && !nodes.ContainsKey(provider))
            throw new ModelException($"{provider} was asked for, but ONNX Runtime ran every node elsewhere ({Summarise(nodes)}); use --device cpu, or see 'img2pose doctor'.");
    }
}
