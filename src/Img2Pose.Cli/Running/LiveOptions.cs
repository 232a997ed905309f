using System.CommandLine;
using System.Globalization;
using Img2Pose.Media;

namespace Img2Pose.Cli.Running;

/// <summary>The options of live sources and how they become <see cref="LiveSourceOptions"/>.</summary>
internal sealed class LiveOptions
{
    private readonly Option<string?> _size = Text("--camera-size", "WxH", "Size that a camera is asked for, such as 1280x720; default: chosen from what it lists (img2pose devices).");
    private readonly Option<double?> _rate = new("--camera-fps") { Description = "Pictures a second that a camera or screen is asked for; default: chosen.", HelpName = "N" };
    private readonly Option<string?> _format = Text("--camera-format", "NAME", "Format that a camera is asked for, such as mjpeg or yuyv422; default: chosen.");
    private readonly Option<string> _transport = new("--rtsp-transport") { Description = "How RTSP's pictures come: tcp, or udp, where lost packets are lost.", HelpName = "tcp|udp", DefaultValueFactory = _ => "tcp" };
    private readonly Option<bool> _insecure = new("--insecure") { Description = "Take certificates of https:// and rtsps:// unseen." };
    private readonly Option<bool> _noReconnect = new("--no-reconnect") { Description = "End when a live source is lost or not there, instead of trying again." };
    private readonly Option<double> _open = new("--open-timeout") { Description = "Seconds that opening a live source may take.", HelpName = "S", DefaultValueFactory = _ => 5 };
    // For tests, which cannot wait as long as cameras can.
    private readonly Option<string?> _times = new("--live-times") { Hidden = true };

    /// <summary>All of them.</summary>
    public IEnumerable<Option> All => [_size, _rate, _format, _transport, _insecure, _noReconnect, _open, _times];

    /// <summary>Reads and checks them.</summary>
    /// <exception cref="UsageException">A value makes no sense.</exception>
    public LiveSourceOptions Read(ParseResult parsed)
    {
        string transport = parsed.GetRequiredValue(_transport);
        if (transport is not ("tcp" or "udp")) throw new UsageException($"--rtsp-transport {transport} is unknown; known are tcp and udp.");
        if (parsed.GetValue(_rate) is { } rate && !(rate is > 0 and <= 1000))
            throw new UsageException(string.Create(CultureInfo.InvariantCulture, $"--camera-fps {rate} is out of range; it may be up to 1000."));
        double open = parsed.GetValue(_open);
        if (!(open is >= 0.1 and <= 3600)) throw new UsageException(string.Create(CultureInfo.InvariantCulture, $"--open-timeout {open} is out of range; it may be 0.1…3600 seconds."));
        return new LiveSourceOptions
        {
            CameraSize = ParseSize(parsed.GetValue(_size)),
            CameraRate = parsed.GetValue(_rate),
            CameraFormat = parsed.GetValue(_format),
            RtspOverUdp = transport == "udp",
            Insecure = parsed.GetValue(_insecure),
            Reconnect = !parsed.GetValue(_noReconnect),
            OpenTimeout = TimeSpan.FromSeconds(open),
            Times = LiveTimes.Parse(parsed.GetValue(_times)),
        };
    }

    private static (int Width, int Height)? ParseSize(string? text)
    {
        if (text is null) return null;
        string[] sides = text.ToLowerInvariant().Split('x', '×');
        if (sides.Length == 2 && int.TryParse(sides[0], NumberStyles.None, CultureInfo.InvariantCulture, out int width)
            && int.TryParse(sides[1], NumberStyles.None, CultureInfo.InvariantCulture, out int height) && width is >= 16 and <= 16384 && height is >= 16 and <= 16384)
            return (width, height);
        throw new UsageException($"--camera-size {text} is no size; write WIDTHxHEIGHT, such as 1280x720.");
    }

    private static Option<string?> Text(string name, string helpName, string description) =>
        new(name) { HelpName = helpName, Description = description };
}
