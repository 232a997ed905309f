using System.Runtime.InteropServices;
using Img2Pose.Frames;
using ManagedCuda;
using ManagedCuda.BasicTypes;

namespace Img2Pose.Cuda.Kernels;

/// <summary>
/// Copies of rectangles in a stream. ManagedCuda's pitched copies with a stream take whole variables of its own only, not planes that
/// FFmpeg has allocated.
/// </summary>
internal static unsafe partial class PlaneCopy
{
    private const uint Host = 1, Device = 2, Array = 3;

    /// <summary>Copies the samples of a plane to one of the same size; one of them may lie in page-locked host memory.</summary>
    /// <exception cref="CudaException">The driver refuses.</exception>
    public static void Run(in FramePlane from, in FramePlane to, CUstream stream)
    {
        Rectangle copy = new() { Width = (nuint)from.RowBytes, Height = (nuint)from.Height };
        if (from.Memory == MemoryKind.Cuda) (copy.SourceType, copy.SourceDevice) = (Device, from.Address);
        else (copy.SourceType, copy.SourceHost) = (Host, from.Address);
        if (to.Memory == MemoryKind.Cuda) (copy.TargetType, copy.TargetDevice) = (Device, to.Address);
        else (copy.TargetType, copy.TargetHost) = (Host, to.Address);
        (copy.SourcePitch, copy.TargetPitch) = ((nuint)from.Stride, (nuint)to.Stride);
        Check(CopyAsync(copy, stream.Pointer));
    }

    /// <summary>Copies the corner of a texture's memory (a CUarray) to rows in device memory.</summary>
    /// <exception cref="CudaException">The driver refuses.</exception>
    public static void Run(nint from, nint to, nint pitch, nint rowBytes, nint rows, CUstream stream)
    {
        Rectangle copy = new()
        {
            SourceType = Array,
            SourceArray = from,
            TargetType = Device,
            TargetDevice = to,
            TargetPitch = (nuint)pitch,
            Width = (nuint)rowBytes,
            Height = (nuint)rows,
        };
        Check(CopyAsync(copy, stream.Pointer));
    }

    /// <summary>Fills memory with a byte.</summary>
    /// <exception cref="CudaException">The driver refuses.</exception>
    public static void Fill(nint memory, byte value, long bytes, CUstream stream) => Check(SetAsync(memory, value, (nuint)bytes, stream.Pointer));

    private static void Check(CUResult result)
    {
        if (result != CUResult.Success) throw new CudaException(result);
    }

    [LibraryImport("libcuda.so.1", EntryPoint = "cuMemcpy2DAsync_v2")]
    private static partial CUResult CopyAsync(in Rectangle copy, nint stream);

    [LibraryImport("libcuda.so.1", EntryPoint = "cuMemsetD8Async")]
    private static partial CUResult SetAsync(nint memory, byte value, nuint bytes, nint stream);

    /// <summary>CUDA_MEMCPY2D of cuda.h.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Rectangle
    {
        public nuint SourceX;
        public nuint SourceY;
        public uint SourceType;
        public nint SourceHost;
        public nint SourceDevice;
        public nint SourceArray;
        public nuint SourcePitch;
        public nuint TargetX;
        public nuint TargetY;
        public uint TargetType;
        public nint TargetHost;
        public nint TargetDevice;
        public nint TargetArray;
        public nuint TargetPitch;
        public nuint Width;
        public nuint Height;
    }
}
