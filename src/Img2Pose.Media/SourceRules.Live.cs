namespace Img2Pose.Media;

/// <summary>
/// The rules of live sources: for each kind of name which demuxers and protocols FFmpeg may use for it, and what it is told. A source
/// opens what the user named and nothing else; only playlists of HLS may name further addresses, of the same
/// host. DASH is not read: FFmpeg's reader opens what a manifest names without asking (avio and not io_open, in all versions from 5.1 to 7.1).
/// </summary>
internal static partial class SourceRules
{
    // Containers that come as one stream of bytes, and sound alone, which a playlist may offer beside the video.
    private const string StreamContainers = Containers + ",aac,ac3,eac3,mp3,webvtt";

    private static readonly Dictionary<string, LiveRule> s_live = new(StringComparer.Ordinal)
    {
        // RTSP negotiates RTP over the same connection or over UDP ports of the same peer.
        ["rtsp"] = new("rtsp,rtp,udp,tcp", "rtsp", "rtsp"),
        ["rtsps"] = new("rtsp,rtp,udp,tcp,tls", "rtsp", "rtsp"),
        ["rtmp"] = new("rtmp,tcp", "flv,live_flv", null),
        ["srt"] = new("srt", StreamContainers, null),
        ["udp"] = new("udp", "mpegts", "mpegts"),
        ["http"] = new("http,tcp,httpproxy", StreamContainers + ",hls", null),
        ["https"] = new("https,http,tls,tcp,httpproxy,crypto", StreamContainers + ",hls", null),
    };

    private static readonly LiveRule s_camera = new("file", "video4linux2,v4l2", "video4linux2");
    private static readonly LiveRule s_screen = new(NoProtocol, "x11grab", "x11grab");

    /// <summary>The schemes that are read, for messages.</summary>
    public static string LiveSchemes => string.Join(", ", s_live.Keys.Select(scheme => scheme + "://"));

    /// <summary>Whether URLs of a scheme, in lower case, are read.</summary>
    public static bool IsLiveScheme(string scheme) => s_live.ContainsKey(scheme);

    /// <summary>What FFmpeg may use for a live source.</summary>
    public static LiveRule For(LiveAddress address) => address.Kind switch
    {
        LiveKind.Camera => s_camera,
        LiveKind.Screen => s_screen,
        _ => s_live[address.Scheme],
    };

    /// <summary>
    /// What FFmpeg is told for a live source. Each entry is an option of the demuxer or protocol that the source uses: one that nobody
    /// takes is an error here, which a test finds for every scheme.
    /// </summary>
    /// <param name="address">The source.</param>
    /// <param name="options">How it is opened.</param>
    /// <param name="camera">The format chosen of a camera, or null where it lists none.</param>
    /// <param name="sound">Whether sound is asked for, too.</param>
    public static List<(string Key, string Value)> Options(LiveAddress address, LiveSourceOptions options, CameraFormat? camera, bool sound = false)
    {
        LiveRule rule = For(address);
        List<(string, string)> entries = [("protocol_whitelist", rule.Protocols), ("format_whitelist", rule.Demuxers)];
        string patience = ((long)options.OpenTimeout.TotalMicroseconds).ToString(System.Globalization.CultureInfo.InvariantCulture);
        string verify = options.Insecure ? "0" : "1";
        switch (address.Kind)
        {
            case LiveKind.Camera:
                if (camera is null) break;
                entries.Add(("input_format", camera.FFmpegName));
                entries.Add(("video_size", FormattableString.Invariant($"{camera.Width}x{camera.Height}")));
                if (camera.Rate > 0) entries.Add(("framerate", FormattableString.Invariant($"{camera.Rate:0.###}")));
                break;
            case LiveKind.Screen:
                entries.Add(("framerate", FormattableString.Invariant($"{options.CameraRate ?? 30:0.###}")));
                break;
            default:
                switch (address.Scheme)
                {
                    case "rtsp" or "rtsps":
                        entries.Add(("rtsp_transport", options.RtspOverUdp ? "udp" : "tcp"));
                        // Of socket reads and writes, in microseconds; "stimeout" is gone since FFmpeg 5.0.
                        entries.Add(("timeout", patience));
                        // What is not decoded is not asked for.
                        entries.Add(("allowed_media_types", sound ? "video+audio" : "video"));
                        if (address.Scheme == "rtsps" && VerifiesRtsps()) entries.Add(("tls_verify", verify));
                        break;
                    case "udp":
                        entries.Add(("timeout", patience));
                        // A burst while nobody reads is a loss of packets, not of the stream.
                        entries.Add(("overrun_nonfatal", "1"));
                        break;
                    case "http" or "https":
                        entries.Add(("rw_timeout", patience));
                        if (address.Scheme == "https") entries.Add(("tls_verify", verify));
                        break;
                    // On RTMP "timeout" means to listen, and SRT has its own: the deadline of the interrupt holds for both.
                    default:
                        break;
                }
                break;
        }
        if (address.Kind == LiveKind.Network && options.Route is { } route) entries.AddRange(route.Options);
        return entries;
    }

    /// <summary>Whether this FFmpeg can check the certificate of an RTSP server; that of 5.1 cannot.</summary>
    public static unsafe bool VerifiesRtsps()
    {
        _ = FFmpegRuntime.EnsureLoaded();
        FFmpeg.AutoGen.AVInputFormat* rtsp = FFmpeg.AutoGen.ffmpeg.av_find_input_format("rtsp");
        if (rtsp == null) return false;
        FFmpeg.AutoGen.AVClass* settings = rtsp->priv_class;
        return FFmpeg.AutoGen.ffmpeg.av_opt_find(&settings, "tls_verify", null, 0, FFmpeg.AutoGen.ffmpeg.AV_OPT_SEARCH_FAKE_OBJ) != null;
    }

    /// <summary>
    /// Whether a source that is being opened or read may open this address, too: the one that the user named, and, where that is a
    /// playlist of HLS, addresses of the same host by the same protocols.
    /// </summary>
    public static bool MayOpen(LiveAddress main, string url, bool isPlaylist)
    {
        if (string.Equals(url, main.Target, StringComparison.Ordinal)) return true;
        if (!isPlaylist || main.Scheme is not ("http" or "https")) return false;
        // An encrypted segment of HLS.
        if (url.StartsWith("crypto+", StringComparison.Ordinal) || url.StartsWith("crypto:", StringComparison.Ordinal)) url = url[7..];
        try
        {
            LiveAddress other = LiveAddress.Parse(url);
            return other.Kind == LiveKind.Network && (other.Scheme == main.Scheme || other.Scheme == "https")
                && string.Equals(other.Host, main.Host, StringComparison.OrdinalIgnoreCase) && PortOf(other) == PortOf(main);
        }
        catch (Img2PoseException)
        {
            return false;
        }
    }

    private static int PortOf(LiveAddress address) => address.Port ?? (address.Scheme == "https" ? 443 : 80);
}

/// <summary>What FFmpeg may use for a kind of live source.</summary>
/// <param name="Protocols">Protocols that may be opened, in FFmpeg's names.</param>
/// <param name="Demuxers">Demuxers that may read it.</param>
/// <param name="Demuxer">The demuxer that reads it, where that is certain from the name; null: found out from the data.</param>
internal sealed record LiveRule(string Protocols, string Demuxers, string? Demuxer);
