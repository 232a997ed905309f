using System.Text;
using System.Text.Json;

namespace Img2Pose.Testing;

/// <summary>
/// The deterministic weights of <c>golden/README.md</c>, section 1: a hash of the tensor's name, exclusive-or the seed,
/// starts a splitmix64 sequence whose uniform numbers are scaled by the kind of tensor.
/// </summary>
public sealed class GoldenWeights
{
    private static readonly (string Prefix, double Gain)[] Gains =
    [
        ("backbone.body.", 1.0),
        ("backbone.fpn.inner_blocks", 0.5),
        ("backbone.fpn.layer_blocks.0", 0.5),
        ("backbone.fpn.layer_blocks.1", 0.75),
        ("backbone.fpn.layer_blocks.2", 1.0),
        ("backbone.fpn.layer_blocks.3", 2.0),
        ("rpn.head.conv", 1.0),
        ("rpn.head.cls_logits", 1.5),
        ("rpn.head.bbox_pred", 0.2),
        ("roi_heads.box_head", 1.4),
        ("roi_heads.class_head", 1.4),
        ("roi_heads.class_predictor", 8.0),
        ("roi_heads.box_predictor", 1.25),
    ];

    private readonly ulong _seed;
    private readonly JsonElement? _overrides;

    /// <summary>Weights of a seed, with a case's <c>weight_overrides</c> object.</summary>
    public GoldenWeights(ulong seed, JsonElement? overrides = null)
    {
        _seed = seed;
        _overrides = overrides;
    }

    /// <summary>Names and shapes of the tensors of a depth, in order, from <c>weights/state_dict_depthN.json</c>.</summary>
    public static IReadOnlyList<(string Name, long[] Shape)> Tensors(int depth)
    {
        string path = SharedData.RequireGolden("weights", $"state_dict_depth{depth}.json");
        using JsonDocument document = JsonDocument.Parse(File.ReadAllText(path));
        return
        [
            .. document.RootElement.GetProperty("tensors").EnumerateArray().Select(t =>
                (t.GetProperty("name").GetString()!, t.GetProperty("shape").EnumerateArray().Select(d => d.GetInt64()).ToArray())),
        ];
    }

    /// <summary>FNV-1a, 64 bits, of the UTF-8 bytes of a name.</summary>
    public static ulong Hash(string name)
    {
        ulong hash = 0xcbf29ce484222325;
        foreach (byte b in Encoding.UTF8.GetBytes(name)) hash = unchecked((hash ^ b) * 0x100000001b3);
        return hash;
    }

    /// <summary>Element <paramref name="index"/> of the uniform sequence, in [0, 1).</summary>
    public static double Uniform(ulong start, long index)
    {
        unchecked
        {
            ulong z = start + (ulong)(index + 1) * 0x9E3779B97F4A7C15;
            z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
            z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
            z ^= z >> 31;
            return (z >> 11) * (1.0 / (1UL << 53));
        }
    }

    /// <summary>The values of a floating-point tensor, row-major.</summary>
    public float[] Generate(string name, params ReadOnlySpan<long> shape)
    {
        long count = 1;
        foreach (long length in shape) count *= length;
        (double scale, double offset) = ScaleAndOffset(name, shape, count);
        if (_overrides is { } overrides && overrides.TryGetProperty(name, out JsonElement change))
        {
            if (change.TryGetProperty("values", out JsonElement values)) return [.. values.EnumerateArray().Select(v => (float)v.GetDouble())];
            if (change.TryGetProperty("gain", out JsonElement gain)) scale *= gain.GetDouble();
            if (change.TryGetProperty("offset", out JsonElement shift)) offset += shift.GetDouble();
        }
        ulong start = Hash(name) ^ _seed;
        float[] result = new float[count];
        for (int i = 0; i < result.Length; i++) result[i] = (float)(scale * (2 * Uniform(start, i) - 1) + offset);
        return result;
    }

    /// <summary>Scale and offset by the kind of tensor, before overrides.</summary>
    public static (double Scale, double Offset) ScaleAndOffset(string name, ReadOnlySpan<long> shape, long count)
    {
        bool norm = name.Contains(".bn", StringComparison.Ordinal) || name.Contains(".downsample.1.", StringComparison.Ordinal)
            || name.Contains(".dof_pred.1.", StringComparison.Ordinal);
        if (name.EndsWith(".num_batches_tracked", StringComparison.Ordinal)) return (0, 0);
        if (name.EndsWith(".running_mean", StringComparison.Ordinal)) return (0.1, 0);
        if (name.EndsWith(".running_var", StringComparison.Ordinal)) return (0.2, 1);
        if (name.EndsWith(".bias", StringComparison.Ordinal)) return (0.05, 0);
        if (norm) return (0.1, 1);
        double gain = Array.Find(Gains, g => name.StartsWith(g.Prefix, StringComparison.Ordinal)).Gain;
        if (gain == 0) throw new ArgumentException($"No gain is known for '{name}'.", nameof(name));
        double fanIn = (double)count / shape[0];
        return (gain * Math.Sqrt(6 / fanIn) / Math.Sqrt(2), 0);
    }
}
