using System.Collections.Concurrent;
using System.Runtime.InteropServices;

namespace Img2Pose.Frames;

/// <summary>
/// Hands out writable frames in native memory and takes them back. Frames of another size or format than the last asked
/// for are freed when they return, so a pool holds one size. Thread-safe. Dispose it after the last frame came back, or
/// before: frames still out are then freed as they return.
/// </summary>
public sealed unsafe class FramePool : IVideoFrameOwner, IDisposable
{
    private const int Alignment = 64;
    private readonly ConcurrentBag<VideoFrame> _free = [];
    private readonly int _capacity;
    private readonly Lock _shapeLock = new();
    private (PixelFormat Format, int Width, int Height) _shape;
    private bool _disposed;

    /// <summary>Creates a pool that keeps at most <paramref name="capacity"/> idle frames.</summary>
    public FramePool(int capacity = 8)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(capacity);
        _capacity = capacity;
    }

    /// <summary>Leases a writable frame; its samples are undefined.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A side is not positive.</exception>
    public VideoFrame Rent(PixelFormat format, int width, int height)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(height);
        ObjectDisposedException.ThrowIf(_disposed, this);
        lock (_shapeLock)
        {
            if (_shape != (format, width, height))
            {
                _shape = (format, width, height);
                while (_free.TryTake(out VideoFrame? stale)) Free(stale);
            }
        }

        Span<FramePlane> planes = stackalloc FramePlane[3];
        if (_free.TryTake(out VideoFrame? frame) && frame.Format == format && frame.Width == width && frame.Height == height)
        {
            int planeCount = frame.PlaneCount;
            frame.CopyPlanes(planes);
            frame.Lease(format, width, height, planes[..planeCount], writable: true);
            return frame;
        }

        if (frame is not null) Free(frame);
        frame = new VideoFrame(this);
        int count = Allocate(format, width, height, planes);
        frame.Lease(format, width, height, planes[..count], writable: true);
        return frame;
    }

    /// <summary>Leases a writable copy of <paramref name="source"/>, samples and properties.</summary>
    public VideoFrame RentCopy(VideoFrame source)
    {
        VideoFrame copy = Rent(source.Format, source.Width, source.Height);
        for (int i = 0; i < source.PlaneCount; i++)
        {
            FramePlane from = source.GetPlane(i);
            FramePlane to = copy.GetPlane(i);
            for (int y = 0; y < from.Height; y++) from.Row(y).CopyTo(to.Row(y));
        }
        copy.CopyPropertiesFrom(source);
        return copy;
    }

    void IVideoFrameOwner.Reclaim(VideoFrame frame)
    {
        bool keep;
        lock (_shapeLock)
            keep = !_disposed && _free.Count < _capacity && _shape == (frame.Format, frame.Width, frame.Height);
        if (keep) _free.Add(frame);
        else Free(frame);
    }

    /// <summary>Frees the idle frames.</summary>
    public void Dispose()
    {
        lock (_shapeLock) _disposed = true;
        while (_free.TryTake(out VideoFrame? frame)) Free(frame);
    }

    private static int Allocate(PixelFormat format, int width, int height, Span<FramePlane> planes)
    {
        int chromaWidth = (width + 1) / 2, chromaHeight = (height + 1) / 2;
        ReadOnlySpan<(int Width, int Height, int Bytes)> shapes = format switch
        {
            PixelFormat.I420 => [(width, height, 1), (chromaWidth, chromaHeight, 1), (chromaWidth, chromaHeight, 1)],
            PixelFormat.Nv12 => [(width, height, 1), (chromaWidth, chromaHeight, 2)],
            PixelFormat.I420P10 => [(width, height, 2), (chromaWidth, chromaHeight, 2), (chromaWidth, chromaHeight, 2)],
            PixelFormat.Rgb24 => [(width, height, 3)],
            _ => throw new ArgumentOutOfRangeException(nameof(format)),
        };
        nuint total = Alignment;
        foreach ((int w, int h, int bytes) in shapes) total += (nuint)Stride(w, bytes) * (nuint)h;
        byte* data = (byte*)NativeMemory.AlignedAlloc(total, Alignment);
        for (int i = 0; i < shapes.Length; i++)
        {
            (int w, int h, int bytes) = shapes[i];
            int stride = Stride(w, bytes);
            planes[i] = new FramePlane(data, stride, w, h, bytes);
            data += (long)stride * h;
        }
        return shapes.Length;
    }

    private static int Stride(int width, int bytes) => (width * bytes + Alignment - 1) / Alignment * Alignment;

    private static void Free(VideoFrame frame) => NativeMemory.AlignedFree(frame.FirstPlaneData);
}
