using System.Globalization;
using TorchSharp;
using static TorchSharp.torch;

namespace Img2Pose.Training.Optimization;

/// <summary>Where a network is trained: <c>cpu</c>, <c>cuda</c>, <c>cuda:1</c>, or several of a kind, separated by commas, one for each replica.</summary>
internal static class TrainingDevice
{
    private const string Processor = "cpu", Gpu = "cuda";
    private const int Most = 64;

    /// <summary>How many replicas the names ask for.</summary>
    /// <exception cref="UsageException">As <see cref="Require"/>.</exception>
    internal static int Count(string names) => Parse(names).Length;

    /// <summary>The devices of these names.</summary>
    /// <exception cref="UsageException">A name is no device's, or they are of different kinds.</exception>
    /// <exception cref="ModelException">One of them is not there, or libtorch cannot use it.</exception>
    internal static Device[] Open(string names)
    {
        int[] indices = Parse(names);
        if (indices[0] < 0) return [.. indices.Select(_ => CPU)];
        if (!cuda.is_available() || cuda.device_count() == 0)
        {
            throw new ModelException(
                $"--devices {names}: this libtorch has no CUDA or finds no device; build native/torch over a CUDA libtorch 2.x (docs/gpu.md), or train with --devices cpu");
        }
        int there = cuda.device_count();
        foreach (int index in indices)
        {
            if (index >= there) throw new ModelException($"--devices {names}: there is no cuda:{index}; libtorch finds {there} (cuda:0 to cuda:{there - 1})");
        }
        return [.. indices.Select(index => new Device(DeviceType.CUDA, index))];
    }

    /// <exception cref="UsageException">A name is no device's, they are of different kinds, or they are too many.</exception>
    internal static void Require(string names) => Parse(names);

    // The numbers of CUDA devices, or −1 for each replica on the processor.
    private static int[] Parse(string names)
    {
        string[] parts = names.Split(',', StringSplitOptions.TrimEntries);
        int[] indices = Array.ConvertAll(parts, Index);
        if (indices.Any(index => index < 0 != indices[0] < 0))
            throw new UsageException($"devices '{names}' are of different kinds; a step is as fast as its slowest replica, so name processors or GPUs");
        return indices.Length <= Most ? indices : throw new UsageException($"{indices.Length} devices; at most {Most} can share a step");
    }

    private static int Index(string name) => name switch
    {
        Processor => -1,
        Gpu => 0,
        _ when name.StartsWith($"{Gpu}:", StringComparison.Ordinal) && int.TryParse(name.AsSpan(Gpu.Length + 1), NumberStyles.None, CultureInfo.InvariantCulture, out int index) => index,
        _ => throw new UsageException($"device '{name}' is none of cpu, cuda, cuda:NUMBER"),
    };
}
