using System.Runtime.InteropServices;
using Img2Pose.Cuda.Kernels;
using Img2Pose.Frames;

namespace Img2Pose.Cuda;

/// <summary>
/// Tells the brightness of frames in device memory in a few numbers, which are all that comes to the host. One thread at a time.
/// Disposed before its device.
/// </summary>
public sealed class FrameBrightness : IDisposable
{
    private readonly CudaQueue _queue;
    private readonly DeviceBuffer _sums;
    private readonly PinnedBuffer _fetched;

    /// <summary>Makes one for at most <paramref name="cells"/> numbers a frame.</summary>
    /// <exception cref="CudaDeviceException">The device has no room, or failed.</exception>
    public FrameBrightness(CudaDevice device, int cells)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(cells);
        List<IDisposable> made = [];
        try
        {
            made.Add(_queue = new CudaQueue(device));
            made.Add(_sums = new DeviceBuffer(device, cells * sizeof(float)));
            made.Add(_fetched = new PinnedBuffer(device, cells * sizeof(float)));
        }
        catch (CudaDeviceException)
        {
            made.ForEach(part => part.Dispose());
            throw;
        }
    }

    /// <summary>Fills <paramref name="sums"/>, row after row, with sums of four samples of eight bits each; waits for the device.</summary>
    /// <exception cref="ArgumentException">There are more cells than was said, or not as many numbers.</exception>
    /// <exception cref="CudaDeviceException">The device failed.</exception>
    public void Read(VideoFrame frame, int columns, int rows, Span<float> sums)
    {
        if (sums.Length != columns * rows || sums.Length > _sums.Length / sizeof(float))
            throw new ArgumentException($"{columns}×{rows} sums do not fit {sums.Length} numbers of {_sums.Length / sizeof(float)}.");
        CudaOrder order = CudaOrder.Of(frame);
        FramePlane plane = frame.GetPlane(0);
        order.BeginRead(_queue);
        _queue.Shrink(new ShrinkParameters
        {
            Plane = plane.Address,
            Stride = plane.Stride,
            Cells = _sums.Address,
            Width = plane.Width,
            Height = plane.Height,
            Columns = columns,
            Rows = rows,
            Format = DeviceFrame.FormatOf(frame.Format),
        });
        order.EndRead(_queue);
        _queue.Download(_sums, 0, _fetched, 0, sums.Length * sizeof(float));
        _queue.Synchronize();
        MemoryMarshal.Cast<byte, float>(_fetched.Bytes)[..sums.Length].CopyTo(sums);
    }

    /// <summary>Frees what it has on the device.</summary>
    public void Dispose()
    {
        _fetched.Dispose();
        _sums.Dispose();
        _queue.Dispose();
    }
}
