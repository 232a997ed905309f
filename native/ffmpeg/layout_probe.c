// Writes a C# file with the size and field offsets of every FFmpeg struct that the FFmpeg.AutoGen stand-in declares,
// measured on the headers that this file is compiled with, and the library majors that they belong to.
#include <stddef.h>
#include <stdio.h>

#include <libavcodec/avcodec.h>
#include <libavcodec/bsf.h>
#include <libavcodec/version.h>
#include <libavdevice/version.h>
#include <libavfilter/avfilter.h>
#include <libavfilter/version.h>
#include <libavformat/avformat.h>
#include <libavformat/version.h>
#include <libavutil/frame.h>
#include <libavutil/hwcontext.h>
#include <libavutil/pixdesc.h>
#include <libswscale/version.h>

static FILE *out;

#define STRUCT(type, ...)                                                             \
    do {                                                                              \
        typedef type probed;                                                          \
        fprintf(out, "\n    internal static class %s\n    {\n", #type);               \
        fprintf(out, "        internal const int Size = %zu;\n", sizeof(probed));     \
        __VA_ARGS__                                                                   \
        fprintf(out, "    }\n");                                                      \
    } while (0)

#define FIELD(name) fprintf(out, "        internal const int %s = %zu;\n", #name, offsetof(probed, name));

// A member under the name that FFmpeg.AutoGen 5.1 has for it.
#define FIELD_AS(name, now) fprintf(out, "        internal const int %s = %zu;\n", #name, offsetof(probed, now));

// FFmpeg 7 has only the successor, of the same type and meaning.
#if LIBAVUTIL_VERSION_MAJOR >= 59
#define FRAME_DURATION FIELD_AS(pkt_duration, duration)
#else
#define FRAME_DURATION FIELD(pkt_duration)
#endif

static void write_structs(void)
{
    STRUCT(AVBSFContext,
        FIELD(par_in) FIELD(time_base_in));
    STRUCT(AVChapter,
        FIELD(id) FIELD(time_base) FIELD(start) FIELD(end) FIELD(metadata));
    STRUCT(AVBufferRef,
        FIELD(buffer) FIELD(data) FIELD(size));
    STRUCT(AVCodec,
        FIELD(name) FIELD(type) FIELD(id));
    STRUCT(AVCodecContext,
        FIELD(codec_type) FIELD(codec) FIELD(codec_id) FIELD(codec_tag) FIELD(flags) FIELD(time_base) FIELD(width)
        FIELD(height) FIELD(pix_fmt) FIELD(sample_aspect_ratio) FIELD(color_primaries) FIELD(color_trc)
        FIELD(colorspace) FIELD(color_range) FIELD(global_quality) FIELD(thread_count) FIELD(thread_type)
        FIELD(framerate) FIELD(pkt_timebase) FIELD(max_pixels) FIELD(qmin) FIELD(err_recognition) FIELD(field_order)
        FIELD(refs) FIELD(opaque) FIELD(get_format) FIELD(hw_device_ctx) FIELD(hw_frames_ctx) FIELD(sw_pix_fmt));
    STRUCT(AVCodecHWConfig,
        FIELD(pix_fmt) FIELD(methods) FIELD(device_type));
    STRUCT(AVCodecParameters,
        FIELD(codec_type) FIELD(codec_id) FIELD(codec_tag) FIELD(extradata) FIELD(extradata_size) FIELD(format) FIELD(width)
        FIELD(height) FIELD(sample_aspect_ratio) FIELD(color_range) FIELD(color_primaries) FIELD(color_trc) FIELD(chroma_location)
        FIELD(sample_rate) FIELD(field_order));
    STRUCT(AVComponentDescriptor,
        FIELD(plane) FIELD(step) FIELD(shift) FIELD(depth));
    STRUCT(AVDictionaryEntry,
        FIELD(key) FIELD(value));
    STRUCT(AVFilterGraph,
        FIELD(nb_threads));
    STRUCT(AVFormatContext,
        FIELD(iformat) FIELD(oformat) FIELD(pb) FIELD(nb_streams) FIELD(streams) FIELD(url) FIELD(start_time)
        FIELD(duration) FIELD(flags) FIELD(probesize) FIELD(metadata) FIELD(max_streams) FIELD(nb_chapters) FIELD(chapters)
        FIELD(interrupt_callback) FIELD(io_open) FIELD(max_analyze_duration) FIELD(opaque));
    STRUCT(AVFrame,
        FIELD(data) FIELD(linesize) FIELD(extended_data) FIELD(width) FIELD(height) FIELD(format)
        FIELD(sample_aspect_ratio) FIELD(pts) FIELD(quality) FIELD(time_base) FIELD(buf) FIELD(flags) FIELD(color_range)
        FIELD(color_primaries) FIELD(color_trc) FIELD(colorspace) FIELD(chroma_location) FIELD(best_effort_timestamp)
        FIELD(interlaced_frame) FIELD(top_field_first)
        FRAME_DURATION FIELD(metadata) FIELD(decode_error_flags) FIELD(hw_frames_ctx) FIELD(crop_left) FIELD(crop_top));
    STRUCT(AVFrameSideData,
        FIELD(type) FIELD(data) FIELD(size) FIELD(metadata) FIELD(buf));
    STRUCT(AVHWDeviceContext,
        FIELD(type) FIELD(hwctx));
    STRUCT(AVHWFramesContext,
        FIELD(device_ref) FIELD(format) FIELD(sw_format) FIELD(width) FIELD(height) FIELD(initial_pool_size));
    STRUCT(AVInputFormat,
        FIELD(name) FIELD(flags) FIELD(priv_class));
    STRUCT(AVIOContext,
        FIELD(error) FIELD(seekable) FIELD(buffer));
    STRUCT(AVOutputFormat,
        FIELD(name) FIELD(flags));
    STRUCT(AVPacket,
        FIELD(buf) FIELD(pts) FIELD(dts) FIELD(data) FIELD(size) FIELD(stream_index) FIELD(flags) FIELD(duration)
        FIELD(pos) FIELD(time_base));
    STRUCT(AVPixFmtDescriptor,
        FIELD(name) FIELD(nb_components) FIELD(flags) FIELD(comp));
    STRUCT(AVRational,
        FIELD(num) FIELD(den));
    STRUCT(AVStream,
        FIELD(index) FIELD(id) FIELD(time_base) FIELD(start_time) FIELD(duration) FIELD(nb_frames) FIELD(disposition)
        FIELD(discard) FIELD(sample_aspect_ratio) FIELD(metadata) FIELD(avg_frame_rate) FIELD(codecpar));
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s OUTPUT.cs\n", argv[0]);
        return 2;
    }
    out = fopen(argv[1], "w");
    if (!out) {
        perror(argv[1]);
        return 1;
    }
    fprintf(out,
        "// <auto-generated>Written by native/ffmpeg/layout_probe.c from the installed headers; do not edit.</auto-generated>\n"
        "namespace FFmpeg.AutoGen;\n\n"
        "internal static class Layout\n"
        "{\n"
        "    internal const int AvcodecMajor = %d;\n"
        "    internal const int AvdeviceMajor = %d;\n"
        "    internal const int AvfilterMajor = %d;\n"
        "    internal const int AvformatMajor = %d;\n"
        "    internal const int AvutilMajor = %d;\n"
        "    internal const int SwscaleMajor = %d;\n",
        LIBAVCODEC_VERSION_MAJOR, LIBAVDEVICE_VERSION_MAJOR, LIBAVFILTER_VERSION_MAJOR, LIBAVFORMAT_VERSION_MAJOR,
        LIBAVUTIL_VERSION_MAJOR, LIBSWSCALE_VERSION_MAJOR);
    write_structs();
    fprintf(out, "}\n");
    if (ferror(out) || fclose(out) != 0) {
        perror(argv[1]);
        return 1;
    }
    return 0;
}
