using FFmpeg.AutoGen;
using Img2Pose.Frames;

namespace Img2Pose.Media;

/// <summary>One side of a conversion: what the samples are.</summary>
/// <param name="Format">FFmpeg's pixel format; the deprecated full-range <c>yuvj</c> ones never occur here.</param>
/// <param name="Width">Samples in a row.</param>
/// <param name="Height">Rows.</param>
/// <param name="Matrix">YUV matrix; without meaning for RGB.</param>
/// <param name="FullRange">Range of YUV samples.</param>
/// <param name="ChromaLeft">Chroma sited as in MPEG-2 and its followers, on the left luma column, instead of between.</param>
internal readonly record struct PictureLayout(
    AVPixelFormat Format, int Width, int Height, ColorMatrix Matrix, bool FullRange, bool ChromaLeft);

/// <summary>
/// Scales and converts pictures with swscale on the caller's thread, keeping one scaler as long as layouts stay the same.
/// Not thread-safe.
/// </summary>
/// <param name="fast">For looking at: a third of the time, each sample right to within two levels of 255.</param>
internal sealed unsafe class PixelConverter(bool fast = false) : IDisposable
{
    // Plane tables as the package's sws_scale wants them, kept so that a call allocates nothing.
    private readonly byte*[] _sourcePlanes = new byte*[4];
    private readonly int[] _sourceStrides = new int[4];
    private readonly byte*[] _targetPlanes = new byte*[4];
    private readonly int[] _targetStrides = new int[4];
    private (PictureLayout Source, PictureLayout Target) _key;
    private ScalerHandle? _scaler;

    /// <summary>Converts a decoded picture into the planes of <paramref name="target"/>, a writable frame.</summary>
    public void Convert(AVFrame* picture, in PictureLayout source, VideoFrame target, in PictureLayout targetLayout)
    {
        if (source.Width != picture->width || source.Height != picture->height)
            throw new ArgumentException($"The picture has {picture->width}×{picture->height} samples, not {source.Width}×{source.Height}.", nameof(source));
        RequireFits(target, targetLayout, 0, 0);
        From(picture);
        To(target, 0, 0);
        Scale(source, targetLayout);
    }

    /// <summary>Converts a frame into a part of another.</summary>
    /// <param name="frame">The frame.</param>
    /// <param name="source">What it is.</param>
    /// <param name="target">A writable frame.</param>
    /// <param name="targetLayout">What to write; its size may be smaller than the frame's.</param>
    /// <param name="x">Left edge of the part, even.</param>
    /// <param name="y">Top edge of the part, even.</param>
    public void Convert(VideoFrame frame, in PictureLayout source, VideoFrame target, in PictureLayout targetLayout, int x, int y)
    {
        RequireFits(frame, source, 0, 0);
        RequireFits(target, targetLayout, x, y);
        From(frame);
        To(target, x, y);
        Scale(source, targetLayout);
    }

    /// <summary>Converts a frame into an FFmpeg picture whose buffers are allocated and writable.</summary>
    public void Convert(VideoFrame frame, in PictureLayout source, AVFrame* target, in PictureLayout targetLayout)
    {
        RequireFits(frame, source, 0, 0);
        AVPixelFormat format = (AVPixelFormat)target->format;
        _ = PixelFormats.StripFullRange(ref format);
        if (targetLayout.Width > target->width || targetLayout.Height > target->height || targetLayout.Format != format)
            throw new ArgumentException($"The picture has {target->width}×{target->height} samples, not {targetLayout.Width}×{targetLayout.Height}.", nameof(target));
        From(frame);
        for (uint i = 0; i < 4; i++)
        {
            _targetPlanes[i] = target->data[i];
            _targetStrides[i] = target->linesize[i];
        }
        Scale(source, targetLayout);
    }

    /// <summary>swscale believes what it is told: a layout must lie in the frame that it is said of.</summary>
    private static void RequireFits(VideoFrame frame, in PictureLayout layout, int x, int y)
    {
        bool inside = x >= 0 && y >= 0 && (x & 1) == 0 && (y & 1) == 0 && (long)x + layout.Width <= frame.Width && (long)y + layout.Height <= frame.Height;
        if (!inside || layout.Format != PixelFormats.ToNative(frame.Format))
        {
            throw new ArgumentException(
                $"{layout.Width}×{layout.Height} samples of {layout.Format} from {x},{y} do not lie in a frame of {frame.Width}×{frame.Height} of {frame.Format}.", nameof(layout));
        }
    }

    /// <summary>Converts a frame into packed pixels.</summary>
    /// <param name="frame">The frame.</param>
    /// <param name="source">What it is.</param>
    /// <param name="target">The first pixel.</param>
    /// <param name="stride">Bytes from one row to the next.</param>
    /// <param name="targetLayout">What to write, of one plane.</param>
    public void Convert(VideoFrame frame, in PictureLayout source, byte* target, int stride, in PictureLayout targetLayout)
    {
        RequireFits(frame, source, 0, 0);
        From(frame);
        for (int i = 0; i < 4; i++)
        {
            _targetPlanes[i] = i == 0 ? target : null;
            _targetStrides[i] = i == 0 ? stride : 0;
        }
        Scale(source, targetLayout);
    }

    private void From(AVFrame* picture)
    {
        for (uint i = 0; i < 4; i++)
        {
            _sourcePlanes[i] = picture->data[i];
            _sourceStrides[i] = picture->linesize[i];
        }
    }

    private void From(VideoFrame frame)
    {
        for (int i = 0; i < 4; i++)
        {
            FramePlane plane = i < frame.PlaneCount ? frame.GetPlane(i) : default;
            _sourcePlanes[i] = plane.Data;
            _sourceStrides[i] = plane.Stride;
        }
    }

    private void To(VideoFrame frame, int x, int y)
    {
        for (int i = 0; i < 4; i++)
        {
            FramePlane plane = i < frame.PlaneCount ? frame.GetPlane(i) : default;
            // Planes after the first hold chroma, halved both ways in every frame format.
            long row = i > 0 ? y / 2 : y, column = i > 0 ? x / 2 : x;
            _targetPlanes[i] = plane.Data + row * plane.Stride + column * plane.BytesPerElement;
            _targetStrides[i] = plane.Stride;
        }
    }

    private void Scale(in PictureLayout source, in PictureLayout target)
    {
        if (_scaler is null || _key != (source, target))
        {
            _scaler?.Dispose();
            _scaler = null;
            _scaler = CreateScaler(source, target, fast);
            _key = (source, target);
        }
        int rows = ffmpeg.sws_scale(
            _scaler.Pointer, _sourcePlanes, _sourceStrides, 0, source.Height, _targetPlanes, _targetStrides);
        if (rows < 0) throw new Img2PoseException($"Cannot convert a picture: {FFmpegRuntime.Describe(rows)}");
    }

    private static ScalerHandle CreateScaler(in PictureLayout source, in PictureLayout target, bool fast)
    {
        ScalerHandle scaler = new();
        SwsContext* context = scaler.Pointer;
        bool resizes = source.Width != target.Width || source.Height != target.Height;
        // Full-resolution chroma for RGB: without these swscale repeats the nearest chroma sample instead of interpolating.
        int flags = fast ? ffmpeg.SWS_BILINEAR : (resizes ? ffmpeg.SWS_BICUBIC : ffmpeg.SWS_BILINEAR)
            | ffmpeg.SWS_ACCURATE_RND | ffmpeg.SWS_FULL_CHR_H_INT | ffmpeg.SWS_FULL_CHR_H_INP;
        Set(context, "srcw", source.Width);
        Set(context, "srch", source.Height);
        Set(context, "src_format", (long)source.Format);
        Set(context, "dstw", target.Width);
        Set(context, "dsth", target.Height);
        Set(context, "dst_format", (long)target.Format);
        Set(context, "sws_flags", flags);
        // Between YUV of the same layout and size swscale decides when it is set up whether samples are copied as they are.
        if (source.FullRange != target.FullRange)
        {
            Set(context, "src_range", source.FullRange ? 1 : 0);
            Set(context, "dst_range", target.FullRange ? 1 : 0);
        }
        if (source.ChromaLeft) Set(context, "src_h_chr_pos", 0);
        if (target.ChromaLeft) Set(context, "dst_h_chr_pos", 0);
        int status = ffmpeg.sws_init_context(context, null, null);
        if (status < 0)
        {
            scaler.Dispose();
            throw new Img2PoseException(
                $"Pictures of format {ffmpeg.av_get_pix_fmt_name(source.Format)} ({source.Width}x{source.Height}) cannot be converted: "
                + FFmpegRuntime.Describe(status));
        }
        int_array4 inverse = *(int_array4*)ffmpeg.sws_getCoefficients(Coefficients(source.Matrix));
        int_array4 forward = *(int_array4*)ffmpeg.sws_getCoefficients(Coefficients(target.Matrix));
        // Refused (-1) only between RGB formats, where there is nothing to set.
        _ = ffmpeg.sws_setColorspaceDetails(
            context, inverse, source.FullRange ? 1 : 0, forward, target.FullRange ? 1 : 0, 0, 1 << 16, 1 << 16);
        return scaler;
    }

    private static void Set(SwsContext* context, string option, long value)
    {
        int status = ffmpeg.av_opt_set_int(context, option, value, 0);
        if (status < 0) throw new Img2PoseException($"swscale refused {option} = {value}: {FFmpegRuntime.Describe(status)}");
    }

    private static int Coefficients(ColorMatrix matrix) => matrix switch
    {
        ColorMatrix.Bt709 => ffmpeg.SWS_CS_ITU709,
        ColorMatrix.Bt2020 => ffmpeg.SWS_CS_BT2020,
        _ => ffmpeg.SWS_CS_ITU601,
    };

    public void Dispose()
    {
        _scaler?.Dispose();
        _scaler = null;
    }
}
