using System.Diagnostics;
using FFmpeg.AutoGen;

namespace Img2Pose.Media;

// How a connection is opened: what is asked before FFmpeg is, and what is settled once it knows the stream.
internal sealed unsafe partial class LiveConnection
{
    private void Open()
    {
        LiveSourceOptions live = _options.Live;
        long began = Stopwatch.GetTimestamp();
        CameraFormat? camera = null;
        bool opens = false;
        LiveAddress address = _address;
        try
        {
            if (_address.Kind == LiveKind.Network && live.Route is { } route) address = route.Resolve(_address, live.OpenTimeout, _ending.Token);
            else if (_address.Kind == LiveKind.Network) NetworkCheck.Resolve(_address.Host, live.OpenTimeout, _ending.Token);
            if (_address.Scheme == "rtsps" && !live.Insecure && !SourceRules.VerifiesRtsps())
            {
                throw new LiveFailureException(LiveFailureKind.Incurable,
                    "this FFmpeg cannot check the certificate of rtsps://, that of 7.0 and later can; --insecure takes it unseen");
            }
            if (_address.Kind == LiveKind.Camera) camera = ChooseCamera();
            TimeSpan left = live.OpenTimeout - Stopwatch.GetElapsedTime(began);
            _interrupt.Allow(left > TimeSpan.Zero ? left : TimeSpan.Zero);
            opens = true;
            _input = LiveInput.Open(address, live, _options.Limits, camera, _options.Sound, _interrupt, out string[] unused);
            UnusedOptions = unused;
        }
        catch (LiveFailureException e) when (e.Failure.Kind == LiveFailureKind.Lost && !live.Insecure && _address.Scheme is "https" or "rtsps")
        {
            Allow(live.OpenTimeout.TotalSeconds);
            string? why = NetworkCheck.WhyNotTrusted(_address.Host, _address.Port ?? (_address.Scheme == "https" ? 443 : 322), live.OpenTimeout, live.Route, _ending.Token);
            if (why is null) throw;
            throw new LiveFailureException(LiveFailureKind.Incurable, why == NetworkCheck.NoTls ? why : $"{why}; --insecure takes it unseen");
        }
        finally
        {
            // Until FFmpeg has it nobody else frees it.
            if (!opens) _interrupt.Free();
        }

        AVFormatContext* container = _input.Pointer;
        string format = FFmpegRuntime.Text(container->iformat->name) ?? "";
        bool isPlaylist = format == "hls";
        if (_address.Scheme is "http" or "https" && container->duration > 0 && (isPlaylist || (container->pb != null && (container->pb->seekable & 1) != 0)))
        {
            _interrupt.Allow(null);
            lock (_gate) _recorded = _input;
            return;
        }
        _isPaced = isPlaylist;
        // A row of JPEGs over HTTP has no times: a picture is as old as its arrival says.
        _hasTimes = (container->iformat->flags & ffmpeg.AVFMT_NOTIMESTAMPS) == 0 && format != "mpjpeg";
        _decoder = new LiveDecoder(container, _address.Name, _options, _knownShape);
        AVStream* stream = FindVideo(container);
        _decoder.Select(stream);
        lock (_gate)
        {
            // Whoever has left this connection may have disposed it.
            if (_left) throw new OperationCanceledException();
            if (Sound is not null) Sound.Follow(container);
            else if (_options.Sound) Sound = LiveSound.Of(container);
        }
        for (uint i = 0; i < container->nb_streams; i++)
        {
            AVStream* other = container->streams[i];
            bool wanted = other == stream || (Sound is not null && other->codecpar->codec_type == AVMediaType.AVMEDIA_TYPE_AUDIO);
            other->discard = wanted ? AVDiscard.AVDISCARD_DEFAULT : AVDiscard.AVDISCARD_ALL;
        }
        AVRational rate = ffmpeg.av_guess_frame_rate(container, stream, null);
        double? rateOfStream = rate.num > 0 && rate.den > 0 ? (double)rate.num / rate.den : null;
        FramesPerSecond = rateOfStream is > 0 and <= 240 ? rateOfStream : null;
        _interval = 1 / (FramesPerSecond ?? 25);
    }

    private CameraFormat? ChooseCamera()
    {
        CameraDevice device = CameraDevice.Describe(_address.Target, _options.Live);
        if (device.Problem is { } problem)
        {
            bool waits = problem.Contains("in use", StringComparison.Ordinal);
            throw new LiveFailureException(waits ? LiveFailureKind.Lost : LiveFailureKind.Incurable, problem);
        }
        if (!device.IsCamera) throw new LiveFailureException(LiveFailureKind.Incurable, "it is no camera: no pictures come from it");
        return device.Choose(_options.Live);
    }

    private static AVStream* FindVideo(AVFormatContext* container)
    {
        AVCodec* decoder = null;
        int index = ffmpeg.av_find_best_stream(container, AVMediaType.AVMEDIA_TYPE_VIDEO, -1, -1, &decoder, 0);
        if (index == ffmpeg.AVERROR_DECODER_NOT_FOUND) throw new LiveFailureException(LiveFailureKind.Incurable, "this FFmpeg has no decoder for its video");
        if (index < 0 || (container->streams[index]->disposition & ffmpeg.AV_DISPOSITION_ATTACHED_PIC) != 0)
            throw new LiveFailureException(LiveFailureKind.Incurable, "there is no video in it");
        return container->streams[index];
    }
}
