using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using Img2Pose.Media;

namespace Img2Pose.Monitor.Safety;

/// <summary>
/// Stands between FFmpeg and an RTSP or RTMP camera. An RTSP redirect, which FFmpeg would follow without asking, ends the connection; where
/// pictures come over UDP the camera's answers name the camera's own checked address as the place that they come from, whatever it said.
/// </summary>
internal sealed class GuardedRelay : LoopbackWay
{
    /// <summary>Connections at a time: FFmpeg has one.</summary>
    private const int MostConnections = 4;

    private readonly bool _insecure, _overUdp;

    private GuardedRelay(LiveAddress address, AddressGuard guard, bool insecure, AddressFamily? udp)
        : base(address, guard, udp == AddressFamily.InterNetworkV6 ? IPAddress.IPv6Loopback : IPAddress.Loopback, MostConnections)
    {
        (_insecure, _overUdp, Family) = (insecure, udp is not null, udp);
        LiveAddress here = address.At(udp == AddressFamily.InterNetworkV6 ? "::1" : "127.0.0.1", Port);
        // TLS ends here.
        Target = address.Scheme == "rtsps" ? "rtsp" + here.Target["rtsps".Length..] : here.Target;
    }

    /// <summary>What FFmpeg opens instead: the same path and credentials, at this machine.</summary>
    public string Target { get; }

    /// <inheritdoc/>
    protected override AddressFamily? Family { get; }

    /// <summary>Begins to listen for a camera.</summary>
    /// <param name="address">The camera; rtsp, rtsps or rtmp.</param>
    /// <param name="guard">Which addresses may be reached.</param>
    /// <param name="insecure">Whether certificates are taken unseen.</param>
    /// <param name="udp">Where pictures come over UDP the family of the camera's address, in which FFmpeg listens for them; else null.</param>
    public static GuardedRelay Start(LiveAddress address, AddressGuard guard, bool insecure, AddressFamily? udp = null)
    {
        GuardedRelay relay = new(address, guard, insecure, udp);
        relay.Begin();
        return relay;
    }

    /// <inheritdoc/>
    protected override async Task ServeAsync(NetworkStream near, CancellationToken stop)
    {
        int usual = Address.Scheme switch { "rtsps" => 322, "rtmp" => 1935, _ => 554 };
        await using NetworkStream plain = await ConnectAsync(Address.Host, Address.Port ?? usual, stop).ConfigureAwait(false);
        await using Stream far = Address.Scheme == "rtsps" ? await SecureAsync(plain, stop).ConfigureAwait(false) : plain;
        IPAddress camera = ((IPEndPoint)plain.Socket.RemoteEndPoint!).Address;
        await JoinAsync(ending => near.CopyToAsync(far, ending), ending => Address.Scheme == "rtmp" ? far.CopyToAsync(near, ending) : DownAsync(far, near, camera, ending), stop).ConfigureAwait(false);
    }

    private async Task<Stream> SecureAsync(Stream plain, CancellationToken stop)
    {
        SslStream secure = new(plain);
        try
        {
            await secure.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
            {
                TargetHost = Address.Host,
#pragma warning disable CA5359 // What the user asked for by name; without it the system's authorities decide.
                RemoteCertificateValidationCallback = _insecure ? (_, _, _, _) => true : null,
#pragma warning restore CA5359
            }, stop).ConfigureAwait(false);
            return secure;
        }
        catch (System.Security.Authentication.AuthenticationException error)
        {
            await secure.DisposeAsync().ConfigureAwait(false);
            throw new InputException("its certificate is not trusted; insecure: true takes it unseen", error);
        }
    }

    private async Task DownAsync(Stream far, NetworkStream near, IPAddress camera, CancellationToken stop)
    {
        byte[] buffer = new byte[64 << 10];
        RedirectScan scan = new();
        TransportAnswers? answers = _overUdp ? new TransportAnswers(camera) : null;
        while (true)
        {
            int read = await far.ReadAsync(buffer, stop).ConfigureAwait(false);
            if (read == 0) return;
            if (scan.Sees(buffer.AsSpan(0, read))) throw new InputException("it sends elsewhere (a redirect), which is not followed");
            await near.WriteAsync(answers is null ? buffer.AsMemory(0, read) : answers.Pass(buffer.AsSpan(0, read)), stop).ConfigureAwait(false);
        }
    }
}
