using ManagedCuda;
using ManagedCuda.BasicTypes;

namespace Img2Pose.Cuda;

/// <summary>Memory on the device. Disposing waits until the device has done what it was given.</summary>
public sealed class DeviceBuffer : IDisposable
{
    private readonly CudaDevice _device;
    private readonly CudaDeviceVariable<byte> _memory;

    /// <summary>Allocates <paramref name="bytes"/> bytes, uninitialised.</summary>
    /// <exception cref="CudaDeviceException">The device has no room, or failed.</exception>
    public DeviceBuffer(CudaDevice device, long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(bytes);
        _device = device;
        Length = bytes;
        _memory = device.Make(static bytes => new CudaDeviceVariable<byte>(bytes), bytes, static bytes => $"{bytes} bytes were allocated");
    }

    /// <summary>The device address.</summary>
    public nint Address => (nint)(long)_memory.DevicePointer.Pointer;

    /// <summary>Size in bytes.</summary>
    public long Length { get; }

    internal CUdeviceptr Pointer => _memory.DevicePointer;

    /// <summary>Frees the memory.</summary>
    public void Dispose() => _device.Release(_memory);
}

/// <summary>
/// Host memory that the device reads and writes by itself. A transfer is done when its queue has come to it, not when it was
/// asked for.
/// </summary>
public sealed class PinnedBuffer : IDisposable
{
    private readonly CudaDevice _device;
    private readonly CudaPageLockedHostMemory<byte> _memory;

    /// <summary>Allocates <paramref name="bytes"/> bytes, uninitialised.</summary>
    /// <exception cref="CudaDeviceException">The driver refuses.</exception>
    public PinnedBuffer(CudaDevice device, int bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(bytes);
        _device = device;
        Length = bytes;
        _memory = device.Make(
            static bytes => new CudaPageLockedHostMemory<byte>(bytes), bytes, static bytes => $"{bytes} bytes of host memory were locked");
    }

    /// <summary>Size in bytes.</summary>
    public int Length { get; }

    /// <summary>The host address.</summary>
    public nint Address => _memory.PinnedHostPointer;

    /// <summary>The bytes.</summary>
    public unsafe Span<byte> Bytes => new((void*)_memory.PinnedHostPointer, Length);

    internal CudaPageLockedHostMemory<byte> Memory => _memory;

    /// <summary>Frees the memory.</summary>
    public void Dispose() => _device.Release(_memory);
}
