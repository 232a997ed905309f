using System.Diagnostics;
using FFmpeg.AutoGen;
using Img2Pose.Core;
using Img2Pose.Frames;

namespace Img2Pose.Media;

/// <summary>Encodes frames into a container, with the source's times, colour and sound.</summary>
internal sealed unsafe class VideoSink : IVideoOutput
{
    // An interrupted mp4 plays up to its last fragment; no more than two seconds may be lost.
    private const string FragmentMicroseconds = "1500000";
    private const string ClusterMilliseconds = "1500";

    private readonly string _path;
    private readonly AtomicFile _file;
    private readonly VideoWriterOptions _options;
    private readonly bool _fragmented;
    private readonly OutputHandle _output;
    private readonly CodecHandle _encoder;
    private readonly EncoderInput _input;
    private readonly DeviceEncoding? _device;
    private readonly StreamCopier? _sound;
    private readonly FrameHandle _picture = new();
    private readonly PacketHandle _packet = new();
    private readonly AVStream* _stream;
    private readonly Rational _timeBase;
    private readonly double _framesPerSecond;
    private readonly bool _startsAtFirst;
    private long _origin;
    private readonly long _frameTicks;
    private long _lastTicks = long.MinValue;
    private long _lastDuration;
    private readonly SourceTags? _tags;
    private readonly Dictionary<long, long> _durations = [];
    // Fires a second after the program was told to stop.
    private readonly CancellationTokenSource _hurry = new();
    private readonly CancellationTokenRegistration _stop;
    private long _held;
    private long _packets;
    private bool _headerWritten;
    private bool _failed;
    private bool _completed;
    private bool _disposed;

    public VideoSink(string path, IFrameSource source, VideoWriterOptions options)
    {
        _ = FFmpegRuntime.EnsureLoaded();
        _path = path;
        _options = options;
        SourceInfo info = source.Info;
        _framesPerSecond = info.FramesPerSecond is > 0 and <= 1000 ? info.FramesPerSecond.Value : 25;
        _timeBase = info.IsImages || !info.TimeBase.IsPositive || options.TimesAreCaptureTimes ? new Rational(1, 90_000) : info.TimeBase;
        _frameTicks = Math.Max(1, (long)Math.Round(1 / (_framesPerSecond * _timeBase.Value)));
        string extension = Path.GetExtension(path).ToLowerInvariant();
        _fragmented = extension != ".mkv";
        string format = extension switch { ".mkv" => "matroska", ".mov" => "mov", _ => "mp4" };

        bool rgb = info.Format == PixelFormat.Rgb24;
        EncoderPicture picture = new((info.CodedWidth + 1) / 2 * 2, (info.CodedHeight + 1) / 2 * 2, info.Format,
            info.SampleAspectRatio, _timeBase, _framesPerSecond, ColorTags.Of(info.Color, rgb),
            (source as VideoStreamSource)?.Hdr, info.Fields);

        _file = CreateFile(path);
        _stop = options.Stop.UnsafeRegister(static sink => ((VideoSink)sink!).BeginToHurry(), this);
        AVFormatContext* output = null;
        int status = ffmpeg.avformat_alloc_output_context2(&output, null, format, _file.TemporaryPath);
        if (status < 0) _file.Discard();
        FFmpegRuntime.CheckOutput(status, path, $"this FFmpeg does not write {format}");
        _output = new OutputHandle(output);
        try
        {
            bool globalHeader = (output->oformat->flags & ffmpeg.AVFMT_GLOBALHEADER) != 0;
            _encoder = EncoderSelection.Open(path, options, picture, globalHeader, out EncoderPicture wanted, out _device);
            EncoderName = FFmpegRuntime.Text(_encoder.Pointer->codec->name) ?? "";
            if (picture.Hdr is not null && EncoderName != "libx265")
                options.Warning?.Invoke($"{path}: the mastering display and light level of the source are left out; libx265 (--codec libx265) keeps them");
            if (picture.Fields != FieldOrder.Progressive && !EncoderSelection.WritesFields(EncoderName))
                options.Warning?.Invoke($"{path}: {EncoderName} takes interlaced pictures for progressive ones; libx264 (--codec libx264) keeps their fields");
            _input = new EncoderInput(wanted, info.CodedWidth, info.CodedHeight);
            _stream = AddVideo(wanted);
            // What is live has begun long before.
            _startsAtFirst = info.IsLive || options.TimesAreCaptureTimes;
            if (!options.TimesAreCaptureTimes && source is VideoStreamSource stream)
            {
                _origin = (long)Math.Round(stream.OutputOrigin / _timeBase.Value);
                _tags = SourceTags.Read(stream.Container, stream.Stream, stream.OutputOrigin, stream.SoundStart, stream.SoundEnd, path, options.Warning);
                // An output in fragments gets chapters and timecode, which are tracks, when it is copied into one piece.
                if (!_fragmented) _tags.Apply(output, _stream);
                if (options.CopySound) _sound = StreamCopier.Attach(output, stream, path, options.Warning);
            }
            WriteHeader();
        }
        catch
        {
            // Nothing has been written that could be worth keeping.
            _headerWritten = false;
            Dispose();
            _file.Discard();
            throw;
        }
    }

    public string EncoderName { get; } = "";

    public bool TakesDevice => _device is not null;

    private AVStream* AddVideo(EncoderPicture picture)
    {
        AVStream* stream = ffmpeg.avformat_new_stream(_output.Pointer, null);
        if (stream == null) throw new InsufficientMemoryException("FFmpeg is out of memory.");
        FFmpegRuntime.CheckOutput(
            ffmpeg.avcodec_parameters_from_context(stream->codecpar, _encoder.Pointer), _path, "its video cannot be set up");
        // Only a hint: Matroska counts in milliseconds whatever is asked for, and mp4 may take a multiple.
        stream->time_base = new AVRational { num = 1, den = _timeBase.Denominator };
        stream->avg_frame_rate = EncoderSelection.ToRate(picture.FramesPerSecond);
        stream->sample_aspect_ratio = _encoder.Pointer->sample_aspect_ratio;
        return stream;
    }

    private void WriteHeader()
    {
        AVFormatContext* output = _output.Pointer;
        FFmpegRuntime.CheckOutput(
            ffmpeg.avio_open2(&output->pb, "file:" + _file.TemporaryPath, ffmpeg.AVIO_FLAG_WRITE, null, null), _path, "cannot be written");
        // Whole fragments reach the disk when they are written, not when a buffer is full.
        output->flags |= ffmpeg.AVFMT_FLAG_FLUSH_PACKETS;

        AVDictionary* settings = null;
        if (_fragmented)
        {
            // The header waits for the first fragment, so that it can tell how far decoding precedes presentation.
            _ = ffmpeg.av_dict_set(&settings, "movflags", "+empty_moov+delay_moov+default_base_moof", 0);
            _ = ffmpeg.av_dict_set(&settings, "frag_duration", FragmentMicroseconds, 0);
        }
        else
        {
            _ = ffmpeg.av_dict_set(&settings, "cluster_time_limit", ClusterMilliseconds, 0);
        }
        int status = ffmpeg.avformat_write_header(output, &settings);
        ffmpeg.av_dict_free(&settings);
        if (status < 0)
        {
            _ = _output.CloseFile();
            FFmpegRuntime.CheckOutput(status, _path, "its header cannot be written");
        }
        _headerWritten = true;
    }

    public void Write(VideoFrame frame)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (_completed) throw new InvalidOperationException("The output is complete.");
        if (_hurry.IsCancellationRequested)
        {
            // Nobody takes packets out of the encoder any more.
            _held++;
            return;
        }
        if (_sound is not null) Check(_sound.Drain());
        AVFrame* picture = _picture.Pointer;
        if (_device is null) _input.Fill(picture, frame);
        else _device.Fill(picture, frame, _input, _path);
        try
        {
            picture->pts = Ticks(frame);
            // How long the last picture is shown no later one tells.
            _lastDuration = _options.TimesAreCaptureTimes ? 0 : frame.DurationTicks;
            if (frame.DurationTicks > 0 && !_options.TimesAreCaptureTimes) _durations[picture->pts] = frame.DurationTicks;
            picture->sample_aspect_ratio = _encoder.Pointer->sample_aspect_ratio;
            FFmpegCompat.SetFields(picture, frame.Fields);
            picture->color_range = _encoder.Pointer->color_range;
            picture->color_primaries = _encoder.Pointer->color_primaries;
            picture->color_trc = _encoder.Pointer->color_trc;
            picture->colorspace = _encoder.Pointer->colorspace;
            Check(ffmpeg.avcodec_send_frame(_encoder.Pointer, picture));
            _held++;
        }
        finally
        {
            ffmpeg.av_frame_unref(picture);
        }
        DrainEncoder();
    }

    private long Ticks(VideoFrame frame)
    {
        long ticks = _options.TimesAreCaptureTimes ? (long)((double)frame.CaptureTime / Stopwatch.Frequency / _timeBase.Value)
            : frame.PresentationTicks != long.MinValue ? frame.PresentationTicks
            : frame.PresentationTime is { } time ? (long)Math.Round(time / _timeBase.Value)
            : frame.Index * _frameTicks + (_startsAtFirst ? 0 : _origin);
        if (_startsAtFirst && _lastTicks == long.MinValue) _origin = ticks;
        ticks -= _origin;
        // Encoders refuse times that do not rise; damaged sources have them.
        if (_lastTicks != long.MinValue) ticks = Math.Max(ticks, _lastTicks + 1);
        return _lastTicks = ticks;
    }

    private void DrainEncoder()
    {
        AVPacket* packet = _packet.Pointer;
        while (!_hurry.IsCancellationRequested)
        {
            int status = ffmpeg.avcodec_receive_packet(_encoder.Pointer, packet);
            if (status == FFmpegRuntime.TryAgain || status == ffmpeg.AVERROR_EOF) return;
            Check(status);
            _held--;
            packet->stream_index = _stream->index;
            if (_durations.Remove(packet->pts, out long duration)) packet->duration = duration;
            else if (packet->duration == 0) packet->duration = _frameTicks;
            AVRational timeBase = new() { num = _timeBase.Numerator, den = _timeBase.Denominator };
            ffmpeg.av_packet_rescale_ts(packet, timeBase, _stream->time_base);
            Check(ffmpeg.av_interleaved_write_frame(_output.Pointer, packet));
            _packets++;
        }
    }

    private void BeginToHurry()
    {
        if (_options.Closing > TimeSpan.Zero) _hurry.CancelAfter(_options.Closing);
        else _hurry.Cancel();
    }

    public void Complete()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (_completed) return;
        if (_lastTicks == long.MinValue)
        {
            LeaveNothing();
            return;
        }
        Check(ffmpeg.avcodec_send_frame(_encoder.Pointer, null));
        DrainEncoder();
        if (_held > 0 && _hurry.IsCancellationRequested)
            _options.Warning?.Invoke($"{_path}: the last {_held} frames, which the encoder had not finished, are left out, as the program was told to stop{(_packets == 0 ? "; without any there is no video" : "")}");
        if (_packets == 0)
        {
            LeaveNothing();
            return;
        }
        if (_sound is not null) Check(_sound.Drain());
        Check(ffmpeg.av_write_trailer(_output.Pointer));
        _headerWritten = false;
        Check(_output.Pointer->pb->error);
        Check(_output.CloseFile());
        _completed = true;
        using AtomicFile? whole = _fragmented ? Unfragment() : null;
        if (whole is null)
        {
            _file.Commit();
            return;
        }
        whole.Commit();
        _file.Discard();
    }

    // Interrupted before the first picture, or before the encoder gave one: a container without one is no video, so there is none, and
    // what has the name keeps it.
    private void LeaveNothing()
    {
        _completed = true;
        _headerWritten = false;
        _ = _output.CloseFile();
        _file.Discard();
    }

    private static AtomicFile CreateFile(string path)
    {
        string folder = Path.GetDirectoryName(Path.GetFullPath(path)) ?? "/";
        if (!Directory.Exists(folder)) throw new OutputException($"{path}: cannot be written: the folder {folder} does not exist");
        if (File.Exists(path) && (File.GetAttributes(path) & FileAttributes.ReadOnly) != 0)
            throw new OutputException($"{path}: cannot be written: the existing file is read-only");
        return AtomicFile.Create(path, Incomplete.Kept);
    }

    /// <summary>
    /// Copies the fragments into an ordinary file with one index, which every player and editor can seek in. Where the disk has no
    /// room for a second copy the fragmented file, complete and playable, serves as it is: null.
    /// </summary>
    private AtomicFile? Unfragment()
    {
        AtomicFile? whole = null;
        try
        {
            whole = AtomicFile.Create(_path);
            (double, double)? last = _lastDuration > 0 ? (_lastTicks * _timeBase.Value, _lastDuration * _timeBase.Value) : null;
            Remuxer.Copy(_file.TemporaryPath, whole.TemporaryPath, _path, _tags, last, _hurry.Token);
            return whole;
        }
        catch (OperationCanceledException)
        {
            // Told to stop: the fragments serve as they are.
            whole?.Dispose();
            return null;
        }
        catch (Img2PoseException e)
        {
            whole?.Dispose();
            _options.Warning?.Invoke($"{_path}: stays in fragments: {e.Message}");
            return null;
        }
    }

    private void Check(int status)
    {
        if (status >= 0) return;
        _failed = true;
        throw new OutputException($"{_path}: cannot be written: {FFmpegRuntime.Describe(status)}; what there is stays in {_file.TemporaryPath}");
    }

    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        // An interrupted output still gets its last fragment and index; a failed one is left as it is.
        if (_headerWritten && !_failed) _ = ffmpeg.av_write_trailer(_output.Pointer);
        bool leftBehind = _held > 0 && _hurry.IsCancellationRequested;
        _stop.Dispose();
        _hurry.Dispose();
        _sound?.Dispose();
        _picture.Dispose();
        _packet.Dispose();
        // An encoder that is freed waits for the pictures that it is at, which takes seconds where it is slow. It refers to nothing
        // that goes here: what it was given is counted.
        if (leftBehind && _encoder is not null && _device is null) new Thread(_encoder.Dispose) { IsBackground = true, Name = "encoder left behind" }.Start();
        else _encoder?.Dispose();
        // A GPU's encoder is never long at a picture, and has to be gone before the device is.
        _device?.Dispose();
        _input?.Dispose();
        _output.Dispose();
        _file.Dispose();
    }
}
