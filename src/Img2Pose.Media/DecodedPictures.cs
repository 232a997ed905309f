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

        int width = held->width, height = held->height;
        int chromaWidth = (width + 1) / 2, chromaHeight = (height + 1) / 2;
        Span<FramePlane> planes = stackalloc FramePlane[3];
        int count = 3;
        switch (format)
        {
            case PixelFormat.Rgb24:
                planes[0] = Plane(held, 0, width, height, 3);
                count = 1;
                break;
            case PixelFormat.Nv12:
                planes[0] = Plane(held, 0, width, height, 1);
                planes[1] = Plane(held, 1, chromaWidth, chromaHeight, 2);
                count = 2;
                break;
            default:
                int bytes = format == PixelFormat.I420P10 ? 2 : 1;
                planes[0] = Plane(held, 0, width, height, bytes);
                planes[1] = Plane(held, 1, chromaWidth, chromaHeight, bytes);
                planes[2] = Plane(held, 2, chromaWidth, chromaHeight, bytes);
                break;
        }
        slot.Frame.Lease(format, width, height, planes[..count], writable: false);
        return slot.Frame;
    }

    private static FramePlane Plane(AVFrame* picture, uint index, int width, int height, int bytes) =>
        new((nint)picture->data[index], MemoryKind.Host, picture->linesize[index], width, height, bytes);

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
