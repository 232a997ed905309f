using Img2Pose.Cuda.Kernels;
using Img2Pose.Frames;

namespace Img2Pose.Cuda;

/// <summary>
/// Lends frames in device memory and takes them back. Frames of another shape than the last asked for are freed when they
/// return. Thread-safe. Dispose it before its device; frames still out are then freed as they return.
/// </summary>
public sealed class DeviceFramePool : IDisposable
{
    private readonly CudaDevice _device;
    private readonly IdleFrames<(DevicePixelFormat Format, int Width, int Height), DeviceFrame> _idle;

    /// <summary>Creates a pool that keeps at most <paramref name="capacity"/> idle frames.</summary>
    public DeviceFramePool(CudaDevice device, int capacity = 8)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(capacity);
        _device = device;
        _idle = new IdleFrames<(DevicePixelFormat Format, int Width, int Height), DeviceFrame>(capacity, static frame => frame.Free());
    }

    /// <summary>Lends a frame whose samples are undefined. It may still be read by what its last holder put into a queue.</summary>
    /// <exception cref="CudaDeviceException">The device has no room, or failed.</exception>
    public DeviceFrame Rent(DevicePixelFormat format, int width, int height)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(height);
        return _idle.Take((format, width, height), this) ?? new DeviceFrame(this, _device, format, width, height);
    }

    /// <summary>Frees the idle frames; the pool goes on.</summary>
    public void Trim() => _idle.Clear();

    /// <summary>Frees the idle frames; those still out are freed as they return.</summary>
    public void Dispose() => _idle.Close();

    internal void Reclaim(DeviceFrame frame) => _idle.Give(frame, (frame.Picture.Format, frame.Picture.Width, frame.Picture.Height));
}

/// <summary>
/// A frame in device memory, lent by a pool to one holder. Its maker fills it in a queue and sets <see cref="Ready"/>; whoever
/// reads it lets the own queue wait for that, and sets <see cref="Consumed"/> behind the last reading before disposing it.
/// The next maker's queue waits for that in turn, so that nobody waits on the host.
/// </summary>
public sealed unsafe class DeviceFrame : IDisposable
{
    private const int RowAlignment = 256;

    private readonly DeviceFramePool _pool;
    private readonly CudaDevice _device;
    private readonly DeviceBuffer _memory;
    private PinnedBuffer? _staging;

    internal DeviceFrame(DeviceFramePool pool, CudaDevice device, DevicePixelFormat format, int width, int height)
    {
        (_pool, _device) = (pool, device);
        DevicePicture shape = new(format, width, height, default, default);
        int bytes = shape.Bits > 8 ? 2 : 1;
        int chromaWidth = (width + 1) / 2, chromaHeight = (height + 1) / 2;
        (long Stride, int Rows)[] planes = shape.PlaneCount switch
        {
            1 => [(Aligned(3L * width), height)],
            2 => [(Aligned((long)width * bytes), height), (Aligned(2L * chromaWidth * bytes), chromaHeight)],
            _ =>
            [
                (Aligned((long)width * bytes), height), (Aligned((long)chromaWidth * bytes), chromaHeight),
                (Aligned((long)chromaWidth * bytes), chromaHeight),
            ],
        };
        List<IDisposable> made = [];
        try
        {
            made.Add(_memory = new DeviceBuffer(device, planes.Sum(p => p.Stride * p.Rows)));
            made.Add(Ready = new CudaMarker(device));
            made.Add(Consumed = new CudaMarker(device));
            Order = new CudaOrder(device, Ready, Consumed);
        }
        catch (CudaDeviceException)
        {
            // Nobody else knows of what was made: a frame that does not fit must not leave half of itself behind.
            made.ForEach(part => part.Dispose());
            throw;
        }
        nint second = _memory.Address + (nint)(planes[0].Stride * planes[0].Rows);
        nint third = planes.Length < 3 ? 0 : second + (nint)(planes[1].Stride * planes[1].Rows);
        Picture = shape with
        {
            Planes = new Triple<nint> { First = _memory.Address, Second = planes.Length < 2 ? 0 : second, Third = third },
            Strides = new Triple<long>
            {
                First = planes[0].Stride,
                Second = planes.Length < 2 ? 0 : planes[1].Stride,
                Third = planes.Length < 3 ? 0 : planes[2].Stride,
            },
        };
    }

    /// <summary>The planes.</summary>
    public DevicePicture Picture { get; }

    /// <summary>Behind what fills the frame.</summary>
    public CudaMarker Ready { get; }

    /// <summary>Behind what reads the frame.</summary>
    public CudaMarker Consumed { get; }

    /// <summary>Both, as who holds the frame keeps them.</summary>
    public CudaOrder Order { get; }

    /// <summary>Fills the frame with a host frame of its shape, and sets <see cref="Ready"/>. The host frame is read when the call returns.</summary>
    /// <exception cref="ArgumentException">The shapes differ.</exception>
    /// <exception cref="CudaDeviceException">The device failed.</exception>
    public void Upload(VideoFrame source, CudaQueue queue)
    {
        RequireShape(source);
        _staging ??= new PinnedBuffer(_device, checked((int)_memory.Length));
        // The staging memory is read when the queue gets there; the upload before this one must have left it.
        Ready.Wait();
        byte* staged = (byte*)_staging.Address;
        for (int i = 0; i < source.PlaneCount; i++)
        {
            FramePlane plane = source.GetPlane(i);
            for (int y = 0; y < plane.Height; y++)
            {
                plane.Row(y).CopyTo(new Span<byte>(staged, plane.RowBytes));
                staged += StrideOf(i);
            }
        }
        queue.WaitFor(Consumed);
        queue.Upload(_staging, 0, _memory, 0, (int)_memory.Length);
        queue.Mark(Ready);
    }

    /// <summary>Copies the samples into a writable host frame of the same shape, after what is in the queue; waits for it.</summary>
    /// <exception cref="ArgumentException">The shapes differ.</exception>
    /// <exception cref="CudaDeviceException">The device failed.</exception>
    public void Download(VideoFrame target, CudaQueue queue)
    {
        RequireShape(target);
        _staging ??= new PinnedBuffer(_device, checked((int)_memory.Length));
        queue.WaitFor(Ready);
        queue.Download(_memory, 0, _staging, 0, (int)_memory.Length);
        queue.Synchronize();
        byte* staged = (byte*)_staging.Address;
        for (int i = 0; i < target.PlaneCount; i++)
        {
            FramePlane plane = target.GetPlane(i);
            for (int y = 0; y < plane.Height; y++)
            {
                new Span<byte>(staged, plane.RowBytes).CopyTo(plane.Row(y));
                staged += StrideOf(i);
            }
        }
    }

    /// <summary>The device's name of a host layout.</summary>
    public static DevicePixelFormat FormatOf(PixelFormat format) => format switch
    {
        PixelFormat.I420 => DevicePixelFormat.I420,
        PixelFormat.Nv12 => DevicePixelFormat.Nv12,
        PixelFormat.I420P10 => DevicePixelFormat.I420P10,
        PixelFormat.Rgb24 => DevicePixelFormat.Rgb24,
        PixelFormat.P010 => DevicePixelFormat.P010,
        _ => throw new ArgumentOutOfRangeException(nameof(format)),
    };

    /// <summary>Gives the frame back to its pool.</summary>
    public void Dispose() => _pool.Reclaim(this);

    internal void Free()
    {
        _memory.Dispose();
        _staging?.Dispose();
        Ready.Dispose();
        Consumed.Dispose();
    }

    private long StrideOf(int plane) => plane switch { 0 => Picture.Strides.First, 1 => Picture.Strides.Second, _ => Picture.Strides.Third };

    private void RequireShape(VideoFrame frame)
    {
        if (FormatOf(frame.Format) != Picture.Format || frame.Width != Picture.Width || frame.Height != Picture.Height)
            throw new ArgumentException($"A {frame.Format} frame of {frame.Width}×{frame.Height} does not fit one of {Picture.Format} and {Picture.Width}×{Picture.Height}.");
    }

    private static long Aligned(long bytes) => (bytes + RowAlignment - 1) / RowAlignment * RowAlignment;
}
