using ManagedCuda.BasicTypes;

namespace ManagedCuda;

public class CudaEvent : IDisposable
{
    private bool _disposed;

    public CudaEvent(CUEventFlags flags)
    {
        DriverApi.Check(DriverApi.cuEventCreate(out CUevent created, flags));
        Event = created;
    }

    ~CudaEvent() => Dispose(false);

    public CUevent Event { get; set; }

    public void Record(CUstream stream) => DriverApi.Check(DriverApi.cuEventRecord(Event, stream));

    public void Synchronize() => DriverApi.Check(DriverApi.cuEventSynchronize(Event));

    public bool Query()
    {
        CUResult result = DriverApi.cuEventQuery(Event);
        if (result == CUResult.ErrorNotReady) return false;
        DriverApi.Check(result);
        return true;
    }

    public static float ElapsedTime(CudaEvent eventStart, CudaEvent eventEnd)
    {
        DriverApi.Check(DriverApi.cuEventElapsedTime(out float milliseconds, eventStart.Event, eventEnd.Event));
        return milliseconds;
    }

    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool fDisposing)
    {
        if (_disposed || Event.Pointer == 0) return;
        _disposed = true;
        _ = DriverApi.cuEventDestroy(Event);
    }
}
