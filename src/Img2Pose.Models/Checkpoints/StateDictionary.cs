using System.Diagnostics.CodeAnalysis;
using Img2Pose.Formats;

namespace Img2Pose.Models.Checkpoints;

/// <summary>
/// The named tensors of a network, whatever wrapped them: distributed training's <c>module.</c> prefix is removed, and
/// newer torchvision's names of the pyramid's convolutions (<c>inner_blocks.0.0.weight</c>) become those of the
/// published checkpoints (<c>inner_blocks.0.weight</c>).
/// </summary>
public sealed class StateDictionary
{
    private readonly Dictionary<string, CheckpointTensor> _tensors;

    private StateDictionary(Dictionary<string, CheckpointTensor> tensors, string source)
    {
        _tensors = tensors;
        Source = source;
    }

    /// <summary>What errors call the place that the tensors come from.</summary>
    public string Source { get; }

    /// <summary>The names, in no particular order.</summary>
    public IReadOnlyCollection<string> Names => _tensors.Keys;

    /// <summary>Tensors under the names of the published checkpoints.</summary>
    public static StateDictionary FromTensors(IEnumerable<KeyValuePair<string, CheckpointTensor>> tensors, string source)
    {
        Dictionary<string, CheckpointTensor> normalised = new(StringComparer.Ordinal);
        foreach ((string name, CheckpointTensor tensor) in tensors)
        {
            if (!normalised.TryAdd(PublishedName(name), tensor))
                throw new ModelException($"{source}: the tensor '{PublishedName(name)}' is there twice.");
        }
        return new StateDictionary(normalised, source);
    }

    /// <summary>
    /// The network of a checkpoint: the dictionary of tensors itself, or the one under <c>fpn_model</c>,
    /// <c>state_dict</c> or <c>model</c>.
    /// </summary>
    /// <exception cref="ModelException">No dictionary of tensors is found.</exception>
    public static StateDictionary FromCheckpoint(Checkpoint checkpoint, string source)
    {
        if (checkpoint.Root is CheckpointDictionary root)
        {
            foreach (string key in (ReadOnlySpan<string>)["fpn_model", "state_dict", "model"])
            {
                if (root.TryGet(key, out object? nested) && nested is CheckpointDictionary inner) return FromDictionary(inner, source);
            }
            if (root.Entries.Count > 0 && root.Entries.All(e => e.Value is CheckpointTensor)) return FromDictionary(root, source);
        }
        throw new ModelException($"{source}: the checkpoint has no dictionary of tensors under 'fpn_model', 'state_dict', 'model' or at its root.");
    }

    /// <summary>The tensors whose names pass a test.</summary>
    public StateDictionary Where(Func<string, bool> wanted) =>
        new(_tensors.Where(entry => wanted(entry.Key)).ToDictionary(entry => entry.Key, entry => entry.Value, StringComparer.Ordinal), Source);

    /// <summary>Looks a tensor up by its published name.</summary>
    public bool TryGet(string name, [MaybeNullWhen(false)] out CheckpointTensor tensor) => _tensors.TryGetValue(name, out tensor);

    /// <summary>A tensor's values, row-major.</summary>
    /// <exception cref="ModelException">There is no such tensor.</exception>
    public float[] Values(string name) => Get(name).ToSingle();

    /// <summary>A tensor's dimensions.</summary>
    /// <exception cref="ModelException">There is no such tensor.</exception>
    public IReadOnlyList<long> Shape(string name) => Get(name).Shape;

    /// <summary>
    /// Compares with what a network needs, and reports everything that is missing, too much, misshapen or not finite in one error.
    /// </summary>
    /// <param name="expected">Names and shapes.</param>
    /// <param name="network">What the error calls the network.</param>
    /// <exception cref="ModelException">Anything differs.</exception>
    public void Require(IReadOnlyList<(string Name, long[] Shape)> expected, string network)
    {
        HashSet<string> known = new(expected.Select(e => e.Name), StringComparer.Ordinal);
        List<string> missing = [.. expected.Where(e => !_tensors.ContainsKey(e.Name)).Select(e => e.Name)];
        List<string> extra = [.. _tensors.Keys.Where(n => !known.Contains(n)).Order(StringComparer.Ordinal)];
        List<string> misshapen = [];
        List<string> notFinite = [];
        foreach ((string name, long[] shape) in expected)
        {
            if (!_tensors.TryGetValue(name, out CheckpointTensor? tensor)) continue;
            if (!tensor.Shape.SequenceEqual(shape))
                misshapen.Add($"{name} [{string.Join(", ", tensor.Shape)}] instead of [{string.Join(", ", shape)}]");
            else if (!Array.TrueForAll(tensor.ToSingle(), float.IsFinite))
                notFinite.Add(name);
        }
        List<string> faults = [];
        Add("missing", missing);
        Add("unknown", extra);
        Add("misshapen", misshapen);
        Add("not finite", notFinite);
        if (faults.Count > 0) throw new ModelException($"{Source}: not the tensors of {network}: {string.Join("; ", faults)}.");

        void Add(string what, List<string> names)
        {
            if (names.Count > 0) faults.Add($"{names.Count} {what} ({string.Join(", ", names)})");
        }
    }

    private CheckpointTensor Get(string name) =>
        _tensors.TryGetValue(name, out CheckpointTensor? tensor) ? tensor : throw new ModelException($"{Source}: the tensor '{name}' is missing.");

    private static StateDictionary FromDictionary(CheckpointDictionary dictionary, string source) => FromTensors(
        dictionary.Entries.Select(e => e is { Key: string name, Value: CheckpointTensor tensor }
            ? new KeyValuePair<string, CheckpointTensor>(name, tensor)
            : throw new ModelException($"{source}: '{e.Key}' among the network's tensors is not a tensor.")),
        source);

    private static string PublishedName(string name)
    {
        if (name.StartsWith("module.", StringComparison.Ordinal)) name = name["module.".Length..];
        if (!name.StartsWith("backbone.fpn.", StringComparison.Ordinal)) return name;
        string[] parts = name.Split('.');
        return parts is [_, _, _, _, "0", _] ? $"{parts[0]}.{parts[1]}.{parts[2]}.{parts[3]}.{parts[5]}" : name;
    }
}
