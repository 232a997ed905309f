using System.Buffers;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Encodings.Web;
using System.Text.Json;
using Img2Pose.Frames;
using Img2Pose.Geometry;

namespace Img2Pose.Pipeline;

/// <summary>How poses are told to another program.</summary>
public enum SendProtocol
{
    /// <summary>A datagram of six doubles a frame with a face (<see cref="HeadPosition"/>).</summary>
    Opentrack,

    /// <summary>A datagram a frame: the JSON object of the JSON Lines.</summary>
    Json,
}

/// <summary>Where poses are sent to, as in <c>opentrack:HOST:PORT</c> or <c>json:HOST:PORT</c>.</summary>
/// <param name="Protocol">How.</param>
/// <param name="Host">A name or address.</param>
/// <param name="Port">UDP port.</param>
public sealed record SendTarget(SendProtocol Protocol, string Host, int Port)
{
    /// <summary>The port that opentrack listens to unless told otherwise.</summary>
    private const int OpentrackPort = 4242;

    /// <summary>Reads a target.</summary>
    /// <exception cref="UsageException">It is none.</exception>
    public static SendTarget Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        int colon = text.IndexOf(':', StringComparison.Ordinal);
        SendProtocol protocol = (colon < 0 ? text : text[..colon]) switch
        {
            "opentrack" => SendProtocol.Opentrack,
            "json" => SendProtocol.Json,
            _ => throw new UsageException($"--send {text}: the protocol is unknown; give opentrack:HOST:PORT or json:HOST:PORT."),
        };
        string rest = colon < 0 ? "" : text[(colon + 1)..], host = rest, port = "";
        // The colons of an address of version 6 stand in brackets.
        int end = rest.StartsWith('[') ? rest.IndexOf(']', StringComparison.Ordinal) + 1 : Math.Max(rest.IndexOf(':', StringComparison.Ordinal), 0);
        if (end == 0 && !rest.Contains(':', StringComparison.Ordinal)) end = rest.Length;
        if (end < rest.Length && rest[end] == ':') (host, port) = (rest[..end], rest[(end + 1)..]);
        host = host.Trim('[', ']');
        if (host.Length == 0 || host.Any(c => char.IsWhiteSpace(c) || char.IsControl(c))) throw new UsageException($"--send {text}: names no host; give for example {Name(protocol)}:127.0.0.1:{OpentrackPort}.");
        if (port.Length == 0 && protocol == SendProtocol.Opentrack) return new SendTarget(protocol, host, OpentrackPort);
        if (!int.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out int number) || number is < 1 or > 65535)
            throw new UsageException($"--send {text}: needs a port, 1…65535: {Name(protocol)}:HOST:PORT.");
        return new SendTarget(protocol, host, number);
    }

    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Name(Protocol)}:{(Host.Contains(':', StringComparison.Ordinal) ? $"[{Host}]" : Host)}:{Port}");

    private static string Name(SendProtocol protocol) => protocol == SendProtocol.Opentrack ? "opentrack" : "json";
}

/// <summary>How a sender picks and measures what it sends.</summary>
public sealed record PoseSenderOptions
{
    /// <summary>Which face opentrack is told of; a sender of JSON tells of all faces unless <see cref="OnlyChosen"/>.</summary>
    public FaceChoice Face { get; init; } = FaceChoice.Parse("largest");

    /// <summary>Whether JSON, too, tells of the chosen face alone.</summary>
    public bool OnlyChosen { get; init; }

    /// <summary>The pose that the user calls neutral; JSON keeps the camera's.</summary>
    public NeutralPose Neutral { get; init; } = new();

    /// <summary>The user's camera and the size of heads; null: the assumed camera and the mean head.</summary>
    public CameraView? Camera { get; init; }

    /// <summary>Whether the source is live, so that JSON tells when pictures were taken.</summary>
    public bool IsLive { get; init; }
}

/// <summary>
/// Sends poses in datagrams to a program on this or another machine. Never waits: what the network does not take at once is lost, as the
/// next one is newer. That nobody listens is no error. Its link should keep the newest frame only.
/// One thread at a time, as a session calls it; owns its socket.
/// </summary>
public sealed class PoseSender : IPoseSink
{
    /// <summary>The longest datagram of UDP over IPv4.</summary>
    private const int LongestDatagram = 65_507;

    private static readonly TimeSpan s_resolving = TimeSpan.FromSeconds(5);

    private readonly SendTarget _target;
    private readonly PoseSenderOptions _options;
    private readonly CameraView _camera;
    private readonly Socket _socket;
    private readonly SocketAddress _address;
    private readonly byte[] _datagram = new byte[HeadPosition.DatagramSize];
    private readonly ArrayBufferWriter<byte> _text = new(4096);
    private readonly Utf8JsonWriter? _json;
    private readonly FrameJson? _frames;
    private bool _sent;

    private PoseSender(SendTarget target, IPEndPoint place, PoseSenderOptions options)
    {
        (_target, _options) = (target, options);
        _camera = options.Camera ?? new CameraView();
        _socket = new Socket(place.AddressFamily, SocketType.Dgram, ProtocolType.Udp) { Blocking = false };
        _address = place.Serialize();
        if (target.Protocol != SendProtocol.Json) return;
        _json = new Utf8JsonWriter(_text, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true });
        _frames = new FrameJson(_json, raw: false, options.IsLive, options.Camera);
    }

    /// <summary>Opens a sender; the host's name is looked up once.</summary>
    /// <exception cref="OutputException">The host is unknown, or its name cannot be looked up in time.</exception>
    public static async Task<PoseSender> OpenAsync(SendTarget target, PoseSenderOptions options, CancellationToken stop = default)
    {
        ArgumentNullException.ThrowIfNull(target);
        ArgumentNullException.ThrowIfNull(options);
        try
        {
            if (!IPAddress.TryParse(target.Host, out IPAddress? address))
            {
                IPAddress[] found = await Dns.GetHostAddressesAsync(target.Host, stop).WaitAsync(s_resolving, stop).ConfigureAwait(false);
                address = found.FirstOrDefault(one => one.AddressFamily == AddressFamily.InterNetwork) ?? found.FirstOrDefault()
                    ?? throw new OutputException($"--send {target}: the host {target.Host} has no address.");
            }
            return new PoseSender(target, new IPEndPoint(address, target.Port), options);
        }
        catch (Exception e) when (e is SocketException or TimeoutException or ArgumentException)
        {
            throw new OutputException($"--send {target}: the host {target.Host} cannot be found ({e.Message.TrimEnd('.')}); give its address.", e);
        }
    }

    /// <summary>Datagrams that the network has not taken.</summary>
    public long Lost { get; private set; }

    /// <inheritdoc/>
    public void Write(VideoFrame frame, ReadOnlySpan<TrackedFace> faces)
    {
        ArgumentNullException.ThrowIfNull(frame);
        if (_frames is not null)
        {
            SendJson(frame, faces);
            return;
        }
        int chosen = _options.Face.Choose(faces);
        // Without a face opentrack keeps what it was told last.
        if (chosen < 0) return;
        Pose pose = _camera.Express(faces[chosen].Face.Pose, frame.DisplayWidth, frame.DisplayHeight);
        if (!pose.IsFinite) return;
        HeadPosition head = HeadPosition.Of(pose, _options.Neutral.For(pose), _camera.MillimetresPerUnit);
        if (!head.IsFinite) return;
        head.Write(_datagram);
        Send(_datagram);
    }

    /// <inheritdoc/>
    public void Finish(RunReport report, bool failed)
    {
        // A datagram more would tell nothing.
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _json?.Dispose();
        _socket.Dispose();
    }

    private void SendJson(VideoFrame frame, ReadOnlySpan<TrackedFace> faces)
    {
        if (_options.OnlyChosen)
        {
            int chosen = _options.Face.Choose(faces);
            faces = chosen < 0 ? [] : faces.Slice(chosen, 1);
        }
        _text.ResetWrittenCount();
        // A datagram may be the first that arrives, so each says the size of the picture and the camera.
        _frames!.Write(frame, faces, 0, 0);
        _json!.Flush();
        _json.Reset();
        if (_text.WrittenCount <= LongestDatagram) Send(_text.WrittenSpan);
        else Lost++;
    }

    private void Send(ReadOnlySpan<byte> datagram)
    {
        try
        {
            _socket.SendTo(datagram, SocketFlags.None, _address);
            _sent = true;
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.WouldBlock or SocketError.NoBufferSpaceAvailable or SocketError.ConnectionRefused)
        {
            Lost++;
        }
        catch (SocketException e)
        {
            // A network that is down may come back, as a camera does; one that was never there is an error of the first frame.
            Lost++;
            if (_sent) return;
            throw new OutputException($"--send {_target}: cannot be sent to ({e.Message.TrimEnd('.')}).", e);
        }
    }
}
