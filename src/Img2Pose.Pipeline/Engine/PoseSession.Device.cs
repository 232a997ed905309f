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

    /// <summary>Prepares for a frame that the source has given; one that looks are not at where it lies comes to the host.</summary>
    private void TakeFromDevice(PosedFrame item)
    {
        if (item.Frame.Memory == MemoryKind.Host) return;
        _device ??= SessionDevice.For(item.Frame);
        if (!_looksOnDevice) item.BringToHost(_device.ToHost);
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
