using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ManagedCuda.BasicTypes;

namespace ManagedCuda;

/// <summary>
/// The driver calls behind the stand-in. Loaded on first use; a machine without a driver sees a
/// <see cref="DllNotFoundException"/> from whatever it calls first.
/// </summary>
internal static unsafe partial class DriverApi
{
    private const string Library = "libcuda.so.1";

    /// <summary>Starts the driver; every entry that needs no context calls it first.</summary>
    public static void Initialise() => Check(cuInit(0));

    /// <summary>Throws unless a driver call succeeded.</summary>
    public static void Check(CUResult result)
    {
        if (result != CUResult.Success) Throw(result);
    }

    /// <summary>The driver's own name of a code, or its number.</summary>
    public static string NameOf(CUResult error) => Text(error, &cuGetErrorName) ?? ((int)error).ToString(System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>The driver's own description of a code, or nothing.</summary>
    public static string DescriptionOf(CUResult error) => Text(error, &cuGetErrorString) ?? "";

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Throw(CUResult result) => throw new CudaException(result);

    private static string? Text(CUResult error, delegate*<CUResult, out nint, CUResult> read) =>
        read(error, out nint text) == CUResult.Success ? Marshal.PtrToStringUTF8(text) : null;

    [LibraryImport(Library)]
    private static partial CUResult cuInit(uint flags);

    [LibraryImport(Library)]
    private static partial CUResult cuGetErrorName(CUResult error, out nint text);

    [LibraryImport(Library)]
    private static partial CUResult cuGetErrorString(CUResult error, out nint text);

    [LibraryImport(Library)]
    public static partial CUResult cuDriverGetVersion(out int version);

    [LibraryImport(Library)]
    public static partial CUResult cuDeviceGetCount(out int count);

    [LibraryImport(Library)]
    public static partial CUResult cuDeviceGet(out CUdevice device, int ordinal);

    [LibraryImport(Library)]
    public static partial CUResult cuDeviceGetName(byte* name, int length, CUdevice device);

    [LibraryImport(Library)]
    public static partial CUResult cuDeviceGetAttribute(out int value, CUDeviceAttribute attribute, CUdevice device);

    [LibraryImport(Library)]
    public static partial CUResult cuDevicePrimaryCtxRetain(out CUcontext context, CUdevice device);

    [LibraryImport(Library, EntryPoint = "cuDevicePrimaryCtxRelease_v2")]
    public static partial CUResult cuDevicePrimaryCtxRelease(CUdevice device);

    [LibraryImport(Library, EntryPoint = "cuCtxPushCurrent_v2")]
    public static partial CUResult cuCtxPushCurrent(CUcontext context);

    [LibraryImport(Library, EntryPoint = "cuCtxPopCurrent_v2")]
    public static partial CUResult cuCtxPopCurrent(out CUcontext context);

    [LibraryImport(Library)]
    public static partial CUResult cuCtxSetCurrent(CUcontext context);

    [LibraryImport(Library)]
    public static partial CUResult cuCtxSynchronize();

    [LibraryImport(Library, EntryPoint = "cuMemGetInfo_v2")]
    public static partial CUResult cuMemGetInfo(out SizeT free, out SizeT total);

    [LibraryImport(Library, EntryPoint = "cuMemAlloc_v2")]
    public static partial CUResult cuMemAlloc(out CUdeviceptr pointer, SizeT bytes);

    [LibraryImport(Library, EntryPoint = "cuMemAllocPitch_v2")]
    public static partial CUResult cuMemAllocPitch(out CUdeviceptr pointer, out SizeT pitch, SizeT width, SizeT height, uint elementSize);

    [LibraryImport(Library, EntryPoint = "cuMemFree_v2")]
    public static partial CUResult cuMemFree(CUdeviceptr pointer);

    [LibraryImport(Library)]
    public static partial CUResult cuMemHostAlloc(out nint pointer, SizeT bytes, uint flags);

    [LibraryImport(Library)]
    public static partial CUResult cuMemFreeHost(nint pointer);

    [LibraryImport(Library, EntryPoint = "cuMemcpyHtoD_v2")]
    public static partial CUResult cuMemcpyHtoD(CUdeviceptr destination, nint source, SizeT bytes);

    [LibraryImport(Library, EntryPoint = "cuMemcpyDtoH_v2")]
    public static partial CUResult cuMemcpyDtoH(nint destination, CUdeviceptr source, SizeT bytes);

    [LibraryImport(Library, EntryPoint = "cuMemcpyHtoDAsync_v2")]
    public static partial CUResult cuMemcpyHtoDAsync(CUdeviceptr destination, nint source, SizeT bytes, CUstream stream);

    [LibraryImport(Library, EntryPoint = "cuMemcpyDtoHAsync_v2")]
    public static partial CUResult cuMemcpyDtoHAsync(nint destination, CUdeviceptr source, SizeT bytes, CUstream stream);

    [LibraryImport(Library, EntryPoint = "cuMemcpy2D_v2")]
    public static partial CUResult cuMemcpy2D(in Copy2D copy);

    [LibraryImport(Library)]
    public static partial CUResult cuStreamCreate(out CUstream stream, CUStreamFlags flags);

    [LibraryImport(Library, EntryPoint = "cuStreamDestroy_v2")]
    public static partial CUResult cuStreamDestroy(CUstream stream);

    [LibraryImport(Library)]
    public static partial CUResult cuStreamSynchronize(CUstream stream);

    [LibraryImport(Library)]
    public static partial CUResult cuStreamQuery(CUstream stream);

    [LibraryImport(Library)]
    public static partial CUResult cuStreamWaitEvent(CUstream stream, CUevent cudaEvent, uint flags);

    [LibraryImport(Library)]
    public static partial CUResult cuEventCreate(out CUevent cudaEvent, CUEventFlags flags);

    [LibraryImport(Library, EntryPoint = "cuEventDestroy_v2")]
    public static partial CUResult cuEventDestroy(CUevent cudaEvent);

    [LibraryImport(Library)]
    public static partial CUResult cuEventRecord(CUevent cudaEvent, CUstream stream);

    [LibraryImport(Library)]
    public static partial CUResult cuEventSynchronize(CUevent cudaEvent);

    [LibraryImport(Library)]
    public static partial CUResult cuEventQuery(CUevent cudaEvent);

    [LibraryImport(Library)]
    public static partial CUResult cuEventElapsedTime(out float milliseconds, CUevent start, CUevent end);

    [LibraryImport(Library)]
    public static partial CUResult cuModuleLoadData(out CUmodule module, byte* image);

    [LibraryImport(Library)]
    public static partial CUResult cuModuleUnload(CUmodule module);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial CUResult cuModuleGetFunction(out CUfunction function, CUmodule module, string name);

    [LibraryImport(Library)]
    public static partial CUResult cuLaunchKernel(
        CUfunction function, uint gridX, uint gridY, uint gridZ, uint blockX, uint blockY, uint blockZ,
        uint sharedBytes, CUstream stream, void** parameters, void** extra);

    [LibraryImport(Library, EntryPoint = "cuGLGetDevices_v2")]
    public static partial CUResult cuGLGetDevices(out uint count, CUdevice* devices, uint capacity, CUGLDeviceList list);

    [LibraryImport(Library)]
    public static partial CUResult cuGraphicsGLRegisterImage(
        out CUgraphicsResource resource, uint image, CudaOpenGLImageInteropResource.OpenGLImageTarget target, CUGraphicsRegisterFlags flags);

    [LibraryImport(Library)]
    public static partial CUResult cuGraphicsGLRegisterBuffer(out CUgraphicsResource resource, uint buffer, CUGraphicsRegisterFlags flags);

    [LibraryImport(Library)]
    public static partial CUResult cuGraphicsUnregisterResource(CUgraphicsResource resource);

    [LibraryImport(Library)]
    public static partial CUResult cuGraphicsMapResources(uint count, CUgraphicsResource* resources, CUstream stream);

    [LibraryImport(Library)]
    public static partial CUResult cuGraphicsUnmapResources(uint count, CUgraphicsResource* resources, CUstream stream);

    [LibraryImport(Library, EntryPoint = "cuGraphicsResourceSetMapFlags_v2")]
    public static partial CUResult cuGraphicsResourceSetMapFlags(CUgraphicsResource resource, CUGraphicsMapResourceFlags flags);

    [LibraryImport(Library)]
    public static partial CUResult cuGraphicsSubResourceGetMappedArray(out CUarray array, CUgraphicsResource resource, uint arrayIndex, uint mipLevel);

    [LibraryImport(Library, EntryPoint = "cuGraphicsResourceGetMappedPointer_v2")]
    public static partial CUResult cuGraphicsResourceGetMappedPointer(out CUdeviceptr pointer, out SizeT bytes, CUgraphicsResource resource);

    /// <summary>CUDA_MEMCPY2D of cuda.h: a rectangle from one memory to another, of which only the linear kinds are used here.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct Copy2D
    {
        public SizeT SourceX;
        public SizeT SourceY;
        public CUMemoryType SourceType;
        public nint SourceHost;
        public CUdeviceptr SourceDevice;
        public nint SourceArray;
        public SizeT SourcePitch;
        public SizeT DestinationX;
        public SizeT DestinationY;
        public CUMemoryType DestinationType;
        public nint DestinationHost;
        public CUdeviceptr DestinationDevice;
        public nint DestinationArray;
        public SizeT DestinationPitch;
        public SizeT WidthInBytes;
        public SizeT Height;
    }
}
