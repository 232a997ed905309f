using FFmpeg.AutoGen;
using Img2Pose.Frames;

namespace Img2Pose.Media;

/// <summary>Relates FFmpeg's pixel formats and colour tags to the frame's.</summary>
internal static unsafe class PixelFormats
{
    /// <summary>FFmpeg's name for a frame format.</summary>
    public static AVPixelFormat ToNative(PixelFormat format) => format switch
    {
        PixelFormat.I420 => AVPixelFormat.AV_PIX_FMT_YUV420P,
        PixelFormat.Nv12 => AVPixelFormat.AV_PIX_FMT_NV12,
        PixelFormat.I420P10 => AVPixelFormat.AV_PIX_FMT_YUV420P10LE,
        PixelFormat.Rgb24 => AVPixelFormat.AV_PIX_FMT_RGB24,
        PixelFormat.P010 => FFmpegCompat.P010,
        _ => throw new ArgumentOutOfRangeException(nameof(format)),
    };

    /// <summary>
    /// Replaces a deprecated full-range <c>yuvj</c> format by its plain twin. True when it was one: the samples are full range.
    /// </summary>
    public static bool StripFullRange(ref AVPixelFormat format)
    {
        AVPixelFormat plain = format switch
        {
            AVPixelFormat.AV_PIX_FMT_YUVJ420P => AVPixelFormat.AV_PIX_FMT_YUV420P,
            AVPixelFormat.AV_PIX_FMT_YUVJ422P => AVPixelFormat.AV_PIX_FMT_YUV422P,
            AVPixelFormat.AV_PIX_FMT_YUVJ444P => AVPixelFormat.AV_PIX_FMT_YUV444P,
            AVPixelFormat.AV_PIX_FMT_YUVJ440P => AVPixelFormat.AV_PIX_FMT_YUV440P,
            AVPixelFormat.AV_PIX_FMT_YUVJ411P => AVPixelFormat.AV_PIX_FMT_YUV411P,
            _ => AVPixelFormat.AV_PIX_FMT_NONE,
        };
        if (plain == AVPixelFormat.AV_PIX_FMT_NONE) return false;
        format = plain;
        return true;
    }

    /// <summary>True when frames carry the format as it is; else the frame format nearest to it.</summary>
    public static bool IsCarried(AVPixelFormat format, out PixelFormat nearest)
    {
        switch (format)
        {
            case AVPixelFormat.AV_PIX_FMT_YUV420P: nearest = PixelFormat.I420; return true;
            case AVPixelFormat.AV_PIX_FMT_NV12: nearest = PixelFormat.Nv12; return true;
            case AVPixelFormat.AV_PIX_FMT_YUV420P10LE: nearest = PixelFormat.I420P10; return true;
            case AVPixelFormat.AV_PIX_FMT_RGB24: nearest = PixelFormat.Rgb24; return true;
        }
        AVPixFmtDescriptor* descriptor = ffmpeg.av_pix_fmt_desc_get(format);
        if (descriptor == null)
            nearest = PixelFormat.I420;
        else if ((descriptor->flags & ffmpeg.AV_PIX_FMT_FLAG_RGB) != 0)
            nearest = PixelFormat.Rgb24;
        else
            nearest = descriptor->comp[0].depth > 8 ? PixelFormat.I420P10 : PixelFormat.I420;
        return false;
    }

    /// <summary>
    /// The colour description of a picture: its own tags; where the matrix is not said, BT.709 from 720 lines up, else BT.601.
    /// </summary>
    public static ColorDescription Describe(AVFrame* frame, bool fullRangeFormat)
    {
        ColorMatrix matrix = frame->colorspace switch
        {
            AVColorSpace.AVCOL_SPC_BT709 => ColorMatrix.Bt709,
            AVColorSpace.AVCOL_SPC_BT470BG or AVColorSpace.AVCOL_SPC_SMPTE170M => ColorMatrix.Bt601,
            AVColorSpace.AVCOL_SPC_BT2020_NCL or AVColorSpace.AVCOL_SPC_BT2020_CL => ColorMatrix.Bt2020,
            _ => frame->height >= 720 ? ColorMatrix.Bt709 : ColorMatrix.Bt601,
        };
        return new ColorDescription(
            matrix,
            fullRangeFormat || frame->color_range == AVColorRange.AVCOL_RANGE_JPEG,
            (int)frame->color_primaries,
            (int)frame->color_trc,
            (int)frame->colorspace);
    }
}
