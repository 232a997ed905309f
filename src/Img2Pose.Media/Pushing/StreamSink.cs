using System.Diagnostics;
using FFmpeg.AutoGen;
using Img2Pose.Frames;

namespace Img2Pose.Media;

/// <summary>
/// Encodes frames for whoever watches them now: no picture waits in the encoder or the container, a new viewer has a picture within a
/// second, and a peer that takes nothing is given up. Sound of a source that has it goes along as it is, where the container takes it.
/// </summary>
internal sealed unsafe class StreamSink : IVideoOutput
{
    /// <summary>How long a server may take to answer, and a peer to take a packet.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);

    /// <summary>How long what is under way may take once the session stops.</summary>
    private static readonly TimeSpan s_ending = TimeSpan.FromMilliseconds(400);

    private static readonly Rational s_timeBase = new(1, 90_000);

    private readonly StreamTarget _target;
    private readonly ReadInterrupt _interrupt = new(CancellationToken.None);
    private readonly OutputHandle _output;
    private readonly CodecHandle _encoder;
    private readonly EncoderInput _input;
    private readonly DeviceEncoding? _device;
    private readonly FrameHandle _picture = new();
    private readonly PacketHandle _packet = new();
    private readonly AVStream* _stream;
    private readonly long _frameTicks;
    private readonly LiveSound? _sound;
    private readonly PacketHandle _soundPacket = new();
    private AVStream* _soundStream;
    private long _lastSound = long.MinValue;
    private bool _soundWaits;
    private long _origin = long.MinValue;
    private long _lastTicks = -1;
    private volatile bool _ending;
    private bool _headerWritten;
    private bool _disposed;

    public StreamSink(StreamTarget target, IFrameSource source, VideoWriterOptions options)
    {
        _ = FFmpegRuntime.EnsureLoaded();
        _target = target;
        SourceInfo info = source.Info;
        double rate = info.FramesPerSecond is > 0 and <= 1000 ? info.FramesPerSecond.Value : 25;
        _frameTicks = Math.Max(1, (long)Math.Round(1 / (rate * s_timeBase.Value)));
        bool rgb = info.Format == PixelFormat.Rgb24;
        EncoderPicture picture = new((info.CodedWidth + 1) / 2 * 2, (info.CodedHeight + 1) / 2 * 2, info.Format,
            info.SampleAspectRatio, s_timeBase, rate, ColorTags.Of(info.Color, rgb));
        if (target.IsDevice) ffmpeg.avdevice_register_all();
        AVFormatContext* output = null;
        int status = ffmpeg.avformat_alloc_output_context2(&output, null, target.Format, target.Address);
        FFmpegRuntime.CheckOutput(status, target.Name, $"this FFmpeg does not write {target.Format}");
        _output = new OutputHandle(output);
        try
        {
            output->interrupt_callback = _interrupt.Callback;
            output->flags |= ffmpeg.AVFMT_FLAG_FLUSH_PACKETS;
            bool globalHeader = (output->oformat->flags & ffmpeg.AVFMT_GLOBALHEADER) != 0;
            _encoder = target.IsDevice
                ? EncoderSelection.OpenRaw(target.Name, picture, out EncoderPicture wanted)
                : EncoderSelection.Open(target.Name, options with { LowLatency = true }, picture, globalHeader, out wanted, out _device);
            EncoderName = FFmpegRuntime.Text(_encoder.Pointer->codec->name) ?? "";
            _input = new EncoderInput(wanted, info.CodedWidth, info.CodedHeight);
            _stream = ffmpeg.avformat_new_stream(output, null);
            if (_stream == null) throw new InsufficientMemoryException("FFmpeg is out of memory.");
            FFmpegRuntime.CheckOutput(
                ffmpeg.avcodec_parameters_from_context(_stream->codecpar, _encoder.Pointer), target.Name, "its video cannot be set up");
            _stream->time_base = new AVRational { num = s_timeBase.Numerator, den = s_timeBase.Denominator };
            _stream->avg_frame_rate = EncoderSelection.ToRate(rate);
            _stream->sample_aspect_ratio = _encoder.Pointer->sample_aspect_ratio;
            if (options.CopySound && (source as ISoundSource)?.Sound is { } sound && AddSound(output, sound, options.Warning)) _sound = sound;
            Connect(output, options.Stop);
        }
        catch
        {
            _headerWritten = false;
            Dispose();
            throw;
        }
    }

    public string EncoderName { get; } = "";

    public bool TakesDevice => _device is not null;

    /// <summary>The container's own settings.</summary>
    internal static IEnumerable<(string Key, string Value)> Settings(StreamTarget target) => target.Format switch
    {
        // TCP passes firewalls and loses nothing; what arrives late is the encoder's business.
        "rtsp" => [("rtsp_transport", "tcp")],
        // The header of a stream has no length and no index to fill in at its end.
        "flv" => [("flvflags", "no_duration_filesize")],
        // Tables often enough that a player that joins need not wait for them.
        "mpegts" => [("mpegts_flags", "resend_headers"), ("pat_period", "0.2")],
        _ => [],
    };

    public void Write(VideoFrame frame)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        AVFrame* picture = _picture.Pointer;
        if (_device is null) _input.Fill(picture, frame);
        else _device.Fill(picture, frame, _input, _target.Name);
        try
        {
            picture->pts = Ticks(frame);
            picture->sample_aspect_ratio = _encoder.Pointer->sample_aspect_ratio;
            picture->color_range = _encoder.Pointer->color_range;
            picture->color_primaries = _encoder.Pointer->color_primaries;
            picture->color_trc = _encoder.Pointer->color_trc;
            picture->colorspace = _encoder.Pointer->colorspace;
            Check(ffmpeg.avcodec_send_frame(_encoder.Pointer, picture));
        }
        finally
        {
            ffmpeg.av_frame_unref(picture);
        }
        Drain();
        WriteSound(frame);
    }

    public void Complete()
    {
        if (!_headerWritten || _ending) return;
        Check(ffmpeg.avcodec_send_frame(_encoder.Pointer, null));
        Drain();
        Allow();
        _headerWritten = false;
        // A peer that has gone by now has had every picture.
        _ = ffmpeg.av_write_trailer(_output.Pointer);
        _ = _output.CloseFile();
    }

    /// <summary>The session stops: what waits for the peer has half a second.</summary>
    public void Interrupt()
    {
        _ending = true;
        _interrupt.Allow(s_ending);
    }

    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        if (_headerWritten)
        {
            // Says goodbye where the peer still listens.
            _interrupt.Allow(s_ending);
            _ = ffmpeg.av_write_trailer(_output.Pointer);
        }
        _picture.Dispose();
        _packet.Dispose();
        _soundPacket.Dispose();
        _encoder?.Dispose();
        _device?.Dispose();
        _input?.Dispose();
        _output.Dispose();
        _interrupt.Free();
    }

    private bool AddSound(AVFormatContext* output, LiveSound sound, Action<string>? warn)
    {
        if (_target.IsDevice) return false;
        // A trial of RTSP would call the server.
        bool fits = _target.Format == "rtsp" ? FitsRtp(sound.Stream->codecpar) : ContainerTrial.Takes(output->oformat, sound.Stream);
        if (!fits)
        {
            warn?.Invoke($"{_target}: the sound ({ffmpeg.avcodec_get_name(sound.Stream->codecpar->codec_id)}) does not fit into {_target.Format} and is left out");
            return false;
        }
        _soundStream = ffmpeg.avformat_new_stream(output, null);
        if (_soundStream == null) throw new InsufficientMemoryException("FFmpeg is out of memory.");
        FFmpegRuntime.CheckOutput(ffmpeg.avcodec_parameters_copy(_soundStream->codecpar, sound.Stream->codecpar), _target.Name, "its sound cannot be set up");
        // The tag belongs to the source's container.
        _soundStream->codecpar->codec_tag = 0;
        _soundStream->time_base = sound.Stream->time_base;
        return true;
    }

    /// <summary>Whether there is a payload format for a sound; that of AAC is told by a header which transport streams do not have.</summary>
    private static bool FitsRtp(AVCodecParameters* sound) => ffmpeg.avcodec_get_name(sound->codec_id) switch
    {
        "aac" => sound->extradata_size > 0,
        "opus" or "mp2" or "mp3" or "pcm_alaw" or "pcm_mulaw" => true,
        _ => false,
    };

    /// <summary>Writes the sound up to a picture's moment; what belongs to later ones waits, what is older than the stream is left out.</summary>
    private void WriteSound(VideoFrame frame)
    {
        if (_sound is null) return;
        long until = frame.CaptureTime != 0 ? frame.CaptureTime : Stopwatch.GetTimestamp();
        AVPacket* packet = _soundPacket.Pointer;
        while (_soundWaits || _sound.TryTake(packet))
        {
            _soundWaits = packet->pts > Microseconds(until);
            if (_soundWaits) return;
            packet->pts -= Microseconds(_origin);
            if (packet->pts >= 0 && packet->pts > _lastSound)
            {
                _lastSound = packet->dts = packet->pts;
                ffmpeg.av_packet_rescale_ts(packet, _sound.Stream->time_base, _soundStream->time_base);
                packet->stream_index = _soundStream->index;
                Allow();
                int status = ffmpeg.av_write_frame(_output.Pointer, packet);
                ffmpeg.av_packet_unref(packet);
                Check(status);
            }
            else
            {
                ffmpeg.av_packet_unref(packet);
            }
        }
    }

    private static long Microseconds(long timestamp) => (long)(timestamp * ((double)ffmpeg.AV_TIME_BASE / Stopwatch.Frequency));

    private void Connect(AVFormatContext* output, CancellationToken stop)
    {
        Resolve(stop);
        _interrupt.Allow(s_patience);
        // Nothing has been sent yet that would have to be ended well.
        using (stop.UnsafeRegister(static sink => ((StreamSink)sink!)._interrupt.End(), this)) WriteHeader(output, stop);
        stop.ThrowIfCancellationRequested();
        _headerWritten = true;
    }

    private void WriteHeader(AVFormatContext* output, CancellationToken stop)
    {
        if (!_target.OpensItself)
        {
            AVIOInterruptCB callback = _interrupt.Callback;
            AVDictionary* rules = null;
            // Encrypted, but to whom? FFmpeg does not ask by itself.
            if (_target.IsEncrypted) _ = ffmpeg.av_dict_set(&rules, "tls_verify", "1", 0);
            int opened = ffmpeg.avio_open2(&output->pb, _target.Address, ffmpeg.AVIO_FLAG_WRITE, &callback, &rules);
            ffmpeg.av_dict_free(&rules);
            if (opened < 0) throw Unreachable(opened, stop);
        }
        AVDictionary* settings = null;
        foreach ((string key, string value) in Settings(_target)) _ = ffmpeg.av_dict_set(&settings, key, value, 0);
        int status = ffmpeg.avformat_write_header(output, &settings);
        bool unused = settings != null;
        ffmpeg.av_dict_free(&settings);
        if (status < 0) throw Unreachable(status, stop);
        Debug.Assert(!unused, "A setting of the container is unknown to it.");
    }

    /// <summary>FFmpeg's own look-up of a name cannot be interrupted, and calls an unknown one an input/output error.</summary>
    private void Resolve(CancellationToken stop)
    {
        try
        {
            NetworkCheck.Resolve(_target.Host, s_patience, stop);
        }
        catch (LiveFailureException e)
        {
            throw new OutputException($"{_target}: cannot be pushed to ({e.Failure.Reason}); check the address.", e);
        }
    }

    private Exception Unreachable(int status, CancellationToken stop)
    {
        if (stop.IsCancellationRequested) return new OperationCanceledException(stop);
        string why = _interrupt.TimedOut ? "nobody answers" : FFmpegRuntime.Describe(status);
        if (_target.IsEncrypted && !_interrupt.TimedOut) why = NetworkCheck.WhyNotTrusted(_target.Host, _target.Port, s_patience, null, stop) ?? why;
        return new OutputException(_target.IsDevice
            ? $"{_target}: is no video output device ({why}); load v4l2loopback (modprobe v4l2loopback exclusive_caps=1) and name the device that it makes."
            : $"{_target}: cannot be pushed to ({why}); check the address and that a server listens there.");
    }

    /// <summary>Pictures are shown when they were taken, by the clock that goes on over every jump of the source's.</summary>
    private long Ticks(VideoFrame frame)
    {
        long now = frame.CaptureTime != 0 ? frame.CaptureTime : Stopwatch.GetTimestamp();
        if (_origin == long.MinValue) _origin = now;
        long ticks = (long)Math.Round((double)(now - _origin) / Stopwatch.Frequency / s_timeBase.Value);
        return _lastTicks = Math.Max(ticks, _lastTicks + 1);
    }

    private void Drain()
    {
        AVPacket* packet = _packet.Pointer;
        while (true)
        {
            int status = ffmpeg.avcodec_receive_packet(_encoder.Pointer, packet);
            if (status == FFmpegRuntime.TryAgain || status == ffmpeg.AVERROR_EOF) return;
            Check(status);
            packet->stream_index = _stream->index;
            if (packet->duration == 0) packet->duration = _frameTicks;
            ffmpeg.av_packet_rescale_ts(packet, new AVRational { num = s_timeBase.Numerator, den = s_timeBase.Denominator }, _stream->time_base);
            Allow();
            // Sound comes after its picture, so nothing has to be put in order, which would hold packets back.
            status = ffmpeg.av_write_frame(_output.Pointer, packet);
            ffmpeg.av_packet_unref(packet);
            Check(status);
        }
    }

    private void Allow() => _interrupt.Allow(_ending ? s_ending : s_patience);

    private void Check(int status)
    {
        if (status >= 0) return;
        string why = _interrupt.TimedOut ? "the peer takes nothing" : FFmpegRuntime.Describe(status);
        _headerWritten = false;
        throw new OutputException($"{_target}: the stream is broken off: {why}");
    }
}
