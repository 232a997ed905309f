using FFmpeg.AutoGen;
using Img2Pose.Frames;

namespace Img2Pose.Media;

/// <summary>The shape that every frame of a live source has: that of its first one.</summary>
internal readonly record struct LiveShape(PixelFormat Format, int Width, int Height, Rational Aspect);

/// <summary>
/// Decodes the packets of a live stream one by one, without a picture of delay, into frames of one shape. Times of packets and pictures
/// are microseconds. One thread; frames are disposed on any.
/// </summary>
internal sealed unsafe class LiveDecoder : IDisposable
{
    private const double MostAspect = 32;

    // A live session holds the newest picture at each of its few links, and a copy that is drawn on; the last are a deinterlacer's three
    // and the one that it makes.
    private const int FramesUnderWay = 12;

    private readonly string _name;
    private readonly SourceOptions _options;
    private readonly AVFormatContext* _container;
    private readonly FrameHandle _picture = new();
    private readonly FrameShaper _shaper;
    private LiveShape? _shape;
    private AVStream* _stream;
    private CodecHandle? _decoder;
    private HardwareDecoding? _hardware;
    private PictureOrientation _streamOrientation = PictureOrientation.Upright;
    private (int Width, int Height) _size;
    private bool _hasEndMarks;
    private Deinterlacer? _deinterlacer;

    /// <summary>Makes a decoder without a stream; the name is the source's, for messages.</summary>
    public LiveDecoder(AVFormatContext* container, string name, SourceOptions options, LiveShape? shape)
    {
        _name = name;
        _container = container;
        (_options, _shape) = (options, shape);
        _shaper = shape is { } known ? new FrameShaper(known.Format, known.Width, known.Height) : new FrameShaper();
    }

    /// <summary>Pictures that could not be decoded, or only with concealed parts.</summary>
    public long Damaged { get; private set; }

    /// <summary>The codec that is decoded.</summary>
    public AVCodecID CodecId { get; private set; }

    /// <summary>FFmpeg's name of the codec.</summary>
    public string Codec => ffmpeg.avcodec_get_name(CodecId);

    /// <summary>The stream that is decoded.</summary>
    public int StreamIndex => _stream->index;

    /// <summary>Width and height of the last picture as it was coded; (0, 0) before the first.</summary>
    public (int Width, int Height) Size => _size;

    /// <summary>The shape of the frames, once there was one.</summary>
    public LiveShape? Shape => _shape;

    /// <summary>Starts to decode a stream; one that was decoded before is left.</summary>
    /// <exception cref="LiveFailureException">There is no decoder for it.</exception>
    public void Select(AVStream* stream)
    {
        AVCodecID id = stream->codecpar->codec_id;
        AVCodec* codec = ffmpeg.avcodec_find_decoder(id);
        if (codec == null)
            throw new LiveFailureException(LiveFailureKind.Incurable, $"this FFmpeg has no decoder for {ffmpeg.avcodec_get_name(id)}");
        DecoderMemory memory = DecoderMemory.Of(stream->codecpar, FramesUnderWay, _options);
        if (_options.Memory.Excess($"its pictures of {stream->codecpar->width}x{stream->codecpar->height}", memory.Bytes) is { } excess)
            throw new LiveFailureException(LiveFailureKind.Incurable, excess);
        HardwareDecoding? hardware = null;
        if (_options.Cuda is { } device && !IsRaw(id))
        {
            hardware = HardwareDecoding.TryCreate(device, stream->codecpar, FramesUnderWay, out string why);
            if (hardware is null) Tell(why);
        }
        Open(stream, hardware is null ? codec : hardware.Codec, memory, hardware);
        byte* matrix = FFmpegCompat.SideData(stream, AVPacketSideDataType.AV_PKT_DATA_DISPLAYMATRIX, DisplayMatrix.Size);
        _streamOrientation = matrix == null ? PictureOrientation.Upright : DisplayMatrix.ToOrientation((int*)matrix);
    }

    private static bool IsRaw(AVCodecID id) => id is AVCodecID.AV_CODEC_ID_RAWVIDEO or AVCodecID.AV_CODEC_ID_WRAPPED_AVFRAME or AVCodecID.AV_CODEC_ID_MJPEG;

    // Told at the first connection, and not again by each that follows it.
    private void Tell(string why)
    {
        if (_shape is null) _options.Warning?.Invoke($"{_name}: decoded by the processor: {why}");
    }

    private void Open(AVStream* stream, AVCodec* codec, in DecoderMemory memory, HardwareDecoding? hardware)
    {
        CodecHandle decoder = new(codec);
        try
        {
            AVCodecContext* context = decoder.Pointer;
            Check(ffmpeg.avcodec_parameters_to_context(context, stream->codecpar), "its video cannot be understood");
            context->pkt_timebase = new AVRational { num = 1, den = ffmpeg.AV_TIME_BASE };
            // A thread a frame would be a frame of delay each; parts of one picture at a time cost none.
            context->thread_count = Math.Max(1, _options.DecoderThreads > 0 ? _options.DecoderThreads : Math.Min(4, Environment.ProcessorCount));
            context->thread_type = ffmpeg.FF_THREAD_SLICE;
            // After a loss pictures with patched parts come, and not none until the next key picture.
            context->flags |= ffmpeg.AV_CODEC_FLAG_LOW_DELAY | ffmpeg.AV_CODEC_FLAG_OUTPUT_CORRUPT;
            context->max_pixels = memory.MostPixels;
            hardware?.Configure(context);
            Check(ffmpeg.avcodec_open2(context, codec, null), "its video decoder does not start");
        }
        catch
        {
            decoder.Dispose();
            hardware?.Dispose();
            throw;
        }
        _decoder?.Dispose();
        _hardware?.Dispose();
        _stream = stream;
        (_decoder, CodecId) = (decoder, stream->codecpar->codec_id);
        _shaper.Hardware = _hardware = hardware;
    }

    /// <summary>Gives a packet to the decoder; what it makes of it comes out of <see cref="TryReceive"/> until that has no more.</summary>
    public void Send(AVPacket* packet)
    {
        if (IsTorn(packet))
        {
            Damaged++;
            return;
        }
        int status = ffmpeg.avcodec_send_packet(_decoder!.Pointer, packet);
        if (_hardware?.Refusal is { } why) status = LeaveHardware(why, packet, status);
        if (status < 0 && status != ffmpeg.AVERROR_EOF && status != FFmpegRuntime.TryAgain) CountDamage();
    }

    /// <summary>The GPU has refused the stream; where it has given nothing yet, a decoder of the processor's begins anew.</summary>
    private int LeaveHardware(string why, AVPacket* packet, int status)
    {
        Tell(why);
        if (_hardware!.GaveAny && _hardware.GoesOnAlone)
        {
            _hardware.Told();
            return status;
        }
        Open(_stream, ffmpeg.avcodec_find_decoder(CodecId), DecoderMemory.Of(_stream->codecpar, FramesUnderWay, _options), null);
        return ffmpeg.avcodec_send_packet(_decoder!.Pointer, packet);
    }

    /// <summary>Counts a picture that could not be decoded; a device that is gone is no damage.</summary>
    /// <exception cref="Img2Pose.Cuda.CudaDeviceException">The device is lost.</exception>
    private void CountDamage()
    {
        _hardware?.RequireDevice();
        Damaged++;
    }

    /// <summary>
    /// Whether a JPEG of a camera is cut off, which FFmpeg decodes without a word, half grey: its end mark is missing, and earlier pictures
    /// had theirs. Some cameras never write it.
    /// </summary>
    private bool IsTorn(AVPacket* packet)
    {
        if (CodecId != AVCodecID.AV_CODEC_ID_MJPEG || packet == null || packet->data == null || packet->size < 2) return false;
        // Cameras may fill up the rest of a buffer.
        ReadOnlySpan<byte> data = new ReadOnlySpan<byte>(packet->data, packet->size).TrimEnd((byte)0);
        bool ends = data.EndsWith((ReadOnlySpan<byte>)[0xFF, 0xD9]);
        _hasEndMarks |= ends;
        return !ends && _hasEndMarks;
    }

    /// <summary>The next picture, its presentation time set in seconds; null where the decoder wants another packet.</summary>
    public VideoFrame? TryReceive()
    {
        AVFrame* picture = _picture.Pointer;
        PictureTime shown = default;
        while (_deinterlacer?.TryReceive(picture, out shown) != true)
        {
            int status = ffmpeg.avcodec_receive_frame(_decoder!.Pointer, picture);
            if (status == FFmpegRuntime.TryAgain || status == ffmpeg.AVERROR_EOF) return null;
            if (status < 0)
            {
                CountDamage();
                continue;
            }
            if ((picture->flags & ffmpeg.AV_FRAME_FLAG_CORRUPT) != 0 || picture->decode_error_flags != 0) Damaged++;
            shown = new PictureTime(picture->best_effort_timestamp, 0);
            if (!MustDeinterlace(picture)) break;
            if ((AVPixelFormat)picture->format == AVPixelFormat.AV_PIX_FMT_CUDA) _hardware!.Fetch(picture, _name);
            // Of another size than those before: the last of them is not waited for.
            _deinterlacer!.Send(picture, shown);
        }
        return FrameOf(picture, shown.Ticks);
    }

    /// <summary>Whether a picture goes through the deinterlacer; from the first interlaced one on all do, so that they stay in order.</summary>
    private bool MustDeinterlace(AVFrame* picture)
    {
        if (!_options.Deinterlace) return false;
        if (_deinterlacer is not null) return true;
        if (FFmpegCompat.Fields(picture) == FieldOrder.Progressive) return false;
        _deinterlacer = new Deinterlacer(_name, _decoder!.Pointer->thread_count);
        _options.Warning?.Invoke($"{_name}: it is interlaced, and is deinterlaced, a picture later; --deinterlace off leaves it as it is");
        return true;
    }

    private VideoFrame FrameOf(AVFrame* picture, long time)
    {
        AVFrameSideData* side = ffmpeg.av_frame_get_side_data(picture, AVFrameSideDataType.AV_FRAME_DATA_DISPLAYMATRIX);
        PictureOrientation orientation = side == null || side->size < DisplayMatrix.Size
            ? _streamOrientation : DisplayMatrix.ToOrientation((int*)side->data);
        _size = (picture->width, picture->height);
        Rational aspect = _shape?.Aspect ?? AspectOf(picture, orientation);
        VideoFrame frame = _shaper.Shape(picture, orientation, _name);
        _shape ??= new LiveShape(_shaper.Format, frame.Width, frame.Height, aspect);
        (frame.DisplayWidth, frame.DisplayHeight) = VideoStreamSource.DisplaySize(frame.Width, frame.Height, aspect);
        frame.PresentationTime = time == ffmpeg.AV_NOPTS_VALUE ? null : time / (double)ffmpeg.AV_TIME_BASE;
        return frame;
    }

    private Rational AspectOf(AVFrame* picture, PictureOrientation orientation)
    {
        AVRational ratio = ffmpeg.av_guess_sample_aspect_ratio(_container, _stream, picture);
        Rational stored = new(ratio.num, ratio.den);
        if (!stored.IsPositive || stored.Value is > MostAspect or < 1 / MostAspect) return Rational.One;
        return orientation.SwapsSides() ? stored.Invert() : stored;
    }

    private static void Check(int status, string what)
    {
        if (status < 0) throw new LiveFailureException(LiveFailureKind.Incurable, $"{what}: {FFmpegRuntime.Describe(status)}");
    }

    /// <summary>Frees the decoder; frames that are out stay valid.</summary>
    public void Dispose()
    {
        _decoder?.Dispose();
        _hardware?.Dispose();
        _deinterlacer?.Dispose();
        _picture.Dispose();
        _shaper.Dispose();
    }
}
