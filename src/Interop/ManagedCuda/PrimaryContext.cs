using ManagedCuda.BasicTypes;

namespace ManagedCuda;

public class PrimaryContext : CudaContext
{
    public PrimaryContext(int deviceId) : this(deviceId, DeviceOf(deviceId))
    {
    }

    private PrimaryContext(int deviceId, CUdevice device) : base(Retain(device), device, deviceId)
    {
    }

    private static CUcontext Retain(CUdevice device)
    {
        DriverApi.Check(DriverApi.cuDevicePrimaryCtxRetain(out CUcontext context, device));
        return context;
    }
}
