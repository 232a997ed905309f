using System.Diagnostics;
using FFmpeg.AutoGen;

namespace Img2Pose.Media;

/// <summary>A source whose sound can go along with its pictures while they come.</summary>
internal interface ISoundSource
{
    /// <summary>The sound; null where there is none, or none was asked for.</summary>
    LiveSound? Sound { get; }
}

/// <summary>
/// The sound of a source that is shown while it comes, compressed as it is, on its way to outputs that are pushed: its packets with the
/// times of pictures' capture, microseconds of the monotonic clock. It outlives connections; sound that changes its kind is left out.
/// What nobody takes is bounded by bytes. One writing and one reading thread.
/// </summary>
internal sealed unsafe class LiveSound : IDisposable
{
    private const long MostBytes = 1 << 20;

    private readonly PacketQueue _queue = new(MostBytes);
    private readonly OutputHandle _holder;
    private int _origin = -1;
    private Rational _originTick;

    private LiveSound(AVFormatContext* holder) => _holder = new OutputHandle(holder);

    /// <summary>How the sound is coded; its time base is that of the packets.</summary>
    public AVStream* Stream => _holder.Pointer->streams[0];

    /// <summary>The best sound of a container; null where there is none.</summary>
    public static LiveSound? Of(AVFormatContext* container)
    {
        int index = ffmpeg.av_find_best_stream(container, AVMediaType.AVMEDIA_TYPE_AUDIO, -1, -1, null, 0);
        if (index < 0 || container->streams[index]->codecpar->sample_rate <= 0) return null;
        AVFormatContext* holder = ffmpeg.avformat_alloc_context();
        if (holder == null) throw new InsufficientMemoryException("FFmpeg is out of memory.");
        LiveSound sound = new(holder);
        AVStream* stream = ffmpeg.avformat_new_stream(holder, null);
        if (stream == null || ffmpeg.avcodec_parameters_copy(stream->codecpar, container->streams[index]->codecpar) < 0)
        {
            sound.Dispose();
            throw new InsufficientMemoryException("FFmpeg is out of memory.");
        }
        stream->time_base = new AVRational { num = 1, den = ffmpeg.AV_TIME_BASE };
        sound.Follow(container);
        return sound;
    }

    /// <summary>Takes the sound of another container from now on, where it is of the same kind.</summary>
    public void Follow(AVFormatContext* container)
    {
        int index = ffmpeg.av_find_best_stream(container, AVMediaType.AVMEDIA_TYPE_AUDIO, -1, -1, null, 0);
        _origin = -1;
        if (index < 0) return;
        AVCodecParameters* known = Stream->codecpar, now = container->streams[index]->codecpar;
        if (now->codec_id != known->codec_id || now->sample_rate != known->sample_rate) return;
        _origin = index;
        _originTick = new Rational(container->streams[index]->time_base.num, container->streams[index]->time_base.den);
    }

    /// <summary>Whether a packet is of the sound.</summary>
    public bool Owns(AVPacket* packet) => packet->stream_index == _origin;

    /// <summary>The time of a packet by its container, in seconds; null where it says none.</summary>
    public double? TimeOf(AVPacket* packet)
    {
        long ticks = packet->pts != ffmpeg.AV_NOPTS_VALUE ? packet->pts : packet->dts;
        return ticks == ffmpeg.AV_NOPTS_VALUE ? null : ticks * _originTick.Value;
    }

    /// <summary>Takes over the reference of a packet that belongs to a moment.</summary>
    /// <param name="packet">The packet; empty afterwards.</param>
    /// <param name="moment">A timestamp of the monotonic clock.</param>
    public void Post(AVPacket* packet, long moment)
    {
        packet->duration = (long)(packet->duration * _originTick.Value * ffmpeg.AV_TIME_BASE);
        packet->pts = packet->dts = (long)(moment * ((double)ffmpeg.AV_TIME_BASE / Stopwatch.Frequency));
        packet->stream_index = 0;
        packet->pos = -1;
        _queue.Enqueue(packet);
    }

    /// <summary>Moves the next packet's reference into an empty one; false where none has come.</summary>
    public bool TryTake(AVPacket* packet) => _queue.TryDequeue(packet);

    /// <summary>Frees what waits. Later packets are dropped.</summary>
    public void Dispose()
    {
        _queue.Dispose();
        _holder.Dispose();
    }
}
