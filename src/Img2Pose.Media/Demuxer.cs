using FFmpeg.AutoGen;

namespace Img2Pose.Media;

/// <summary>Opens a container, finds its video, and refuses what exceeds the limits.</summary>
internal static unsafe class Demuxer
{
    public static InputHandle Open(string url, string shownName, string? formatName, MediaLimits limits)
    {
        _ = FFmpegRuntime.EnsureLoaded();
        AVInputFormat* format = null;
        if (formatName is not null)
        {
            format = FindFormat(formatName);
            if (format == null) throw new InputException($"{shownName}: this FFmpeg has no {formatName} input");
        }

        AVFormatContext* context = ffmpeg.avformat_alloc_context();
        if (context == null) throw new InsufficientMemoryException("FFmpeg is out of memory.");
        context->probesize = limits.ProbeBytes;
        context->max_streams = limits.MaxStreams;
        AVDictionary* options = null;
        // A playlist must not make this program read other places than files.
        if (formatName is null) _ = ffmpeg.av_dict_set(&options, "protocol_whitelist", "file,crypto,data", 0);
        int status = ffmpeg.avformat_open_input(&context, url, format, &options);
        ffmpeg.av_dict_free(&options);
        if (status < 0)
        {
            // avformat_open_input has freed the context.
            string why = status == ffmpeg.AVERROR_INVALIDDATA ? "not a video or picture that FFmpeg can read" : FFmpegRuntime.Describe(status);
            throw new InputException($"{shownName}: cannot be opened: {why}");
        }
        InputHandle input = new(context);
        try
        {
            FFmpegRuntime.CheckInput(ffmpeg.avformat_find_stream_info(context, null), shownName, "its streams cannot be understood");
            if (context->nb_streams > limits.MaxStreams)
            {
                throw new InputException(
                    $"{shownName}: it has {context->nb_streams} streams, more than the limit of {limits.MaxStreams} (MediaLimits.MaxStreams)");
            }
            return input;
        }
        catch
        {
            input.Dispose();
            throw;
        }
    }

    /// <summary>The stream to show: FFmpeg's choice among those that are not cover pictures.</summary>
    public static AVStream* FindVideo(AVFormatContext* context, string shownName, MediaLimits limits, out AVCodec* decoder)
    {
        AVCodec* found = null;
        int index = ffmpeg.av_find_best_stream(context, AVMediaType.AVMEDIA_TYPE_VIDEO, -1, -1, &found, 0);
        if (index == ffmpeg.AVERROR_DECODER_NOT_FOUND)
        {
            string codec = "its video";
            for (uint i = 0; i < context->nb_streams; i++)
            {
                AVCodecParameters* candidate = context->streams[i]->codecpar;
                if (candidate->codec_type == AVMediaType.AVMEDIA_TYPE_VIDEO) codec = ffmpeg.avcodec_get_name(candidate->codec_id);
            }
            throw new InputException($"{shownName}: this FFmpeg has no decoder for {codec}");
        }
        if (index < 0 || (context->streams[index]->disposition & ffmpeg.AV_DISPOSITION_ATTACHED_PIC) != 0)
            throw new InputException($"{shownName}: there is no video in it");

        AVStream* stream = context->streams[index];
        AVCodecParameters* parameters = stream->codecpar;
        if (parameters->width <= 0 || parameters->height <= 0)
        {
            throw new InputException(
                $"{shownName}: the size of the picture cannot be found out, within the limit of {limits.ProbeBytes} bytes (MediaLimits.ProbeBytes)");
        }
        limits.CheckPixels(shownName, parameters->width, parameters->height);
        decoder = found;
        return stream;
    }

    private static AVInputFormat* FindFormat(string name)
    {
        try
        {
            ffmpeg.avdevice_register_all();
        }
        catch (Exception e) when (e is DllNotFoundException or EntryPointNotFoundException or NotSupportedException)
        {
            throw new ModelException($"FFmpeg's device library cannot be loaded: {e.Message}", e);
        }
        return ffmpeg.av_find_input_format(name);
    }
}
