using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ManagedCuda.BasicTypes;

namespace ManagedCuda;

public class CudaDeviceVariable<T> : IDisposable
    where T : struct
{
    private bool _disposed;

    public CudaDeviceVariable(SizeT size)
    {
        Size = size;
        DriverApi.Check(DriverApi.cuMemAlloc(out CUdeviceptr pointer, SizeInBytes));
        DevicePointer = pointer;
    }

    ~CudaDeviceVariable() => Dispose(false);

    public CUdeviceptr DevicePointer { get; }

    public SizeT Size { get; }

    public SizeT SizeInBytes => checked((long)Size * Unsafe.SizeOf<T>());

    public void CopyToDevice(T[] source) => CopyToDevice(source, 0, 0, checked((long)source.Length * Unsafe.SizeOf<T>()));

    public void CopyToDevice(T[] source, SizeT offsetSrc, SizeT offsetDest, SizeT sizeInBytes)
    {
        Require(offsetDest, sizeInBytes);
        GCHandle pin = GCHandle.Alloc(source, GCHandleType.Pinned);
        try
        {
            DriverApi.Check(DriverApi.cuMemcpyHtoD(DevicePointer + offsetDest, pin.AddrOfPinnedObject() + (nint)(long)offsetSrc, sizeInBytes));
        }
        finally
        {
            pin.Free();
        }
    }

    public void CopyToHost(T[] dest)
    {
        SizeT bytes = checked((long)dest.Length * Unsafe.SizeOf<T>());
        Require(0, bytes);
        GCHandle pin = GCHandle.Alloc(dest, GCHandleType.Pinned);
        try
        {
            DriverApi.Check(DriverApi.cuMemcpyDtoH(pin.AddrOfPinnedObject(), DevicePointer, bytes));
        }
        finally
        {
            pin.Free();
        }
    }

    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool fDisposing)
    {
        if (_disposed || (ulong)DevicePointer.Pointer == 0) return;
        _disposed = true;
        _ = DriverApi.cuMemFree(DevicePointer);
    }

    private void Require(SizeT offset, SizeT bytes)
    {
        if ((ulong)offset + (ulong)bytes > (ulong)SizeInBytes)
            throw new ArgumentOutOfRangeException(nameof(bytes), $"{(ulong)bytes} bytes at {(ulong)offset} do not fit into {(ulong)SizeInBytes}.");
    }
}
