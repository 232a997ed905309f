using FFmpeg.AutoGen;
using Img2Pose.Frames;

namespace Img2Pose.Media;

/// <summary>
/// Leases decoder pictures out as frames without copying a sample: the frame's planes are the decoder's, which gets its
/// buffer back when the last holder disposes the frame. Frames and their native shells are reused.
/// </summary>
internal sealed unsafe class DecodedPictures : IDisposable
{
    private readonly Lock _lock = new();
    private readonly Stack<Slot> _idle = [];
    private bool _disposed;

    /// <summary>Moves the reference of <paramref name="picture"/>, which must be of a carried format, into a leased frame.</summary>
    public VideoFrame Lease(AVFrame* picture, PixelFormat format)
    {
        Slot? slot;
        lock (_lock) _ = _idle.TryPop(out slot);
        slot ??= new Slot(this);
        AVFrame* held = slot.Picture.Pointer;
        ffmpeg.av_frame_move_ref(held, picture);

        try
        {
            FrameShape shape = new(format, held->width, held->height);
            Span<FramePlane> planes = stackalloc FramePlane[3];
            for (int i = 0; i < shape.PlaneCount; i++)
            {
                PictureMemory.Require(held, i, shape[i]);
                planes[i] = new FramePlane(
                    (nint)held->data[(uint)i], MemoryKind.Host, held->linesize[(uint)i], shape[i].Width, shape[i].Height, shape[i].Bytes);
            }
            slot.Frame.Lease(format, held->width, held->height, planes[..shape.PlaneCount], writable: false);
            return slot.Frame;
        }
        catch
        {
            Return(slot);
            throw;
        }
    }

    private void Return(Slot slot)
    {
        ffmpeg.av_frame_unref(slot.Picture.Pointer);
        lock (_lock)
        {
            if (!_disposed)
            {
                _idle.Push(slot);
                return;
            }
        }
        slot.Picture.Dispose();
    }

    /// <summary>Frees the idle shells; those of frames still out are freed as they return.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _disposed = true;
            while (_idle.TryPop(out Slot? slot)) slot.Picture.Dispose();
        }
    }

    private sealed class Slot : IVideoFrameOwner
    {
        private readonly DecodedPictures _pictures;

        public Slot(DecodedPictures pictures)
        {
            _pictures = pictures;
            Frame = new VideoFrame(this);
        }

        public FrameHandle Picture { get; } = new();

        public VideoFrame Frame { get; }

        public void Reclaim(VideoFrame frame) => _pictures.Return(this);
    }
}
