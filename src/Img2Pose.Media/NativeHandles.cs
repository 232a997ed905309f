using System.Runtime.InteropServices;
using FFmpeg.AutoGen;

namespace Img2Pose.Media;

/// <summary>A SafeHandle whose invalid value is null and which always owns what it points to.</summary>
internal abstract class OwnedPointer : SafeHandle
{
    // A handle is often the first that asks for FFmpeg: it must come from the right folder, or be missing in the right words.
    protected OwnedPointer() : base(0, ownsHandle: true) => _ = FFmpegRuntime.EnsureLoaded();

    public sealed override bool IsInvalid => handle == 0;

    protected static nint NotNull(nint pointer) => pointer != 0 ? pointer : throw new InsufficientMemoryException("FFmpeg is out of memory.");
}

/// <summary>Owns an <c>AVFrame</c> and the reference that it holds.</summary>
internal sealed unsafe class FrameHandle : OwnedPointer
{
    public FrameHandle() => SetHandle(NotNull((nint)ffmpeg.av_frame_alloc()));

    public AVFrame* Pointer => (AVFrame*)handle;

    protected override bool ReleaseHandle()
    {
        AVFrame* frame = Pointer;
        ffmpeg.av_frame_free(&frame);
        return true;
    }
}

/// <summary>Owns an <c>AVPacket</c> and the reference that it holds.</summary>
internal sealed unsafe class PacketHandle : OwnedPointer
{
    public PacketHandle() => SetHandle(NotNull((nint)ffmpeg.av_packet_alloc()));

    public AVPacket* Pointer => (AVPacket*)handle;

    protected override bool ReleaseHandle()
    {
        AVPacket* packet = Pointer;
        ffmpeg.av_packet_free(&packet);
        return true;
    }
}

/// <summary>Owns a decoder or encoder.</summary>
internal sealed unsafe class CodecHandle : OwnedPointer
{
    public CodecHandle(AVCodec* codec) => SetHandle(NotNull((nint)ffmpeg.avcodec_alloc_context3(codec)));

    public AVCodecContext* Pointer => (AVCodecContext*)handle;

    protected override bool ReleaseHandle()
    {
        AVCodecContext* context = Pointer;
        ffmpeg.avcodec_free_context(&context);
        return true;
    }
}

/// <summary>Owns a filter that rewrites packets.</summary>
internal sealed unsafe class PacketFilterHandle : OwnedPointer
{
    /// <summary>Takes over what <c>av_bsf_alloc</c> returned.</summary>
    public PacketFilterHandle(AVBSFContext* context) => SetHandle(NotNull((nint)context));

    public AVBSFContext* Pointer => (AVBSFContext*)handle;

    protected override bool ReleaseHandle()
    {
        AVBSFContext* context = Pointer;
        ffmpeg.av_bsf_free(&context);
        return true;
    }
}

/// <summary>Owns a graph of filters.</summary>
internal sealed unsafe class FilterGraphHandle : OwnedPointer
{
    public FilterGraphHandle() => SetHandle(NotNull((nint)ffmpeg.avfilter_graph_alloc()));

    public AVFilterGraph* Pointer => (AVFilterGraph*)handle;

    protected override bool ReleaseHandle()
    {
        AVFilterGraph* graph = Pointer;
        ffmpeg.avfilter_graph_free(&graph);
        return true;
    }
}

/// <summary>Owns a scaler.</summary>
internal sealed unsafe class ScalerHandle : OwnedPointer
{
    public ScalerHandle() => SetHandle(NotNull((nint)ffmpeg.sws_alloc_context()));

    public SwsContext* Pointer => (SwsContext*)handle;

    protected override bool ReleaseHandle()
    {
        ffmpeg.sws_freeContext(Pointer);
        return true;
    }
}

/// <summary>Owns an opened input, the bytes behind it and what interrupts it.</summary>
internal sealed unsafe class InputHandle : OwnedPointer
{
    // Both are held by FFmpeg, too, until it has closed the input.
    private readonly ByteInput? _bytes;
    private readonly ReadInterrupt _interrupt;
    private readonly IDisposable? _opener;

    /// <summary>Takes over what <c>avformat_open_input</c> returned, and what answers it when it opens addresses.</summary>
    public InputHandle(AVFormatContext* context, ByteInput? bytes, ReadInterrupt interrupt, IDisposable? opener = null)
    {
        _opener = opener;
        _bytes = bytes;
        _interrupt = interrupt;
        SetHandle((nint)context);
    }

    /// <summary>What is read, or null for a filter graph.</summary>
    public ByteInput? Bytes => _bytes;

    public AVFormatContext* Pointer => (AVFormatContext*)handle;

    protected override bool ReleaseHandle()
    {
        AVFormatContext* context = Pointer;
        ffmpeg.avformat_close_input(&context);
        _bytes?.Dispose();
        _opener?.Dispose();
        _interrupt.Free();
        return true;
    }
}

/// <summary>Owns an output and the file behind it.</summary>
internal sealed unsafe class OutputHandle : OwnedPointer
{
    /// <summary>Takes over what <c>avformat_alloc_output_context2</c> returned.</summary>
    public OutputHandle(AVFormatContext* context) => SetHandle((nint)context);

    public AVFormatContext* Pointer => (AVFormatContext*)handle;

    /// <summary>Closes the file; the status tells whether everything reached it.</summary>
    public int CloseFile() => Pointer->pb == null ? 0 : ffmpeg.avio_closep(&Pointer->pb);

    protected override bool ReleaseHandle()
    {
        _ = CloseFile();
        ffmpeg.avformat_free_context(Pointer);
        return true;
    }
}
