using System.Runtime.InteropServices;
using Img2Pose.Frames;

namespace Img2Pose.Cuda;

/// <summary>
/// Brings frames from device memory to the host, into memory that the device writes by itself: one copy, which an encoder reads where
/// it lies. Thread-safe. Dispose it before its device; frames still out are freed as they return.
/// </summary>
public sealed class HostFrames : IDisposable
{
    private const int Alignment = 64;

    private readonly CudaQueue _queue;
    private readonly CudaMarker _done;
    private readonly FramePool _planar = new();
    private readonly IdleFrames<(PixelFormat Format, int Width, int Height), Slot> _idle;
    private readonly Lock _lock = new();

    /// <summary>Makes a pool that keeps at most <paramref name="capacity"/> idle frames.</summary>
    /// <exception cref="CudaDeviceException">The device failed.</exception>
    public HostFrames(CudaDevice device, int capacity = 8)
    {
        Device = device;
        _idle = new IdleFrames<(PixelFormat Format, int Width, int Height), Slot>(capacity, static slot => slot.Free());
        _queue = new CudaQueue(device);
        try
        {
            _done = new CudaMarker(device);
        }
        catch (CudaDeviceException)
        {
            _queue.Dispose();
            throw;
        }
    }

    /// <summary>The device.</summary>
    public CudaDevice Device { get; }

    /// <summary>
    /// Leases a writable frame in host memory with the samples and properties of one in device memory; waits for the device. P010
    /// becomes I420P10, the same numbers; other formats stay.
    /// </summary>
    /// <exception cref="CudaDeviceException">The device failed, or the system locks no more memory.</exception>
    public VideoFrame Download(VideoFrame source)
    {
        VideoFrame copy = Fetch(source);
        if (copy.Format != PixelFormat.P010) return copy;
        using (copy) return Unpack(copy);
    }

    private VideoFrame Fetch(VideoFrame source)
    {
        CudaOrder order = CudaOrder.Of(source);
        Slot slot = _idle.Take((source.Format, source.Width, source.Height), this) ?? new Slot(this, source.Format, source.Width, source.Height);
        VideoFrame copy = slot.Lease();
        try
        {
            // One download at a time: what is waited for is the last one.
            lock (_lock)
            {
                order.BeginRead(_queue);
                for (int i = 0; i < source.PlaneCount; i++) _queue.CopyPlane(source.GetPlane(i), copy.GetPlane(i));
                order.EndRead(_queue);
                _queue.Mark(_done);
                // The caller gets samples, which are there only now; the wait is one copy long.
                _done.Wait();
            }
            copy.CopyPropertiesFrom(source);
            return copy;
        }
        catch
        {
            copy.Dispose();
            throw;
        }
    }

    /// <summary>Ten bits from the upper ends of words to the lower ones, and pairs of chroma to planes.</summary>
    private VideoFrame Unpack(VideoFrame packed)
    {
        VideoFrame planar = _planar.Rent(PixelFormat.I420P10, packed.Width, packed.Height);
        FramePlane luma = packed.GetPlane(0), pairs = packed.GetPlane(1);
        FramePlane y = planar.GetPlane(0), u = planar.GetPlane(1), v = planar.GetPlane(2);
        for (int row = 0; row < luma.Height; row++)
        {
            ReadOnlySpan<ushort> from = MemoryMarshal.Cast<byte, ushort>(luma.Row(row));
            Span<ushort> to = MemoryMarshal.Cast<byte, ushort>(y.Row(row));
            for (int x = 0; x < from.Length; x++) to[x] = (ushort)(from[x] >> 6);
        }
        for (int row = 0; row < pairs.Height; row++)
        {
            ReadOnlySpan<ushort> from = MemoryMarshal.Cast<byte, ushort>(pairs.Row(row));
            Span<ushort> first = MemoryMarshal.Cast<byte, ushort>(u.Row(row)), second = MemoryMarshal.Cast<byte, ushort>(v.Row(row));
            for (int x = 0; x < first.Length; x++) (first[x], second[x]) = ((ushort)(from[2 * x] >> 6), (ushort)(from[2 * x + 1] >> 6));
        }
        planar.CopyPropertiesFrom(packed);
        return planar;
    }

    /// <summary>Frees the idle frames; those still out are freed as they return.</summary>
    public void Dispose()
    {
        _idle.Close();
        _planar.Dispose();
        _done.Dispose();
        _queue.Dispose();
    }

    private sealed class Slot : IVideoFrameOwner
    {
        private readonly HostFrames _frames;
        private readonly FramePlane[] _planes;
        private readonly (PixelFormat Format, int Width, int Height) _shape;

        public Slot(HostFrames frames, PixelFormat format, int width, int height)
        {
            (_frames, _shape) = (frames, (format, width, height));
            FrameShape shape = new(format, width, height);
            // One alignment more than the rows: vector loops may read and write past the end of the last one.
            long total = Alignment;
            for (int i = 0; i < shape.PlaneCount; i++) total = checked(total + (long)Stride(shape[i]) * shape[i].Height);
            Memory = new PinnedBuffer(frames.Device, checked((int)total));
            Frame = new VideoFrame(this);
            _planes = new FramePlane[shape.PlaneCount];
            nint address = Memory.Address;
            for (int i = 0; i < _planes.Length; i++)
            {
                int stride = Stride(shape[i]);
                _planes[i] = new FramePlane(address, MemoryKind.Host, stride, shape[i].Width, shape[i].Height, shape[i].Bytes);
                address += (nint)((long)stride * shape[i].Height);
            }
        }

        private PinnedBuffer Memory { get; }

        private VideoFrame Frame { get; }

        public VideoFrame Lease()
        {
            Frame.Lease(_shape.Format, _shape.Width, _shape.Height, _planes, writable: true);
            return Frame;
        }

        public void Free() => Memory.Dispose();

        public void Reclaim(VideoFrame frame) => _frames._idle.Give(this, _shape);

        private static int Stride(PlaneShape plane) => checked((int)((plane.RowBytes + Alignment - 1) / Alignment * Alignment));
    }
}
