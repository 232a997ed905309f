using System.Runtime.InteropServices;
using ManagedCuda.BasicTypes;
using ManagedCuda.VectorTypes;

namespace ManagedCuda;

public class CudaKernel
{
    private const int MostParameters = 64;

    public CudaKernel(string kernelName, CUmodule module, CudaContext cuda)
    {
        _ = cuda;
        KernelName = kernelName;
        DriverApi.Check(DriverApi.cuModuleGetFunction(out CUfunction function, module, kernelName));
        CUFunction = function;
        CUModule = module;
        BlockDimensions = GridDimensions = new dim3(1, 1, 1);
    }

    public string KernelName { get; }

    public CUfunction CUFunction { get; }

    public CUmodule CUModule { get; }

    public dim3 BlockDimensions { get; set; }

    public dim3 GridDimensions { get; set; }

    public unsafe void RunAsync(CUstream stream, params object[] parameters)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(parameters.Length, MostParameters, nameof(parameters));
        GCHandle[] pins = new GCHandle[parameters.Length];
        void** values = stackalloc void*[MostParameters];
        int pinned = 0;
        try
        {
            for (; pinned < parameters.Length; pinned++)
            {
                pins[pinned] = GCHandle.Alloc(parameters[pinned], GCHandleType.Pinned);
                values[pinned] = (void*)pins[pinned].AddrOfPinnedObject();
            }
            dim3 grid = GridDimensions, block = BlockDimensions;
            DriverApi.Check(DriverApi.cuLaunchKernel(
                CUFunction, grid.x, grid.y, grid.z, block.x, block.y, block.z, 0, stream, values, null));
        }
        finally
        {
            while (pinned > 0) pins[--pinned].Free();
        }
    }
}
