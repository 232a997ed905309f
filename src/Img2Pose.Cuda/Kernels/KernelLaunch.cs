using System.Runtime.InteropServices;
using ManagedCuda;
using ManagedCuda.BasicTypes;

namespace Img2Pose.Cuda.Kernels;

/// <summary>
/// Launches without garbage: ManagedCuda's RunAsync boxes every argument, ten times a frame. A kernel takes one structure
/// by value, which the driver copies before the call returns.
/// </summary>
internal static unsafe partial class KernelLaunch
{
    /// <summary>Launches a kernel over <paramref name="width"/> × <paramref name="height"/> threads, <paramref name="layers"/> deep.</summary>
    /// <exception cref="CudaException">The driver refuses.</exception>
    public static void Run<T>(CUfunction function, CUstream stream, int width, int height, int layers, in T parameters)
        where T : unmanaged
    {
        // A warp along the rows, so that neighbours in memory are read together; several rows where there are some.
        uint blockWidth = height > 1 ? 32u : 128u, blockHeight = height > 1 ? 8u : 1u;
        fixed (T* argument = &parameters)
        {
            void* list = argument;
            CUResult result = Launch(
                function.Pointer, ((uint)width + blockWidth - 1) / blockWidth, ((uint)height + blockHeight - 1) / blockHeight, (uint)layers,
                blockWidth, blockHeight, 1, 0, stream.Pointer, &list, null);
            if (result != CUResult.Success) throw new CudaException(result);
        }
    }

    [LibraryImport("libcuda.so.1", EntryPoint = "cuLaunchKernel")]
    private static partial CUResult Launch(
        nint function, uint gridX, uint gridY, uint gridZ, uint blockX, uint blockY, uint blockZ, uint sharedBytes,
        nint stream, void** parameters, void** extra);
}
