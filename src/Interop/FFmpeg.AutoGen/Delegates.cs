using System.Runtime.InteropServices;

namespace FFmpeg.AutoGen;

[UnmanagedFunctionPointer(CallingConvention.Cdecl)]
public unsafe delegate void av_buffer_create_free(void* opaque, byte* data);

public struct av_buffer_create_free_func
{
    public nint Pointer;

    public static implicit operator av_buffer_create_free_func(av_buffer_create_free? func) =>
        new() { Pointer = func is null ? 0 : Marshal.GetFunctionPointerForDelegate(func) };
}

[UnmanagedFunctionPointer(CallingConvention.Cdecl)]
public unsafe delegate int AVIOInterruptCB_callback(void* p0);

public struct AVIOInterruptCB_callback_func
{
    public nint Pointer;

    public static implicit operator AVIOInterruptCB_callback_func(AVIOInterruptCB_callback? func) =>
        new() { Pointer = func is null ? 0 : Marshal.GetFunctionPointerForDelegate(func) };
}

[UnmanagedFunctionPointer(CallingConvention.Cdecl)]
public unsafe delegate int AVFormatContext_io_open(
    AVFormatContext* s, AVIOContext** pb, [MarshalAs(UnmanagedType.LPUTF8Str)] string url, int flags, AVDictionary** options);

public struct AVFormatContext_io_open_func
{
    public nint Pointer;

    public static implicit operator AVFormatContext_io_open_func(AVFormatContext_io_open? func) =>
        new() { Pointer = func is null ? 0 : Marshal.GetFunctionPointerForDelegate(func) };
}

[UnmanagedFunctionPointer(CallingConvention.Cdecl)]
public unsafe delegate int avio_alloc_context_read_packet(void* opaque, byte* buf, int buf_size);

public struct avio_alloc_context_read_packet_func
{
    public nint Pointer;

    public static implicit operator avio_alloc_context_read_packet_func(avio_alloc_context_read_packet? func) =>
        new() { Pointer = func is null ? 0 : Marshal.GetFunctionPointerForDelegate(func) };
}

[UnmanagedFunctionPointer(CallingConvention.Cdecl)]
public unsafe delegate int avio_alloc_context_write_packet(void* opaque, byte* buf, int buf_size);

public struct avio_alloc_context_write_packet_func
{
    public nint Pointer;

    public static implicit operator avio_alloc_context_write_packet_func(avio_alloc_context_write_packet? func) =>
        new() { Pointer = func is null ? 0 : Marshal.GetFunctionPointerForDelegate(func) };
}

[UnmanagedFunctionPointer(CallingConvention.Cdecl)]
public unsafe delegate long avio_alloc_context_seek(void* opaque, long offset, int whence);

public struct avio_alloc_context_seek_func
{
    public nint Pointer;

    public static implicit operator avio_alloc_context_seek_func(avio_alloc_context_seek? func) =>
        new() { Pointer = func is null ? 0 : Marshal.GetFunctionPointerForDelegate(func) };
}

[UnmanagedFunctionPointer(CallingConvention.Cdecl)]
public unsafe delegate AVPixelFormat AVCodecContext_get_format(AVCodecContext* s, AVPixelFormat* fmt);

public struct AVCodecContext_get_format_func
{
    public nint Pointer;

    public static implicit operator AVCodecContext_get_format_func(AVCodecContext_get_format? func) =>
        new() { Pointer = func is null ? 0 : Marshal.GetFunctionPointerForDelegate(func) };
}
