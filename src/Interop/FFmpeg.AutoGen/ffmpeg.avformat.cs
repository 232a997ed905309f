using System.Runtime.InteropServices;

namespace FFmpeg.AutoGen;

public static unsafe partial class ffmpeg
{
    private const string Avformat = "avformat";
    private const string Avdevice = "avdevice";

    [LibraryImport(Avformat)]
    public static partial uint avformat_version();

    [LibraryImport(Avdevice)]
    public static partial void avdevice_register_all();

    [LibraryImport(Avformat)]
    public static partial AVFormatContext* avformat_alloc_context();

    [LibraryImport(Avformat)]
    public static partial void avformat_free_context(AVFormatContext* s);

    [LibraryImport(Avformat, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int avformat_open_input(AVFormatContext** ps, string url, AVInputFormat* fmt, AVDictionary** options);

    [LibraryImport(Avformat)]
    public static partial int avformat_find_stream_info(AVFormatContext* ic, AVDictionary** options);

    [LibraryImport(Avformat)]
    public static partial void avformat_close_input(AVFormatContext** s);

    [LibraryImport(Avformat, StringMarshalling = StringMarshalling.Utf8)]
    public static partial AVInputFormat* av_find_input_format(string short_name);

    [LibraryImport(Avformat)]
    public static partial int av_find_best_stream(
        AVFormatContext* ic, AVMediaType type, int wanted_stream_nb, int related_stream, AVCodec** decoder_ret, int flags);

    [LibraryImport(Avformat)]
    public static partial int av_read_frame(AVFormatContext* s, AVPacket* pkt);

    [LibraryImport(Avformat)]
    public static partial int av_seek_frame(AVFormatContext* s, int stream_index, long timestamp, int flags);

    [LibraryImport(Avformat)]
    public static partial byte* av_stream_get_side_data(AVStream* stream, AVPacketSideDataType type, ulong* size);

    [LibraryImport(Avformat)]
    public static partial AVRational av_guess_frame_rate(AVFormatContext* ctx, AVStream* stream, AVFrame* frame);

    [LibraryImport(Avformat)]
    public static partial AVRational av_guess_sample_aspect_ratio(AVFormatContext* format, AVStream* stream, AVFrame* frame);

    [LibraryImport(Avformat, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int avformat_alloc_output_context2(
        AVFormatContext** ctx, AVOutputFormat* oformat, string? format_name, string? filename);

    [LibraryImport(Avformat)]
    public static partial AVStream* avformat_new_stream(AVFormatContext* s, AVCodec* c);

    [LibraryImport(Avformat)]
    public static partial int avformat_query_codec(AVOutputFormat* ofmt, AVCodecID codec_id, int std_compliance);

    [LibraryImport(Avformat)]
    public static partial int avformat_write_header(AVFormatContext* s, AVDictionary** options);

    [LibraryImport(Avformat)]
    public static partial int av_interleaved_write_frame(AVFormatContext* s, AVPacket* pkt);

    [LibraryImport(Avformat)]
    public static partial int av_write_frame(AVFormatContext* s, AVPacket* pkt);

    [LibraryImport(Avformat)]
    public static partial int av_write_trailer(AVFormatContext* s);

    [LibraryImport(Avformat, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int avio_open2(
        AVIOContext** s, string url, int flags, AVIOInterruptCB* int_cb, AVDictionary** options);

    [LibraryImport(Avformat)]
    public static partial int avio_closep(AVIOContext** s);

    public static AVIOContext* avio_alloc_context(
        byte* buffer, int buffer_size, int write_flag, void* opaque, avio_alloc_context_read_packet_func read_packet,
        avio_alloc_context_write_packet_func write_packet, avio_alloc_context_seek_func seek) =>
        avio_alloc_context_native(
            buffer, buffer_size, write_flag, opaque, read_packet.Pointer, write_packet.Pointer, seek.Pointer);

    [LibraryImport(Avformat, EntryPoint = "avio_alloc_context")]
    private static partial AVIOContext* avio_alloc_context_native(
        byte* buffer, int buffer_size, int write_flag, void* opaque, nint read_packet, nint write_packet, nint seek);

    [LibraryImport(Avformat)]
    public static partial void avio_context_free(AVIOContext** s);
}
