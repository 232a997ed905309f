using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;
using Img2Pose.Media;

namespace Img2Pose.Monitor.Safety;

/// <summary>
/// Stands between FFmpeg and a camera that was entered over the network: FFmpeg connects to a port of this machine, and each of its
/// connections goes on to an address of the camera that was checked at that moment. So a name cannot come to mean another place between
/// the check and the connection, and a redirect, which FFmpeg would follow without asking, ends the connection.
/// </summary>
internal sealed class GuardedRelay : IAsyncDisposable
{
    /// <summary>Where a redirect is looked for: the answers before pictures flow are shorter.</summary>
    private const int LongestHandshake = 64 << 10;

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _ending = new();
    private readonly AddressGuard _guard;
    private readonly LiveAddress _address;
    private readonly bool _insecure;
    private readonly Task _accepting;
    private string? _refusal;

    private GuardedRelay(LiveAddress address, AddressGuard guard, bool insecure)
    {
        (_address, _guard, _insecure) = (address, guard, insecure);
        // One connection of FFmpeg's at a time; others of this machine are not waited for.
        _listener.Start(2);
        _accepting = AcceptAsync();
    }

    /// <summary>What FFmpeg opens instead: the same path and credentials, at this machine.</summary>
    public string Target { get; private set; } = "";

    /// <summary>Why a connection was refused, or null.</summary>
    public string? Refusal => Volatile.Read(ref _refusal);

    /// <summary>Begins to listen for a camera, an rtsp:// or rtsps:// address.</summary>
    public static GuardedRelay Start(string url, AddressGuard guard, bool insecure)
    {
        LiveAddress address = LiveAddress.Parse(url);
        GuardedRelay relay = new(address, guard, insecure);
        int port = ((IPEndPoint)relay._listener.LocalEndpoint).Port;
        int authority = address.Target.IndexOf("://", StringComparison.Ordinal) + 3;
        int end = address.Target.AsSpan(authority).IndexOfAny("/?#");
        string place = end < 0 ? address.Target[authority..] : address.Target.Substring(authority, end);
        string credentials = place[..(place.LastIndexOf('@') + 1)], rest = end < 0 ? "" : address.Target[(authority + end)..];
        relay.Target = $"rtsp://{credentials}127.0.0.1:{port}{rest}";
        return relay;
    }

    /// <summary>Ends every connection.</summary>
    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync().ConfigureAwait(false);
        _listener.Stop();
        await Task.WhenAny(_accepting).ConfigureAwait(false);
        _listener.Dispose();
        _ending.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (true)
        {
            Socket client;
            try
            {
                client = await _listener.AcceptSocketAsync(_ending.Token).ConfigureAwait(false);
            }
            catch (Exception error) when (error is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                return;
            }
            // It ends with either side, or with this.
            _ = ServeAsync(client, _ending.Token);
        }
    }

    private async Task ServeAsync(Socket client, CancellationToken stop)
    {
        // Closed last: by then it stands here why.
        await using NetworkStream near = new(client, ownsSocket: true);
        try
        {
            bool tls = _address.Scheme == "rtsps";
            await using NetworkStream plain = await _guard.ConnectAsync(_address.Host, _address.Port ?? (tls ? 322 : 554), stop).ConfigureAwait(false);
            await using Stream far = tls ? await SecureAsync(plain, stop).ConfigureAwait(false) : plain;
            using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(stop);
            Task up = near.CopyToAsync(far, either.Token), down = DownAsync(far, near, either.Token);
            await Task.WhenAny(up, down).ConfigureAwait(false);
            await either.CancelAsync().ConfigureAwait(false);
            await Task.WhenAny(Task.WhenAll(up, down)).ConfigureAwait(false);
        }
        catch (InputException error)
        {
            Volatile.Write(ref _refusal, error.Message);
        }
        catch (Exception error) when (error is IOException or SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // FFmpeg sees its connection closed.
        }
        catch (System.Security.Authentication.AuthenticationException)
        {
            Volatile.Write(ref _refusal, $"{_address.Name}: its certificate is not trusted; insecure: true takes it unseen");
        }
    }

    private async Task<Stream> SecureAsync(Stream plain, CancellationToken stop)
    {
        SslStream secure = new(plain);
        await secure.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
        {
            TargetHost = _address.Host,
#pragma warning disable CA5359 // What the user asked for by name; without it the system's authorities decide.
            RemoteCertificateValidationCallback = _insecure ? (_, _, _, _) => true : null,
#pragma warning restore CA5359
        }, stop).ConfigureAwait(false);
        return secure;
    }

    private async Task DownAsync(Stream far, NetworkStream near, CancellationToken stop)
    {
        byte[] buffer = new byte[64 << 10];
        StringBuilder? handshake = new();
        while (true)
        {
            int read = await far.ReadAsync(buffer, stop).ConfigureAwait(false);
            if (read == 0) return;
            if (handshake is not null)
            {
                handshake.Append(Encoding.Latin1.GetString(buffer, 0, read));
                string text = handshake.ToString();
                if (text.Contains("RTSP/1.0 3", StringComparison.Ordinal) || text.Contains("RTSP/2.0 3", StringComparison.Ordinal))
                {
                    Volatile.Write(ref _refusal, $"{_address.Name}: it sends elsewhere (a redirect), which is not followed");
                    return;
                }
                // Pictures begin with a dollar sign (RFC 2326, 10.12).
                if (text.Length > LongestHandshake || buffer[0] == (byte)'$') handshake = null;
            }
            await near.WriteAsync(buffer.AsMemory(0, read), stop).ConfigureAwait(false);
        }
    }
}
