using System.Diagnostics.CodeAnalysis;
using FFmpeg.AutoGen;
using Img2Pose.Frames;

namespace Img2Pose.Media;

/// <summary>Decodes the video of a container or filter graph on the caller's thread.</summary>
internal sealed unsafe partial class VideoStreamSource : IFrameSource
{
    // A file that fails this often in a row without a packet between will not recover.
    private const int MaxReadErrorsInARow = 256;

    // The widest samples in use, of line doubling and anamorphic film together, are below 5.
    private const double MostAspect = 32;

    // Frames that the pipeline's stages and channels hold together, and copies that are drawn on; the last are a deinterlacer's three
    // and the one that it makes.
    private const int FramesUnderWay = 18;

    private readonly string _name;
    private readonly SourceOptions _options;
    private readonly InputHandle _input;
    private readonly AVStream* _stream;
    private CodecHandle _decoder;
    private readonly PacketHandle _packet = new();
    private readonly FrameHandle _picture = new();
    private readonly FrameHandle _waiting = new();
    private readonly FrameShaper _shaper = new();
    private readonly PictureOrientation _streamOrientation;
    private readonly PictureClock _clock;
    private readonly ClockJumps? _jumps;
    private Deinterlacer? _deinterlacer;
    private readonly long _expectedPackets;
    private readonly ReadInterrupt _interrupt;
    private readonly Lock _use = new();
    private PacketQueue? _sound;
    private bool _soundTaken;
    private Rational _aspect = Rational.One;
    private VideoFrame? _first;
    private bool _reading = true;
    private bool _ended;
    private volatile bool _disposed;
    private long _index;
    private long _firstIndex;
    private long _packets;
    private long _packetsEnd;
    private int _readErrors;
    private int _readErrorsInARow;

    private VideoStreamSource(string name, InputHandle input, ReadInterrupt interrupt, SourceOptions options)
    {
        _name = name;
        _options = options;
        _input = input;
        _interrupt = interrupt;
        _sound = new PacketQueue(options.Limits.MaxQueuedBytes);
        try
        {
            _stream = Demuxer.FindVideo(_input.Pointer, name, options.Limits, out AVCodec* codec);
            _decoder = OpenFirstDecoder(codec);
            SelectStreams();
            _streamOrientation = StreamOrientation();
            _clock = new PictureClock(_input.Pointer, _stream, options);
            if ((_input.Pointer->iformat->flags & ffmpeg.AVFMT_TS_DISCONT) != 0) _jumps = new ClockJumps(_input.Pointer);
            bool partial = options.Start is not null || options.Duration is not null;
            _expectedPackets = partial ? 0 : _stream->nb_frames;
            _clock.Seek(_input.Pointer, name);
            if (!TryDecode(out _first))
            {
                if (interrupt.IsCancelled) throw new OperationCanceledException(options.Cancellation);
                throw new InputException(_packets > 0 && _clock.SkippedAny
                    ? $"{name}: it ends before {options.Start}"
                    : $"{name}: no picture of it can be decoded");
            }
            Info = Describe(_first, ffmpeg.avcodec_get_name(codec->id));
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Opens a video; the source owns <paramref name="bytes"/> from then on, whether it opens or not.</summary>
    public static VideoStreamSource Open(ByteInput bytes, ReadInterrupt interrupt, SourceOptions options) =>
        new(bytes.Name, Demuxer.Open(bytes, interrupt, options.Limits), interrupt, options);

    /// <summary>Reads a recording on a server whose container has been opened; the source owns it from then on, whether this throws or not.</summary>
    public static VideoStreamSource OpenRemote(string name, InputHandle input, ReadInterrupt interrupt, SourceOptions options) =>
        new(name, input, interrupt, options);

    public static VideoStreamSource OpenGraph(string name, string graph, SourceOptions options)
    {
        if (graph.Length == 0) throw new UsageException("lavfi: needs a filter graph, for example lavfi:testsrc=duration=5");
        ReadInterrupt interrupt = new(options.Cancellation);
        return new VideoStreamSource(name, Demuxer.OpenGraph(graph, name, interrupt, options.Limits), interrupt, options);
    }

    public SourceInfo Info { get; }

    /// <inheritdoc/>
    public bool EndedEarly { get; private set; }

    public long DamagedFrames { get; private set; }

    /// <summary>The opened container, for an output that copies its sound and tags.</summary>
    internal AVFormatContext* Container => _input.Pointer;

    /// <summary>The video stream.</summary>
    internal AVStream* Stream => _stream;

    /// <summary>How it was mastered, where it is of high dynamic range and says so.</summary>
    internal HdrMetadata? Hdr { get; private set; }

    /// <summary>The presentation time, in seconds, before which sound is not wanted.</summary>
    internal double SoundStart => _clock.StartSeconds;

    /// <summary>The presentation time, in seconds, from which sound is not wanted.</summary>
    internal double SoundEnd => _clock.EndSeconds;

    /// <summary>
    /// The time, in seconds, that an output shows as zero: where reading starts, or where a container begins whose clock is
    /// arbitrary; else zero, so that times stay as they are.
    /// </summary>
    internal double OutputOrigin => _clock.OutputOrigin;

    /// <summary>
    /// The sound packets from the start on; to be called before the first <see cref="TryRead"/>. The caller disposes the queue.
    /// Where nobody calls, they are dropped.
    /// </summary>
    internal PacketQueue TakeSound()
    {
        if (_sound is null || _soundTaken) throw new InvalidOperationException("The sound of a source is taken once, before the first frame is read.");
        _soundTaken = true;
        return _sound;
    }

    public bool TryRead([NotNullWhen(true)] out VideoFrame? frame)
    {
        // Disposal waits here for a read under way, which it interrupts.
        lock (_use)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            return TryReadAlone(out frame);
        }
    }

    private bool TryReadAlone([NotNullWhen(true)] out VideoFrame? frame)
    {
        if (!_soundTaken)
        {
            _sound?.Dispose();
            _sound = null;
        }
        if (_first is not null)
        {
            frame = _first;
            _first = null;
            return true;
        }
        return TryDecode(out frame);
    }

    private bool TryDecode([NotNullWhen(true)] out VideoFrame? frame)
    {
        frame = null;
        AVFrame* picture = _picture.Pointer;
        while (true)
        {
            if (_interrupt.IsDue) return false;
            if (_deinterlacer?.TryReceive(picture, out PictureTime shown) == true)
            {
                frame = Shape(picture, shown);
                return true;
            }
            if (_ended) return false;
            int status = ffmpeg.avcodec_receive_frame(_decoder.Pointer, picture);
            if (status == ffmpeg.AVERROR_EOF)
            {
                End();
                continue;
            }
            if (status == FFmpegRuntime.TryAgain)
            {
                if (_reading) ReadPacket();
                // A decoder that still asks for data after its end has no more to give.
                else End();
                continue;
            }
            if (status < 0)
            {
                Damaged();
                continue;
            }

            long ticks = _clock.Next(picture);
            if (_clock.IsBeforeStart(ticks))
            {
                ffmpeg.av_frame_unref(picture);
                continue;
            }
            if (_clock.IsPastEnd(ticks))
            {
                ffmpeg.av_frame_unref(picture);
                _deinterlacer?.Flush();
                _ended = true;
                continue;
            }
            // What a seek into the middle left undecodable is not damage.
            if (_index == 0 && _deinterlacer is not { HoldsPictures: true } && _options.Start is not null) DamagedFrames = 0;
            if ((picture->flags & ffmpeg.AV_FRAME_FLAG_CORRUPT) != 0 || picture->decode_error_flags != 0) DamagedFrames++;
            PictureTime time = new(ticks, FFmpegCompat.Duration(picture));
            if (!MustDeinterlace(picture))
            {
                frame = Shape(picture, time);
                return true;
            }
            if ((AVPixelFormat)picture->format == AVPixelFormat.AV_PIX_FMT_CUDA) _hardware!.Fetch(picture, _name);
            if (_deinterlacer!.Fits(picture))
            {
                _deinterlacer.Send(picture, time);
                continue;
            }
            // Of another size than those before: the last of them comes out first.
            _deinterlacer.Flush();
            bool last = _deinterlacer.TryReceive(_waiting.Pointer, out PictureTime before);
            _deinterlacer.Send(picture, time);
            if (!last) continue;
            frame = Shape(_waiting.Pointer, before);
            return true;
        }
    }

    /// <summary>Whether a picture goes through the deinterlacer; from the first interlaced one on all do, so that they stay in order.</summary>
    private bool MustDeinterlace(AVFrame* picture)
    {
        if (!_options.Deinterlace) return false;
        if (_deinterlacer is not null) return true;
        if (FFmpegCompat.Fields(picture) == FieldOrder.Progressive) return false;
        _deinterlacer = new Deinterlacer(_name, _decoder.Pointer->thread_count);
        _options.Warning?.Invoke($"{_name}: it is interlaced, and is deinterlaced; --deinterlace off leaves it as it is");
        return true;
    }

    private VideoFrame Shape(AVFrame* picture, PictureTime time)
    {
        PictureOrientation orientation = Orientation(picture);
        if (_index == 0) _aspect = SampleAspectRatio(picture, orientation);
        if (_index == 0) Hdr = HdrMetadata.Read(picture, _stream);
        VideoFrame frame = _shaper.Shape(picture, orientation, _name);
        frame.PresentationTicks = time.Ticks;
        frame.PresentationTime = time.Ticks * _clock.TimeBase.Value;
        frame.DurationTicks = time.Duration;
        if (_index == 0) _firstIndex = _clock.FrameNumber(time.Ticks);
        frame.Index = _firstIndex + _index++;
        (frame.DisplayWidth, frame.DisplayHeight) = DisplaySize(frame.Width, frame.Height, _aspect);
        return frame;
    }

    /// <summary>Reads on until the decoder has got a packet of the video, or the end.</summary>
    private void ReadPacket()
    {
        AVPacket* packet = _packet.Pointer;
        int status = ffmpeg.av_read_frame(_input.Pointer, packet);
        if (status < 0)
        {
            if (status == FFmpegRuntime.TryAgain) return;
            if (status != ffmpeg.AVERROR_EOF)
            {
                _readErrors++;
                if (++_readErrorsInARow < MaxReadErrorsInARow) return;
            }
            _reading = false;
            _ = ffmpeg.avcodec_send_packet(_decoder.Pointer, null);
            return;
        }
        _readErrorsInARow = 0;
        _jumps?.Continue(packet);
        if (packet->stream_index != _stream->index)
        {
            if (_sound is not null) _sound.Enqueue(packet);
            else ffmpeg.av_packet_unref(packet);
            return;
        }
        _packets++;
        if (packet->dts != ffmpeg.AV_NOPTS_VALUE) _packetsEnd = packet->dts + Math.Max(packet->duration, 1);
        status = ffmpeg.avcodec_send_packet(_decoder.Pointer, packet);
        if (_hardware?.Refusal is { } why) status = LeaveHardware(why, packet, status);
        ffmpeg.av_packet_unref(packet);
        // Full is not possible here: frames are taken out until the decoder asks for more.
        if (status < 0 && status != ffmpeg.AVERROR_EOF) Damaged();
    }

    private void End()
    {
        _ended = true;
        _deinterlacer?.Flush();
        long missing = Math.Max(0, _expectedPackets - _packets);
        // AVI counts empty packets, too, which stand for one more display of the picture before; its times tell what was there.
        if (_stream->duration > 0 && _packetsEnd >= Math.Max(_stream->start_time, 0) + _stream->duration) missing = 0;
        long lost = _expectedPackets > 0 ? missing : _readErrors;
        DamagedFrames += lost;
        EndedEarly = missing > 0;
        if (missing > 0) _options.Warning?.Invoke($"{_name}: it ends early: {missing} of {_expectedPackets} pictures are missing");
        else if (lost > 0) _options.Warning?.Invoke($"{_name}: {lost} parts of it cannot be read");
        if (missing == 0) CheckLength();
    }

    /// <summary>Says so when the file is shorter than its outermost elements are.</summary>
    private void CheckLength()
    {
        if (_input.Bytes is not { IsSeekable: true, Length: { } length } bytes || bytes.Name == SourceNames.StandardInputShown) return;
        try
        {
            using FileStream file = new(FileNames.Open(bytes.Name), FileAccess.Read);
            long expected = ContainerEnd.ExpectedBytes(file) ?? 0;
            long there = bytes.BecameShorter ? file.Length : length;
            expected = Math.Max(expected, bytes.BecameShorter ? length : 0);
            if (expected <= there) return;
            EndedEarly = true;
            DamagedFrames++;
            _options.Warning?.Invoke($"{_name}: it ends early: {expected - there} of {expected} bytes are missing");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InputException)
        {
            // It was there when it was opened; what has become of it since is not this video's end.
        }
    }

    private CodecHandle OpenDecoder(AVCodec* codec, HardwareDecoding? hardware)
    {
        CodecHandle decoder = new(codec);
        try
        {
            AVCodecContext* context = decoder.Pointer;
            FFmpegRuntime.CheckInput(ffmpeg.avcodec_parameters_to_context(context, _stream->codecpar), _name, "its video cannot be understood");
            context->pkt_timebase = _stream->time_base;
            DecoderMemory memory = DecoderMemory.Of(_stream->codecpar, FramesUnderWay / 2 + 1, _options);
            context->thread_count = FitThreads(memory, _options.DecoderThreads > 0 ? _options.DecoderThreads : Environment.ProcessorCount);
            context->thread_type = ffmpeg.FF_THREAD_FRAME | ffmpeg.FF_THREAD_SLICE;
            context->max_pixels = memory.MostPixels;
            hardware?.Configure(context);
            FFmpegRuntime.CheckInput(ffmpeg.avcodec_open2(context, codec, null), _name, "its video decoder does not start");
            return decoder;
        }
        catch
        {
            decoder.Dispose();
            throw;
        }
    }

    /// <summary>
    /// The number of decoder threads, each of which holds a picture, that the memory budget has room for.
    /// </summary>
    private int FitThreads(DecoderMemory memory, int wanted)
    {
        _options.Memory.Check(_name, $"its pictures of {_stream->codecpar->width}x{_stream->codecpar->height}", memory.Bytes);
        long room = _options.Memory.Bytes / Math.Max(memory.Picture, 1) - (memory.Pictures + FramesUnderWay / 2 - 1);
        return (int)Math.Clamp(room, 1, wanted);
    }

    /// <summary>Only the video, sound and subtitles are read; the rest is skipped by the demuxer.</summary>
    private void SelectStreams()
    {
        AVFormatContext* container = _input.Pointer;
        for (uint i = 0; i < container->nb_streams; i++)
        {
            AVStream* stream = container->streams[i];
            bool wanted = stream == _stream || stream->codecpar->codec_type is AVMediaType.AVMEDIA_TYPE_AUDIO or AVMediaType.AVMEDIA_TYPE_SUBTITLE;
            stream->discard = wanted ? AVDiscard.AVDISCARD_DEFAULT : AVDiscard.AVDISCARD_ALL;
        }
    }

    private PictureOrientation StreamOrientation()
    {
        byte* matrix = FFmpegCompat.SideData(_stream, AVPacketSideDataType.AV_PKT_DATA_DISPLAYMATRIX, DisplayMatrix.Size);
        return matrix == null ? PictureOrientation.Upright : DisplayMatrix.ToOrientation((int*)matrix);
    }

    private PictureOrientation Orientation(AVFrame* picture)
    {
        AVFrameSideData* side = ffmpeg.av_frame_get_side_data(picture, AVFrameSideDataType.AV_FRAME_DATA_DISPLAYMATRIX);
        return side == null || side->size < DisplayMatrix.Size ? _streamOrientation : DisplayMatrix.ToOrientation((int*)side->data);
    }

    private Rational SampleAspectRatio(AVFrame* picture, PictureOrientation orientation)
    {
        AVRational ratio = ffmpeg.av_guess_sample_aspect_ratio(_input.Pointer, _stream, picture);
        Rational stored = new(ratio.num, ratio.den);
        if (!stored.IsPositive) return Rational.One;
        if (stored.Value is > MostAspect or < 1 / MostAspect)
        {
            _options.Warning?.Invoke($"{_name}: samples of {ratio.num}:{ratio.den} are taken as square, as no picture has them");
            return Rational.One;
        }
        return orientation.SwapsSides() ? stored.Invert() : stored;
    }

    /// <summary>Square pixels as a viewer shows them; the side that grows is the one whose samples are longer.</summary>
    internal static (int Width, int Height) DisplaySize(int width, int height, Rational aspect) => aspect.Numerator >= aspect.Denominator
        ? ((int)Math.Round(width * aspect.Value), height)
        : (width, (int)Math.Round(height / aspect.Value));

    private SourceInfo Describe(VideoFrame first, string codec)
    {
        AVFormatContext* container = _input.Pointer;
        bool sound = false;
        for (uint i = 0; i < container->nb_streams; i++)
            sound |= container->streams[i]->codecpar->codec_type == AVMediaType.AVMEDIA_TYPE_AUDIO;
        double? duration = container->duration > 0 ? container->duration / (double)ffmpeg.AV_TIME_BASE : null;
        if (duration is { } all)
        {
            double rest = Math.Max(0, all - (_options.Start ?? TimeSpan.Zero).TotalSeconds);
            duration = _options.Duration is { } wanted ? Math.Min(rest, wanted.TotalSeconds) : rest;
        }
        return new SourceInfo
        {
            Name = SourceNames.Mask(_name),
            Width = first.DisplayWidth,
            Height = first.DisplayHeight,
            CodedWidth = first.Width,
            CodedHeight = first.Height,
            SampleAspectRatio = _aspect,
            Format = HardwareDecoding.HostFormat(first.Format),
            Color = first.Color,
            Fields = first.Fields,
            FramesPerSecond = _clock.FramesPerSecond,
            FrameCount = _expectedPackets > 0 ? _expectedPackets : null,
            Duration = duration,
            TimeBase = _clock.TimeBase,
            HasAudio = sound,
            Codec = codec,
        };
    }

    public void Dispose()
    {
        _interrupt.End();
        lock (_use)
        {
            if (_disposed) return;
            _disposed = true;
            Free();
        }
    }

    private void Free()
    {
        _first?.Dispose();
        _first = null;
        _ended = true;
        if (!_soundTaken) _sound?.Dispose();
        _shaper.Dispose();
        _deinterlacer?.Dispose();
        _picture.Dispose();
        _waiting.Dispose();
        _packet.Dispose();
        _decoder?.Dispose();
        _hardware?.Dispose();
        _input.Dispose();
    }
}
