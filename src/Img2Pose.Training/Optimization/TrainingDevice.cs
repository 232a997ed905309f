using static TorchSharp.torch;

namespace Img2Pose.Training.Optimization;

/// <summary>Where a network is trained.</summary>
internal static class TrainingDevice
{
    /// <summary>The device of that name.</summary>
    /// <exception cref="UsageException">The name is neither cpu nor cuda.</exception>
    /// <exception cref="ModelException">There is no CUDA device that libtorch can use.</exception>
    internal static Device Open(string name)
    {
        RequireName(name);
        if (name == "cpu") return CPU;
        return cuda.is_available()
            ? CUDA
            : throw new ModelException(
                "--device cuda: this libtorch has no CUDA or finds no device; build native/torch over a CUDA libtorch 2.x (docs/gpu.md), or train with --device cpu");
    }

    internal static void RequireName(string name)
    {
        if (name is not ("cpu" or "cuda")) throw new UsageException($"device '{name}' is neither cpu nor cuda");
    }
}
