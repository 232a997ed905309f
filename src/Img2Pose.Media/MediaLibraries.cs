using System.Diagnostics.CodeAnalysis;

namespace Img2Pose.Media;

/// <summary>What is known of the FFmpeg libraries on this machine, for diagnosis.</summary>
public static class MediaLibraries
{
    /// <summary>FFmpeg's version.</summary>
    /// <exception cref="ModelException">A library is missing or of another major version.</exception>
    public static string Version => FFmpegRuntime.EnsureLoaded();

    /// <summary>
    /// Starts an encoder as an output would, for a 640×360 picture, and stops it again: a hardware encoder may be built in and
    /// still not start.
    /// </summary>
    /// <param name="name">FFmpeg's name of the encoder, such as <c>libx264</c>.</param>
    /// <param name="why">Why it cannot be used, or null where it can.</param>
    /// <exception cref="ModelException">A library is missing or of another major version.</exception>
    public static bool CanEncode(string name, [NotNullWhen(false)] out string? why)
    {
        _ = FFmpegRuntime.EnsureLoaded();
        return EncoderSelection.Starts(name, out why);
    }
}
