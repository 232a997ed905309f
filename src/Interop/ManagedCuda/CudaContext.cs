using System.Runtime.InteropServices;
using System.Text;
using ManagedCuda.BasicTypes;

namespace ManagedCuda;

public class CudaContext : IDisposable
{
    private bool _disposed;

    // The package's public constructors create a context of their own; this program works in the primary one.
    internal CudaContext(CUcontext context, CUdevice device, int deviceId) => (Context, Device, DeviceId) = (context, device, deviceId);

    /// <summary>Gives up the context of an owner that forgot to.</summary>
    ~CudaContext() => Dispose(false);

    public CUcontext Context { get; }

    public CUdevice Device { get; }

    public int DeviceId { get; }

    public static int GetDeviceCount()
    {
        DriverApi.Initialise();
        DriverApi.Check(DriverApi.cuDeviceGetCount(out int count));
        return count;
    }

    public static unsafe string GetDeviceName(int deviceID)
    {
        const int Longest = 256;
        byte* name = stackalloc byte[Longest];
        DriverApi.Check(DriverApi.cuDeviceGetName(name, Longest, DeviceOf(deviceID)));
        ReadOnlySpan<byte> text = MemoryMarshal.CreateReadOnlySpanFromNullTerminated(name);
        return Encoding.UTF8.GetString(text);
    }

    public static Version GetDriverVersion()
    {
        DriverApi.Check(DriverApi.cuDriverGetVersion(out int version));
        return new Version(version / 1000, version % 1000 / 10);
    }

    public static Version GetDeviceComputeCapability(int deviceID)
    {
        CUdevice device = DeviceOf(deviceID);
        DriverApi.Check(DriverApi.cuDeviceGetAttribute(out int major, CUDeviceAttribute.ComputeCapabilityMajor, device));
        DriverApi.Check(DriverApi.cuDeviceGetAttribute(out int minor, CUDeviceAttribute.ComputeCapabilityMinor, device));
        return new Version(major, minor);
    }

    public static unsafe CUdevice[] GetOpenGLDevices(CUGLDeviceList deviceList)
    {
        const int Most = 16;
        CUdevice* devices = stackalloc CUdevice[Most];
        DriverApi.Check(DriverApi.cuGLGetDevices(out uint count, devices, Most, deviceList));
        return new Span<CUdevice>(devices, (int)Math.Min(count, Most)).ToArray();
    }

    public void PushContext() => DriverApi.Check(DriverApi.cuCtxPushCurrent(Context));

    public void PopContext() => DriverApi.Check(DriverApi.cuCtxPopCurrent(out _));

    public void SetCurrent() => DriverApi.Check(DriverApi.cuCtxSetCurrent(Context));

    public void Synchronize() => DriverApi.Check(DriverApi.cuCtxSynchronize());

    public SizeT GetFreeDeviceMemorySize()
    {
        DriverApi.Check(DriverApi.cuMemGetInfo(out SizeT free, out _));
        return free;
    }

    public SizeT GetTotalDeviceMemorySize()
    {
        DriverApi.Check(DriverApi.cuMemGetInfo(out _, out SizeT total));
        return total;
    }

    public unsafe CUmodule LoadModulePTX(byte[] moduleImage)
    {
        // PTX is a C string to the driver.
        byte[] text = [.. moduleImage, 0];
        fixed (byte* image = text)
        {
            DriverApi.Check(DriverApi.cuModuleLoadData(out CUmodule module, image));
            return module;
        }
    }

    public CudaKernel LoadKernelPTX(byte[] moduleImage, string kernelName)
    {
        CUmodule module = LoadModulePTX(moduleImage);
        try
        {
            return new CudaKernel(kernelName, module, this);
        }
        catch
        {
            _ = DriverApi.cuModuleUnload(module);
            throw;
        }
    }

    /// <summary>Unloads the kernel's module.</summary>
    public void UnloadKernel(CudaKernel aKernel) => UnloadModule(aKernel.CUModule);

    public void UnloadModule(CUmodule aModule) => DriverApi.Check(DriverApi.cuModuleUnload(aModule));

    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool fDisposing)
    {
        if (_disposed || Context.Pointer == 0) return;
        _disposed = true;
        _ = DriverApi.cuDevicePrimaryCtxRelease(Device);
    }

    internal static CUdevice DeviceOf(int ordinal)
    {
        DriverApi.Initialise();
        DriverApi.Check(DriverApi.cuDeviceGet(out CUdevice device, ordinal));
        return device;
    }
}
