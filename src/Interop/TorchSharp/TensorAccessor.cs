using System.Runtime.InteropServices;

namespace TorchSharp.Utils;

/// <summary>Reads the elements of a CPU tensor in C order.</summary>
public sealed class TensorAccessor<T> where T : unmanaged
{
    private readonly torch.Tensor _tensor;

    internal TensorAccessor(torch.Tensor tensor) => _tensor = tensor;

    public long Count => _tensor.NumberOfElements;

    public T[] ToArray()
    {
        if (_tensor.is_contiguous()) return MemoryMarshal.Cast<byte, T>(_tensor.bytes).ToArray();
        using torch.Tensor packed = _tensor.contiguous();
        return MemoryMarshal.Cast<byte, T>(packed.bytes).ToArray();
    }
}
