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
