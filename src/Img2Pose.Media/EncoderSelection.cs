using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Runtime.InteropServices;
using FFmpeg.AutoGen;
using Img2Pose.Frames;

namespace Img2Pose.Media;

/// <summary>What an encoder is told about the pictures to come.</summary>
internal sealed record EncoderPicture(
    int Width, int Height, PixelFormat Format, Rational SampleAspectRatio, Rational TimeBase, double FramesPerSecond, ColorTags Tags,
    HdrMetadata? Hdr = null, FieldOrder Fields = FieldOrder.Progressive);

/// <summary>The colour that is written into the stream, every part said.</summary>
internal readonly record struct ColorTags(
    AVColorPrimaries Primaries, AVColorTransferCharacteristic Transfer, AVColorSpace Matrix, AVColorRange Range)
{
    /// <summary>
    /// The source's tags; what they leave open follows the matrix that the pictures are read with: BT.709, BT.601 (SMPTE 170M)
    /// or BT.2020. Code points of ISO/IEC 23091-2.
    /// </summary>
    public static ColorTags Of(in ColorDescription color, bool isRgb)
    {
        (int primaries, int transfer, int matrix) = color.Matrix switch
        {
            ColorMatrix.Bt709 => (1, 1, 1),
            ColorMatrix.Bt2020 => (9, 14, 9),
            _ => (6, 6, 6),
        };
        return new ColorTags(
            (AVColorPrimaries)(IsSaid(color.PrimariesTag) ? color.PrimariesTag : primaries),
            (AVColorTransferCharacteristic)(IsSaid(color.TransferTag) ? color.TransferTag : transfer),
            (AVColorSpace)(IsSaid(color.MatrixTag) && !isRgb ? color.MatrixTag : matrix),
            color.FullRange && !isRgb ? AVColorRange.AVCOL_RANGE_JPEG : AVColorRange.AVCOL_RANGE_MPEG);

        static bool IsSaid(int tag) => tag is not (0 or 2 or 3);
    }
}

/// <summary>Chooses and opens a video encoder.</summary>
internal static unsafe class EncoderSelection
{
    /// <summary>
    /// Opens the first of the encoders that an option names. NVENC is tried where a CUDA driver is, and kept only if it opens; where it is there
    /// and refuses, that is said.
    /// </summary>
    /// <param name="path">The output, for errors.</param>
    /// <param name="options">How to encode.</param>
    /// <param name="picture">What is to come.</param>
    /// <param name="globalHeader">Whether the container has the headers.</param>
    /// <param name="input">What the encoder is to be given.</param>
    /// <param name="device">Where NVENC reads pictures on the GPU: what gives them to it; the caller disposes of it after the encoder.</param>
    public static CodecHandle Open(
        string path, VideoWriterOptions options, EncoderPicture picture, bool globalHeader, out EncoderPicture input, out DeviceEncoding? device)
    {
        bool nvenc = picture.Format != PixelFormat.I420P10 && HasCudaDriver();
        string[] names = options.Codec switch
        {
            "auto" or "h264" => nvenc ? ["h264_nvenc", "libx264"] : ["libx264"],
            "hevc" => nvenc ? ["hevc_nvenc", "libx265"] : ["libx265"],
            _ => [options.Codec],
        };
        string why = "";
        foreach (string name in names)
        {
            input = picture with { Format = InputFormat(name, picture.Format) };
            device = null;
            if (IsNvenc(name) && options.Cuda is { } gpu && picture.Format is PixelFormat.Nv12 or PixelFormat.I420)
                device = DeviceEncoding.TryCreate(gpu, picture.Width, picture.Height, out _);
            if (device is not null) input = input with { Format = DeviceEncoding.Format };
            if (TryOpen(name, options, input, globalHeader, device, out why) is { } encoder) return encoder;
            device?.Dispose();
            if (name != names[^1] && HasLibrary("libnvidia-encode.so.1")) options.Warning?.Invoke($"{path}: encoded by the processor: {why}");
        }
        throw new OutputException($"{path}: {why}");
    }

    /// <summary>Opens what hands pictures on uncompressed, planar and of eight bits: what programs that show a camera take.</summary>
    public static CodecHandle OpenRaw(string path, EncoderPicture picture, out EncoderPicture input)
    {
        input = picture with { Format = PixelFormat.I420 };
        return TryOpen("rawvideo", new VideoWriterOptions(), input, globalHeader: false, null, out string why)
            ?? throw new OutputException($"{path}: {why}");
    }

    /// <summary>Whether an encoder starts with default options, and why it does not.</summary>
    public static bool Starts(string name, [NotNullWhen(false)] out string? why)
    {
        EncoderPicture picture = new(
            640, 360, InputFormat(name, PixelFormat.I420), Rational.One, new Rational(1, 25), 25, ColorTags.Of(default, isRgb: false));
        using CodecHandle? encoder = TryOpen(name, new VideoWriterOptions(), picture, globalHeader: true, null, out string reason);
        why = encoder is null ? reason : null;
        return encoder is not null;
    }

    private static CodecHandle? TryOpen(string name, VideoWriterOptions options, EncoderPicture picture, bool globalHeader, DeviceEncoding? device, out string why)
    {
        why = "";
        AVCodec* codec = ffmpeg.avcodec_find_encoder_by_name(name);
        if (codec == null)
        {
            why = $"this FFmpeg has no {name}";
            return null;
        }
        CodecHandle encoder = new(codec);
        int status = Configure(encoder.Pointer, codec, name, options, picture, globalHeader, device);
        if (status >= 0) return encoder;
        encoder.Dispose();
        why = $"{name} does not start: {FFmpegRuntime.Describe(status)}";
        return null;
    }

    /// <summary>10 bit stay 10 for HEVC and become 8 for H.264; libx265 wants planes.</summary>
    private static PixelFormat InputFormat(string encoder, PixelFormat source) => source switch
    {
        PixelFormat.I420P10 => encoder == "libx265" ? PixelFormat.I420P10 : PixelFormat.I420,
        PixelFormat.Nv12 => encoder == "libx265" ? PixelFormat.I420 : PixelFormat.Nv12,
        _ => PixelFormat.I420,
    };

    private static int Configure(
        AVCodecContext* context, AVCodec* codec, string name, VideoWriterOptions options, EncoderPicture picture, bool globalHeader, DeviceEncoding? device)
    {
        context->width = picture.Width;
        context->height = picture.Height;
        context->pix_fmt = PixelFormats.ToNative(picture.Format);
        device?.Configure(context);
        context->sample_aspect_ratio = new AVRational { num = picture.SampleAspectRatio.Numerator, den = picture.SampleAspectRatio.Denominator };
        context->time_base = new AVRational { num = picture.TimeBase.Numerator, den = picture.TimeBase.Denominator };
        context->framerate = ToRate(picture.FramesPerSecond);
        context->color_primaries = picture.Tags.Primaries;
        context->color_trc = picture.Tags.Transfer;
        context->colorspace = picture.Tags.Matrix;
        context->color_range = picture.Tags.Range;
        context->thread_count = options.Threads;
        if (globalHeader) context->flags |= ffmpeg.AV_CODEC_FLAG_GLOBAL_HEADER;
        if (picture.Fields != FieldOrder.Progressive && WritesFields(name))
        {
            context->flags |= ffmpeg.AV_CODEC_FLAG_INTERLACED_DCT | ffmpeg.AV_CODEC_FLAG_INTERLACED_ME;
            context->field_order = picture.Fields == FieldOrder.TopFirst ? AVFieldOrder.AV_FIELD_TT : AVFieldOrder.AV_FIELD_BB;
        }
        // Apple's players know HEVC in mp4 by this tag only.
        if (codec->id == AVCodecID.AV_CODEC_ID_HEVC) context->codec_tag = (uint)ffmpeg.MKTAG('h', 'v', 'c', '1');

        bool hevc = codec->id == AVCodecID.AV_CODEC_ID_HEVC;
        string quality = (options.Quality ?? (hevc ? 28 : 23)).ToString(CultureInfo.InvariantCulture);
        AVDictionary* settings = null;
        try
        {
            if (name == "rawvideo") return ffmpeg.avcodec_open2(context, codec, null);
            if (options.LowLatency)
            {
                Set(&settings, "g", Math.Max(1, (int)Math.Round(picture.FramesPerSecond)).ToString(CultureInfo.InvariantCulture));
                Set(&settings, "bf", "0");
            }
            if (IsNvenc(name))
            {
                if (options.LowLatency)
                {
                    Set(&settings, "zerolatency", "1");
                    Set(&settings, "delay", "0");
                }
                Set(&settings, "preset", "p4");
                Set(&settings, "tune", options.Quality == 0 ? "lossless" : "hq");
                Set(&settings, "rc", options.Quality == 0 ? "constqp" : "vbr");
                Set(&settings, options.Quality == 0 ? "qp" : "cq", quality);
            }
            else
            {
                Set(&settings, "preset", options.Preset);
                Set(&settings, "crf", quality);
                if (options.LowLatency) Set(&settings, "tune", "zerolatency");
            }
            if (name == "libx265")
            {
                string parameters = "log-level=none";
                if (options.Quality == 0) parameters += ":lossless=1";
                if (options.Threads > 0) parameters += string.Create(CultureInfo.InvariantCulture, $":pools={options.Threads}");
                if (picture.Hdr?.MasterDisplay is { } display) parameters += ":master-display=" + display;
                if (picture.Hdr?.ContentLight is { } light) parameters += ":max-cll=" + light;
                Set(&settings, "x265-params", parameters);
            }
            return ffmpeg.avcodec_open2(context, codec, &settings);
        }
        finally
        {
            ffmpeg.av_dict_free(&settings);
        }
    }

    /// <summary>Whether an encoder codes interlaced pictures as such; the others take them for progressive ones.</summary>
    public static bool WritesFields(string name) => name == "libx264";

    private static void Set(AVDictionary** settings, string key, string value) => _ = ffmpeg.av_dict_set(settings, key, value, 0);

    /// <summary>A frame rate as a ratio: the usual 1001 ones exactly, others to a thousandth.</summary>
    internal static AVRational ToRate(double framesPerSecond)
    {
        double ntsc = framesPerSecond * 1001 / 1000;
        if (Math.Abs(ntsc - Math.Round(ntsc)) < 1e-3 && Math.Abs(framesPerSecond - Math.Round(framesPerSecond)) > 1e-4)
            return new AVRational { num = (int)Math.Round(ntsc) * 1000, den = 1001 };
        return new AVRational { num = (int)Math.Clamp(Math.Round(framesPerSecond * 1000), 1, int.MaxValue), den = 1000 };
    }

    private static bool IsNvenc(string name) => name.EndsWith("_nvenc", StringComparison.Ordinal);

    private static bool HasCudaDriver() => HasLibrary("libcuda.so.1");

    private static bool HasLibrary(string name)
    {
        if (!NativeLibrary.TryLoad(name, out nint library)) return false;
        NativeLibrary.Free(library);
        return true;
    }
}
