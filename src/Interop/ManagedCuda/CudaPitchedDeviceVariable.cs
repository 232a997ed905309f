using System.Runtime.CompilerServices;
using ManagedCuda.BasicTypes;

namespace ManagedCuda;

public class CudaPitchedDeviceVariable<T> : IDisposable
    where T : struct
{
    private bool _disposed;

    public CudaPitchedDeviceVariable(SizeT width, SizeT height)
    {
        Width = width;
        Height = height;
        // The driver takes element sizes of 4, 8 and 16; smaller elements are aligned as 4.
        DriverApi.Check(DriverApi.cuMemAllocPitch(out CUdeviceptr pointer, out SizeT pitch, WidthInBytes, height, 4));
        (DevicePointer, Pitch) = (pointer, pitch);
    }

    ~CudaPitchedDeviceVariable() => Dispose(false);

    public CUdeviceptr DevicePointer { get; }

    public SizeT Width { get; }

    public SizeT Height { get; }

    public SizeT WidthInBytes => checked((long)Width * Unsafe.SizeOf<T>());

    public SizeT Pitch { get; }

    public void CopyToDevice(
        nint hostSrc, SizeT SrcXInBytes, SizeT SrcY, SizeT DestXInBytes, SizeT DestY, SizeT widthInBytes, SizeT height, SizeT SrcPitch, SizeT DestPitch)
    {
        DriverApi.Copy2D copy = new()
        {
            SourceX = SrcXInBytes,
            SourceY = SrcY,
            SourceType = CUMemoryType.Host,
            SourceHost = hostSrc,
            SourcePitch = SrcPitch,
            DestinationX = DestXInBytes,
            DestinationY = DestY,
            DestinationType = CUMemoryType.Device,
            DestinationDevice = DevicePointer,
            DestinationPitch = DestPitch,
            WidthInBytes = widthInBytes,
            Height = height,
        };
        DriverApi.Check(DriverApi.cuMemcpy2D(copy));
    }

    public void CopyToHost(
        nint hostDest, SizeT DestXInBytes, SizeT DestY, SizeT SrcXInBytes, SizeT SrcY, SizeT widthInBytes, SizeT height, SizeT DestPitch, SizeT SrcPitch)
    {
        DriverApi.Copy2D copy = new()
        {
            SourceX = SrcXInBytes,
            SourceY = SrcY,
            SourceType = CUMemoryType.Device,
            SourceDevice = DevicePointer,
            SourcePitch = SrcPitch,
            DestinationX = DestXInBytes,
            DestinationY = DestY,
            DestinationType = CUMemoryType.Host,
            DestinationHost = hostDest,
            DestinationPitch = DestPitch,
            WidthInBytes = widthInBytes,
            Height = height,
        };
        DriverApi.Check(DriverApi.cuMemcpy2D(copy));
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
}
