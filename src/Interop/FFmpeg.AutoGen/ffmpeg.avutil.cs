using System.Runtime.InteropServices;

namespace FFmpeg.AutoGen;

public static unsafe partial class ffmpeg
{
    private const string Avutil = "avutil";

    public static string av_version_info() => Marshal.PtrToStringUTF8((nint)av_version_info_native())!;

    [LibraryImport(Avutil, EntryPoint = "av_version_info")]
    private static partial byte* av_version_info_native();

    [LibraryImport(Avutil)]
    public static partial void av_log_set_level(int level);

    [LibraryImport(Avutil)]
    public static partial int av_strerror(int errnum, byte* errbuf, ulong errbuf_size);

    [LibraryImport(Avutil)]
    public static partial AVFrame* av_frame_alloc();

    [LibraryImport(Avutil)]
    public static partial void av_frame_free(AVFrame** frame);

    [LibraryImport(Avutil)]
    public static partial void av_frame_unref(AVFrame* frame);

    [LibraryImport(Avutil)]
    public static partial void av_frame_move_ref(AVFrame* dst, AVFrame* src);

    [LibraryImport(Avutil)]
    public static partial int av_frame_get_buffer(AVFrame* frame, int align);

    [LibraryImport(Avutil)]
    public static partial AVFrameSideData* av_frame_get_side_data(AVFrame* frame, AVFrameSideDataType type);

    [LibraryImport(Avutil)]
    public static partial AVBufferRef* av_buffer_create(
        byte* data, ulong size, av_buffer_create_free_func free, void* opaque, int flags);

    [LibraryImport(Avutil, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int av_dict_set(AVDictionary** pm, string key, string? value, int flags);

    [LibraryImport(Avutil)]
    public static partial int av_dict_copy(AVDictionary** dst, AVDictionary* src, int flags);

    [LibraryImport(Avutil)]
    public static partial void av_dict_free(AVDictionary** m);

    [LibraryImport(Avutil, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int av_opt_set_int(void* obj, string name, long val, int search_flags);

    [LibraryImport(Avutil, StringMarshalling = StringMarshalling.Utf8)]
    public static partial AVOption* av_opt_find(void* obj, string name, string? unit, int opt_flags, int search_flags);

    [LibraryImport(Avutil)]
    public static partial AVPixFmtDescriptor* av_pix_fmt_desc_get(AVPixelFormat pix_fmt);

    [LibraryImport(Avutil, StringMarshalling = StringMarshalling.Utf8)]
    public static partial AVPixelFormat av_get_pix_fmt(string name);

    public static string av_get_pix_fmt_name(AVPixelFormat pix_fmt) =>
        Marshal.PtrToStringUTF8((nint)av_get_pix_fmt_name_native(pix_fmt))!;

    [LibraryImport(Avutil, EntryPoint = "av_get_pix_fmt_name")]
    private static partial byte* av_get_pix_fmt_name_native(AVPixelFormat pix_fmt);

    [LibraryImport(Avutil)]
    public static partial void* av_malloc(ulong size);

    [LibraryImport(Avutil)]
    public static partial void* av_mallocz(ulong size);

    [LibraryImport(Avutil)]
    public static partial void av_freep(void* ptr);

    [LibraryImport(Avutil, StringMarshalling = StringMarshalling.Utf8)]
    public static partial AVDictionaryEntry* av_dict_get(AVDictionary* m, string key, AVDictionaryEntry* prev, int flags);

    [LibraryImport(Avutil)]
    public static partial AVFrameSideData* av_frame_new_side_data(AVFrame* frame, AVFrameSideDataType type, ulong size);

    [LibraryImport(Avutil)]
    public static partial int av_frame_copy_props(AVFrame* dst, AVFrame* src);

    [LibraryImport(Avutil)]
    public static partial AVBufferRef* av_buffer_ref(AVBufferRef* buf);

    [LibraryImport(Avutil)]
    public static partial void av_buffer_unref(AVBufferRef** buf);

    [LibraryImport(Avutil)]
    public static partial AVBufferRef* av_hwdevice_ctx_alloc(AVHWDeviceType type);

    [LibraryImport(Avutil)]
    public static partial int av_hwdevice_ctx_init(AVBufferRef* @ref);

    [LibraryImport(Avutil)]
    public static partial AVBufferRef* av_hwframe_ctx_alloc(AVBufferRef* device_ctx);

    [LibraryImport(Avutil)]
    public static partial int av_hwframe_ctx_init(AVBufferRef* @ref);

    [LibraryImport(Avutil)]
    public static partial int av_hwframe_get_buffer(AVBufferRef* hwframe_ctx, AVFrame* frame, int flags);

    [LibraryImport(Avutil)]
    public static partial int av_hwframe_transfer_data(AVFrame* dst, AVFrame* src, int flags);
}
