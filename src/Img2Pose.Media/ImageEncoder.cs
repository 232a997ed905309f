using FFmpeg.AutoGen;
using Img2Pose.Core;
using Img2Pose.Frames;

namespace Img2Pose.Media;

/// <summary>Encodes single pictures.</summary>
internal static unsafe class ImageEncoder
{
    public static void Write(string path, VideoFrame frame, int quality)
    {
        if (quality is < 1 or > 100) throw new UsageException($"JPEG quality {quality} is not between 1 and 100");
        string extension = Path.GetExtension(path).ToLowerInvariant();
        bool jpeg = extension is ".jpg" or ".jpeg";
        if (!jpeg && extension != ".png") throw new UsageException($"{path}: pictures are written as .png or .jpg");
        _ = FFmpegRuntime.EnsureLoaded();

        using PacketHandle packet = new();
        Encode(path, frame, jpeg, quality, packet);
        AtomicFile.Write(path, file =>
        {
            ReadOnlySpan<byte> picture = new(packet.Pointer->data, packet.Pointer->size);
            if (jpeg && frame.ColorProfile is { } profile) JpegProfile.Write(file, picture, profile);
            else file.Write(picture);
        });
    }

    private static void Encode(string path, VideoFrame frame, bool jpeg, int quality, PacketHandle packet)
    {
        AVCodecID id = jpeg ? AVCodecID.AV_CODEC_ID_MJPEG : AVCodecID.AV_CODEC_ID_PNG;
        AVCodec* codec = ffmpeg.avcodec_find_encoder(id);
        if (codec == null) throw new OutputException($"{path}: this FFmpeg has no {ffmpeg.avcodec_get_name(id)} encoder");
        AVPixelFormat format = !jpeg ? AVPixelFormat.AV_PIX_FMT_RGB24
            : quality >= 90 ? AVPixelFormat.AV_PIX_FMT_YUVJ444P : AVPixelFormat.AV_PIX_FMT_YUVJ420P;

        using CodecHandle encoder = Open(path, codec, frame.Width, frame.Height, format, jpeg ? quality : null);
        AVCodecContext* context = encoder.Pointer;
        int scale = context->global_quality;

        using FrameHandle picture = new();
        picture.Pointer->format = (int)format;
        picture.Pointer->width = frame.Width;
        picture.Pointer->height = frame.Height;
        picture.Pointer->pts = 0;
        picture.Pointer->quality = scale;
        FFmpegRuntime.CheckOutput(ffmpeg.av_frame_get_buffer(picture.Pointer, 0), path, "no memory for the picture");
        if (!jpeg && frame.ColorProfile is { } profile) AddProfile(picture.Pointer, profile);
        AVPixelFormat plain = format;
        _ = PixelFormats.StripFullRange(ref plain);
        PictureLayout source = new(PixelFormats.ToNative(frame.Format), frame.Width, frame.Height,
            frame.Color.Matrix, frame.Format == PixelFormat.Rgb24 || frame.Color.FullRange, ChromaLeft: false);
        PictureLayout target = new(plain, frame.Width, frame.Height, ColorMatrix.Bt601, FullRange: true, ChromaLeft: false);
        using PixelConverter converter = new();
        converter.Convert(frame, source, picture.Pointer, target);

        FFmpegRuntime.CheckOutput(ffmpeg.avcodec_send_frame(context, picture.Pointer), path, "the picture cannot be encoded");
        FFmpegRuntime.CheckOutput(ffmpeg.avcodec_send_frame(context, null), path, "the picture cannot be encoded");
        FFmpegRuntime.CheckOutput(ffmpeg.avcodec_receive_packet(context, packet.Pointer), path, "the picture cannot be encoded");
    }

    /// <summary>Opens an encoder of JPEGs, each on its own, whose pictures carry its <c>global_quality</c>.</summary>
    public static CodecHandle OpenJpeg(string name, int width, int height, AVPixelFormat format, int quality)
    {
        _ = FFmpegRuntime.EnsureLoaded();
        AVCodec* codec = ffmpeg.avcodec_find_encoder(AVCodecID.AV_CODEC_ID_MJPEG);
        if (codec == null) throw new OutputException($"{name}: this FFmpeg has no JPEG encoder");
        return Open(name, codec, width, height, format, quality);
    }

    private static CodecHandle Open(string name, AVCodec* codec, int width, int height, AVPixelFormat format, int? quality)
    {
        CodecHandle encoder = new(codec);
        try
        {
            AVCodecContext* context = encoder.Pointer;
            context->width = width;
            context->height = height;
            context->pix_fmt = format;
            context->time_base = new AVRational { num = 1, den = 25 };
            context->thread_count = 1;
            if (quality is { } value)
            {
                context->flags |= ffmpeg.AV_CODEC_FLAG_QSCALE;
                context->global_quality = QuantiserScale(value);
                context->qmin = 1;
                context->color_range = AVColorRange.AVCOL_RANGE_JPEG;
            }
            FFmpegRuntime.CheckOutput(ffmpeg.avcodec_open2(context, codec, null), name, "the encoder does not start");
            return encoder;
        }
        catch
        {
            encoder.Dispose();
            throw;
        }
    }

    private static void AddProfile(AVFrame* picture, byte[] profile)
    {
        AVFrameSideData* side = ffmpeg.av_frame_new_side_data(picture, AVFrameSideDataType.AV_FRAME_DATA_ICC_PROFILE, (ulong)profile.Length);
        if (side == null) throw new InsufficientMemoryException("FFmpeg is out of memory.");
        profile.CopyTo(new Span<byte>(side->data, profile.Length));
        // The encoder names the profile by this entry.
        _ = ffmpeg.av_dict_set(&side->metadata, "name", "ICC", 0);
    }

    /// <summary>
    /// The quantiser scale, in FFmpeg's lambda units, whose tables are about as coarse as those of the customary quality
    /// scale: there the luma table (mean 57.6) is multiplied by (200 − 2q)/100 or 50/q, here the MPEG-1 intra table (mean 27) by
    /// scale/8.
    /// </summary>
    private static int QuantiserScale(int quality)
    {
        double percent = quality < 50 ? 5000.0 / quality : 200.0 - 2.0 * quality;
        double scale = percent / 100.0 * 57.6 * 8.0 / 27.0;
        return (int)Math.Round(Math.Clamp(scale, 1.0, 31.0) * ffmpeg.FF_QP2LAMBDA);
    }
}
