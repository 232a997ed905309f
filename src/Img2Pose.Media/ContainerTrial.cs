using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using FFmpeg.AutoGen;

namespace Img2Pose.Media;

/// <summary>
/// Whether a container takes a stream as it is, found by writing its header into nothing: what FFmpeg's table of codecs and
/// containers says is not what its writers do (TrueHD in mp4, FLAC and Opus in mov).
/// </summary>
internal static unsafe class ContainerTrial
{
    private const int BufferBytes = 4096;

    public static bool Takes(AVOutputFormat* format, AVStream* stream)
    {
        if (ffmpeg.avformat_query_codec(format, stream->codecpar->codec_id, 0) == 0) return false;
        AVFormatContext* trial = null;
        AVIOContext* nowhere = null;
        try
        {
            if (ffmpeg.avformat_alloc_output_context2(&trial, format, null, null) < 0) return false;
            byte* buffer = (byte*)ffmpeg.av_malloc(BufferBytes);
            if (buffer == null) throw new InsufficientMemoryException("FFmpeg is out of memory.");
            nowhere = ffmpeg.avio_alloc_context(buffer, BufferBytes, 1, null, default,
                new avio_alloc_context_write_packet_func { Pointer = (nint)(delegate* unmanaged[Cdecl]<void*, byte*, int, int>)&Discard },
                new avio_alloc_context_seek_func { Pointer = (nint)(delegate* unmanaged[Cdecl]<void*, long, int, long>)&Seek });
            AVStream* copy = ffmpeg.avformat_new_stream(trial, null);
            if (nowhere == null || copy == null) throw new InsufficientMemoryException("FFmpeg is out of memory.");
            if (ffmpeg.avcodec_parameters_copy(copy->codecpar, stream->codecpar) < 0) return false;
            copy->codecpar->codec_tag = 0;
            copy->time_base = stream->time_base;
            trial->pb = nowhere;
            return ffmpeg.avformat_write_header(trial, null) >= 0;
        }
        finally
        {
            if (trial != null)
            {
                trial->pb = null;
                ffmpeg.avformat_free_context(trial);
            }
            if (nowhere != null)
            {
                ffmpeg.av_freep(&nowhere->buffer);
                ffmpeg.avio_context_free(&nowhere);
            }
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Discard(void* opaque, byte* data, int size) => size;

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static long Seek(void* opaque, long offset, int whence) => offset;
}
