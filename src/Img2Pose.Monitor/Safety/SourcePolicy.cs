using Img2Pose.Media;

namespace Img2Pose.Monitor.Safety;

/// <summary>What somebody who only reaches the page may name as a camera: an address of the network that this machine asks, nothing on it.</summary>
internal static class SourcePolicy
{
    private static readonly string[] s_schemes = ["rtsp", "rtsps", "http", "https", "rtmp"];

    /// <summary>Refuses everything but an address at which this machine asks for pictures.</summary>
    /// <remarks>Files, <c>lavfi:</c>, devices and the screen are this machine's; udp and srt may listen at its ports.</remarks>
    /// <exception cref="UsageException">It is something else.</exception>
    /// <exception cref="InputException">It is no good address.</exception>
    public static void RequireNetwork(string url)
    {
        int colon = url.IndexOf("://", StringComparison.Ordinal);
        string scheme = colon < 0 ? "" : url[..colon].ToLowerInvariant();
        if (Array.IndexOf(s_schemes, scheme) < 0)
            throw new UsageException("a camera that is entered in the page is an rtsp://, rtsps://, http://, https:// or rtmp:// address; other sources go into the configuration file");
        _ = LiveAddress.Parse(url);
    }
}
