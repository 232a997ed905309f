using System.Net;
using System.Net.Sockets;
using System.Text;
using Img2Pose.Media;

namespace Img2Pose.Monitor.Safety;

/// <summary>
/// The HTTP proxy (RFC 9110, 3.7) that FFmpeg is given for one HTTP or HTTPS camera. Every connection that FFmpeg makes for it comes through
/// here, those after redirects and of the parts of a playlist, too: each goes to an address of the camera's own host that was checked at
/// that moment, and to no other host.
/// </summary>
internal sealed class GuardedProxy : LoopbackWay
{
    /// <summary>Connections at a time: a playlist's streams have two each.</summary>
    private const int MostConnections = 16;

    private const int LongestHead = 16 << 10;

    /// <summary>As long as a head may take; FFmpeg sends it at once.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);

    private GuardedProxy(LiveAddress address, AddressGuard guard) : base(address, guard, IPAddress.Loopback, MostConnections)
    {
    }

    /// <summary>What FFmpeg is told of it.</summary>
    public (string Key, string Value) Option => ("http_proxy", FormattableString.Invariant($"http://127.0.0.1:{Port}"));

    /// <summary>Begins to listen for a camera, an http:// or https:// address.</summary>
    public static GuardedProxy Start(LiveAddress address, AddressGuard guard)
    {
        GuardedProxy proxy = new(address, guard);
        proxy.Begin();
        return proxy;
    }

    /// <inheritdoc/>
    protected override async Task ServeAsync(NetworkStream near, CancellationToken stop)
    {
        (string[] head, byte[] behind) = await ReadHeadAsync(near, stop).ConfigureAwait(false);
        string[] asked = head[0].Split(' ');
        if (asked is not [var method, var target, var version] || !version.StartsWith("HTTP/1.", StringComparison.Ordinal))
        {
            await RefuseAsync(near, "400 Bad Request", stop).ConfigureAwait(false);
            return;
        }
        bool isTunnel = method == "CONNECT";
        (LiveAddress place, string path) = Split(isTunnel ? $"https://{target}" : target);
        try
        {
            if (!string.Equals(place.Host, Address.Host, StringComparison.OrdinalIgnoreCase))
                throw new InputException($"it sends elsewhere, to {place.Host}, which is not followed; that is an address of its own");
            await using NetworkStream far = await ConnectAsync(place.Host, place.Port ?? (isTunnel ? 443 : 80), stop).ConfigureAwait(false);
            if (isTunnel) await near.WriteAsync("HTTP/1.1 200 Connected\r\n\r\n"u8.ToArray(), stop).ConfigureAwait(false);
            else await far.WriteAsync(Head(method, path, version, head), stop).ConfigureAwait(false);
            if (behind.Length > 0) await far.WriteAsync(behind, stop).ConfigureAwait(false);
            await JoinAsync(ending => near.CopyToAsync(far, ending), ending => far.CopyToAsync(near, ending), stop).ConfigureAwait(false);
        }
        catch (InputException)
        {
            // FFmpeg tells a refusal from a broken connection.
            await RefuseAsync(near, "502 Bad Gateway", stop).ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>The lines of a request's head, and what came behind it.</summary>
    private static async Task<(string[] Lines, byte[] Behind)> ReadHeadAsync(NetworkStream near, CancellationToken stop)
    {
        using CancellationTokenSource patience = CancellationTokenSource.CreateLinkedTokenSource(stop);
        patience.CancelAfter(s_patience);
        byte[] buffer = new byte[LongestHead];
        int length = 0;
        while (true)
        {
            int end = buffer.AsSpan(0, length).IndexOf("\r\n\r\n"u8);
            if (end >= 0) return (Encoding.Latin1.GetString(buffer, 0, end).Split("\r\n"), buffer[(end + 4)..length]);
            int read = length < buffer.Length ? await near.ReadAsync(buffer.AsMemory(length), patience.Token).ConfigureAwait(false) : 0;
            if (read == 0) throw new IOException("It is no request.");
            length += read;
        }
    }

    /// <summary>The place and the path of what a proxy is asked for.</summary>
    private static (LiveAddress Place, string Path) Split(string target)
    {
        // A page of a browser on this machine cannot ask so; it names a path alone.
        if (!target.StartsWith("http://", StringComparison.OrdinalIgnoreCase) && !target.StartsWith("https://", StringComparison.OrdinalIgnoreCase)) throw new IOException("It is no request for a proxy.");
        try
        {
            LiveAddress place = LiveAddress.Parse(target);
            int begin = target.IndexOf("://", StringComparison.Ordinal) + 3, end = target.AsSpan(begin).IndexOfAny("/?#");
            string path = end < 0 ? "/" : target[(begin + end)..];
            return (place, path.StartsWith('/') ? path : "/" + path);
        }
        catch (Img2PoseException error)
        {
            throw new InputException("it sends to an address that is none", error);
        }
    }

    /// <summary>The head as the camera gets it: of this one request, without what is for the proxy.</summary>
    private static byte[] Head(string method, string path, string version, string[] head)
    {
        StringBuilder to = new($"{method} {path} {version}\r\n");
        foreach (string line in head.AsSpan(1))
        {
            bool isOurs = line.StartsWith("Proxy-", StringComparison.OrdinalIgnoreCase) || line.StartsWith("Connection:", StringComparison.OrdinalIgnoreCase);
            if (!isOurs) to.Append(line).Append("\r\n");
        }
        // Another request may be for another host.
        return Encoding.Latin1.GetBytes(to.Append("Connection: close\r\n\r\n").ToString());
    }

    private static async Task RefuseAsync(NetworkStream near, string status, CancellationToken stop) =>
        await near.WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"), stop).ConfigureAwait(false);
}
