using System.Runtime.InteropServices;

namespace Img2Pose.Frames;

/// <summary>
/// Hands out writable frames in host memory and takes them back. Frames of another size or format than the last asked
/// for are freed when they return, so a pool holds one size. Thread-safe. Dispose it after the last frame came back, or
/// before: frames still out are then freed as they return.
/// </summary>
public sealed unsafe class FramePool : IVideoFrameOwner, IDisposable
{
    private const int Alignment = 64;
    private readonly IdleFrames<(PixelFormat Format, int Width, int Height), VideoFrame> _idle;

    /// <summary>Creates a pool that keeps at most <paramref name="capacity"/> idle frames.</summary>
    public FramePool(int capacity = 8)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(capacity);
        _idle = new IdleFrames<(PixelFormat Format, int Width, int Height), VideoFrame>(capacity, Free);
    }

    /// <summary>Frees the idle frames of a pool that nobody disposed.</summary>
    ~FramePool() => _idle?.Close();

    /// <summary>Frames that wait in the pool.</summary>
    public int IdleFrames => _idle.Count;

    /// <summary>Leases a writable frame; its samples are undefined.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A side is not positive, or beyond 2^28.</exception>
    /// <exception cref="OutOfMemoryException">There is no memory for it.</exception>
    /// <exception cref="ObjectDisposedException">The pool was disposed.</exception>
    public VideoFrame Rent(PixelFormat format, int width, int height)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(height);
        VideoFrame? frame = _idle.Take((format, width, height), this);
        Span<FramePlane> planes = stackalloc FramePlane[3];
        int count;
        if (frame is not null)
        {
            count = frame.PlaneCount;
            frame.CopyPlanes(planes);
        }
        else
        {
            frame = new VideoFrame(this);
            count = Allocate(format, width, height, planes);
        }
        frame.Lease(format, width, height, planes[..count], writable: true);
        return frame;
    }

    /// <summary>Leases a writable copy of <paramref name="source"/>, samples and properties.</summary>
    /// <exception cref="InvalidOperationException">The source is not in host memory.</exception>
    public VideoFrame RentCopy(VideoFrame source)
    {
        VideoFrame copy = Rent(source.Format, source.Width, source.Height);
        try
        {
            CopySamples(source, copy);
        }
        catch
        {
            copy.Dispose();
            throw;
        }
        copy.CopyPropertiesFrom(source);
        return copy;
    }

    private static void CopySamples(VideoFrame source, VideoFrame copy)
    {
        for (int i = 0; i < source.PlaneCount; i++)
        {
            FramePlane from = source.GetPlane(i);
            FramePlane to = copy.GetPlane(i);
            for (int y = 0; y < from.Height; y++) from.Row(y).CopyTo(to.Row(y));
        }
    }

    void IVideoFrameOwner.Reclaim(VideoFrame frame) => _idle.Give(frame, (frame.Format, frame.Width, frame.Height));

    /// <summary>Frees the idle frames; those still out are freed as they return.</summary>
    public void Dispose()
    {
        _idle.Close();
        GC.SuppressFinalize(this);
    }

    private static int Allocate(PixelFormat format, int width, int height, Span<FramePlane> planes)
    {
        FrameShape shape = new(format, width, height);
        // One alignment more than the rows: vector loops may read and write past the end of the last one.
        long total = Alignment;
        for (int i = 0; i < shape.PlaneCount; i++) total = checked(total + (long)Stride(shape[i]) * shape[i].Height);
        byte* data = (byte*)NativeMemory.AlignedAlloc(checked((nuint)total), Alignment);
        for (int i = 0; i < shape.PlaneCount; i++)
        {
            int stride = Stride(shape[i]);
            planes[i] = new FramePlane((nint)data, MemoryKind.Host, stride, shape[i].Width, shape[i].Height, shape[i].Bytes);
            data += (long)stride * shape[i].Height;
        }
        return shape.PlaneCount;
    }

    private static int Stride(PlaneShape plane) =>
        checked((int)((plane.RowBytes + Alignment - 1) / Alignment * Alignment));

    private static void Free(VideoFrame frame) => NativeMemory.AlignedFree((void*)frame.FirstPlaneAddress);
}
