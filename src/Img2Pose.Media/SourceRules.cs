using FFmpeg.AutoGen;

namespace Img2Pose.Media;

/// <summary>
/// What a source may make FFmpeg use: the one place that says which containers, protocols and filters are open to whom (live sources:
/// <c>SourceRules.Live.cs</c>). Files,
/// pipes and standard input are read by this program itself, so FFmpeg opens nothing at all for them; only containers that
/// hold their pictures are read, none that refers to others. Filter graphs come from the command line only, and their filters
/// from a list of those that make or change pictures without touching a file, a library or the network.
/// </summary>
internal static partial class SourceRules
{
    /// <summary>FFmpeg's names of the containers that are read. Playlists (hls, dash, concat, sdp, image2) are not among them.</summary>
    public const string Containers =
        "mov,matroska,webm,avi,mpegts,mpeg,mpegvideo,h264,hevc,m4v,h263,h261,vc1,obu,ivf,av1,yuv4mpegpipe,mjpeg,mpjpeg,flv,live_flv,asf,ogg,mxf,"
        + "gxf,rm,nut,dv,wtv,gif,apng,mjpeg_2000,vvc,dirac,cavsvideo";

    /// <summary>No protocol: what FFmpeg is given is bytes, and a container that asks for more gets nothing.</summary>
    public const string NoProtocol = "none";

    // Sources and filters of libavfilter without an option that reads or writes a file, loads code or opens a place.
    private static readonly HashSet<string> s_filters = new(StringComparer.Ordinal)
    {
        "allrgb", "allyuv", "color", "colorchart", "colorspectrum", "gradients", "haldclutsrc", "mandelbrot", "nullsrc",
        "pal100bars", "pal75bars", "rgbtestsrc", "sierpinski", "smptebars", "smptehdbars", "testsrc", "testsrc2", "yuvtestsrc",
        "aevalsrc", "anoisesrc", "anullsrc", "hilbert", "sinc", "sine",
        "aformat", "anull", "aresample", "asetpts", "asettb", "asplit", "atrim", "blend", "boxblur", "bwdif", "chromashift",
        "colorbalance", "colorchannelmixer", "colorkey", "colorlevels", "concat", "convolution", "copy", "crop", "drawbox",
        "drawgrid", "eq", "fade", "field", "fieldorder", "format", "fps", "framerate", "framestep", "gblur", "geq", "hflip",
        "histeq", "hstack", "hue", "il", "interlace", "interleave", "loop", "lut", "lutrgb", "lutyuv", "monochrome", "negate",
        "noformat", "noise", "null", "overlay", "pad", "perspective", "pixelize", "random", "realtime", "reverse", "rotate",
        "scale", "select", "separatefields", "setdar", "setfield", "setparams", "setpts", "setrange", "setsar", "settb",
        "shear", "shuffleframes", "shuffleplanes", "split", "swaprect", "tblend", "telecine", "thumbnail", "tile", "tinterlace",
        "tpad", "transpose", "trim", "unsharp", "vflip", "vignette", "volume", "vstack", "weave", "xfade", "xstack", "yadif",
        "zoompan",
    };

    /// <summary>Refuses a filter graph that has a filter outside the list, or an option whose value would be read from a file.</summary>
    /// <param name="name">The source as it was named.</param>
    /// <param name="graph">The graph, in FFmpeg's syntax.</param>
    /// <exception cref="UsageException">It has.</exception>
    public static void CheckGraph(string name, string graph)
    {
        foreach ((string filter, string options) in FilterGraphText.Filters(name, graph))
        {
            if (!s_filters.Contains(filter))
                throw new UsageException($"{name}: the filter '{filter}' may not be used in a source; those that make or change pictures alone may");
            // From FFmpeg 6.1 on a key with a slash before it takes its value from a file.
            if (FilterGraphText.Keys(options).Any(key => key.Contains('/')))
                throw new UsageException($"{name}: an option of the filter '{filter}' names a file; write its value instead");
        }
    }

    /// <summary>The settings that an input is opened with.</summary>
    public static unsafe void Apply(AVDictionary** options, bool isGraph)
    {
        _ = ffmpeg.av_dict_set(options, "protocol_whitelist", NoProtocol, 0);
        _ = ffmpeg.av_dict_set(options, "format_whitelist", isGraph ? "lavfi" : Containers, 0);
    }

    /// <summary>Why a file's first bytes make it no source, or null: it is text that names other files or places.</summary>
    public static string? WhyRefused(ReadOnlySpan<byte> start)
    {
        if (start.StartsWith("\xEF\xBB\xBF"u8)) start = start[3..];
        string? kind = start.StartsWith("#EXTM3U"u8) ? "an HLS playlist"
            : start.StartsWith("ffconcat"u8) ? "a list of FFmpeg's concat reader"
            : start.StartsWith("[playlist]"u8) ? "a playlist"
            : start.StartsWith("v=0\n"u8) || start.StartsWith("v=0\r"u8) ? "a session description"
            : start.StartsWith("[InternetShortcut]"u8) ? "a shortcut"
            : start.IndexOf("<MPD"u8) >= 0 ? "a DASH manifest"
            : null;
        return kind is null ? null : $"it is {kind}, and a file may not make this program open others; name what is to be read";
    }
}
