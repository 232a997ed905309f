using ManagedCuda.BasicTypes;

namespace ManagedCuda;

public class CudaException : Exception
{
    public CudaException(CUResult error) : base($"CUDA: {DriverApi.NameOf(error)} ({(int)error}): {DriverApi.DescriptionOf(error)}") =>
        CudaError = error;

    public CUResult CudaError { get; set; }
}
