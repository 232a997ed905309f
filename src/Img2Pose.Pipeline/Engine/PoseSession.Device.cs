using Img2Pose.Cuda;
using Img2Pose.Frames;
using Img2Pose.Tracking;

namespace Img2Pose.Pipeline;

/// <summary>What is done with frames that lie in a device's memory.</summary>
public sealed partial class PoseSession
{
    private readonly bool _looksOnDevice;
    private SessionDevice? _device;
    private SceneCuts.DeviceReader? _readBrightness;
    private bool _needsHost;
    private bool _drawsOnHost;

    /// <summary>Prepares for a frame that the source has given; one that looks are not at where it lies comes to the host.</summary>
    private void TakeFromDevice(PosedFrame item)
    {
        if (item.Frame.Memory == MemoryKind.Host) return;
        _device ??= SessionDevice.For(item.Frame);
        if (!_looksOnDevice) item.BringToHost(_device.ToHost);
    }

    /// <summary>Draws a frame's faces where it lies; on the host where the composer wants that, and once the device has no room for what is drawn.</summary>
    private void Compose(PosedFrame item)
    {
        if (item.Frame.Memory != MemoryKind.Host && (_drawsOnHost || !_composer!.DrawsOn(item.Frame.Memory))) item.BringToHost(_device!.ToHost);
        // The decoder still refers to its pictures, so drawing takes a copy; a frame without faces needs none.
        if (_keepsUndrawn || !item.Frame.IsWritable) item.Replace(RentCopy(item.Frame), _keepsUndrawn);
        try
        {
            _composer!.Compose(item.Frame, item.FaceSpan);
        }
        catch (CudaDeviceException error) when (error.Failure == CudaFailure.OutOfMemory && item.Frame.Memory != MemoryKind.Host)
        {
            // Nothing has been drawn yet: blending itself takes no memory.
            _drawsOnHost = true;
            item.BringToHost(_device!.ToHost);
            _composer!.Compose(item.Frame, item.FaceSpan);
        }
    }

    /// <summary>A copy to draw on, where the frame lies.</summary>
    private VideoFrame RentCopy(VideoFrame frame) => frame.Memory == MemoryKind.Host ? _copies.RentCopy(frame) : _device!.RentCopy(frame);

    private void ReadBrightness(VideoFrame frame, int columns, int rows, Span<float> sums) => _device!.ReadBrightness(frame, columns, rows, sums);

    /// <summary>The one copy down, for sinks that read the picture on the host.</summary>
    private void BringToHost(PosedFrame item)
    {
        if ((_needsHost || _reader is not null) && item.Frame.Memory != MemoryKind.Host) item.BringToHost(_device!.ToHost);
    }
}
