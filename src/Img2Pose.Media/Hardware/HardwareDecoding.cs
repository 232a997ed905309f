using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using FFmpeg.AutoGen;
using Img2Pose.Cuda;
using Img2Pose.Frames;

namespace Img2Pose.Media;

/// <summary>
/// Lets a GPU's own decoder (NVDEC) decode one stream: FFmpeg's decoder parses, its pictures stay in device memory. Where the GPU
/// refuses, before or in the middle of a stream, the same stream is decoded by the processor. Belongs to the thread that decodes; its
/// frames are disposed on any.
/// </summary>
internal sealed unsafe class HardwareDecoding : IDisposable
{
    // NVDEC decodes into a fixed number of surfaces.
    private const int MostSurfaces = 32;

    // AV_CODEC_HW_CONFIG_METHOD_HW_DEVICE_CTX, which FFmpeg.AutoGen leaves out.
    private const int ByDeviceContext = 1;

    private readonly CudaDevice _device;
    private readonly HardwareDevice _context;
    private readonly SurfaceFrames _frames;
    private readonly FrameHandle _fetched = new();
    private readonly int _underWay;
    private readonly DecoderLimits _limits;
    private GCHandle _self;
    private bool _told;

    private HardwareDecoding(CudaDevice device, HardwareDevice context, AVCodec* codec, DecoderLimits limits, int underWay)
    {
        (_device, _context, _limits, _underWay) = (device, context, limits, underWay);
        Codec = codec;
        _frames = new SurfaceFrames(context.Queue);
    }

    /// <summary>The decoder to open.</summary>
    public AVCodec* Codec { get; }

    /// <summary>Whether the same decoder goes on by itself where the GPU refuses in mid-stream; FFmpeg's own for AV1 does nothing without one.</summary>
    public bool GoesOnAlone => ffmpeg.avcodec_find_decoder(Codec->id) == Codec;

    /// <summary>Why the stream is, from some picture on, decoded by the processor; null while it is not.</summary>
    public string? Refusal { get; private set; }

    /// <summary>The refusal has been told; the next one is another.</summary>
    public void Told() => (Refusal, _told) = (null, true);

    /// <summary>Whether a picture came from the GPU.</summary>
    public bool GaveAny { get; private set; }

    /// <summary>Frames that were copied, on the device, because the decoder has too few surfaces to wait for their readers.</summary>
    public long Copied => _frames.Copied;

    /// <summary>Prepares a stream's decoding; null where the GPU does not take it.</summary>
    /// <param name="device">The GPU.</param>
    /// <param name="parameters">What is known of the stream.</param>
    /// <param name="underWay">Frames that may be under way behind the decoder.</param>
    /// <param name="why">Why it is not taken.</param>
    public static HardwareDecoding? TryCreate(CudaDevice device, AVCodecParameters* parameters, int underWay, out string why)
    {
        string name = ffmpeg.avcodec_get_name(parameters->codec_id);
        why = $"the GPU's decoder does not take {name}";
        if (CodecOf(parameters->codec_id) is not { } codec) return null;
        AVCodec* decoder = DecoderFor(parameters->codec_id);
        if (decoder == null)
        {
            why = $"this FFmpeg does not decode {name} on a GPU";
            return null;
        }
        if (!VideoDecoding.IsInstalled)
        {
            why = "libnvcuvid.so.1 is not installed (Debian's libnvcuvid1; NVIDIA's containers want NVIDIA_DRIVER_CAPABILITIES=video)";
            return null;
        }
        AVPixFmtDescriptor* format = ffmpeg.av_pix_fmt_desc_get((AVPixelFormat)parameters->format);
        // A stream that has not said yet is taken for the usual; FFmpeg asks again when it knows.
        int bits = format == null ? 8 : format->comp[0].depth;
        try
        {
            if (VideoDecoding.LimitsOf(device, codec, bits) is not { } limits)
            {
                why = $"the GPU's decoder does not take {name} of {bits} bits";
                return null;
            }
            if (parameters->width > 0 && !limits.Fit(parameters->width, parameters->height))
            {
                why = Size(name, parameters->width, parameters->height, limits);
                return null;
            }
            HardwareDevice? context = HardwareDevice.TryCreate(device, out int status);
            if (context is null)
            {
                why = status < 0 ? $"FFmpeg refuses the GPU: {FFmpegRuntime.Describe(status)}" : "this FFmpeg is built without CUDA";
                return null;
            }
            return new HardwareDecoding(device, context, decoder, limits, underWay);
        }
        catch (CudaDeviceException error)
        {
            why = error.Message;
            return null;
        }
    }

    /// <summary>Sets up a decoder's context before it is opened.</summary>
    public void Configure(AVCodecContext* context)
    {
        if (!_self.IsAllocated) _self = GCHandle.Alloc(this);
        context->opaque = (void*)GCHandle.ToIntPtr(_self);
        context->get_format = new AVCodecContext_get_format_func { Pointer = (nint)(delegate* unmanaged[Cdecl]<AVCodecContext*, AVPixelFormat*, AVPixelFormat>)&ChooseFormat };
        context->hw_device_ctx = ffmpeg.av_buffer_ref(_context.Pointer);
        // The GPU decodes one picture after another; threads would only add delay, and surfaces.
        context->thread_count = 1;
    }

    /// <summary>Leases a picture of the GPU's as a frame where it can be used as it is.</summary>
    /// <param name="picture">A picture in device memory; its reference is taken over where a frame is returned.</param>
    /// <param name="orientation">How it is to be turned.</param>
    /// <param name="shape">The shape that frames have; null where this is the first.</param>
    /// <exception cref="CudaDeviceException">The device has no room, or failed.</exception>
    public VideoFrame? TryLease(AVFrame* picture, PictureOrientation orientation, (PixelFormat Format, int Width, int Height)? shape)
    {
        GaveAny = true;
        if (orientation != PictureOrientation.Upright || FormatOf(picture) is not { } format) return null;
        (int left, int top) = ((int)picture->crop_left, (int)picture->crop_top);
        int width = picture->width - left, height = picture->height - top;
        if (((left | top) & 1) != 0 || width <= 0 || height <= 0) return null;
        if (shape is { } wanted && ((wanted.Width, wanted.Height) != (width, height) || (wanted.Format == PixelFormat.I420P10) != (format == PixelFormat.P010))) return null;
        return _frames.Lease(picture, format, left, top, width, height);
    }

    /// <summary>Replaces a picture in device memory by the same one in host memory; waits for the device.</summary>
    /// <exception cref="InputException">FFmpeg refuses it.</exception>
    public void Fetch(AVFrame* picture, string name)
    {
        AVFrame* fetched = _fetched.Pointer;
        ffmpeg.av_frame_unref(fetched);
        FFmpegRuntime.CheckInput(ffmpeg.av_hwframe_transfer_data(fetched, picture, 0), name, "a picture cannot be brought from the GPU");
        FFmpegRuntime.CheckInput(ffmpeg.av_frame_copy_props(fetched, picture), name, "a picture cannot be brought from the GPU");
        // FFmpeg cuts the lower and right edges of such a picture off, and leaves the others to the reader.
        (ulong left, ulong top) = (picture->crop_left, picture->crop_top);
        if (left + top > 0 && ((left | top) & 1) == 0)
        {
            int bytes = (AVPixelFormat)fetched->format == AVPixelFormat.AV_PIX_FMT_NV12 ? 1 : 2;
            fetched->data[0] += (long)top * fetched->linesize[0] + (long)left * bytes;
            fetched->data[1] += (long)top / 2 * fetched->linesize[1] + (long)left * bytes;
            fetched->width -= (int)left;
            fetched->height -= (int)top;
        }
        ffmpeg.av_frame_unref(picture);
        ffmpeg.av_frame_move_ref(picture, fetched);
    }

    /// <summary>What a frame's format is once it has been brought to the host.</summary>
    public static PixelFormat HostFormat(PixelFormat format) => format == PixelFormat.P010 ? PixelFormat.I420P10 : format;

    /// <summary>Throws where the device does nothing any more, so that a stream does not go on as one of damaged pictures.</summary>
    /// <exception cref="CudaDeviceException">The device is lost.</exception>
    public void RequireDevice() => _ = _device.Memory;

    /// <summary>The frame's name of a picture's format; null where frames do not carry it.</summary>
    private static PixelFormat? FormatOf(AVFrame* picture)
    {
        if (picture->hw_frames_ctx == null) return null;
        AVPixelFormat format = ((AVHWFramesContext*)picture->hw_frames_ctx->data)->sw_format;
        return format == AVPixelFormat.AV_PIX_FMT_NV12 ? PixelFormat.Nv12 : format == FFmpegCompat.P010 ? PixelFormat.P010 : null;
    }

    private static DeviceCodec? CodecOf(AVCodecID id) => id switch
    {
        AVCodecID.AV_CODEC_ID_MPEG1VIDEO => DeviceCodec.Mpeg1,
        AVCodecID.AV_CODEC_ID_MPEG2VIDEO => DeviceCodec.Mpeg2,
        AVCodecID.AV_CODEC_ID_MPEG4 => DeviceCodec.Mpeg4,
        AVCodecID.AV_CODEC_ID_H264 => DeviceCodec.H264,
        AVCodecID.AV_CODEC_ID_HEVC => DeviceCodec.Hevc,
        AVCodecID.AV_CODEC_ID_VP8 => DeviceCodec.Vp8,
        AVCodecID.AV_CODEC_ID_VP9 => DeviceCodec.Vp9,
        _ => FFmpegCompat.IsAv1(id) ? DeviceCodec.Av1 : null,
    };

    /// <summary>FFmpeg's decoder that can hand a codec's work to a GPU; null where there is none.</summary>
    private static AVCodec* DecoderFor(AVCodecID id)
    {
        // For AV1 others come first, which decode on the processor only.
        AVCodec* decoder = FFmpegCompat.IsAv1(id) ? ffmpeg.avcodec_find_decoder_by_name("av1") : ffmpeg.avcodec_find_decoder(id);
        if (decoder == null) return null;
        for (int i = 0; ffmpeg.avcodec_get_hw_config(decoder, i) is var way && way != null; i++)
        {
            if (way->device_type == AVHWDeviceType.AV_HWDEVICE_TYPE_CUDA && (way->methods & ByDeviceContext) != 0) return decoder;
        }
        return null;
    }

    /// <summary>
    /// FFmpeg asks when it knows what a stream is, and again without what it could not start. Called inside a decoder, so nothing may
    /// leave it.
    /// </summary>
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static AVPixelFormat ChooseFormat(AVCodecContext* context, AVPixelFormat* offered)
    {
        HardwareDecoding decoding = (HardwareDecoding)GCHandle.FromIntPtr((nint)context->opaque).Target!;
        AVPixelFormat host = AVPixelFormat.AV_PIX_FMT_NONE;
        for (; *offered != AVPixelFormat.AV_PIX_FMT_NONE; offered++)
        {
            if (*offered == AVPixelFormat.AV_PIX_FMT_CUDA && decoding.TryPrepare(context)) return *offered;
            AVPixFmtDescriptor* format = ffmpeg.av_pix_fmt_desc_get(*offered);
            if (host == AVPixelFormat.AV_PIX_FMT_NONE && format != null && (format->flags & ffmpeg.AV_PIX_FMT_FLAG_HWACCEL) == 0) host = *offered;
        }
        decoding.Refuse(context);
        return host;
    }

    /// <summary>Gives the decoder as many surfaces as it needs for itself and may hand out.</summary>
    private bool TryPrepare(AVCodecContext* context)
    {
        AVBufferRef* surfaces = null;
        if (ffmpeg.avcodec_get_hw_frames_parameters(context, context->hw_device_ctx, AVPixelFormat.AV_PIX_FMT_CUDA, &surfaces) < 0) return false;
        AVHWFramesContext* frames = (AVHWFramesContext*)surfaces->data;
        // One more is with this program between the decoder and its frame.
        int own = frames->initial_pool_size + 1;
        if (own <= MostSurfaces)
        {
            frames->initial_pool_size = Math.Min(MostSurfaces, own + _underWay);
            int spare = frames->initial_pool_size - own;
            if (ffmpeg.av_hwframe_ctx_init(surfaces) >= 0)
            {
                _frames.MostLeased = spare;
                AVBufferRef* before = context->hw_frames_ctx;
                ffmpeg.av_buffer_unref(&before);
                context->hw_frames_ctx = surfaces;
                return true;
            }
        }
        ffmpeg.av_buffer_unref(&surfaces);
        return false;
    }

    private void Refuse(AVCodecContext* context)
    {
        string name = ffmpeg.avcodec_get_name(context->codec_id);
        if (_told) return;
        Refusal ??= _limits.Fit(context->width, context->height)
            ? $"the GPU's decoder refused it: this kind of {name}, too many decoders at the same time, or too little memory on the GPU"
            : Size(name, context->width, context->height, _limits);
    }

    private static string Size(string name, int width, int height, in DecoderLimits limits) =>
        $"the GPU's decoder takes {name} of {limits.MinimumWidth}x{limits.MinimumHeight} to {limits.Width}x{limits.Height}, not {width}x{height}";

    /// <summary>Frees what it has, after the decoder; frames that are out stay valid.</summary>
    public void Dispose()
    {
        _frames.Dispose();
        _fetched.Dispose();
        _context.Dispose();
        if (_self.IsAllocated) _self.Free();
    }
}
