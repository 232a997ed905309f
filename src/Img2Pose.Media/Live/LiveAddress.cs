using System.Globalization;

namespace Img2Pose.Media;

/// <summary>What kind of place live pictures come from.</summary>
internal enum LiveKind
{
    /// <summary>A camera of this machine (V4L2).</summary>
    Camera,

    /// <summary>The picture of an X11 display.</summary>
    Screen,

    /// <summary>A URL of the network.</summary>
    Network,
}

/// <summary>
/// A live source's name, taken apart: a camera index or <c>/dev/videoN</c>, <c>screen:[DISPLAY]</c>, or a URL. The one place that
/// reads these names; what is opened is decided by <see cref="SourceRules"/>.
/// </summary>
internal sealed record LiveAddress
{
    private const string CameraPrefix = "/dev/video";
    private const string ScreenPrefix = "screen:";

    // As long as any camera's or service's URL; FFmpeg cuts some parts of URLs at a few kilobytes.
    private const int LongestUrl = 4096;

    private LiveAddress(LiveKind kind, string scheme, string target, string name) =>
        (Kind, Scheme, Target, Name) = (kind, scheme, target, name);

    /// <summary>What kind of place it is.</summary>
    public LiveKind Kind { get; }

    /// <summary>The URL's scheme in lower case; empty for what is no URL.</summary>
    public string Scheme { get; }

    /// <summary>What FFmpeg is given: a device file, a display, a URL with its credentials. Never shown.</summary>
    public string Target { get; private init; }

    /// <summary>The source's name for people, credentials masked.</summary>
    public string Name { get; init; }

    /// <summary>Host of a URL, without brackets; empty for what is no URL.</summary>
    public string Host { get; private init; } = "";

    /// <summary>Port of a URL, or null for the scheme's own.</summary>
    public int? Port { get; private init; }

    /// <summary>Whether a name is that of a live source. A file URL is a file.</summary>
    public static bool Is(string source) => SourceNames.IsCamera(source) || source.StartsWith(ScreenPrefix, StringComparison.Ordinal)
        || (SourceNames.IsUrl(source) && !source.StartsWith("file://", StringComparison.OrdinalIgnoreCase));

    /// <summary>A source of the network as it is reached at another place, its user, path and name for people as they are.</summary>
    /// <param name="host">A host or an address, without brackets.</param>
    /// <param name="port">Its port, or null for the scheme's own.</param>
    public LiveAddress At(string host, int? port)
    {
        int begin = Target.IndexOf("://", StringComparison.Ordinal) + 3, end = Target.AsSpan(begin).IndexOfAny("/?#");
        string authority = end < 0 ? Target[begin..] : Target.Substring(begin, end), rest = end < 0 ? "" : Target[(begin + end)..];
        string place = host.Contains(':') ? $"[{host}]" : host;
        if (port is { } number) place = string.Create(CultureInfo.InvariantCulture, $"{place}:{number}");
        return this with { Target = Target[..begin] + authority[..(authority.LastIndexOf('@') + 1)] + place + rest, Host = host, Port = port };
    }

    /// <summary>Takes a name apart.</summary>
    /// <exception cref="InputException">It is a camera, screen or URL that cannot be one.</exception>
    /// <exception cref="UsageException">The URL's scheme is none that is read.</exception>
    public static LiveAddress Parse(string source)
    {
        if (SourceNames.IsCamera(source)) return ParseCamera(source);
        if (source.StartsWith(ScreenPrefix, StringComparison.Ordinal)) return ParseScreen(source);
        return ParseUrl(source);
    }

    private static LiveAddress ParseCamera(string source)
    {
        string number = source.StartsWith(CameraPrefix, StringComparison.Ordinal) ? source[CameraPrefix.Length..] : source;
        if (number.Length is 0 or > 4 || !number.All(char.IsAsciiDigit))
            throw new InputException($"{FileNames.Printable(source)}: is no camera; cameras are /dev/video0, /dev/video1 and so on, or their numbers alone");
        string path = CameraPrefix + int.Parse(number, CultureInfo.InvariantCulture).ToString(CultureInfo.InvariantCulture);
        return new LiveAddress(LiveKind.Camera, "", path, path);
    }

    private static LiveAddress ParseScreen(string source)
    {
        string display = source[ScreenPrefix.Length..];
        if (display.Length == 0) display = Environment.GetEnvironmentVariable("DISPLAY") ?? "";
        if (display.Length == 0)
            throw new InputException($"{source}: there is no display (DISPLAY is not set); name one, for example screen::0");
        // HOST:DISPLAY.SCREEN+X,Y, as X11 and FFmpeg write it.
        bool good = display.Length <= 256 && display.Contains(':')
            && display.All(c => char.IsAsciiLetterOrDigit(c) || c is ':' or '.' or '-' or '_' or '+' or ',' or '/');
        if (!good) throw new InputException($"{FileNames.Printable(source)}: is no display; displays are written :0, :0.0 or :0.0+100,200");
        return new LiveAddress(LiveKind.Screen, "", display, ScreenPrefix + display);
    }

    private static LiveAddress ParseUrl(string source)
    {
        string name = FileNames.Printable(SourceNames.Mask(source));
        if (!SourceNames.IsUrl(source)) throw new InputException($"{name}: is no URL");
        int colon = source.IndexOf("://", StringComparison.Ordinal);
        string scheme = source[..colon].ToLowerInvariant();
        if (!SourceRules.IsLiveScheme(scheme))
            throw new UsageException($"{name}: {scheme}:// is not read; {SourceRules.LiveSchemes} are");
        if (source.Length > LongestUrl) throw Bad(name, $"it has {source.Length} characters, more than the limit of {LongestUrl}");
        if (source.Any(c => c is <= ' ' or '\x7f' or '\\' || char.IsControl(c))) throw Bad(name, "spaces, backslashes and control characters are written %20, %5C and so on");

        string rest = source[(colon + 3)..];
        int end = rest.AsSpan().IndexOfAny("/?#");
        string authority = end < 0 ? rest : rest[..end];
        int at = authority.LastIndexOf('@');
        string place = authority[(at + 1)..];
        (string host, string? port) = Split(place, name);
        // An address to listen at may be empty.
        bool listens = scheme is "udp" or "srt";
        if (host.Length == 0 && !listens) throw Bad(name, "it names no host");
        int? number = null;
        if (port is not null)
        {
            if (!int.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out int parsed) || parsed is < 1 or > 65535)
            {
                // What stands here may be a piece of a password, which is not repeated.
                throw Bad(name, "its port is no number from 1 to 65535 (a password with / ? # @ in it is written with %2F %3F %23 %40)");
            }
            number = parsed;
        }
        else if (listens)
        {
            throw Bad(name, $"{scheme}:// needs a port, for example {scheme}://127.0.0.1:5000");
        }
        return new LiveAddress(LiveKind.Network, scheme, scheme + source[colon..], name) { Host = host, Port = number };
    }

    private static (string Host, string? Port) Split(string place, string name)
    {
        if (place.StartsWith('['))
        {
            int close = place.IndexOf(']');
            if (close < 0) throw Bad(name, "its IPv6 address has no closing bracket");
            string after = place[(close + 1)..];
            if (after.Length > 0 && after[0] != ':') throw Bad(name, "behind its IPv6 address stands something else than a port");
            return (place[1..close], after.Length > 0 ? after[1..] : null);
        }
        int colon = place.LastIndexOf(':');
        return colon < 0 ? (place, null) : (place[..colon], place[(colon + 1)..]);
    }

    private static InputException Bad(string name, string why) => new($"{name}: is no good URL: {why}");

    /// <summary>The masked name, so that no formatting ever shows the target.</summary>
    public override string ToString() => Name;
}
