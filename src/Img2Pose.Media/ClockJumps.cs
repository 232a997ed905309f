using FFmpeg.AutoGen;

namespace Img2Pose.Media;

/// <summary>
/// Continues the clock of a transport stream over its jumps. Where recordings were joined, or a sender began anew, the times of
/// all streams go on as if nothing had happened; a gap in the reception stays a gap. FFmpeg's reader does this for the wrap of
/// the 33-bit clock only (ISO/IEC 13818-1, 2.4.3.6).
/// </summary>
internal sealed unsafe class ClockJumps
{
    // As FFmpeg's own program has it: what is longer is no gap in the reception.
    private const double LongestGap = 10;
    private const double LongestStepBack = 0.1;

    private readonly double[] _tick;
    private readonly double[] _last;
    private readonly double[] _next;
    private double _shift;

    public ClockJumps(AVFormatContext* container)
    {
        _tick = new double[container->nb_streams];
        for (int i = 0; i < _tick.Length; i++)
        {
            AVRational timeBase = container->streams[i]->time_base;
            _tick[i] = (double)timeBase.num / timeBase.den;
        }
        // Nothing compares with NaN, so a stream's first packet never jumps.
        _last = new double[_tick.Length];
        _next = new double[_tick.Length];
        Array.Fill(_last, double.NaN);
        Array.Fill(_next, double.NaN);
    }

    /// <summary>Moves the packet's times by the jumps so far.</summary>
    public void Continue(AVPacket* packet)
    {
        int stream = packet->stream_index;
        if (stream >= _tick.Length) return;
        double tick = _tick[stream];
        if (packet->dts != ffmpeg.AV_NOPTS_VALUE)
        {
            double time = packet->dts * tick + _shift;
            if (time - _next[stream] > LongestGap || time - _last[stream] < -LongestStepBack)
            {
                _shift += _next[stream] - time;
                time = _next[stream];
            }
            _last[stream] = time;
            _next[stream] = time + packet->duration * tick;
        }
        long ticks = (long)Math.Round(_shift / tick);
        if (packet->pts != ffmpeg.AV_NOPTS_VALUE) packet->pts += ticks;
        if (packet->dts != ffmpeg.AV_NOPTS_VALUE) packet->dts += ticks;
    }
}
