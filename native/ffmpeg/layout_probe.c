// Writes a C# file with the size and field offsets of every FFmpeg struct that the FFmpeg.AutoGen stand-in declares,
// measured on the headers that this file is compiled with, and the library majors that they belong to.
#include <stddef.h>
#include <stdio.h>

#include <libavcodec/avcodec.h>
#include <libavcodec/version.h>
#include <libavdevice/version.h>
#include <libavfilter/avfilter.h>
#include <libavfilter/version.h>
#include <libavformat/avformat.h>
#include <libavformat/version.h>
#include <libavutil/frame.h>
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

static void write_structs(void)
{
    STRUCT(AVBufferRef, FIELD(buffer) FIELD(data) FIELD(size));
    STRUCT(AVCodec,
        FIELD(name) FIELD(long_name) FIELD(type) FIELD(id) FIELD(capabilities) FIELD(pix_fmts));
    STRUCT(AVCodecContext,
        FIELD(codec_type) FIELD(codec) FIELD(codec_id) FIELD(codec_tag) FIELD(priv_data) FIELD(bit_rate) FIELD(flags)
        FIELD(flags2) FIELD(extradata) FIELD(extradata_size) FIELD(time_base) FIELD(width) FIELD(height)
        FIELD(gop_size) FIELD(pix_fmt) FIELD(max_b_frames) FIELD(has_b_frames) FIELD(sample_aspect_ratio)
        FIELD(color_primaries) FIELD(color_trc) FIELD(colorspace) FIELD(color_range) FIELD(chroma_sample_location)
        FIELD(global_quality) FIELD(strict_std_compliance) FIELD(err_recognition) FIELD(thread_count) FIELD(thread_type)
        FIELD(profile) FIELD(framerate) FIELD(pkt_timebase) FIELD(max_pixels) FIELD(qmin) FIELD(qmax));
    STRUCT(AVCodecParameters,
        FIELD(codec_type) FIELD(codec_id) FIELD(codec_tag) FIELD(extradata) FIELD(extradata_size) FIELD(format)
        FIELD(bit_rate) FIELD(profile) FIELD(width) FIELD(height) FIELD(sample_aspect_ratio) FIELD(color_range)
        FIELD(color_primaries) FIELD(color_trc) FIELD(color_space) FIELD(chroma_location) FIELD(sample_rate));
    STRUCT(AVComponentDescriptor, FIELD(plane) FIELD(step) FIELD(offset) FIELD(shift) FIELD(depth));
    STRUCT(AVDictionaryEntry, FIELD(key) FIELD(value));
    STRUCT(AVFormatContext,
        FIELD(iformat) FIELD(oformat) FIELD(priv_data) FIELD(pb) FIELD(ctx_flags) FIELD(nb_streams) FIELD(streams)
        FIELD(url) FIELD(start_time) FIELD(duration) FIELD(bit_rate) FIELD(max_delay) FIELD(flags) FIELD(probesize)
        FIELD(max_analyze_duration) FIELD(metadata) FIELD(max_interleave_delta) FIELD(avoid_negative_ts)
        FIELD(max_streams));
    STRUCT(AVFrame,
        FIELD(data) FIELD(linesize) FIELD(extended_data) FIELD(width) FIELD(height) FIELD(format) FIELD(key_frame)
        FIELD(pict_type) FIELD(sample_aspect_ratio) FIELD(pts) FIELD(pkt_dts) FIELD(time_base) FIELD(interlaced_frame)
        FIELD(buf) FIELD(side_data) FIELD(nb_side_data) FIELD(flags) FIELD(color_range) FIELD(color_primaries)
        FIELD(color_trc) FIELD(colorspace) FIELD(chroma_location) FIELD(best_effort_timestamp) FIELD(pkt_duration)
        FIELD(metadata) FIELD(decode_error_flags) FIELD(hw_frames_ctx) FIELD(crop_top) FIELD(crop_bottom)
        FIELD(crop_left) FIELD(crop_right));
    STRUCT(AVFrameSideData, FIELD(type) FIELD(data) FIELD(size) FIELD(metadata) FIELD(buf));
    STRUCT(AVInputFormat, FIELD(name) FIELD(long_name) FIELD(flags));
    STRUCT(AVIOContext, FIELD(error) FIELD(seekable));
    STRUCT(AVOutputFormat, FIELD(name) FIELD(long_name) FIELD(video_codec) FIELD(flags));
    STRUCT(AVPacket,
        FIELD(buf) FIELD(pts) FIELD(dts) FIELD(data) FIELD(size) FIELD(stream_index) FIELD(flags) FIELD(side_data)
        FIELD(side_data_elems) FIELD(duration) FIELD(pos) FIELD(time_base));
    STRUCT(AVPixFmtDescriptor,
        FIELD(name) FIELD(nb_components) FIELD(log2_chroma_w) FIELD(log2_chroma_h) FIELD(flags) FIELD(comp));
    STRUCT(AVRational, FIELD(num) FIELD(den));
    STRUCT(AVStream,
        FIELD(index) FIELD(id) FIELD(time_base) FIELD(start_time) FIELD(duration) FIELD(nb_frames) FIELD(disposition)
        FIELD(discard) FIELD(sample_aspect_ratio) FIELD(metadata) FIELD(avg_frame_rate) FIELD(attached_pic)
        FIELD(side_data) FIELD(nb_side_data) FIELD(r_frame_rate) FIELD(codecpar));
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
