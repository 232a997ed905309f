using System.Runtime.InteropServices;

namespace FFmpeg.AutoGen;

public static unsafe partial class ffmpeg
{
    private const string Avcodec = "avcodec";

    [LibraryImport(Avcodec)]
    public static partial uint avcodec_version();

    [LibraryImport(Avcodec)]
    public static partial AVCodec* avcodec_find_decoder(AVCodecID id);

    [LibraryImport(Avcodec, StringMarshalling = StringMarshalling.Utf8)]
    public static partial AVCodec* avcodec_find_decoder_by_name(string name);

    [LibraryImport(Avcodec)]
    public static partial AVCodecHWConfig* avcodec_get_hw_config(AVCodec* codec, int index);

    [LibraryImport(Avcodec)]
    public static partial int avcodec_get_hw_frames_parameters(
        AVCodecContext* avctx, AVBufferRef* device_ref, AVPixelFormat hw_pix_fmt, AVBufferRef** out_frames_ref);

    [LibraryImport(Avcodec)]
    public static partial AVCodec* avcodec_find_encoder(AVCodecID id);

    [LibraryImport(Avcodec, StringMarshalling = StringMarshalling.Utf8)]
    public static partial AVCodec* avcodec_find_encoder_by_name(string name);

    public static string avcodec_get_name(AVCodecID id) => Marshal.PtrToStringUTF8((nint)avcodec_get_name_native(id))!;

    [LibraryImport(Avcodec, EntryPoint = "avcodec_get_name")]
    private static partial byte* avcodec_get_name_native(AVCodecID id);

    [LibraryImport(Avcodec)]
    public static partial AVCodecContext* avcodec_alloc_context3(AVCodec* codec);

    [LibraryImport(Avcodec)]
    public static partial void avcodec_free_context(AVCodecContext** avctx);

    [LibraryImport(Avcodec)]
    public static partial int avcodec_open2(AVCodecContext* avctx, AVCodec* codec, AVDictionary** options);

    [LibraryImport(Avcodec)]
    public static partial int avcodec_parameters_to_context(AVCodecContext* codec, AVCodecParameters* par);

    [LibraryImport(Avcodec)]
    public static partial int avcodec_parameters_from_context(AVCodecParameters* par, AVCodecContext* codec);

    [LibraryImport(Avcodec)]
    public static partial int avcodec_parameters_copy(AVCodecParameters* dst, AVCodecParameters* src);

    [LibraryImport(Avcodec)]
    public static partial int avcodec_send_packet(AVCodecContext* avctx, AVPacket* avpkt);

    [LibraryImport(Avcodec)]
    public static partial int avcodec_receive_frame(AVCodecContext* avctx, AVFrame* frame);

    [LibraryImport(Avcodec)]
    public static partial int avcodec_send_frame(AVCodecContext* avctx, AVFrame* frame);

    [LibraryImport(Avcodec)]
    public static partial int avcodec_receive_packet(AVCodecContext* avctx, AVPacket* avpkt);

    [LibraryImport(Avcodec, StringMarshalling = StringMarshalling.Utf8)]
    public static partial AVBitStreamFilter* av_bsf_get_by_name(string name);

    [LibraryImport(Avcodec)]
    public static partial int av_bsf_alloc(AVBitStreamFilter* filter, AVBSFContext** ctx);

    [LibraryImport(Avcodec)]
    public static partial int av_bsf_init(AVBSFContext* ctx);

    [LibraryImport(Avcodec)]
    public static partial int av_bsf_send_packet(AVBSFContext* ctx, AVPacket* pkt);

    [LibraryImport(Avcodec)]
    public static partial int av_bsf_receive_packet(AVBSFContext* ctx, AVPacket* pkt);

    [LibraryImport(Avcodec)]
    public static partial void av_bsf_free(AVBSFContext** ctx);

    [LibraryImport(Avcodec)]
    public static partial AVPacket* av_packet_alloc();

    [LibraryImport(Avcodec)]
    public static partial void av_packet_free(AVPacket** pkt);

    [LibraryImport(Avcodec)]
    public static partial int av_new_packet(AVPacket* pkt, int size);

    [LibraryImport(Avcodec)]
    public static partial void av_packet_unref(AVPacket* pkt);

    [LibraryImport(Avcodec)]
    public static partial void av_packet_move_ref(AVPacket* dst, AVPacket* src);

    [LibraryImport(Avcodec)]
    public static partial void av_packet_rescale_ts(AVPacket* pkt, AVRational tb_src, AVRational tb_dst);
}
