using System.Runtime.InteropServices;

namespace FFmpeg.AutoGen;

public struct AVBitStreamFilter;

public struct AVBuffer;

public struct AVClass;

public struct AVDictionary;

public struct AVFilter;

public struct AVFilterContext;

public struct AVOption;

public struct SwsContext;

public struct SwsFilter;

[StructLayout(LayoutKind.Explicit, Size = Layout.AVRational.Size)]
public struct AVRational
{
    [FieldOffset(Layout.AVRational.num)] public int num;
    [FieldOffset(Layout.AVRational.den)] public int den;
}

[StructLayout(LayoutKind.Sequential)]
public unsafe struct AVIOInterruptCB
{
    public AVIOInterruptCB_callback_func callback;
    public void* opaque;
}

[StructLayout(LayoutKind.Explicit, Size = Layout.AVChapter.Size)]
public unsafe struct AVChapter
{
    [FieldOffset(Layout.AVChapter.id)] public long id;
    [FieldOffset(Layout.AVChapter.time_base)] public AVRational time_base;
    [FieldOffset(Layout.AVChapter.start)] public long start;
    [FieldOffset(Layout.AVChapter.end)] public long end;
    [FieldOffset(Layout.AVChapter.metadata)] public AVDictionary* metadata;
}

[StructLayout(LayoutKind.Explicit, Size = Layout.AVBSFContext.Size)]
public unsafe struct AVBSFContext
{
    [FieldOffset(Layout.AVBSFContext.par_in)] public AVCodecParameters* par_in;
    [FieldOffset(Layout.AVBSFContext.time_base_in)] public AVRational time_base_in;
}

[StructLayout(LayoutKind.Explicit, Size = Layout.AVFilterGraph.Size)]
public unsafe struct AVFilterGraph
{
    [FieldOffset(Layout.AVFilterGraph.nb_threads)] public int nb_threads;
}

[StructLayout(LayoutKind.Explicit, Size = Layout.AVBufferRef.Size)]
public unsafe struct AVBufferRef
{
    [FieldOffset(Layout.AVBufferRef.buffer)] public AVBuffer* buffer;
    [FieldOffset(Layout.AVBufferRef.data)] public byte* data;
    [FieldOffset(Layout.AVBufferRef.size)] public ulong size;
}

[StructLayout(LayoutKind.Explicit, Size = Layout.AVDictionaryEntry.Size)]
public unsafe struct AVDictionaryEntry
{
    [FieldOffset(Layout.AVDictionaryEntry.key)] public byte* key;
    [FieldOffset(Layout.AVDictionaryEntry.value)] public byte* value;
}

[StructLayout(LayoutKind.Explicit, Size = Layout.AVComponentDescriptor.Size)]
public struct AVComponentDescriptor
{
    [FieldOffset(Layout.AVComponentDescriptor.plane)] public int plane;
    [FieldOffset(Layout.AVComponentDescriptor.step)] public int step;
    [FieldOffset(Layout.AVComponentDescriptor.shift)] public int shift;
    [FieldOffset(Layout.AVComponentDescriptor.depth)] public int depth;
}

[StructLayout(LayoutKind.Explicit, Size = Layout.AVPixFmtDescriptor.Size)]
public unsafe struct AVPixFmtDescriptor
{
    [FieldOffset(Layout.AVPixFmtDescriptor.name)] public byte* name;
    [FieldOffset(Layout.AVPixFmtDescriptor.nb_components)] public byte nb_components;
    [FieldOffset(Layout.AVPixFmtDescriptor.flags)] public ulong flags;
    [FieldOffset(Layout.AVPixFmtDescriptor.comp)] public AVComponentDescriptor_array4 comp;
}

[StructLayout(LayoutKind.Explicit, Size = Layout.AVFrameSideData.Size)]
public unsafe struct AVFrameSideData
{
    [FieldOffset(Layout.AVFrameSideData.type)] public AVFrameSideDataType type;
    [FieldOffset(Layout.AVFrameSideData.data)] public byte* data;
    [FieldOffset(Layout.AVFrameSideData.size)] public ulong size;
    [FieldOffset(Layout.AVFrameSideData.metadata)] public AVDictionary* metadata;
    [FieldOffset(Layout.AVFrameSideData.buf)] public AVBufferRef* buf;
}

[StructLayout(LayoutKind.Explicit, Size = Layout.AVFrame.Size)]
public unsafe struct AVFrame
{
    [FieldOffset(Layout.AVFrame.data)] public byte_ptrArray8 data;
    [FieldOffset(Layout.AVFrame.linesize)] public int_array8 linesize;
    [FieldOffset(Layout.AVFrame.extended_data)] public byte** extended_data;
    [FieldOffset(Layout.AVFrame.width)] public int width;
    [FieldOffset(Layout.AVFrame.height)] public int height;
    [FieldOffset(Layout.AVFrame.format)] public int format;
    [FieldOffset(Layout.AVFrame.sample_aspect_ratio)] public AVRational sample_aspect_ratio;
    [FieldOffset(Layout.AVFrame.pts)] public long pts;
    [FieldOffset(Layout.AVFrame.quality)] public int quality;
    [FieldOffset(Layout.AVFrame.time_base)] public AVRational time_base;
    [FieldOffset(Layout.AVFrame.buf)] public AVBufferRef_ptrArray8 buf;
    [FieldOffset(Layout.AVFrame.flags)] public int flags;
    [FieldOffset(Layout.AVFrame.color_range)] public AVColorRange color_range;
    [FieldOffset(Layout.AVFrame.color_primaries)] public AVColorPrimaries color_primaries;
    [FieldOffset(Layout.AVFrame.color_trc)] public AVColorTransferCharacteristic color_trc;
    [FieldOffset(Layout.AVFrame.colorspace)] public AVColorSpace colorspace;
    [FieldOffset(Layout.AVFrame.chroma_location)] public AVChromaLocation chroma_location;
    [FieldOffset(Layout.AVFrame.interlaced_frame)] public int interlaced_frame;
    [FieldOffset(Layout.AVFrame.top_field_first)] public int top_field_first;
    [FieldOffset(Layout.AVFrame.best_effort_timestamp)] public long best_effort_timestamp;
    [FieldOffset(Layout.AVFrame.pkt_duration)] public long pkt_duration;
    [FieldOffset(Layout.AVFrame.metadata)] public AVDictionary* metadata;
    [FieldOffset(Layout.AVFrame.decode_error_flags)] public int decode_error_flags;
    [FieldOffset(Layout.AVFrame.hw_frames_ctx)] public AVBufferRef* hw_frames_ctx;
    [FieldOffset(Layout.AVFrame.crop_top)] public ulong crop_top;
    [FieldOffset(Layout.AVFrame.crop_left)] public ulong crop_left;
}

[StructLayout(LayoutKind.Explicit, Size = Layout.AVPacket.Size)]
public unsafe struct AVPacket
{
    [FieldOffset(Layout.AVPacket.buf)] public AVBufferRef* buf;
    [FieldOffset(Layout.AVPacket.pts)] public long pts;
    [FieldOffset(Layout.AVPacket.dts)] public long dts;
    [FieldOffset(Layout.AVPacket.data)] public byte* data;
    [FieldOffset(Layout.AVPacket.size)] public int size;
    [FieldOffset(Layout.AVPacket.stream_index)] public int stream_index;
    [FieldOffset(Layout.AVPacket.flags)] public int flags;
    [FieldOffset(Layout.AVPacket.duration)] public long duration;
    [FieldOffset(Layout.AVPacket.pos)] public long pos;
    [FieldOffset(Layout.AVPacket.time_base)] public AVRational time_base;
}

[StructLayout(LayoutKind.Explicit, Size = Layout.AVCodec.Size)]
public unsafe struct AVCodec
{
    [FieldOffset(Layout.AVCodec.name)] public byte* name;
    [FieldOffset(Layout.AVCodec.type)] public AVMediaType type;
    [FieldOffset(Layout.AVCodec.id)] public AVCodecID id;
}

[StructLayout(LayoutKind.Explicit, Size = Layout.AVCodecContext.Size)]
public unsafe struct AVCodecContext
{
    [FieldOffset(Layout.AVCodecContext.codec_type)] public AVMediaType codec_type;
    [FieldOffset(Layout.AVCodecContext.codec)] public AVCodec* codec;
    [FieldOffset(Layout.AVCodecContext.codec_id)] public AVCodecID codec_id;
    [FieldOffset(Layout.AVCodecContext.codec_tag)] public uint codec_tag;
    [FieldOffset(Layout.AVCodecContext.flags)] public int flags;
    [FieldOffset(Layout.AVCodecContext.time_base)] public AVRational time_base;
    [FieldOffset(Layout.AVCodecContext.width)] public int width;
    [FieldOffset(Layout.AVCodecContext.height)] public int height;
    [FieldOffset(Layout.AVCodecContext.pix_fmt)] public AVPixelFormat pix_fmt;
    [FieldOffset(Layout.AVCodecContext.sample_aspect_ratio)] public AVRational sample_aspect_ratio;
    [FieldOffset(Layout.AVCodecContext.color_primaries)] public AVColorPrimaries color_primaries;
    [FieldOffset(Layout.AVCodecContext.color_trc)] public AVColorTransferCharacteristic color_trc;
    [FieldOffset(Layout.AVCodecContext.colorspace)] public AVColorSpace colorspace;
    [FieldOffset(Layout.AVCodecContext.color_range)] public AVColorRange color_range;
    [FieldOffset(Layout.AVCodecContext.global_quality)] public int global_quality;
    [FieldOffset(Layout.AVCodecContext.thread_count)] public int thread_count;
    [FieldOffset(Layout.AVCodecContext.thread_type)] public int thread_type;
    [FieldOffset(Layout.AVCodecContext.framerate)] public AVRational framerate;
    [FieldOffset(Layout.AVCodecContext.pkt_timebase)] public AVRational pkt_timebase;
    [FieldOffset(Layout.AVCodecContext.max_pixels)] public long max_pixels;
    [FieldOffset(Layout.AVCodecContext.qmin)] public int qmin;
    [FieldOffset(Layout.AVCodecContext.err_recognition)] public int err_recognition;
    [FieldOffset(Layout.AVCodecContext.field_order)] public AVFieldOrder field_order;
    [FieldOffset(Layout.AVCodecContext.refs)] public int refs;
    [FieldOffset(Layout.AVCodecContext.opaque)] public void* opaque;
    [FieldOffset(Layout.AVCodecContext.get_format)] public AVCodecContext_get_format_func get_format;
    [FieldOffset(Layout.AVCodecContext.hw_frames_ctx)] public AVBufferRef* hw_frames_ctx;
    [FieldOffset(Layout.AVCodecContext.hw_device_ctx)] public AVBufferRef* hw_device_ctx;
    [FieldOffset(Layout.AVCodecContext.sw_pix_fmt)] public AVPixelFormat sw_pix_fmt;
}

[StructLayout(LayoutKind.Explicit, Size = Layout.AVCodecHWConfig.Size)]
public struct AVCodecHWConfig
{
    [FieldOffset(Layout.AVCodecHWConfig.pix_fmt)] public AVPixelFormat pix_fmt;
    [FieldOffset(Layout.AVCodecHWConfig.methods)] public int methods;
    [FieldOffset(Layout.AVCodecHWConfig.device_type)] public AVHWDeviceType device_type;
}

[StructLayout(LayoutKind.Explicit, Size = Layout.AVHWDeviceContext.Size)]
public unsafe struct AVHWDeviceContext
{
    [FieldOffset(Layout.AVHWDeviceContext.type)] public AVHWDeviceType type;
    [FieldOffset(Layout.AVHWDeviceContext.hwctx)] public void* hwctx;
}

[StructLayout(LayoutKind.Explicit, Size = Layout.AVHWFramesContext.Size)]
public unsafe struct AVHWFramesContext
{
    [FieldOffset(Layout.AVHWFramesContext.device_ref)] public AVBufferRef* device_ref;
    [FieldOffset(Layout.AVHWFramesContext.initial_pool_size)] public int initial_pool_size;
    [FieldOffset(Layout.AVHWFramesContext.format)] public AVPixelFormat format;
    [FieldOffset(Layout.AVHWFramesContext.sw_format)] public AVPixelFormat sw_format;
    [FieldOffset(Layout.AVHWFramesContext.width)] public int width;
    [FieldOffset(Layout.AVHWFramesContext.height)] public int height;
}

[StructLayout(LayoutKind.Explicit, Size = Layout.AVCodecParameters.Size)]
public unsafe struct AVCodecParameters
{
    [FieldOffset(Layout.AVCodecParameters.codec_type)] public AVMediaType codec_type;
    [FieldOffset(Layout.AVCodecParameters.codec_id)] public AVCodecID codec_id;
    [FieldOffset(Layout.AVCodecParameters.codec_tag)] public uint codec_tag;
    [FieldOffset(Layout.AVCodecParameters.extradata)] public byte* extradata;
    [FieldOffset(Layout.AVCodecParameters.extradata_size)] public int extradata_size;
    [FieldOffset(Layout.AVCodecParameters.format)] public int format;
    [FieldOffset(Layout.AVCodecParameters.width)] public int width;
    [FieldOffset(Layout.AVCodecParameters.height)] public int height;
    [FieldOffset(Layout.AVCodecParameters.sample_aspect_ratio)] public AVRational sample_aspect_ratio;
    [FieldOffset(Layout.AVCodecParameters.color_range)] public AVColorRange color_range;
    [FieldOffset(Layout.AVCodecParameters.color_primaries)] public AVColorPrimaries color_primaries;
    [FieldOffset(Layout.AVCodecParameters.color_trc)] public AVColorTransferCharacteristic color_trc;
    [FieldOffset(Layout.AVCodecParameters.chroma_location)] public AVChromaLocation chroma_location;
    [FieldOffset(Layout.AVCodecParameters.sample_rate)] public int sample_rate;
    [FieldOffset(Layout.AVCodecParameters.field_order)] public AVFieldOrder field_order;
}

[StructLayout(LayoutKind.Explicit, Size = Layout.AVStream.Size)]
public unsafe struct AVStream
{
    [FieldOffset(Layout.AVStream.index)] public int index;
    [FieldOffset(Layout.AVStream.id)] public int id;
    [FieldOffset(Layout.AVStream.time_base)] public AVRational time_base;
    [FieldOffset(Layout.AVStream.start_time)] public long start_time;
    [FieldOffset(Layout.AVStream.duration)] public long duration;
    [FieldOffset(Layout.AVStream.nb_frames)] public long nb_frames;
    [FieldOffset(Layout.AVStream.disposition)] public int disposition;
    [FieldOffset(Layout.AVStream.discard)] public AVDiscard discard;
    [FieldOffset(Layout.AVStream.sample_aspect_ratio)] public AVRational sample_aspect_ratio;
    [FieldOffset(Layout.AVStream.metadata)] public AVDictionary* metadata;
    [FieldOffset(Layout.AVStream.avg_frame_rate)] public AVRational avg_frame_rate;
    [FieldOffset(Layout.AVStream.codecpar)] public AVCodecParameters* codecpar;
}

[StructLayout(LayoutKind.Explicit, Size = Layout.AVInputFormat.Size)]
public unsafe struct AVInputFormat
{
    [FieldOffset(Layout.AVInputFormat.name)] public byte* name;
    [FieldOffset(Layout.AVInputFormat.flags)] public int flags;
    [FieldOffset(Layout.AVInputFormat.priv_class)] public AVClass* priv_class;
}

[StructLayout(LayoutKind.Explicit, Size = Layout.AVOutputFormat.Size)]
public unsafe struct AVOutputFormat
{
    [FieldOffset(Layout.AVOutputFormat.name)] public byte* name;
    [FieldOffset(Layout.AVOutputFormat.flags)] public int flags;
}

[StructLayout(LayoutKind.Explicit, Size = Layout.AVIOContext.Size)]
public unsafe struct AVIOContext
{
    [FieldOffset(Layout.AVIOContext.buffer)] public byte* buffer;
    [FieldOffset(Layout.AVIOContext.seekable)] public int seekable;
    [FieldOffset(Layout.AVIOContext.error)] public int error;
}

[StructLayout(LayoutKind.Explicit, Size = Layout.AVFormatContext.Size)]
public unsafe struct AVFormatContext
{
    [FieldOffset(Layout.AVFormatContext.iformat)] public AVInputFormat* iformat;
    [FieldOffset(Layout.AVFormatContext.oformat)] public AVOutputFormat* oformat;
    [FieldOffset(Layout.AVFormatContext.pb)] public AVIOContext* pb;
    [FieldOffset(Layout.AVFormatContext.nb_streams)] public uint nb_streams;
    [FieldOffset(Layout.AVFormatContext.streams)] public AVStream** streams;
    [FieldOffset(Layout.AVFormatContext.url)] public byte* url;
    [FieldOffset(Layout.AVFormatContext.start_time)] public long start_time;
    [FieldOffset(Layout.AVFormatContext.duration)] public long duration;
    [FieldOffset(Layout.AVFormatContext.flags)] public int flags;
    [FieldOffset(Layout.AVFormatContext.probesize)] public long probesize;
    [FieldOffset(Layout.AVFormatContext.metadata)] public AVDictionary* metadata;
    [FieldOffset(Layout.AVFormatContext.max_streams)] public int max_streams;
    [FieldOffset(Layout.AVFormatContext.nb_chapters)] public uint nb_chapters;
    [FieldOffset(Layout.AVFormatContext.chapters)] public AVChapter** chapters;
    [FieldOffset(Layout.AVFormatContext.interrupt_callback)] public AVIOInterruptCB interrupt_callback;
    [FieldOffset(Layout.AVFormatContext.io_open)] public AVFormatContext_io_open_func io_open;
    [FieldOffset(Layout.AVFormatContext.max_analyze_duration)] public long max_analyze_duration;
    [FieldOffset(Layout.AVFormatContext.opaque)] public void* opaque;
}
