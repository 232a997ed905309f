using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using FFmpeg.AutoGen;

namespace Img2Pose.Media;

/// <summary>Opens a live source's stream with FFmpeg, by the rules of its kind, and tells what a refusal means.</summary>
internal static unsafe class LiveInput
{
    // Half a second is enough to see what there is; waiting longer is delay that nobody catches up.
    private const long ProbeMicroseconds = 500_000;

    // errno
    private const int NoSuchFile = 2, NoSuchDevice = 6, AccessDenied = 13, Busy = 16, NoDevice = 19, InvalidArgument = 22;
    private const int NotPermitted = 1, InputOutputError = 5, TimedOut = 110, Refused = 111, HostUnreachable = 113, NetUnreachable = 101, Reset = 104;

    /// <summary>Opens it, within the interrupt's deadline. The interrupt is the input's from then on, whether it opens or not.</summary>
    /// <param name="address">The source.</param>
    /// <param name="options">How it is opened.</param>
    /// <param name="limits">What it may demand.</param>
    /// <param name="camera">The format chosen of a camera, or null.</param>
    /// <param name="sound">Whether sound is asked for, too.</param>
    /// <param name="interrupt">Ends what waits.</param>
    /// <param name="unused">Names of options that nobody took, which is an error of <see cref="SourceRules"/>.</param>
    /// <exception cref="LiveFailureException">It does not open.</exception>
    public static InputHandle Open(
        LiveAddress address, LiveSourceOptions options, MediaLimits limits, CameraFormat? camera, bool sound, ReadInterrupt interrupt, out string[] unused)
    {
        _ = FFmpegRuntime.EnsureLoaded();
        LiveRule rule = SourceRules.For(address);
        AVFormatContext* context = null;
        AVDictionary* entries = null;
        Opener? opener = null;
        bool isInput = false;
        try
        {
            AVInputFormat* format = null;
            if (rule.Demuxer is { } name)
            {
                format = Demuxer.FindFormat(name);
                if (format == null) throw new LiveFailureException(LiveFailureKind.Incurable, $"this FFmpeg has no {name} input");
            }
            context = ffmpeg.avformat_alloc_context();
            if (context == null) throw new InsufficientMemoryException("FFmpeg is out of memory.");
            context->probesize = limits.ProbeBytes;
            context->max_streams = limits.MaxStreams;
            context->max_analyze_duration = ProbeMicroseconds;
            context->interrupt_callback = interrupt.Callback;
            // Not FFmpeg's "nobuffer": that throws away what the first look has read, and the first key picture with it. What was
            // read waits for nobody; it is decoded at once.
            // FFmpeg's wait for a camera's picture cannot be interrupted, so it never waits.
            if (address.Kind == LiveKind.Camera) context->flags |= ffmpeg.AVFMT_FLAG_NONBLOCK;
            opener = new Opener(address, context);
            foreach ((string key, string value) in SourceRules.Options(address, options, camera, sound)) _ = ffmpeg.av_dict_set(&entries, key, value, 0);

            AVFormatContext* opened = context;
            int status = ffmpeg.avformat_open_input(&opened, address.Target, format, &entries);
            // A context that could not be opened is freed already.
            context = opened;
            if (status < 0) throw CannotOpen(address, status, interrupt);
            unused = Keys(entries);
            InputHandle input = new(context, null, interrupt, opener);
            isInput = true;
            context = null;
            try
            {
                // A camera and a screen have said what they give; the look at their pictures would only wait for them.
                if (address.Kind == LiveKind.Network)
                {
                    status = ffmpeg.avformat_find_stream_info(input.Pointer, null);
                    if (status < 0 || interrupt.IsDue) throw CannotOpen(address, status < 0 ? status : ffmpeg.AVERROR_EXIT, interrupt);
                }
                return input;
            }
            catch
            {
                input.Dispose();
                throw;
            }
        }
        catch
        {
            if (context != null) ffmpeg.avformat_free_context(context);
            // What the input owns was freed with it.
            if (!isInput)
            {
                opener?.Dispose();
                interrupt.Free();
            }
            throw;
        }
        finally
        {
            ffmpeg.av_dict_free(&entries);
        }
    }

    /// <summary>What a status of FFmpeg means for a source that was open.</summary>
    public static LiveFailure WhyLost(LiveAddress address, int status)
    {
        if (status == ffmpeg.AVERROR_EXIT) return new LiveFailure(LiveFailureKind.Lost, "nothing comes any more");
        if (status == ffmpeg.AVERROR_EOF) return new LiveFailure(LiveFailureKind.Ended, "its sender ended it");
        if (address.Kind == LiveKind.Camera && -status is NoDevice or NoSuchDevice or NoSuchFile or InputOutputError)
            return new LiveFailure(LiveFailureKind.Lost, "the camera was unplugged");
        return new LiveFailure(LiveFailureKind.Lost, Describe(status));
    }

    private static LiveFailureException CannotOpen(LiveAddress address, int status, ReadInterrupt interrupt)
    {
        if (interrupt.IsCancelled) throw new OperationCanceledException();
        if (interrupt.TimedOut) return new LiveFailureException(LiveFailureKind.Lost, "it does not answer in time");
        if (status == ffmpeg.AVERROR_HTTP_UNAUTHORIZED)
            return new LiveFailureException(LiveFailureKind.Password, "user name or password is refused (401)");
        (LiveFailureKind kind, string reason) = address.Kind == LiveKind.Network ? WhyNoStream(status) : WhyNoDevice(address, status);
        return new LiveFailureException(kind, reason);
    }

    private static (LiveFailureKind Kind, string Reason) WhyNoStream(int status)
    {
        if (status == ffmpeg.AVERROR_HTTP_FORBIDDEN) return (LiveFailureKind.Incurable, "access is forbidden (403)");
        if (status == ffmpeg.AVERROR_HTTP_NOT_FOUND) return (LiveFailureKind.Incurable, "there is no such stream (404)");
        if (status == ffmpeg.AVERROR_HTTP_BAD_REQUEST) return (LiveFailureKind.Incurable, "the server calls the request a bad one (400)");
        if (status == ffmpeg.AVERROR_HTTP_OTHER_4XX) return (LiveFailureKind.Incurable, "the server refuses it (4xx)");
        if (status == ffmpeg.AVERROR_HTTP_SERVER_ERROR) return (LiveFailureKind.Lost, "the server has an error (5xx)");
        if (status == ffmpeg.AVERROR_PROTOCOL_NOT_FOUND) return (LiveFailureKind.Incurable, "this FFmpeg does not have its protocol");
        // What is recognised but not on the list of containers is refused as an invalid argument.
        if (status == ffmpeg.AVERROR_INVALIDDATA || -status == InvalidArgument) return (LiveFailureKind.Incurable, "what comes is no video that is read here (of playlists HLS alone is, DASH is not)");
        if (status == ffmpeg.AVERROR_EOF) return (LiveFailureKind.Lost, "the connection was closed before any picture");
        return (LiveFailureKind.Lost, Describe(status));
    }

    private static (LiveFailureKind Kind, string Reason) WhyNoDevice(LiveAddress address, int status)
    {
        string kind = address.Kind == LiveKind.Camera ? "camera" : "display";
        return -status switch
        {
            NoSuchFile or NoDevice or NoSuchDevice => (LiveFailureKind.Incurable, $"there is no such {kind}; img2pose devices lists those that there are"),
            AccessDenied or NotPermitted when kind == "camera" => (LiveFailureKind.Incurable, CameraDevice.NoAccess),
            Busy => (LiveFailureKind.Lost, "the camera is in use by another program"),
            // What FFmpeg says of a display that it cannot reach, and of a device that is no camera.
            InputOutputError when kind == "display" => (LiveFailureKind.Incurable, "there is no such display, or it does not let this program in"),
            InvalidArgument or 25 => (LiveFailureKind.Incurable, $"it is no {kind}, or does not give what was asked for"),
            _ => (LiveFailureKind.Lost, Describe(status)),
        };
    }

    private static string Describe(int status) => -status switch
    {
        Refused => "connection refused",
        TimedOut => "it does not answer in time",
        HostUnreachable or NetUnreachable => "the host cannot be reached",
        Reset => "connection reset",
        InputOutputError => "reading failed (input/output error)",
        _ => FFmpegRuntime.Describe(status),
    };

    private static string[] Keys(AVDictionary* entries)
    {
        List<string> keys = [];
        AVDictionaryEntry* entry = null;
        while ((entry = ffmpeg.av_dict_get(entries, "", entry, ffmpeg.AV_DICT_IGNORE_SUFFIX)) != null) keys.Add(FFmpegRuntime.Text(entry->key) ?? "");
        return [.. keys];
    }

    /// <summary>Answers FFmpeg when it wants to open an address for a source: held by the context as long as that lives.</summary>
    private sealed class Opener : IDisposable
    {
        private const int Denied = -NotPermitted;
        private readonly LiveAddress _address;
        private readonly delegate* unmanaged[Cdecl]<AVFormatContext*, AVIOContext**, byte*, int, AVDictionary**, int> _open;
        private readonly GCHandle _self;

        public Opener(LiveAddress address, AVFormatContext* context)
        {
            _address = address;
            _open = (delegate* unmanaged[Cdecl]<AVFormatContext*, AVIOContext**, byte*, int, AVDictionary**, int>)context->io_open.Pointer;
            _self = GCHandle.Alloc(this);
            context->opaque = (void*)GCHandle.ToIntPtr(_self);
            context->io_open = new AVFormatContext_io_open_func
            {
                Pointer = (nint)(delegate* unmanaged[Cdecl]<AVFormatContext*, AVIOContext**, byte*, int, AVDictionary**, int>)&OnOpen,
            };
        }

        public void Dispose() => _self.Free();

        [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
        private static int OnOpen(AVFormatContext* context, AVIOContext** opened, byte* url, int flags, AVDictionary** options)
        {
            try
            {
                Opener opener = (Opener)GCHandle.FromIntPtr((nint)context->opaque).Target!;
                string format = context->iformat == null ? "" : FFmpegRuntime.Text(context->iformat->name) ?? "";
                bool isPlaylist = format == "hls";
                if ((flags & ffmpeg.AVIO_FLAG_WRITE) != 0 || !SourceRules.MayOpen(opener._address, FFmpegRuntime.Text(url) ?? "", isPlaylist)) return Denied;
                return opener._open(context, opened, url, flags, options);
            }
            catch (Exception)
            {
                // No exception may cross into FFmpeg.
                return Denied;
            }
        }
    }
}
