using FFmpeg.AutoGen;

namespace Img2Pose.Media;

/// <summary>What is known of the FFmpeg libraries on this machine, for diagnosis.</summary>
public static unsafe class MediaLibraries
{
    /// <summary>FFmpeg's version.</summary>
    /// <exception cref="ModelException">A library is missing or of another major version.</exception>
    public static string Version => FFmpegRuntime.EnsureLoaded();

    /// <summary>Whether FFmpeg was built with an encoder. A hardware encoder may be built in and still not start.</summary>
    /// <param name="name">FFmpeg's name of the encoder, such as <c>libx264</c>.</param>
    /// <exception cref="ModelException">A library is missing or of another major version.</exception>
    public static bool HasEncoder(string name)
    {
        _ = FFmpegRuntime.EnsureLoaded();
        return ffmpeg.avcodec_find_encoder_by_name(name) != null;
    }
}
