using System.Text.RegularExpressions;

namespace Img2Pose.Media;

/// <summary>An output that is no file: a stream pushed to a server or a player, or a device that other programs see as a camera.</summary>
internal sealed partial record StreamTarget
{
    private static readonly string[] s_schemes = ["rtsp", "rtmp", "rtmps", "srt", "udp"];

    /// <summary>What FFmpeg opens. Holds credentials: never shown.</summary>
    public required string Address { get; init; }

    /// <summary>The output as it was named, credentials masked.</summary>
    public required string Name { get; init; }

    /// <summary>Host of the address; empty for a device.</summary>
    public string Host { get; init; } = "";

    /// <summary>TCP port of an encrypted address.</summary>
    public int Port { get; init; }

    /// <summary>FFmpeg's name of the container.</summary>
    public required string Format { get; init; }

    /// <summary>Whether the container opens what it writes to by itself.</summary>
    public bool OpensItself { get; init; }

    /// <summary>Whether the way to the server is encrypted, and its certificate to be checked.</summary>
    public bool IsEncrypted { get; init; }

    /// <summary>Whether pictures go out as they are, uncompressed.</summary>
    public bool IsDevice => Format == "v4l2";

    /// <inheritdoc/>
    public override string ToString() => Name;

    /// <summary>Whether a name given to <c>--out</c> is such an output.</summary>
    public static bool IsOne(string output) => DeviceName().IsMatch(output) || SchemeOf(output) is { Length: > 0 };

    /// <summary>Reads a name for which <see cref="IsOne"/> holds.</summary>
    /// <exception cref="UsageException">The scheme is none that can be pushed to, or the address is incomplete.</exception>
    public static StreamTarget Parse(string output)
    {
        string name = SourceNames.Mask(output);
        if (DeviceName().IsMatch(output)) return new StreamTarget { Address = output, Name = output, Format = "v4l2", OpensItself = true };
        string scheme = SchemeOf(output) ?? "";
        if (Array.IndexOf(s_schemes, scheme) < 0)
            throw new UsageException($"{name}: nothing is pushed to {scheme}://; known are {string.Join(", ", s_schemes.Select(known => known + "://"))} and /dev/videoN.");
        // As of live sources: an address goes into requests as it is.
        if (output.Any(c => c is ' ' or '\\' || char.IsControl(c)))
            throw new UsageException($"{FileNames.Printable(name)}: is no address: spaces, backslashes and control characters are written %20, %5C and so on.");
        if (!Uri.TryCreate(output, UriKind.Absolute, out Uri? address) || address.Host.Length == 0)
            throw new UsageException($"{name}: is no address; give {scheme}://HOST:PORT/PATH.");
        if (scheme is "srt" or "udp" && address.Port < 1)
            throw new UsageException($"{name}: names no port; give {scheme}://HOST:PORT.");
        StreamTarget target = scheme switch
        {
            "rtsp" => new StreamTarget { Address = output, Name = name, Format = "rtsp", OpensItself = true },
            "rtmp" or "rtmps" => new StreamTarget { Address = output, Name = name, Format = "flv", IsEncrypted = scheme == "rtmps" },
            // Seven packets of a transport stream fit into what Ethernet carries whole.
            _ => new StreamTarget { Address = output.Contains("pkt_size", StringComparison.Ordinal) ? output : $"{output}{(address.Query.Length > 0 ? '&' : '?')}pkt_size=1316", Name = name, Format = "mpegts" },
        };
        try
        {
            return target with { Host = address.IdnHost, Port = address.Port > 0 ? address.Port : 443 };
        }
        catch (UriFormatException)
        {
            throw new UsageException($"{FileNames.Printable(name)}: is no address: there can be no such host.");
        }
    }

    private static string? SchemeOf(string output)
    {
        Match match = Scheme().Match(output);
        return match.Success ? match.Groups[1].Value.ToLowerInvariant() : null;
    }

    [GeneratedRegex("^([A-Za-z][A-Za-z0-9+.-]+)://", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Scheme();

    [GeneratedRegex("^/dev/video[0-9]+$", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex DeviceName();
}
