using System.Runtime.InteropServices;

namespace FFmpeg.AutoGen;

public static unsafe partial class ffmpeg
{
    private const string Avfilter = "avfilter";

    [LibraryImport(Avfilter, StringMarshalling = StringMarshalling.Utf8)]
    public static partial AVFilter* avfilter_get_by_name(string name);

    [LibraryImport(Avfilter)]
    public static partial AVFilterGraph* avfilter_graph_alloc();

    [LibraryImport(Avfilter, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int avfilter_graph_create_filter(
        AVFilterContext** filt_ctx, AVFilter* filt, string name, string? args, void* opaque, AVFilterGraph* graph_ctx);

    [LibraryImport(Avfilter)]
    public static partial int avfilter_link(AVFilterContext* src, uint srcpad, AVFilterContext* dst, uint dstpad);

    [LibraryImport(Avfilter)]
    public static partial int avfilter_graph_config(AVFilterGraph* graphctx, void* log_ctx);

    [LibraryImport(Avfilter)]
    public static partial void avfilter_graph_free(AVFilterGraph** graph);

    [LibraryImport(Avfilter)]
    public static partial int av_buffersrc_add_frame(AVFilterContext* ctx, AVFrame* frame);

    [LibraryImport(Avfilter)]
    public static partial int av_buffersink_get_frame(AVFilterContext* ctx, AVFrame* frame);
}
