using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using FFmpeg.AutoGen;
using Img2Pose.Frames;

namespace Img2Pose.Media;

/// <summary>
/// One connection to a live source, on a background thread of its own that opens it, decodes, keeps the newest picture for whoever
/// takes it, and frees everything in the end. What FFmpeg does there can hang where it cannot be interrupted (name resolution, a
/// display that does not answer): then the connection is left to itself, and the thread cleans up when it comes back.
/// </summary>
[SuppressMessage("Reliability", "CA1001", Justification = "The reading thread frees everything when it ends; nobody else may while FFmpeg is at it.")]
internal sealed unsafe partial class LiveConnection
{
    // An outage that nobody can interrupt is left alone this long after its deadline.
    private static readonly long s_grace = 2 * Stopwatch.Frequency;

    // Streams that refresh bit by bit never send a key picture.
    private const double LongestWaitForKey = 12;

    private const double MostBehind = 1;
    private const double BehindFor = 0.5;
    private const int MostErrorsInARow = 32;
    private const int UndecodedInARow = 25;

    private readonly object _gate;
    private readonly LiveAddress _address;
    private readonly SourceOptions _options;
    private readonly LiveShape? _knownShape;
    private readonly SourceLog _log;
    private readonly ReadInterrupt _interrupt;
    private readonly CancellationTokenSource _ending;
    private readonly ManualResetEventSlim _stop = new();
    private readonly Thread _thread;
    private readonly ArrivalClock _clock = new();
    private readonly PacketHandle _packet;
    private VideoFrame? _newest;
    private InputHandle? _recorded;
    private LiveFailure? _failure;
    private Exception? _error;
    private bool _left;
    private bool _finished;
    private long _deadline;
    private long _skipped;
    private long _damaged;

    // The reading thread's own.
    private InputHandle? _input;
    private LiveDecoder? _decoder;
    private bool _isPaced;
    private bool _hasTimes;
    private bool _waitsForKey = true;
    private bool _skips;
    private long _firstPacket, _lastPacket, _lastPicture, _lastKey, _behindSince;
    private double _interval, _longestGop, _lastTime;
    private int _errorsInARow;
    private long _damagedBefore;
    private readonly PlaylistPace _pace = new();

    /// <summary>Prepares a connection; <see cref="Start"/> begins it.</summary>
    /// <param name="address">The source.</param>
    /// <param name="options">How it is read.</param>
    /// <param name="shape">The shape of the frames where an earlier connection has set it.</param>
    /// <param name="sound">The sound of earlier connections, where it is wanted.</param>
    /// <param name="log">Told what happens.</param>
    /// <param name="gate">What is held around everything that both sides use, and pulsed when something is new.</param>
    public LiveConnection(LiveAddress address, SourceOptions options, LiveShape? shape, LiveSound? sound, SourceLog log, object gate)
    {
        (_address, _options, _knownShape, _log, _gate) = (address, options, shape, log, gate);
        Sound = sound;
        _packet = new PacketHandle();
        _interrupt = new ReadInterrupt(options.Cancellation);
        _ending = CancellationTokenSource.CreateLinkedTokenSource(options.Cancellation);
        _thread = new Thread(Run) { IsBackground = true, Name = "live" };
    }

    /// <summary>Names of options that FFmpeg did not take: an error of this program.</summary>
    public string[] UnusedOptions { get; private set; } = [];

    /// <summary>The source's rate as far as it says; set when a picture has been there.</summary>
    public double? FramesPerSecond { get; private set; }

    /// <summary>The codec; set when a picture has been there.</summary>
    public string? Codec { get; private set; }

    /// <summary>The shape of the frames; set when a picture has been there.</summary>
    public LiveShape? Shape { get; private set; }

    /// <summary>The sound, where it is wanted and there is some; the source disposes it. Set when a picture has been there.</summary>
    public LiveSound? Sound { get; private set; }

    /// <summary>Pictures that were left out: behind, or replaced before anybody took them. Under the gate.</summary>
    public long Skipped => _skipped;

    /// <summary>Pictures that could not be decoded as a whole. Under the gate.</summary>
    public long Damaged => _damaged;

    /// <summary>Why it ended; null while it goes on. Under the gate.</summary>
    public LiveFailure? Failure => _failure;

    /// <summary>The error of this program that ended it, or null. Under the gate.</summary>
    public Exception? Error => _error;

    /// <summary>The opened container where it turned out to be a recording, which the caller takes over. Under the gate.</summary>
    public InputHandle? Recorded => _recorded;

    /// <summary>What ends the recording's waits, with <see cref="Recorded"/>.</summary>
    public ReadInterrupt Interrupt => _interrupt;

    /// <summary>When it should have done or said something at the latest, a timestamp. Under the gate.</summary>
    public long Overdue => Volatile.Read(ref _deadline) + s_grace;

    /// <summary>Begins.</summary>
    public void Start()
    {
        Allow(_options.Live.OpenTimeout.TotalSeconds);
        _thread.Start();
    }

    /// <summary>Takes the newest picture, which the caller disposes. Under the gate.</summary>
    public bool TryTake([NotNullWhen(true)] out VideoFrame? frame)
    {
        frame = _newest;
        _newest = null;
        return frame is not null;
    }

    /// <summary>Tells it to end, without waiting for that. What it has is given back. Under the gate.</summary>
    public void Leave()
    {
        if (_left) return;
        _left = true;
        _interrupt.End();
        _newest?.Dispose();
        _newest = null;
        // What its thread has done with is disposed.
        if (_finished) return;
        _stop.Set();
        // The pool: a callback of the token may wait for the resolver.
        _ = _ending.CancelAsync();
    }

    /// <summary>Waits for the end of its thread after <see cref="Leave"/>, as long as that usually takes and not longer. Not under the gate.</summary>
    public bool Join(TimeSpan patience) => _thread.Join(patience);

    private void Run()
    {
        LiveFailure? failure = null;
        Exception? error = null;
        try
        {
            Open();
            if (_recorded is null) Read();
        }
        catch (LiveFailureException e)
        {
            failure = e.Failure;
        }
        catch (OperationCanceledException)
        {
            // Left, or stopped by the caller's token.
            failure = new LiveFailure(LiveFailureKind.Ended, "stopped");
        }
        catch (Exception e)
        {
            // It is thrown where the source is read.
            error = e;
            failure = new LiveFailure(LiveFailureKind.Lost, e.Message);
        }
        bool handedOver;
        lock (_gate)
        {
            handedOver = _recorded is not null && !_left;
            _error = error;
            _failure = failure;
            _finished = true;
            Monitor.PulseAll(_gate);
        }
        _decoder?.Dispose();
        if (!handedOver) _input?.Dispose();
        _packet.Dispose();
        _stop.Dispose();
        _ending.Dispose();
    }

    private void Read()
    {
        AVPacket* packet = _packet.Pointer;
        _firstPacket = _lastPacket = _lastPicture = Stopwatch.GetTimestamp();
        long cpu = 0;
        while (!_stop.IsSet && !_interrupt.IsCancelled)
        {
            double silence = Math.Max(_options.Live.Times.Silence, 10 * _interval);
            double left = silence - Stopwatch.GetElapsedTime(_lastPacket).TotalSeconds;
            if (left <= 0) throw Silent(silence);
            Allow(left);
            long before = Stopwatch.GetTimestamp();
            int status = ffmpeg.av_read_frame(_input!.Pointer, packet);
            if (_stop.IsSet || _interrupt.IsCancelled) break;
            long now = Stopwatch.GetTimestamp();
            if (status == FFmpegRuntime.TryAgain)
            {
                WaitForCamera(now);
                continue;
            }
            // When its time is up FFmpeg may still hand out what a parser held back, which has not come now.
            if (_interrupt.TimedOut)
            {
                ffmpeg.av_packet_unref(packet);
                throw Silent(silence);
            }
            if (status < 0)
            {
                if (status == ffmpeg.AVERROR_INVALIDDATA && ++_errorsInARow < MostErrorsInARow) continue;
                throw new LiveFailureException(LiveInput.WhyLost(_address, status));
            }
            _errorsInARow = 0;
            // Decoding and handing over wait for nothing but the processor.
            Allow(Math.Max(silence, 30));
            try
            {
                Handle(packet, now, Stopwatch.GetElapsedTime(before, now).TotalSeconds);
            }
            finally
            {
                ffmpeg.av_packet_unref(packet);
                // Since its beginning, opening included.
                long used = ThreadClock.Nanoseconds;
                _options.Status?.AddWork(used - cpu);
                cpu = used;
            }
            double patience = Math.Max(_options.Live.Times.NoPicture, 3 * _longestGop);
            if (Stopwatch.GetElapsedTime(_lastPicture, now).TotalSeconds > patience)
                throw new LiveFailureException(LiveFailureKind.Lost, FormattableString.Invariant($"data comes, but no picture for {patience:0} s"));
        }
        throw new OperationCanceledException();
    }

    private static LiveFailureException Silent(double seconds) =>
        new(LiveFailureKind.Lost, FormattableString.Invariant($"nothing has come for {seconds:0.#} s"));

    /// <summary>Waits for a camera's next picture, which FFmpeg never does itself here.</summary>
    private void WaitForCamera(long now)
    {
        // FFmpeg shows nobody the descriptor that could be waited for; the pictures carry the kernel's time, so that asking a little
        // late costs a millisecond of age. Bounded: 20 ms a time, and ended by a stop.
        double next = _interval - Stopwatch.GetElapsedTime(_lastPacket, now).TotalSeconds;
        _stop.Wait((int)Math.Clamp(next * 1000, 1, 20));
    }

    private void Handle(AVPacket* packet, long now, double waited)
    {
        AVFormatContext* container = _input!.Pointer;
        AVStream* stream = container->streams[packet->stream_index];
        if (stream->codecpar->codec_type != AVMediaType.AVMEDIA_TYPE_VIDEO)
        {
            PassSound(packet, now);
            return;
        }
        if (stream->index != _decoder!.StreamIndex)
        {
            // The sender goes on in another stream: another codec in a transport stream.
            if (Stopwatch.GetElapsedTime(_lastPacket, now).TotalSeconds < 1) return;
            Switch(stream);
        }
        else if (stream->codecpar->codec_id != _decoder.CodecId)
        {
            Switch(stream);
        }
        double passed = Stopwatch.GetElapsedTime(_lastPacket, now).TotalSeconds;
        // Bursts and pauses even out.
        if (_lastPacket != _firstPacket) _interval += 0.05 * (Math.Min(passed, 10) - _interval);
        _lastPacket = now;

        double time = TimeOf(packet, stream, now);
        int jumps = _clock.Jumps;
        double age = _clock.Arrive(time, now);
        if (_clock.Jumps != jumps) _log.ClockJumped(_address);
        bool isKey = (packet->flags & ffmpeg.AV_PKT_FLAG_KEY) != 0;
        if (isKey)
        {
            if (_lastKey != 0) _longestGop = Math.Max(_longestGop, Stopwatch.GetElapsedTime(_lastKey, now).TotalSeconds);
            _lastKey = now;
        }
        if (_waitsForKey && !isKey && Stopwatch.GetElapsedTime(_firstPacket, now).TotalSeconds < LongestWaitForKey) return;
        _waitsForKey = false;
        if (_options.Coded is { } tap) PassOn(tap, packet, stream, isKey, _hasTimes ? time : double.NaN, _clock.CaptureOf(time, now));
        if (IsLeftOut(isKey, age, now, waited))
        {
            lock (_gate) _skipped++;
            return;
        }
        packet->pts = (long)(time * ffmpeg.AV_TIME_BASE);
        packet->dts = ffmpeg.AV_NOPTS_VALUE;
        packet->duration = 0;
        _decoder.Send(packet);
        while (_decoder.TryReceive() is { } frame)
        {
            now = Stopwatch.GetTimestamp();
            _lastPicture = now;
            _damagedBefore = _decoder.Damaged;
            Describe();
            double taken = frame.PresentationTime ??= time;
            frame.CaptureTime = CaptureOf(taken, now);
            if (_isPaced && !Pace(frame, taken)) return;
            Post(frame);
        }
        lock (_gate) _damaged = _decoder.Damaged;
        // A sender that changed its codec without a word: nothing of it can be decoded, and a lost key picture is no excuse any more.
        double patience = Math.Max(_options.Live.Times.NoPicture / 6, 1.5 * _longestGop);
        if (_decoder.Damaged - _damagedBefore >= UndecodedInARow && Stopwatch.GetElapsedTime(_lastPicture, now).TotalSeconds > patience)
            throw new LiveFailureException(LiveFailureKind.Lost, "what comes cannot be decoded any more");
    }

    /// <summary>Shows a picture to who wants it as it is coded.</summary>
    private static void PassOn(ICodedPictureTap tap, AVPacket* packet, AVStream* stream, bool isKey, double time, long capture)
    {
        AVCodecParameters* coded = stream->codecpar;
        long delay = packet->pts != ffmpeg.AV_NOPTS_VALUE && packet->dts != ffmpeg.AV_NOPTS_VALUE ? packet->pts - packet->dts : 0;
        tap.Take(new CodedPicture
        {
            Codec = ffmpeg.avcodec_get_name(coded->codec_id) ?? "",
            Width = coded->width,
            Height = coded->height,
            Data = new ReadOnlySpan<byte>(packet->data, packet->size),
            ExtraData = new ReadOnlySpan<byte>(coded->extradata, coded->extradata_size),
            IsKey = isKey,
            CaptureTime = capture,
            Time = time,
            Delay = Math.Max(0, delay * ((double)stream->time_base.num / stream->time_base.den)),
        });
    }

    /// <summary>Passes sound on at the moment that its time means by the pictures' clock.</summary>
    private void PassSound(AVPacket* packet, long now)
    {
        // Before the first picture nobody knows when it was.
        if (Sound is null || _waitsForKey || _isPaced || !Sound.Owns(packet) || Sound.TimeOf(packet) is not { } time) return;
        lock (_gate)
        {
            if (!_left) Sound.Post(packet, _clock.CaptureOf(time, now));
        }
    }

    private void Switch(AVStream* stream)
    {
        string before = _decoder!.Codec;
        _decoder.Select(stream);
        stream->discard = AVDiscard.AVDISCARD_DEFAULT;
        _waitsForKey = true;
        _firstPacket = Stopwatch.GetTimestamp();
        _log.FormatChanged(_address, before, _decoder.Codec);
    }

    /// <summary>
    /// Whether a packet is not decoded because the decoder cannot keep up: it has been more than a second behind for a while although
    /// no read had to wait. Then only key pictures are decoded, until one of them is new enough.
    /// </summary>
    private bool IsLeftOut(bool isKey, double age, long now, double waited)
    {
        // What arrives late over a slow network is not helped by leaving it out, and a burst is decoded faster than it can be skipped.
        bool behind = age > MostBehind && waited < 0.002 && !_isPaced;
        if (!behind) _behindSince = 0;
        else if (_behindSince == 0) _behindSince = now;
        if (!_skips && _behindSince != 0 && Stopwatch.GetElapsedTime(_behindSince, now).TotalSeconds > BehindFor)
        {
            _skips = true;
            _log.Behind(_address, age);
        }
        if (!_skips) return false;
        if (isKey && age <= MostBehind) _skips = false;
        return !isKey;
    }

    private double TimeOf(AVPacket* packet, AVStream* stream, long now)
    {
        long ticks = packet->pts != ffmpeg.AV_NOPTS_VALUE ? packet->pts : packet->dts;
        if (!_hasTimes) return now / (double)Stopwatch.Frequency;
        // A packet without a time follows the one before.
        if (ticks == ffmpeg.AV_NOPTS_VALUE) return _lastTime + _interval;
        return _lastTime = ticks * ((double)stream->time_base.num / stream->time_base.den);
    }

    private long CaptureOf(double time, long now) => _address.Kind != LiveKind.Network && ArrivalClock.AgeByKernel(time, now) is { } age
        ? now - (long)(age * Stopwatch.Frequency)
        : _clock.CaptureOf(time, now);

    /// <summary>Holds a picture of a playlist, whose pictures come by segments, back until its time has come.</summary>
    private bool Pace(VideoFrame frame, double time)
    {
        double early = _pace.SecondsUntil(time, Stopwatch.GetTimestamp(), out long due);
        // Bounded by the longest step of the pictures' times, and ended by a stop.
        if (early > 0)
        {
            Allow(early + 30);
            if (_stop.Wait((int)Math.Ceiling(early * 1000)))
            {
                frame.Dispose();
                return false;
            }
        }
        frame.CaptureTime = due;
        return true;
    }

    private (int Width, int Height) _described;

    private void Describe()
    {
        if (_decoder!.Size == _described) return;
        if (_described != default) _log.FormatChanged(_address, $"{_described.Width}x{_described.Height}", $"{_decoder.Size.Width}x{_decoder.Size.Height}");
        _described = _decoder.Size;
        (Codec, Shape) = (_decoder.Codec, _decoder.Shape);
    }

    private void Post(VideoFrame frame)
    {
        lock (_gate)
        {
            if (_left)
            {
                frame.Dispose();
                return;
            }
            if (_newest is not null)
            {
                _newest.Dispose();
                _skipped++;
            }
            _newest = frame;
            Monitor.PulseAll(_gate);
        }
    }

    private void Allow(double seconds)
    {
        _interrupt.Allow(TimeSpan.FromSeconds(seconds));
        Volatile.Write(ref _deadline, Stopwatch.GetTimestamp() + (long)(seconds * Stopwatch.Frequency));
    }
}
