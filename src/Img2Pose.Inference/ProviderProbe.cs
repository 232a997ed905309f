using System.Globalization;
using System.Text.Json;

namespace Img2Pose.Inference;

/// <summary>
/// Tells which execution provider ran how many nodes, from the profile that ONNX Runtime writes. A session on a GPU hands
/// what its provider lacks to the CPU without saying so; this makes it visible.
/// </summary>
internal static class ProviderProbe
{
    // Operators that are named of a provider at most.
    private const int NamedOperators = 8;

    /// <summary>Adds how many nodes of which operator each provider ran.</summary>
    /// <param name="profile">A profile.</param>
    /// <param name="nodes">Provider, operator, nodes.</param>
    /// <exception cref="JsonException">It is no profile.</exception>
    public static void Count(Stream profile, Dictionary<string, Dictionary<string, int>> nodes)
    {
        using JsonDocument document = JsonDocument.Parse(profile);
        foreach (JsonElement item in document.RootElement.EnumerateArray())
        {
            if (!item.TryGetProperty("args", out JsonElement args) || args.ValueKind != JsonValueKind.Object || Text(args, "provider") is not { } provider) continue;
            if (!nodes.TryGetValue(provider, out Dictionary<string, int>? operators)) nodes[provider] = operators = new Dictionary<string, int>(StringComparer.Ordinal);
            string name = Text(args, "op_name") ?? "?";
            operators[name] = operators.GetValueOrDefault(name) + 1;
        }

        static string? Text(JsonElement args, string name) => args.TryGetProperty(name, out JsonElement value) && value.GetString() is { Length: > 0 } text ? text : null;
    }

    /// <summary>For example "CUDA 96 % of nodes, CPU 4 % (2 Reshape, TopK)"; empty where no node ran.</summary>
    public static string Summarise(Dictionary<string, Dictionary<string, int>> nodes)
    {
        int total = nodes.Values.Sum(operators => operators.Values.Sum());
        return string.Join(", ", nodes.OrderByDescending(pair => pair.Value.Values.Sum()).Select((pair, i) => string.Create(
            CultureInfo.InvariantCulture,
            $"{pair.Key.Replace("ExecutionProvider", "", StringComparison.Ordinal)} {100.0 * pair.Value.Values.Sum() / total:0} %{(i == 0 ? " of nodes" : $" ({Operators(pair.Value)})")}")));
    }

    /// <summary>
    /// Nothing, where the provider that was asked for ran some node; a silent fallback ends with an error.
    /// </summary>
    /// <exception cref="ModelException">Nodes ran, and none of them on it.</exception>
    public static void Require(string provider, Dictionary<string, Dictionary<string, int>> nodes)
    {
        if (nodes.Count > 0 && !nodes.ContainsKey(provider))
            throw new ModelException($"{provider} was asked for, but ONNX Runtime ran every node elsewhere ({Summarise(nodes)}); use --device cpu, or see 'img2pose doctor'.");
    }

    private static string Operators(Dictionary<string, int> operators)
    {
        IEnumerable<string> named = operators.OrderByDescending(pair => pair.Value).ThenBy(pair => pair.Key, StringComparer.Ordinal).Take(NamedOperators)
            .Select(pair => pair.Value == 1 ? pair.Key : string.Create(CultureInfo.InvariantCulture, $"{pair.Value} {pair.Key}"));
        return string.Join(", ", named) + (operators.Count > NamedOperators ? ", …" : "");
    }
}
