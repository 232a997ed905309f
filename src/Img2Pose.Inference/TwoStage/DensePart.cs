using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;

namespace Img2Pose.Inference.TwoStage;

/// <summary>
/// The part of a network whose outputs have the same shapes for every picture of one size: they are bound once a size and
/// written anew by every run, without any allocation.
/// </summary>
internal sealed unsafe class DensePart(InferenceSession session, string[] outputs) : IDisposable
{
    private readonly OrtIoBinding _binding = session.CreateIoBinding();
    private readonly FeatureMap[] _maps = new FeatureMap[outputs.Length];
    private OrtValue? _image;
    private bool _disposed;
    private IDisposableReadOnlyCollection<OrtValue>? _values;

    /// <summary>Runs the part on an image; the maps, in the order of the outputs' names, are valid until the next run.</summary>
    /// <param name="image">The image; as long as it is the same object its shape has not changed.</param>
    /// <param name="options">Options of the run.</param>
    /// <exception cref="OnnxRuntimeException">The run failed.</exception>
    public ReadOnlySpan<FeatureMap> Run(OrtValue image, RunOptions options)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (ReferenceEquals(image, _image))
        {
            session.RunWithBinding(options, _binding);
            return _maps;
        }
        _image = null;
        _binding.ClearBoundInputs();
        _binding.ClearBoundOutputs();
        _values?.Dispose();
        _values = null;
        _binding.BindInput("image", image);
        foreach (string output in outputs) _binding.BindOutputToDevice(output, OrtMemoryInfo.DefaultInstance);
        session.RunWithBinding(options, _binding);
        _values = _binding.GetOutputValues();
        _binding.ClearBoundOutputs();
        for (int i = 0; i < outputs.Length; i++)
        {
            _maps[i] = Describe(_values[i], outputs[i]);
            _binding.BindOutput(outputs[i], _values[i]);
        }
        _image = image;
        return _maps;
    }

    /// <summary>Frees the session and its outputs.</summary>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        _binding.Dispose();
        _values?.Dispose();
        session.Dispose();
    }

    private static FeatureMap Describe(OrtValue value, string name)
    {
        long[] sides = value.GetTensorTypeAndShape().Shape;
        if (sides.Length != 4) throw new NetworkOutputException($"the network's '{OneLine.Of(name)}' has {sides.Length} dimensions where 4 are needed");
        long picture = 1;
        foreach (long side in sides)
        {
            if (side is < 1 or > int.MaxValue) throw new NetworkOutputException($"the network's '{OneLine.Of(name)}' has a side of {side}");
        }
        foreach (long side in sides.AsSpan(1))
        {
            picture = Math.BigMul((int)picture, (int)side);
            if (picture > FeatureMap.PictureLimit) throw new NetworkOutputException($"the network's '{OneLine.Of(name)}' is larger than the limit of {FeatureMap.PictureLimit} numbers");
        }
        int[] shape = Array.ConvertAll(sides, side => (int)side);
        if (value.GetTensorDataAsSpan<float>().Length != checked(picture * shape[0]))
            throw new NetworkOutputException($"the network's '{OneLine.Of(name)}' does not fill its shape");
        // Native memory: it stays where it is.
        float* data = (float*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(value.GetTensorDataAsSpan<float>()));
        return name.EndsWith(OnnxParts.ChannelsLast(""), StringComparison.Ordinal)
            ? new FeatureMap(data, shape[0], shape[3], shape[1], shape[2])
            : new FeatureMap(data, shape[0], shape[1], shape[2], shape[3]);
    }
}
