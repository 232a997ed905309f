using System.Collections;
using System.Runtime.CompilerServices;
using ManagedCuda.BasicTypes;

namespace ManagedCuda;

public class CudaPageLockedHostMemory<T> : IEnumerable<T>, IDisposable
    where T : struct
{
    private bool _disposed;

    public CudaPageLockedHostMemory(SizeT size)
    {
        Size = size;
        DriverApi.Check(DriverApi.cuMemHostAlloc(out nint pointer, SizeInBytes, 0));
        PinnedHostPointer = pointer;
    }

    ~CudaPageLockedHostMemory() => Dispose(false);

    public nint PinnedHostPointer { get; }

    public SizeT Size { get; }

    public SizeT SizeInBytes => checked((long)Size * Unsafe.SizeOf<T>());

    public void AsyncCopyToDevice(CUdeviceptr devicePtr, SizeT offsetSrc, SizeT offsetDest, SizeT aSizeInBytes, CUstream stream)
    {
        Require(offsetSrc, aSizeInBytes);
        DriverApi.Check(DriverApi.cuMemcpyHtoDAsync(devicePtr + offsetDest, PinnedHostPointer + (nint)(long)offsetSrc, aSizeInBytes, stream));
    }

    public void AsyncCopyFromDevice(CUdeviceptr devicePtr, SizeT offsetSrc, SizeT offsetDest, SizeT aSizeInBytes, CUstream stream)
    {
        Require(offsetDest, aSizeInBytes);
        DriverApi.Check(DriverApi.cuMemcpyDtoHAsync(PinnedHostPointer + (nint)(long)offsetDest, devicePtr + offsetSrc, aSizeInBytes, stream));
    }

    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    unsafe IEnumerator<T> IEnumerable<T>.GetEnumerator()
    {
        T[] values = new T[(long)Size];
        for (int i = 0; i < values.Length; i++) values[i] = Unsafe.Add(ref Unsafe.AsRef<T>((void*)PinnedHostPointer), i);
        return ((IEnumerable<T>)values).GetEnumerator();
    }

    IEnumerator IEnumerable.GetEnumerator() => ((IEnumerable<T>)this).GetEnumerator();

    protected virtual void Dispose(bool fDisposing)
    {
        if (_disposed || PinnedHostPointer == 0) return;
        _disposed = true;
        _ = DriverApi.cuMemFreeHost(PinnedHostPointer);
    }

    private void Require(SizeT offset, SizeT bytes)
    {
        if ((ulong)offset + (ulong)bytes > (ulong)SizeInBytes)
            throw new ArgumentOutOfRangeException(nameof(bytes), $"{(ulong)bytes} bytes at {(ulong)offset} do not fit into {(ulong)SizeInBytes}.");
    }
}
