using FFmpeg.AutoGen;

namespace Img2Pose.Media;

/// <summary>When a decoded picture is shown, in ticks of its stream's time base.</summary>
internal readonly record struct PictureTime(long Ticks, long Duration);

/// <summary>
/// Replaces the later field of interlaced pictures by what it showed at the earlier one's moment, so that moving edges are no
/// combs: FFmpeg's <c>bwdif</c>, which looks at the picture before and the one after. One picture out for each one in, one
/// picture later; those that are not interlaced pass as they are. Not thread-safe.
/// </summary>
/// <param name="name">The source, for errors.</param>
/// <param name="threads">Threads that share the work on a picture.</param>
internal sealed unsafe class Deinterlacer(string name, int threads) : IDisposable
{
    private readonly Queue<PictureTime> _times = [];
    private FilterGraphHandle? _graph;
    private AVFilterContext* _source;
    private AVFilterContext* _sink;
    private (int Width, int Height, int Format) _shape;
    private long _sent;
    private bool _flushed;

    /// <summary>Whether a picture was sent that has not been received yet.</summary>
    public bool HoldsPictures => _times.Count > 0;

    /// <summary>
    /// Takes over the reference of <paramref name="picture"/>. Where it is of another size or format than those before, they must all
    /// have been received: see <see cref="Fits"/>.
    /// </summary>
    /// <exception cref="InputException">FFmpeg refuses it.</exception>
    public void Send(AVFrame* picture, PictureTime time)
    {
        if (_graph is null || !Fits(picture)) Build(picture);
        // Only the order counts: the filter calculates with times, and those of a damaged stream may be anything.
        picture->pts = _sent++;
        FFmpegRuntime.CheckInput(ffmpeg.av_buffersrc_add_frame(_source, picture), name, "it cannot be deinterlaced");
        _times.Enqueue(time);
    }

    /// <summary>Whether a picture can follow those before; where not, <see cref="Flush"/> comes first.</summary>
    public bool Fits(AVFrame* picture) => !_flushed && (_graph is null || _shape == (picture->width, picture->height, picture->format));

    /// <summary>No picture follows: the last one need not wait for its successor.</summary>
    public void Flush()
    {
        if (_graph is null || _flushed) return;
        _flushed = true;
        FFmpegRuntime.CheckInput(ffmpeg.av_buffersrc_add_frame(_source, null), name, "it cannot be deinterlaced");
    }

    /// <summary>Fills an empty picture with the next one that is done; false where one more is needed first.</summary>
    /// <exception cref="InputException">The filter failed.</exception>
    public bool TryReceive(AVFrame* picture, out PictureTime time)
    {
        time = default;
        if (_times.Count == 0) return false;
        int status = ffmpeg.av_buffersink_get_frame(_sink, picture);
        if (status == FFmpegRuntime.TryAgain) return false;
        if (status == ffmpeg.AVERROR_EOF)
        {
            _times.Clear();
            return false;
        }
        FFmpegRuntime.CheckInput(status, name, "it cannot be deinterlaced");
        time = _times.Dequeue();
        return true;
    }

    private void Build(AVFrame* picture)
    {
        _graph?.Dispose();
        _graph = new FilterGraphHandle();
        _times.Clear();
        _flushed = false;
        _shape = (picture->width, picture->height, picture->format);
        AVFilterGraph* graph = _graph.Pointer;
        graph->nb_threads = threads;
        _source = Create(graph, "buffer", $"video_size={picture->width}x{picture->height}:pix_fmt={picture->format}:time_base=1/25");
        AVFilterContext* filter = Create(graph, "bwdif", "mode=send_frame:parity=auto:deint=interlaced");
        _sink = Create(graph, "buffersink", null);
        Check(ffmpeg.avfilter_link(_source, 0, filter, 0));
        Check(ffmpeg.avfilter_link(filter, 0, _sink, 0));
        Check(ffmpeg.avfilter_graph_config(graph, null));
    }

    private AVFilterContext* Create(AVFilterGraph* graph, string filterName, string? settings)
    {
        AVFilter* filter = ffmpeg.avfilter_get_by_name(filterName);
        if (filter == null) throw new InputException($"{name}: it is interlaced, and this FFmpeg has no {filterName} filter; --deinterlace off leaves it so");
        AVFilterContext* context = null;
        Check(ffmpeg.avfilter_graph_create_filter(&context, filter, filterName, settings, null, graph));
        return context;
    }

    private void Check(int status) => FFmpegRuntime.CheckInput(status, name, "its deinterlacing cannot be set up");

    public void Dispose() => _graph?.Dispose();
}
