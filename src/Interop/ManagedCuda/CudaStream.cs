using ManagedCuda.BasicTypes;

namespace ManagedCuda;

public class CudaStream : IDisposable
{
    private bool _disposed;

    public CudaStream(CUStreamFlags flags)
    {
        DriverApi.Check(DriverApi.cuStreamCreate(out CUstream stream, flags));
        Stream = stream;
    }

    ~CudaStream() => Dispose(false);

    public CUstream Stream { get; set; }

    public void Synchronize() => DriverApi.Check(DriverApi.cuStreamSynchronize(Stream));

    public bool Query()
    {
        CUResult result = DriverApi.cuStreamQuery(Stream);
        if (result == CUResult.ErrorNotReady) return false;
        DriverApi.Check(result);
        return true;
    }

    public void WaitEvent(CUevent cuevent) => DriverApi.Check(DriverApi.cuStreamWaitEvent(Stream, cuevent, 0));

    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool fDisposing)
    {
        if (_disposed || Stream.Pointer == 0) return;
        _disposed = true;
        _ = DriverApi.cuStreamDestroy(Stream);
    }
}
