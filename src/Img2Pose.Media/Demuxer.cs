using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using FFmpeg.AutoGen;

namespace Img2Pose.Media;

/// <summary>Opens a container, finds its video, and refuses what exceeds the limits.</summary>
internal static unsafe class Demuxer
{
    /// <summary>Opens what <paramref name="bytes"/> holds; the input owns them from then on, whether it opens or not.</summary>
    public static InputHandle Open(ByteInput bytes, ReadInterrupt interrupt, MediaLimits limits)
    {
        string name = bytes.Name;
        if (SourceRules.WhyRefused(bytes.Peek()) is { } why)
        {
            bytes.Dispose();
            interrupt.Free();
            throw new InputException($"{name}: cannot be opened: {why}");
        }
        // FFmpeg looks for the mark of an animated PNG in the first kilobytes, which a colour profile may fill; a still one is no
        // video and does not come here.
        string? format = bytes.Peek().StartsWith(PngSignature) ? "apng" : null;
        return Open(bytes, FileNames.Printable(Path.GetFileName(name)), name, format, interrupt, limits);
    }

    /// <summary>Opens a filter graph that the user wrote on the command line.</summary>
    public static InputHandle OpenGraph(string graph, string name, ReadInterrupt interrupt, MediaLimits limits)
    {
        SourceRules.CheckGraph(name, graph);
        return Open(null, graph, name, "lavfi", interrupt, limits);
    }

    private static InputHandle Open(
        ByteInput? bytes, string url, string name, string? formatName, ReadInterrupt interrupt, MediaLimits limits)
    {
        _ = FFmpegRuntime.EnsureLoaded();
        AVFormatContext* context = null;
        AVDictionary* options = null;
        try
        {
            AVInputFormat* format = null;
            if (formatName is not null)
            {
                format = FindFormat(formatName);
                if (format == null) throw new InputException($"{name}: this FFmpeg has no {formatName} input");
            }
            context = ffmpeg.avformat_alloc_context();
            if (context == null) throw new InsufficientMemoryException("FFmpeg is out of memory.");
            context->probesize = limits.ProbeBytes;
            context->max_streams = limits.MaxStreams;
            context->interrupt_callback = interrupt.Callback;
            context->io_open = new AVFormatContext_io_open_func
            {
                Pointer = (nint)(delegate* unmanaged[Cdecl]<AVFormatContext*, AVIOContext**, byte*, int, AVDictionary**, int>)&RefuseToOpen,
            };
            if (bytes is not null) context->pb = bytes.CreateContext();
            SourceRules.Apply(&options, isGraph: bytes is null);
            AVFormatContext* opened = context;
            int status = ffmpeg.avformat_open_input(&opened, url, format, &options);
            // A context that could not be opened is freed already.
            context = opened;
            if (status < 0) throw CannotOpen(name, status, interrupt);
            InputHandle input = new(context, bytes, interrupt);
            try
            {
                status = ffmpeg.avformat_find_stream_info(context, null);
                if (interrupt.IsCancelled) throw new OperationCanceledException();
                FFmpegRuntime.CheckInput(status, name, "its streams cannot be understood");
                if (context->nb_streams > limits.MaxStreams)
                {
                    throw new InputException(
                        $"{name}: it has {context->nb_streams} streams, more than the limit of {limits.MaxStreams} (MediaLimits.MaxStreams)");
                }
                return input;
            }
            catch
            {
                bytes = null;
                context = null;
                input.Dispose();
                throw;
            }
        }
        catch
        {
            if (context != null) ffmpeg.avformat_free_context(context);
            bytes?.Dispose();
            interrupt.Free();
            throw;
        }
        finally
        {
            ffmpeg.av_dict_free(&options);
        }
    }

    private static Exception CannotOpen(string name, int status, ReadInterrupt interrupt)
    {
        if (interrupt.IsCancelled) return new OperationCanceledException();
        // What is recognised but not on the list of containers is refused as an invalid argument.
        string why = status == ffmpeg.AVERROR_INVALIDDATA || status == s_invalidArgument
            ? "not a video or picture that is read here" : FFmpegRuntime.Describe(status);
        return new InputException($"{name}: cannot be opened: {why}");
    }

    private static ReadOnlySpan<byte> PngSignature => [0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A];

    private static readonly int s_invalidArgument = ffmpeg.AVERROR(22);

    private const int OperationNotPermitted = -1;

    /// <summary>What a container is answered that asks for another file or place.</summary>
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int RefuseToOpen(AVFormatContext* context, AVIOContext** opened, byte* url, int flags, AVDictionary** options) =>
        OperationNotPermitted;

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

    /// <summary>An input format by its name, devices included; null where this FFmpeg has none.</summary>
    /// <exception cref="ModelException">FFmpeg's device library is missing.</exception>
    public static AVInputFormat* FindFormat(string name)
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
