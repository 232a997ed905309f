using Img2Pose.Cuda;
using Img2Pose.Frames;
using Img2Pose.Tracking;

namespace Img2Pose.Pipeline;

/// <summary>
/// What a session does with frames in a device's memory: copies to draw on, copies for the host, and the few numbers that tell scenes
/// apart. Made when the first such frame comes. Copies of one kind are made by one thread at a time.
/// </summary>
internal sealed class SessionDevice : IDisposable
{
    private readonly CudaDevice _device;
    private readonly CudaQueue _drawing;
    private readonly DeviceFrames _copies;
    private readonly HostFrames _host;
    private FrameBrightness? _brightness;
    private bool _readsOnHost;

    private SessionDevice(CudaDevice device)
    {
        _device = device;
        _drawing = new CudaQueue(device);
        try
        {
            _host = new HostFrames(device);
        }
        catch (CudaDeviceException)
        {
            _drawing.Dispose();
            throw;
        }
        _copies = new DeviceFrames(device);
    }

    /// <summary>For the device that a frame lies on. Takes none of its memory.</summary>
    /// <exception cref="CudaDeviceException">The device failed.</exception>
    public static SessionDevice For(VideoFrame frame) => new(CudaOrder.Of(frame).Device);

    /// <summary>A writable copy: on the device, or in host memory where the device has no room for it.</summary>
    /// <exception cref="CudaDeviceException">The device failed.</exception>
    public VideoFrame RentCopy(VideoFrame frame)
    {
        try
        {
            return _copies.RentCopy(frame, _drawing);
        }
        catch (CudaDeviceException error) when (error.Failure == CudaFailure.OutOfMemory)
        {
            return _host.Download(frame);
        }
    }

    /// <summary>A writable copy in host memory.</summary>
    /// <exception cref="CudaDeviceException">The device failed.</exception>
    public VideoFrame ToHost(VideoFrame frame) => _host.Download(frame);

    /// <summary>Reads the brightness of a frame; for the thread that decodes.</summary>
    /// <exception cref="CudaDeviceException">The device failed.</exception>
    public void ReadBrightness(VideoFrame frame, int columns, int rows, Span<float> sums)
    {
        if (!_readsOnHost)
        {
            try
            {
                _brightness ??= new FrameBrightness(_device, SceneCuts.CellCount);
                _brightness.Read(frame, columns, rows, sums);
                return;
            }
            catch (CudaDeviceException error) when (error.Failure == CudaFailure.OutOfMemory)
            {
                _readsOnHost = true;
            }
        }
        using VideoFrame copy = _host.Download(frame);
        SceneCuts.Shrink(copy, sums);
    }

    /// <summary>Frees it; frames that are out are freed as they return, before the device is.</summary>
    public void Dispose()
    {
        _brightness?.Dispose();
        _host.Dispose();
        _copies.Dispose();
        _drawing.Dispose();
    }
}
