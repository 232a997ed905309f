using FFmpeg.AutoGen;

namespace Img2Pose.Media;

/// <summary>Copies the sound and subtitles of a source into an output, as far as its container takes their codecs.</summary>
internal sealed unsafe class StreamCopier : IDisposable
{
    private readonly AVFormatContext* _output;
    private readonly PacketQueue _queue;
    private readonly PacketHandle _packet = new();
    private readonly Track[] _tracks;
    private readonly double _origin;
    private readonly double _start;
    private readonly double _end;
    private readonly string _path;
    private readonly Action<string>? _warn;
    private bool _saidDropped;

    private StreamCopier(AVFormatContext* output, VideoStreamSource source, Track[] tracks, string path, Action<string>? warn)
    {
        _path = path;
        _warn = warn;
        _output = output;
        _tracks = tracks;
        _origin = source.OutputOrigin;
        _start = source.SoundStart;
        _end = source.SoundEnd;
        _queue = source.TakeSound();
    }

    /// <summary>How a stream of the source is copied; an index of -1 means not at all.</summary>
    private readonly record struct Track(int OutputIndex, AVRational TimeBase, long LastDts, PacketFilterHandle? Filter);

    /// <summary>Adds the source's sound and subtitles to the output, and says what does not fit; null where there is nothing to copy.</summary>
    public static StreamCopier? Attach(AVFormatContext* output, VideoStreamSource source, string path, Action<string>? warn)
    {
        AVFormatContext* container = source.Container;
        Track[] tracks = new Track[container->nb_streams];
        bool any = false;
        for (int i = 0; i < tracks.Length; i++)
        {
            tracks[i] = new Track(-1, default, long.MinValue, null);
            AVStream* stream = container->streams[i];
            AVCodecParameters* parameters = stream->codecpar;
            bool sound = parameters->codec_type == AVMediaType.AVMEDIA_TYPE_AUDIO;
            if (!sound && parameters->codec_type != AVMediaType.AVMEDIA_TYPE_SUBTITLE) continue;
            if ((sound && parameters->sample_rate <= 0) || !ContainerTrial.Takes(output->oformat, stream))
            {
                string what = sound ? "sound" : "subtitles", verb = sound ? "does" : "do";
                warn?.Invoke(
                    $"{path}: the {what} ({ffmpeg.avcodec_get_name(parameters->codec_id)}) {verb} not fit into this container and {(sound ? "is" : "are")} left out; .mkv takes it");
                continue;
            }
            AVStream* copy = ffmpeg.avformat_new_stream(output, null);
            if (copy == null) throw new InsufficientMemoryException("FFmpeg is out of memory.");
            FFmpegRuntime.CheckOutput(ffmpeg.avcodec_parameters_copy(copy->codecpar, parameters), path, "its sound or subtitles cannot be set up");
            // The tag belongs to the source's container; the output's writer finds its own.
            copy->codecpar->codec_tag = 0;
            copy->time_base = stream->time_base;
            _ = ffmpeg.av_dict_copy(&copy->metadata, stream->metadata, 0);
            copy->disposition = stream->disposition;
            tracks[i] = new Track(copy->index, stream->time_base, long.MinValue, AdtsFilter(output, stream, path));
            any = true;
        }
        return any ? new StreamCopier(output, source, tracks, path, warn) : null;
    }

    /// <summary>
    /// AAC of a transport stream tells its settings in every packet, mp4 once in its header: this filter moves them. FFmpeg's
    /// writer adds it by itself, but not where the header waits for the first fragment. Null where it is not needed.
    /// </summary>
    private static PacketFilterHandle? AdtsFilter(AVFormatContext* output, AVStream* stream, string path)
    {
        AVCodecParameters* parameters = stream->codecpar;
        bool mp4 = (output->oformat->flags & ffmpeg.AVFMT_GLOBALHEADER) != 0 && FFmpegRuntime.Text(output->oformat->name) != "matroska";
        if (!mp4 || parameters->codec_id != AVCodecID.AV_CODEC_ID_AAC || parameters->extradata_size > 0) return null;
        AVBSFContext* context = null;
        AVBitStreamFilter* filter = ffmpeg.av_bsf_get_by_name("aac_adtstoasc");
        if (filter == null) throw new OutputException($"{path}: this FFmpeg cannot put the source's AAC sound into mp4; .mkv takes it");
        FFmpegRuntime.CheckOutput(ffmpeg.av_bsf_alloc(filter, &context), path, "its sound cannot be set up");
        PacketFilterHandle handle = new(context);
        try
        {
            FFmpegRuntime.CheckOutput(ffmpeg.avcodec_parameters_copy(context->par_in, parameters), path, "its sound cannot be set up");
            context->time_base_in = stream->time_base;
            FFmpegRuntime.CheckOutput(ffmpeg.av_bsf_init(context), path, "its sound cannot be set up");
            return handle;
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    /// <summary>Writes what has arrived; returns the first negative status, or 0.</summary>
    public int Drain()
    {
        if (_queue.Dropped > 0 && !_saidDropped)
        {
            _saidDropped = true;
            _warn?.Invoke($"{_path}: sound that lies too far from its pictures is left out, beyond the limit of {_queue.Capacity} bytes (MediaLimits.MaxQueuedBytes)");
        }
        AVPacket* packet = _packet.Pointer;
        while (_queue.TryDequeue(packet))
        {
            int status = Write(packet);
            ffmpeg.av_packet_unref(packet);
            if (status < 0) return status;
        }
        return 0;
    }

    private int Write(AVPacket* packet)
    {
        // A transport stream may begin a stream in its middle, which the output's header does not have.
        if (packet->stream_index >= _tracks.Length) return 0;
        ref Track track = ref _tracks[packet->stream_index];
        if (track.OutputIndex < 0) return 0;
        double tick = (double)track.TimeBase.num / track.TimeBase.den;
        long time = packet->pts != ffmpeg.AV_NOPTS_VALUE ? packet->pts : packet->dts;
        if (time != ffmpeg.AV_NOPTS_VALUE && (time * tick < _start || time * tick >= _end)) return 0;

        long shift = (long)Math.Round(_origin / tick);
        if (packet->pts != ffmpeg.AV_NOPTS_VALUE) packet->pts -= shift;
        if (packet->dts != ffmpeg.AV_NOPTS_VALUE) packet->dts -= shift;
        // A container refuses times that do not rise; broken sources have them.
        if (packet->dts != ffmpeg.AV_NOPTS_VALUE)
        {
            if (packet->dts <= track.LastDts) return 0;
            track = track with { LastDts = packet->dts };
        }
        if (track.Filter is { } filter)
        {
            // One packet in, one out; one that is damaged is left out.
            if (ffmpeg.av_bsf_send_packet(filter.Pointer, packet) < 0) return 0;
            if (ffmpeg.av_bsf_receive_packet(filter.Pointer, packet) < 0) return 0;
        }
        ffmpeg.av_packet_rescale_ts(packet, track.TimeBase, _output->streams[track.OutputIndex]->time_base);
        packet->stream_index = track.OutputIndex;
        packet->pos = -1;
        return ffmpeg.av_interleaved_write_frame(_output, packet);
    }

    public void Dispose()
    {
        foreach (Track track in _tracks) track.Filter?.Dispose();
        _queue.Dispose();
        _packet.Dispose();
    }
}
