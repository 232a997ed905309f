using System.Collections.Concurrent;
using Img2Pose.Frames;

namespace Img2Pose.Cuda;

/// <summary>
/// Leases frames in device memory as <see cref="VideoFrame"/>s that their sole holder may write. Thread-safe. Dispose it before its
/// device; frames still out are freed as they return.
/// </summary>
public sealed class DeviceFrames : IDisposable
{
    private readonly DeviceFramePool _pool;
    private readonly ConcurrentBag<Slot> _slots = [];

    /// <summary>Makes a pool that keeps at most <paramref name="capacity"/> idle frames.</summary>
    public DeviceFrames(CudaDevice device, int capacity = 8)
    {
        Device = device;
        _pool = new DeviceFramePool(device, capacity);
    }

    /// <summary>The device.</summary>
    public CudaDevice Device { get; }

    /// <summary>Leases a frame whose samples are undefined; who fills it brackets that by <see cref="CudaOrder.BeginWrite"/> and <see cref="CudaOrder.EndWrite"/>.</summary>
    /// <exception cref="CudaDeviceException">The device has no room, or failed.</exception>
    public VideoFrame Rent(PixelFormat format, int width, int height)
    {
        DeviceFrame memory = _pool.Rent(DeviceFrame.FormatOf(format), width, height);
        try
        {
            if (!_slots.TryTake(out Slot? slot)) slot = new Slot(this);
            return slot.Lease(memory, format);
        }
        catch
        {
            memory.Dispose();
            throw;
        }
    }

    /// <summary>Leases a copy of a frame in device memory, samples and properties; the copy is made when the queue comes to it.</summary>
    /// <exception cref="CudaDeviceException">The device has no room, or failed.</exception>
    public VideoFrame RentCopy(VideoFrame source, CudaQueue queue)
    {
        CudaOrder order = CudaOrder.Of(source);
        VideoFrame copy = Rent(source.Format, source.Width, source.Height);
        try
        {
            CudaOrder written = CudaOrder.Of(copy);
            order.BeginRead(queue);
            written.BeginWrite(queue);
            for (int i = 0; i < source.PlaneCount; i++) queue.CopyPlane(source.GetPlane(i), copy.GetPlane(i));
            written.EndWrite(queue);
            order.EndRead(queue);
            copy.CopyPropertiesFrom(source);
            return copy;
        }
        catch
        {
            copy.Dispose();
            throw;
        }
    }

    /// <summary>Frees the idle frames.</summary>
    public void Dispose() => _pool.Dispose();

    private sealed class Slot : IVideoFrameOwner
    {
        private readonly DeviceFrames _frames;
        private DeviceFrame? _memory;

        private VideoFrame Frame { get; }

        public Slot(DeviceFrames frames)
        {
            _frames = frames;
            Frame = new VideoFrame(this);
        }

        public VideoFrame Lease(DeviceFrame memory, PixelFormat format)
        {
            DevicePicture picture = memory.Picture;
            Span<FramePlane> planes = stackalloc FramePlane[3];
            FrameShape shape = new(format, picture.Width, picture.Height);
            for (int i = 0; i < shape.PlaneCount; i++)
            {
                nint address = i switch { 0 => picture.Planes.First, 1 => picture.Planes.Second, _ => picture.Planes.Third };
                long stride = i switch { 0 => picture.Strides.First, 1 => picture.Strides.Second, _ => picture.Strides.Third };
                planes[i] = new FramePlane(address, MemoryKind.Cuda, checked((int)stride), shape[i].Width, shape[i].Height, shape[i].Bytes);
            }
            Frame.Lease(format, picture.Width, picture.Height, planes[..shape.PlaneCount], writable: true);
            _memory = memory;
            Frame.Order = memory.Order;
            return Frame;
        }

        public void Reclaim(VideoFrame frame)
        {
            DeviceFrame memory = _memory!;
            _memory = null;
            _frames._slots.Add(this);
            memory.Dispose();
        }
    }
}
