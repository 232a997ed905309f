using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using Img2Pose.Media;

namespace Img2Pose.Monitor.Safety;

/// <summary>
/// Stands between FFmpeg and an RTSP camera: FFmpeg connects to a port of this machine, and each of its connections goes on to an address
/// of the camera that was checked at that moment. So a name cannot come to mean another place between the check and the connection, and a
/// redirect, which FFmpeg would follow without asking, ends the connection.
/// </summary>
internal sealed class GuardedRelay : IAsyncDisposable
{
    /// <summary>Connections at a time: FFmpeg has one; any other program of this machine may come to the port as well.</summary>
    private const int MostConnections = 4;

    /// <summary>As long as FFmpeg would wait itself.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _ending = new();
    private readonly AddressGuard _guard;
    private readonly LiveAddress _address;
    private readonly bool _insecure;
    private readonly Task _accepting;
    private string? _refusal;
    private int _connections;

    private GuardedRelay(LiveAddress address, AddressGuard guard, bool insecure)
    {
        (_address, _guard, _insecure) = (address, guard, insecure);
        // One connection of FFmpeg's at a time; others of this machine are not waited for.
        _listener.Start(2);
        _accepting = AcceptAsync();
    }

    /// <summary>What FFmpeg opens instead: the same path and credentials, at this machine.</summary>
    public string Target { get; private set; } = "";

    /// <summary>What the camera is called for people, credentials masked.</summary>
    public string Name => _address.Name;

    /// <summary>Why the last connection did not come about or was ended here, which FFmpeg does not know; null where it did.</summary>
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
            if (Interlocked.Increment(ref _connections) > MostConnections)
            {
                Interlocked.Decrement(ref _connections);
                client.Dispose();
                continue;
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
            await using NetworkStream plain = await ConnectAsync(_address.Port ?? (tls ? 322 : 554), stop).ConfigureAwait(false);
            Volatile.Write(ref _refusal, null);
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
            Volatile.Write(ref _refusal, "its certificate is not trusted; insecure: true takes it unseen");
        }
        finally
        {
            Interlocked.Decrement(ref _connections);
        }
    }

    private async Task<NetworkStream> ConnectAsync(int port, CancellationToken stop)
    {
        using CancellationTokenSource patience = CancellationTokenSource.CreateLinkedTokenSource(stop);
        patience.CancelAfter(s_patience);
        try
        {
            return await _guard.ConnectAsync(_address.Host, port, patience.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            throw new InputException("it does not answer in time");
        }
        catch (SocketException error)
        {
            throw new InputException(error.SocketErrorCode switch
            {
                SocketError.ConnectionRefused => "connection refused",
                SocketError.HostUnreachable or SocketError.NetworkUnreachable => "there is no way to it (network)",
                SocketError.TimedOut => "it does not answer in time",
                _ => error.Message,
            }, error);
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
        RedirectScan scan = new();
        while (true)
        {
            int read = await far.ReadAsync(buffer, stop).ConfigureAwait(false);
            if (read == 0) return;
            if (scan.Sees(buffer.AsSpan(0, read)))
            {
                Volatile.Write(ref _refusal, "it sends elsewhere (a redirect), which is not followed");
                return;
            }
            await near.WriteAsync(buffer.AsMemory(0, read), stop).ConfigureAwait(false);
        }
    }
}
