using FFmpeg.AutoGen;
using Img2Pose.Frames;

namespace Img2Pose.Media;

/// <summary>
/// Turns decoder pictures into frames of one shape: format, size and orientation of the first one. A picture that has that
/// shape already passes as it is. One of another format is converted once; a turned one is permuted; one of another size is
/// scaled and letterboxed. Not thread-safe; its frames are disposed on any thread.
/// </summary>
internal sealed unsafe class FrameShaper : IDisposable
{
    private readonly DecodedPictures _decoded = new();
    private readonly FramePool _converted = new();
    private readonly FramePool _turned = new();
    private readonly FramePool _fitted = new();
    private readonly PixelConverter _converter = new();
    private readonly PixelConverter _fitter = new();
    private bool _hasShape;

    /// <summary>Takes the shape of the first picture.</summary>
    public FrameShaper()
    {
    }

    /// <summary>Gives frames of a shape that is known already.</summary>
    public FrameShaper(PixelFormat format, int width, int height) => (_hasShape, Format, Width, Height) = (true, format, width, height);

    /// <summary>Who decodes, where a GPU does; its pictures stay in device memory unless their shape has to be changed.</summary>
    public HardwareDecoding? Hardware { get; set; }

    /// <summary>The format of every frame in host memory; one in device memory has as many bits.</summary>
    public PixelFormat Format { get; private set; }

    /// <summary>Width of every frame in samples.</summary>
    public int Width { get; private set; }

    /// <summary>Height of every frame in samples.</summary>
    public int Height { get; private set; }

    /// <summary>Shapes a picture and takes over its reference. The caller disposes the frame.</summary>
    /// <exception cref="InputException">A picture in device memory cannot be brought to the host.</exception>
    /// <exception cref="Img2Pose.Cuda.CudaDeviceException">The device has no room, or failed.</exception>
    public VideoFrame Shape(AVFrame* picture, PictureOrientation orientation, string name)
    {
        if ((AVPixelFormat)picture->format == AVPixelFormat.AV_PIX_FMT_CUDA)
        {
            if (TryLease(picture, orientation) is { } lease) return lease;
            Hardware!.Fetch(picture, name);
        }
        AVPixelFormat native = (AVPixelFormat)picture->format;
        bool fullRange = PixelFormats.StripFullRange(ref native);
        bool carried = PixelFormats.IsCarried(native, out PixelFormat nearest);
        FieldOrder fields = FFmpegCompat.Fields(picture);
        ColorDescription color = PixelFormats.Describe(picture, fullRange || nearest == PixelFormat.Rgb24);
        if (!_hasShape)
        {
            _hasShape = true;
            Format = nearest;
            bool swaps = orientation.SwapsSides();
            Width = swaps ? picture->height : picture->width;
            Height = swaps ? picture->width : picture->height;
        }

        // Rows stored from the bottom up have a negative stride, which planes do not have.
        carried = carried && nearest == Format && picture->linesize[0] > 0;
        VideoFrame frame = carried ? _decoded.Lease(picture, Format) : Convert(picture, native, color);
        frame = Turn(frame, orientation);
        // Rows that become columns or are mixed are no fields any more.
        bool mixed = orientation != PictureOrientation.Upright || frame.Width != Width || frame.Height != Height;
        if (mixed) fields = FieldOrder.Progressive;
        frame = Fit(frame, color);
        frame.Color = color;
        frame.Fields = fields;
        return frame;
    }

    private VideoFrame? TryLease(AVFrame* picture, PictureOrientation orientation)
    {
        FieldOrder fields = FFmpegCompat.Fields(picture);
        ColorDescription color = PixelFormats.Describe(picture, fullRangeFormat: false);
        VideoFrame? frame = Hardware!.TryLease(picture, orientation, _hasShape ? (Format, Width, Height) : null);
        if (frame is null) return null;
        if (!_hasShape) (_hasShape, Format, Width, Height) = (true, HardwareDecoding.HostFormat(frame.Format), frame.Width, frame.Height);
        (frame.Color, frame.Fields) = (color, fields);
        return frame;
    }

    private VideoFrame Convert(AVFrame* picture, AVPixelFormat native, in ColorDescription color)
    {
        // swscale takes grey as full range whatever it is; saying so on both sides keeps the luma as it is.
        bool grey = ffmpeg.av_pix_fmt_desc_get(native)->nb_components <= 2;
        bool fullRange = grey || color.FullRange;
        bool left = picture->chroma_location is AVChromaLocation.AVCHROMA_LOC_LEFT or AVChromaLocation.AVCHROMA_LOC_UNSPECIFIED;
        PictureLayout source = new(native, picture->width, picture->height, color.Matrix, fullRange, left);
        PictureLayout target = source with { Format = PixelFormats.ToNative(Format) };
        VideoFrame frame = _converted.Rent(Format, picture->width, picture->height);
        try
        {
            _converter.Convert(picture, source, frame, target);
            return frame;
        }
        catch
        {
            frame.Dispose();
            throw;
        }
        finally
        {
            ffmpeg.av_frame_unref(picture);
        }
    }

    private VideoFrame Turn(VideoFrame frame, PictureOrientation orientation)
    {
        if (orientation == PictureOrientation.Upright) return frame;
        using VideoFrame stored = frame;
        bool swaps = orientation.SwapsSides();
        VideoFrame upright = _turned.Rent(Format, swaps ? stored.Height : stored.Width, swaps ? stored.Width : stored.Height);
        orientation.Apply(stored, upright);
        return upright;
    }

    private VideoFrame Fit(VideoFrame frame, in ColorDescription color)
    {
        if (frame.Width == Width && frame.Height == Height) return frame;
        using VideoFrame other = frame;
        VideoFrame fitted = _fitted.Rent(Format, Width, Height);
        try
        {
            Letterbox.Fit(_fitter, other, color, fitted);
            return fitted;
        }
        catch
        {
            fitted.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        _decoded.Dispose();
        _converted.Dispose();
        _turned.Dispose();
        _fitted.Dispose();
        _converter.Dispose();
        _fitter.Dispose();
    }
}
