using FFmpeg.AutoGen;
using Img2Pose.Cuda;
using Img2Pose.Frames;

namespace Img2Pose.Media;

/// <summary>
/// Leases a decoder's surfaces out as frames in device memory. A surface goes back when its reader's queue has come past it, not
/// when its holder lets go. As a decoder has few, those beyond a number are copied, on the device, and go back at once. One thread
/// leases; frames are disposed on any.
/// </summary>
internal sealed unsafe class SurfaceFrames : IDisposable
{
    private readonly CudaQueue _queue;
    private readonly DeviceFrames _copies;
    private HostFrames? _host;
    private readonly Lock _lock = new();
    private readonly Stack<Slot> _idle = [];
    private readonly List<Slot> _draining = [];
    private int _leased;
    private bool _disposed;

    /// <summary>Leases surfaces that are filled in <paramref name="queue"/>.</summary>
    public SurfaceFrames(CudaQueue queue)
    {
        _queue = queue;
        _copies = new DeviceFrames(queue.Device, capacity: 16);
    }

    /// <summary>Surfaces that may be out at the same time.</summary>
    public int MostLeased { get; set; }

    /// <summary>Surfaces that are out, or wait for their readers.</summary>
    public int Leased
    {
        get
        {
            lock (_lock) return _leased;
        }
    }

    /// <summary>Frames that were copied because too many surfaces were out.</summary>
    public long Copied { get; private set; }

    /// <summary>Moves the reference of a picture in device memory into a frame.</summary>
    /// <param name="picture">The picture.</param>
    /// <param name="format">Its format.</param>
    /// <param name="left">First column that is shown, even.</param>
    /// <param name="top">First row that is shown, even.</param>
    /// <param name="width">Columns that are shown.</param>
    /// <param name="height">Rows that are shown.</param>
    /// <exception cref="CudaDeviceException">The device has no room, or failed.</exception>
    public VideoFrame Lease(AVFrame* picture, PixelFormat format, int left, int top, int width, int height)
    {
        FrameShape shape = new(format, width, height);
        Span<FramePlane> planes = stackalloc FramePlane[3];
        for (int i = 0; i < shape.PlaneCount; i++)
        {
            long stride = picture->linesize[(uint)i];
            int row = i > 0 ? top / 2 : top, column = i > 0 ? left / 2 : left;
            nint first = (nint)picture->data[(uint)i];
            if (first == 0 || stride < shape[i].RowBytes) throw new InputException($"A GPU's decoder gave a picture whose plane {i} has rows of {stride} bytes");
            planes[i] = new FramePlane(
                first + (nint)(row * stride) + column * shape[i].Bytes, MemoryKind.Cuda, checked((int)stride), shape[i].Width, shape[i].Height, shape[i].Bytes);
        }
        Sweep();
        Slot slot;
        lock (_lock)
        {
            if (!_idle.TryPop(out Slot? idle)) idle = new Slot(this, _queue.Device);
            slot = idle;
            _leased++;
        }
        ffmpeg.av_frame_move_ref(slot.Picture.Pointer, picture);
        VideoFrame frame;
        try
        {
            // Behind what FFmpeg has put into the queue for this picture.
            _queue.Mark(slot.Order.Ready);
            slot.Frame.Lease(format, width, height, planes[..shape.PlaneCount], writable: false);
            slot.Frame.Order = slot.Order;
            frame = slot.Frame;
        }
        catch
        {
            Release(slot);
            throw;
        }
        if (Leased <= MostLeased) return frame;
        Copied++;
        using (frame)
        {
            try
            {
                return _copies.RentCopy(frame, _queue);
            }
            catch (CudaDeviceException error) when (error.Failure == CudaFailure.OutOfMemory)
            {
                // The host has room, and the decoder its surface back.
                _host ??= new HostFrames(_queue.Device);
                return _host.Download(frame);
            }
        }
    }

    /// <summary>
    /// Gives surfaces back whose readers are done; where too many are out, waits for readers, which the device is soon done with.
    /// </summary>
    private void Sweep()
    {
        while (true)
        {
            Slot? done;
            bool wait = false;
            lock (_lock)
            {
                int i = _draining.FindIndex(static slot => slot.Order.IsIdle);
                if (i < 0)
                {
                    wait = _leased > MostLeased && _draining.Count > 0;
                    if (!wait) return;
                    i = 0;
                }
                done = _draining[i];
                _draining.RemoveAt(i);
            }
            if (wait) done.Order.WaitUntilIdle();
            Release(done);
        }
    }

    private void Return(Slot slot)
    {
        // Nearly always: a session lets go of a frame when everything that was made of it has come back.
        if (slot.Order.IsIdle)
        {
            Release(slot);
            return;
        }
        bool wait;
        lock (_lock)
        {
            wait = _disposed;
            if (!wait) _draining.Add(slot);
        }
        if (!wait) return;
        // Nobody sweeps any more. What the device still has to do with one picture is soon done.
        slot.Order.WaitUntilIdle();
        Release(slot);
    }

    private void Release(Slot slot)
    {
        ffmpeg.av_frame_unref(slot.Picture.Pointer);
        lock (_lock)
        {
            _leased--;
            if (!_disposed)
            {
                _idle.Push(slot);
                return;
            }
        }
        slot.Dispose();
    }

    /// <summary>Gives all surfaces back that nobody holds; those of frames still out go back as they return.</summary>
    public void Dispose()
    {
        Slot[] draining, idle;
        lock (_lock)
        {
            _disposed = true;
            draining = [.. _draining];
            idle = [.. _idle];
            _draining.Clear();
            _idle.Clear();
        }
        foreach (Slot slot in draining)
        {
            slot.Order.WaitUntilIdle();
            Release(slot);
        }
        foreach (Slot slot in idle) slot.Dispose();
        _copies.Dispose();
        _host?.Dispose();
    }

    private sealed class Slot : IVideoFrameOwner
    {
        private readonly SurfaceFrames _surfaces;

        public Slot(SurfaceFrames surfaces, CudaDevice device)
        {
            _surfaces = surfaces;
            Order = new CudaOrder(device);
            Frame = new VideoFrame(this);
        }

        public FrameHandle Picture { get; } = new();

        public CudaOrder Order { get; }

        public VideoFrame Frame { get; }

        public void Reclaim(VideoFrame frame) => _surfaces.Return(this);

        public void Dispose()
        {
            Picture.Dispose();
            Order.Dispose();
        }
    }
}
