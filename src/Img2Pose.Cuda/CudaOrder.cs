using Img2Pose.Frames;

namespace Img2Pose.Cuda;

/// <summary>
/// The two places that order work on a frame in device memory: behind what fills it, and behind what reads it. Nobody waits on the
/// host for either, but the owner of memory that others write to without asking (a decoder's). Thread-safe.
/// </summary>
public sealed class CudaOrder : DeviceOrder, IDisposable
{
    private readonly Lock _lock = new();
    private readonly bool _owned;

    /// <summary>Makes an order of which nothing has to be waited for yet.</summary>
    /// <exception cref="CudaDeviceException">The device failed.</exception>
    public CudaOrder(CudaDevice device)
    {
        Device = device;
        _owned = true;
        Ready = new CudaMarker(device);
        try
        {
            Consumed = new CudaMarker(device);
        }
        catch (CudaDeviceException)
        {
            Ready.Dispose();
            throw;
        }
    }

    /// <summary>The order of a frame that has its markers already.</summary>
    internal CudaOrder(CudaDevice device, CudaMarker ready, CudaMarker consumed) => (Device, Ready, Consumed) = (device, ready, consumed);

    /// <summary>The device that the frame lies on.</summary>
    public CudaDevice Device { get; }

    /// <summary>Behind what fills the frame.</summary>
    public CudaMarker Ready { get; }

    /// <summary>Behind everything that reads the frame.</summary>
    public CudaMarker Consumed { get; }

    /// <summary>The order of a frame in CUDA memory.</summary>
    /// <exception cref="ArgumentException">The frame is not in CUDA memory, or its owner has said nothing about it.</exception>
    public static CudaOrder Of(VideoFrame frame)
    {
        ArgumentNullException.ThrowIfNull(frame);
        return frame.Order as CudaOrder ?? throw new ArgumentException($"A frame in {frame.Memory} memory has no order of CUDA's.", nameof(frame));
    }

    /// <summary>What follows in the queue may write the frame: it waits for those who read it before.</summary>
    /// <exception cref="CudaDeviceException">The device failed.</exception>
    public void BeginWrite(CudaQueue queue)
    {
        lock (_lock) queue.WaitFor(Consumed);
    }

    /// <summary>What precedes in the queue has filled the frame.</summary>
    /// <exception cref="CudaDeviceException">The device failed.</exception>
    public void EndWrite(CudaQueue queue)
    {
        lock (_lock) queue.Mark(Ready);
    }

    /// <summary>What follows in the queue may read the frame.</summary>
    /// <exception cref="CudaDeviceException">The device failed.</exception>
    public void BeginRead(CudaQueue queue)
    {
        lock (_lock) queue.WaitFor(Ready);
    }

    /// <summary>What precedes in the queue has read the frame.</summary>
    /// <exception cref="CudaDeviceException">The device failed.</exception>
    public void EndRead(CudaQueue queue)
    {
        lock (_lock)
        {
            // One marker stands for all readers, so this one waits for those before it.
            queue.WaitFor(Consumed);
            queue.Mark(Consumed);
        }
    }

    /// <summary>Whether nothing reads or fills the frame any more; true on a lost device, which does nothing.</summary>
    public bool IsIdle
    {
        get
        {
            try
            {
                lock (_lock) return Ready.IsReached && Consumed.IsReached;
            }
            catch (CudaDeviceException)
            {
                return true;
            }
        }
    }

    /// <summary>Returns when nothing reads or fills the frame any more, or the device is lost.</summary>
    public void WaitUntilIdle()
    {
        try
        {
            // The memory is about to be used again, which the device must have left; the driver bounds the wait by the work in its queues.
            // No lock: whoever waits owns the frame, and nobody else holds it any more.
            Ready.Wait();
            Consumed.Wait();
        }
        catch (CudaDeviceException)
        {
            // A lost device does nothing to the memory any more.
        }
    }

    /// <summary>Gives the markers up, where they are its own.</summary>
    public void Dispose()
    {
        if (!_owned) return;
        Ready.Dispose();
        Consumed.Dispose();
    }
}
