using System.Runtime.InteropServices;

namespace FFmpeg.AutoGen;

[UnmanagedFunctionPointer(CallingConvention.Cdecl)]
public unsafe delegate AVBufferRef* av_buffer_pool_init_alloc(ulong size);

public struct av_buffer_pool_init_alloc_func
{
    public nint Pointer;

    public static implicit operator av_buffer_pool_init_alloc_func(av_buffer_pool_init_alloc? func) =>
        new() { Pointer = func is null ? 0 : Marshal.GetFunctionPointerForDelegate(func) };
}

[UnmanagedFunctionPointer(CallingConvention.Cdecl)]
public unsafe delegate void av_buffer_create_free(void* opaque, byte* data);

public struct av_buffer_create_free_func
{
    public nint Pointer;

    public static implicit operator av_buffer_create_free_func(av_buffer_create_free? func) =>
        new() { Pointer = func is null ? 0 : Marshal.GetFunctionPointerForDelegate(func) };
}
