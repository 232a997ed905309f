using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using Img2Pose.Frames;

namespace Img2Pose.Media;

/// <summary>
/// Plays a recorded video as a camera would show it: a picture comes when its time has come by the monotonic clock, and that time
/// is its capture time. Where decoding is slower than the video's own speed the age grows; beyond a second the clock begins anew.
/// </summary>
internal sealed class PacedSource : IFrameSource, ISoundSource
{
    // A camera does not wait for who looks at it, but a file does not lose pictures either: its clock is put back instead.
    private static readonly TimeSpan s_mostBehind = TimeSpan.FromSeconds(1);

    // What is further away than this is no pause of the video but a jump of its clock.
    private static readonly TimeSpan s_longestPause = TimeSpan.FromSeconds(10);

    private readonly IFrameSource _source;
    private readonly CancellationTokenRegistration _cancellation;
    private readonly ManualResetEventSlim _interrupted = new();
    private readonly PacketQueue? _soundAhead;
    private readonly PacketHandle? _packet;
    private long _began;
    private double _first;
    private double _last;

    /// <summary>Plays <paramref name="source"/>, which this source then owns.</summary>
    public PacedSource(IFrameSource source, SourceOptions options)
    {
        _source = source;
        // A stream that turned out to be a recording has ended as a stream.
        Status = options.Status is { Current.State: not SourceState.Ended } given ? given : new LiveStatus();
        Info = source.Info with { IsLive = true };
        _cancellation = options.Cancellation.Register(static paced => ((PacedSource)paced!)._interrupted.Set(), this);
        if (!options.Sound || source is not VideoStreamSource video) return;
        unsafe
        {
            Sound = LiveSound.Of(video.Container);
        }
        if (Sound is null) return;
        (_soundAhead, _packet) = (video.TakeSound(), new PacketHandle());
    }

    /// <inheritdoc/>
    public LiveSound? Sound { get; }

    /// <inheritdoc/>
    public SourceInfo Info { get; }

    /// <inheritdoc/>
    public long DamagedFrames => _source.DamagedFrames;

    /// <inheritdoc/>
    public bool EndedEarly => _source.EndedEarly;

    /// <inheritdoc/>
    public LiveStatus Status { get; }

    /// <inheritdoc/>
    public bool TryRead([NotNullWhen(true)] out VideoFrame? frame)
    {
        frame = null;
        if (_interrupted.IsSet || !_source.TryRead(out VideoFrame? next))
        {
            Status.End();
            return false;
        }
        next.CaptureTime = Due(Info.TimeOf(next));
        PassSound();
        // Bounded by the longest pause, and ended by whoever stops the source. The runtime's timeouts count in coarse steps, so that
        // one may be over too early.
        while (Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), next.CaptureTime) is { Ticks: > 0 } early)
        {
            if (!_interrupted.Wait((int)Math.Ceiling(early.TotalMilliseconds))) continue;
            next.Dispose();
            Status.End();
            return false;
        }
        if (Status.Current.State == SourceState.Connecting) Status.Report(new SourceStatus(SourceState.Live));
        frame = next;
        return true;
    }

    /// <inheritdoc/>
    public void Interrupt()
    {
        _interrupted.Set();
        _source.Interrupt();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _cancellation.Dispose();
        _interrupted.Set();
        Status.End();
        _source.Dispose();
        Sound?.Dispose();
        _soundAhead?.Dispose();
        _packet?.Dispose();
    }

    /// <summary>Passes on the sound that was read beside the pictures, at the moments that belong to them.</summary>
    private unsafe void PassSound()
    {
        if (Sound is null) return;
        FFmpeg.AutoGen.AVPacket* packet = _packet!.Pointer;
        while (_soundAhead!.TryDequeue(packet))
        {
            if (Sound.Owns(packet) && Sound.TimeOf(packet) is { } time) Sound.Post(packet, _began + (long)((time - _first) * Stopwatch.Frequency));
            FFmpeg.AutoGen.ffmpeg.av_packet_unref(packet);
        }
    }

    /// <summary>When a picture of this time is to be shown, on the monotonic clock.</summary>
    private long Due(double time)
    {
        long now = Stopwatch.GetTimestamp();
        long due = _began + (long)((time - _first) * Stopwatch.Frequency);
        if (_began == 0 || time < _last || time - _last > s_longestPause.TotalSeconds || Stopwatch.GetElapsedTime(due, now) > s_mostBehind)
        {
            // From here on the clock runs anew.
            (_began, _first, due) = (now, time, now);
        }
        _last = time;
        return due;
    }
}
