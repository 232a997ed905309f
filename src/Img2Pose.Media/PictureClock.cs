using FFmpeg.AutoGen;

namespace Img2Pose.Media;

/// <summary>
/// Presentation times of a stream's pictures, in ticks of its time base, and the part of them that is wanted. Pictures without
/// a time follow the one before at the frame rate.
/// </summary>
internal sealed unsafe class PictureClock
{
    // Longer than the distance between key pictures in any usual broadcast or recording.
    private const long UnindexedLead = 12L * ffmpeg.AV_TIME_BASE;

    private readonly bool _hasTimes;
    private readonly bool _seeksAnywhere;
    private readonly long _frameTicks;
    private readonly long _containerStart;
    private readonly TimeSpan? _start;
    private readonly long _startTicks = long.MinValue;
    private readonly long _endTicks = long.MaxValue;
    private long _next;

    public PictureClock(AVFormatContext* container, AVStream* stream, SourceOptions options)
    {
        TimeBase = new Rational(stream->time_base.num, stream->time_base.den);
        AVRational rate = ffmpeg.av_guess_frame_rate(container, stream, null);
        FramesPerSecond = rate.num > 0 && rate.den > 0 ? (double)rate.num / rate.den : null;
        // 25 is what FFmpeg's own readers of bare streams assume.
        _frameTicks = Math.Max(1, (long)Math.Round(1 / ((FramesPerSecond ?? 25) * TimeBase.Value)));
        int flags = container->iformat->flags;
        _hasTimes = (flags & ffmpeg.AVFMT_NOTIMESTAMPS) == 0;
        // Start and end count from the beginning, whatever the container's clock shows there.
        _containerStart = container->start_time != ffmpeg.AV_NOPTS_VALUE && _hasTimes ? container->start_time : 0;
        double origin = _containerStart / (double)ffmpeg.AV_TIME_BASE;
        _start = options.Start;
        StartSeconds = options.Start is { } start ? origin + start.TotalSeconds : double.NegativeInfinity;
        EndSeconds = options.Duration is { } duration
            ? origin + (options.Start ?? TimeSpan.Zero).TotalSeconds + duration.TotalSeconds
            : double.PositiveInfinity;
        // A broadcast's clock may stand anywhere when a recording begins.
        _seeksAnywhere = (flags & ffmpeg.AVFMT_TS_DISCONT) != 0;
        OutputOrigin = options.Start is not null ? StartSeconds : _seeksAnywhere ? origin : 0;
        if (options.Start is not null) _startTicks = (long)Math.Ceiling(StartSeconds / TimeBase.Value - 1e-6);
        if (options.Duration is not null) _endTicks = (long)Math.Ceiling(EndSeconds / TimeBase.Value - 1e-6);
    }

    /// <summary>
    /// How many pictures lie before one at the nominal rate, where only a part of the video is wanted; 0 where the part begins
    /// with the video.
    /// </summary>
    public long FrameNumber(long ticks) => _start is null || FramesPerSecond is not { } rate ? 0
        : Math.Max(0, (long)Math.Round((ticks * TimeBase.Value - _containerStart / (double)ffmpeg.AV_TIME_BASE) * rate));

    public Rational TimeBase { get; }

    public double? FramesPerSecond { get; }

    /// <summary>The time that an output shows as zero.</summary>
    public double OutputOrigin { get; }

    public double StartSeconds { get; }

    public double EndSeconds { get; }

    public bool SkippedAny { get; private set; }

    /// <summary>Moves to the last key picture before the start; where that is impossible, pictures are decoded up to it.</summary>
    public void Seek(AVFormatContext* container, string name)
    {
        if (_start is not { } start || start == TimeSpan.Zero || !_hasTimes) return;
        long target = _containerStart + start.Ticks / (TimeSpan.TicksPerSecond / ffmpeg.AV_TIME_BASE);
        // Transport streams have no index of key pictures: where the seek ends up, decoding waits for the next one.
        if (_seeksAnywhere) target -= UnindexedLead;
        // Nothing has been read yet, so the beginning needs no seek, which in a transport stream might miss its first picture.
        if (target <= _containerStart) return;
        int status = ffmpeg.av_seek_frame(container, -1, target, ffmpeg.AVSEEK_FLAG_BACKWARD);
        if (status < 0) status = ffmpeg.av_seek_frame(container, -1, _containerStart, ffmpeg.AVSEEK_FLAG_BACKWARD);
        // A container that cannot seek at all is still at its beginning; one that broke is not.
        if (status < 0 && container->pb != null && container->pb->seekable != 0)
            FFmpegRuntime.CheckInput(status, name, $"{start} cannot be reached");
    }

    /// <summary>The time of the next decoded picture.</summary>
    public long Next(AVFrame* picture)
    {
        long ticks = picture->best_effort_timestamp;
        if (ticks == ffmpeg.AV_NOPTS_VALUE || !_hasTimes) ticks = _next;
        _next = ticks + (FFmpegCompat.Duration(picture) is > 0 and long duration ? duration : _frameTicks);
        return ticks;
    }

    public bool IsBeforeStart(long ticks)
    {
        bool before = ticks < _startTicks;
        SkippedAny |= before;
        return before;
    }

    public bool IsPastEnd(long ticks) => ticks >= _endTicks;
}
