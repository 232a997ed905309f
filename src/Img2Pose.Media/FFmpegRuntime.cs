using System.Runtime.InteropServices;
using FFmpeg.AutoGen;

namespace Img2Pose.Media;

/// <summary>Loads FFmpeg once, keeps it quiet, and puts its status codes into words.</summary>
internal static unsafe class FFmpegRuntime
{
    /// <summary>The status of a call that needs more input first. Kept, because FFmpeg.AutoGen boxes the number each time it is asked.</summary>
    public static readonly int TryAgain = ffmpeg.AVERROR(ffmpeg.EAGAIN);

    private static readonly Lazy<string> s_version = new(Load);

    private static string Load()
    {
        try
        {
            // Until it is set, the path is the program's own folder, where there is no FFmpeg.
            ffmpeg.RootPath = LibraryFolder(Environment.GetEnvironmentVariable("IMG2POSE_FFMPEG"));
            string version = ffmpeg.av_version_info();
            _ = ffmpeg.avcodec_version();
            _ = ffmpeg.avformat_version();
            _ = ffmpeg.swscale_version();
            // FFmpeg writes to standard error what this library reports itself, through exceptions and counters.
            ffmpeg.av_log_set_level(ffmpeg.AV_LOG_QUIET);
            return version;
        }
        catch (Exception e) when (e is DllNotFoundException or EntryPointNotFoundException or NotSupportedException)
        {
            throw new ModelException($"FFmpeg cannot be loaded: {e.Message}", e);
        }
    }

    /// <summary>The folder named by <c>IMG2POSE_FFMPEG</c> where FFmpeg is in it, else empty for the system's search path.</summary>
    private static string LibraryFolder(string? named) =>
        named is not null && File.Exists(Path.Combine(named, $"libavutil.so.{ffmpeg.LibraryVersionMap["avutil"]}")) ? named : "";

    /// <summary>Loads the libraries if that has not happened yet; returns FFmpeg's version.</summary>
    /// <exception cref="ModelException">A library is missing or of another major version.</exception>
    public static string EnsureLoaded() => s_version.Value;

    /// <summary>FFmpeg's words for a negative status.</summary>
    public static string Describe(int status)
    {
        const int Capacity = 256;
        byte* buffer = stackalloc byte[Capacity];
        _ = ffmpeg.av_strerror(status, buffer, Capacity);
        string text = Marshal.PtrToStringUTF8((nint)buffer) ?? "unknown error";
        return text.Length > 0 ? char.ToLowerInvariant(text[0]) + text[1..] : text;
    }

    /// <summary>Throws <see cref="InputException"/> "<paramref name="source"/>: what: why" when a status is negative.</summary>
    public static int CheckInput(int status, string source, string what) =>
        status >= 0 ? status : throw new InputException($"{source}: {what}: {Describe(status)}");

    /// <summary>Throws <see cref="OutputException"/> "<paramref name="target"/>: what: why" when a status is negative.</summary>
    public static int CheckOutput(int status, string target, string what) =>
        status >= 0 ? status : throw new OutputException($"{target}: {what}: {Describe(status)}");

    /// <summary>The text behind a native string, or null.</summary>
    public static string? Text(byte* text) => Marshal.PtrToStringUTF8((nint)text);
}
