using FFmpeg.AutoGen;

namespace Img2Pose.Media;

/// <summary>
/// What a video decoder and the frames that follow it take of the memory budget, from what the stream says of its pictures; and how
/// large pictures may become later, as a stream may change its size at any time.
/// </summary>
/// <param name="Picture">Bytes of a picture.</param>
/// <param name="Pictures">Pictures that are held at the least: those that others refer to, and those under way.</param>
/// <param name="MostPixels">Pixels that a picture may have.</param>
internal readonly unsafe record struct DecoderMemory(long Picture, int Pictures, long MostPixels)
{
    /// <summary>Reckons it for a stream.</summary>
    /// <param name="parameters">What is known of the stream.</param>
    /// <param name="underWay">Pictures under way behind the decoder, at the least.</param>
    /// <param name="options">The budget and the limits.</param>
    public static DecoderMemory Of(AVCodecParameters* parameters, int underWay, SourceOptions options)
    {
        AVPixFmtDescriptor* format = ffmpeg.av_pix_fmt_desc_get((AVPixelFormat)parameters->format);
        long samples = checked((long)parameters->width * parameters->height);
        // Two bytes for three samples of 4:2:0 in 8 bits rounded up; four of 10 bits; at most eight bytes a pixel (RGBA64).
        double bytesPerPixel = format == null ? 3 : format->comp[0].depth > 8 ? 3 : 1.5;
        if (format != null && (format->flags & ffmpeg.AV_PIX_FMT_FLAG_RGB) != 0) bytesPerPixel = format->comp[0].depth > 8 ? 8 : 4;
        int pictures = References(parameters->codec_id) + underWay;
        long most = (long)(options.Memory.Bytes / (bytesPerPixel * pictures));
        return new DecoderMemory((long)(samples * bytesPerPixel), pictures, Math.Min(options.Limits.MaxPixels, Math.Max(most, 1)));
    }

    /// <summary>Bytes in all.</summary>
    public long Bytes => checked(Picture * Pictures);

    /// <summary>Pictures that a decoder holds for others to refer to, as streams use them.</summary>
    private static int References(AVCodecID codec) => codec is AVCodecID.AV_CODEC_ID_H264 or AVCodecID.AV_CODEC_ID_HEVC ? 4 : 2;
}
