using System.Globalization;
using Img2Pose.Formats;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Img2Pose.Training.Optimization;

/// <summary>Saves and restores a training run: weights, their average, Adam's moments, and the step.</summary>
internal static class TrainingState
{
    private const string ReplicasKey = "replicas", HoursKey = "hours", MomentsKey = "optimizer_step";

    /// <summary>Writes everything that a resumed run needs, or with <paramref name="averageOnly"/> just the averaged weights in float16.</summary>
    internal static void Save(string path, long step, string configuration, nn.Module network, WeightAverage average, AdamW? optimizer, bool averageOnly = false, int replicas = 1, double hours = 0)
    {
        using DisposeScope scope = NewDisposeScope();
        Dictionary<string, string> metadata = new()
        {
            ["format"] = "img2pose-training-1",
            ["step"] = step.ToString(CultureInfo.InvariantCulture),
            ["configuration"] = configuration,
            [ReplicasKey] = replicas.ToString(CultureInfo.InvariantCulture),
            [HoursKey] = hours.ToString("R", CultureInfo.InvariantCulture),
        };
        List<NamedArray> arrays = Prefixed("average.", average.ToArrays());
        if (!averageOnly)
        {
            Dictionary<string, Tensor> state = network.state_dict();
            arrays.AddRange(state.Where(pair => pair.Value.dtype == float32).Select(pair => ToArray("model." + pair.Key, pair.Value)));
            if (optimizer is not null)
            {
                string[] names = [.. network.named_parameters().Select(pair => pair.name)];
                List<OptimizerState> states = optimizer.state_dict().State;
                for (int i = 0; i < states.Count; i++)
                {
                    AdamW.State adam = (AdamW.State)states[i];
                    metadata[MomentsKey] = adam.step.ToString(CultureInfo.InvariantCulture);
                    arrays.Add(ToArray($"first.{names[i]}", adam.exp_avg));
                    arrays.Add(ToArray($"second.{names[i]}", adam.exp_avg_sq));
                }
            }
        }
        SafetensorsFile.Write(path, arrays, metadata, half: averageOnly);
    }

    /// <summary>Restores what the file holds: the step that it was saved at, and of how many steps the optimiser's moments are; 0 where they were not restored.</summary>
    /// <param name="path">The file.</param>
    /// <param name="network">Receives the weights.</param>
    /// <param name="average">Receives their average.</param>
    /// <param name="optimizer">Receives the moments; null where only the weights are wanted.</param>
    /// <param name="replicas">Replicas of the run that goes on; null where only the weights are wanted.</param>
    /// <exception cref="InputException">The file is not a checkpoint, or of another network, or of a run with another number of replicas.</exception>
    internal static (long Step, long Moments) Load(string path, nn.Module network, WeightAverage average, AdamW? optimizer, int? replicas = null)
    {
        (List<NamedArray> list, Dictionary<string, string> metadata) = SafetensorsFile.Read(path);
        Dictionary<string, NamedArray> arrays = list.ToDictionary(array => array.Name);
        long step = Number(path, metadata, "step", "0"), others = Number(path, metadata, ReplicasKey, "1");
        bool hasMoments = metadata.ContainsKey(MomentsKey);
        // Averaged weights alone are no state of replicas: any number goes on from them.
        if (replicas is { } own && own != others && hasMoments) throw OtherReplicas(path, others, own, "take its weights only, for a new schedule (--weights-only)");
        long moments = 0;
        string source = arrays.Keys.Any(name => name.StartsWith("model.", StringComparison.Ordinal)) ? "model." : "average.";
        try
        {
            foreach ((string name, Tensor tensor) in network.state_dict())
            {
                if (tensor.dtype == float32) Copy(Stripped(arrays, source), name, tensor);
            }
            average.Load(Stripped(arrays, "average."));
            if (optimizer is not null && hasMoments)
            {
                moments = Number(path, metadata, MomentsKey, "0");
                string[] names = [.. network.named_parameters().Select(pair => pair.name)];
                List<OptimizerState> states = optimizer.state_dict().State;
                for (int i = 0; i < states.Count; i++)
                {
                    AdamW.State adam = (AdamW.State)states[i];
                    adam.step = moments;
                    Copy(Stripped(arrays, "first."), names[i], adam.exp_avg);
                    Copy(Stripped(arrays, "second."), names[i], adam.exp_avg_sq);
                }
            }
        }
        catch (KeyNotFoundException error)
        {
            throw new InputException($"{path}: was made by another network ({error.Message})", error);
        }
        return (step, moments);
    }

    /// <summary>The error for a checkpoint of a run on another number of devices.</summary>
    internal static InputException OtherReplicas(string path, long others, long own, string otherwise) => new(
        $"{path}: was written by a run on {others} device{(others == 1 ? "" : "s")}, and this one has {own}; give as many to --devices (one may stand several times), or {otherwise}");

    /// <summary>Hours that a checkpoint's steps took; 0 where it does not say.</summary>
    internal static double Hours(string path) =>
        double.TryParse(SafetensorsFile.Read(path).Metadata.GetValueOrDefault(HoursKey), NumberStyles.Float, CultureInfo.InvariantCulture, out double hours) && hours >= 0 ? hours : 0;

    private static long Number(string path, Dictionary<string, string> metadata, string key, string absent) =>
        long.TryParse(metadata.GetValueOrDefault(key, absent), NumberStyles.None, CultureInfo.InvariantCulture, out long number)
            ? number
            : throw new InputException($"{path}: its {key} '{metadata[key]}' is not a number");

    internal static void Copy(IReadOnlyDictionary<string, NamedArray> arrays, string name, Tensor destination)
    {
        if (!arrays.TryGetValue(name, out NamedArray? array) || !array.Shape.AsSpan().SequenceEqual(destination.shape))
            throw new KeyNotFoundException($"{name} is missing or of another shape than [{string.Join(", ", destination.shape)}]");
        using IDisposable still = no_grad();
        using Tensor values = tensor(array.Values, array.Shape);
        using Tensor target = destination.detach();
        target.copy_(values);
    }

    private static NamedArray ToArray(string name, Tensor value)
    {
        using Tensor plain = value.detach().cpu().contiguous();
        return new NamedArray(name, value.shape, plain.data<float>().ToArray());
    }

    private static List<NamedArray> Prefixed(string prefix, List<NamedArray> arrays) =>
        [.. arrays.Select(array => array with { Name = prefix + array.Name })];

    private static Dictionary<string, NamedArray> Stripped(Dictionary<string, NamedArray> arrays, string prefix) =>
        arrays.Where(pair => pair.Key.StartsWith(prefix, StringComparison.Ordinal)).ToDictionary(pair => pair.Key[prefix.Length..], pair => pair.Value);
}
