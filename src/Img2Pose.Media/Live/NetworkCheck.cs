using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;

namespace Img2Pose.Media;

/// <summary>What FFmpeg does not tell about a host that it cannot talk to: whether there is such a name, whether its certificate is good.</summary>
internal static class NetworkCheck
{
    /// <summary>
    /// Resolves a host's name, so that a wrong one is told as such; FFmpeg calls that an input/output error. The resolver cannot be
    /// interrupted: nobody waits for it beyond <paramref name="patience"/> or the token, and what it says then is not heard.
    /// </summary>
    /// <exception cref="LiveFailureException">There is no such name, or nobody says.</exception>
    public static void Resolve(string host, TimeSpan patience, CancellationToken stop)
    {
        if (host.Length == 0 || IPAddress.TryParse(host, out _)) return;
        try
        {
            Task<IPAddress[]> asking = Dns.GetHostAddressesAsync(host, stop);
            if (asking.Wait(patience, stop)) return;
            throw new LiveFailureException(LiveFailureKind.Lost, $"nobody says in time where {host} is (name resolution)");
        }
        catch (AggregateException e) when (e.InnerException is SocketException socket)
        {
            // Only the name server can know that there is no such name; that it does not answer says nothing.
            LiveFailureKind kind = socket.SocketErrorCode is SocketError.HostNotFound or SocketError.NoData ? LiveFailureKind.Incurable : LiveFailureKind.Lost;
            throw new LiveFailureException(kind, kind == LiveFailureKind.Incurable ? $"there is no host {host}" : $"nobody says where {host} is (name resolution)");
        }
        catch (AggregateException e) when (e.InnerException is ArgumentException)
        {
            throw new LiveFailureException(LiveFailureKind.Incurable, $"there can be no host {host}");
        }
    }

    /// <summary>What <see cref="WhyNotTrusted"/> says of a server that has no certificate, since it speaks no TLS.</summary>
    public const string NoTls = "it does not speak TLS";

    /// <summary>Why the certificate of a host is not good; null where it is, or where that cannot be found out.</summary>
    public static string? WhyNotTrusted(string host, int port, TimeSpan patience, ILiveRoute? route, CancellationToken stop)
    {
        try
        {
            Task<string?> asking = WhyNotTrustedAsync(host, port, route, stop);
            // The connection's own thread has nothing else to do, and waits no longer than the patience or the stop.
            return asking.Wait(patience, stop) ? asking.Result : null;
        }
        catch (AggregateException)
        {
            // It is not a matter of its certificate.
            return null;
        }
    }

    private static async Task<string?> WhyNotTrustedAsync(string host, int port, ILiveRoute? route, CancellationToken stop)
    {
        string? why = null;
        await using Stream plain = route is null ? await ConnectAsync(host, port, stop).ConfigureAwait(false) : await route.ConnectAsync(host, port, stop).ConfigureAwait(false);
        await using SslStream stream = new(plain);
        try
        {
            await stream.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
            {
                TargetHost = host,
                // Only asked, never taken for the video itself: that connection is FFmpeg's, which checks on its own.
                RemoteCertificateValidationCallback = (_, certificate, chain, errors) =>
                {
                    if (errors == SslPolicyErrors.None) return true;
                    why = (errors & SslPolicyErrors.RemoteCertificateNameMismatch) != 0 && errors == SslPolicyErrors.RemoteCertificateNameMismatch
                        ? "its certificate is another host's"
                        : chain?.ChainStatus.FirstOrDefault().StatusInformation.Trim().TrimEnd('.') is { Length: > 0 } status
                            ? $"its certificate is not trusted ({char.ToLowerInvariant(status[0])}{status[1..]})" : "its certificate is not trusted";
                    return false;
                },
            }, stop).ConfigureAwait(false);
        }
        catch (AuthenticationException)
        {
            // The callback has said why; without that it is no TLS at all.
            why ??= NoTls;
        }
        return why;
    }

    private static async Task<Stream> ConnectAsync(string host, int port, CancellationToken stop)
    {
        Socket socket = new(SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await socket.ConnectAsync(host, port, stop).ConfigureAwait(false);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
