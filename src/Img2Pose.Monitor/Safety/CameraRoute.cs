using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Img2Pose.Media;
using Img2Pose.Monitor.Configuration;

namespace Img2Pose.Monitor.Safety;

/// <summary>
/// How FFmpeg reaches a camera of the network: never by a name that it resolves itself, and never wherever a server sends it. RTSP and RTMP
/// go through a <see cref="GuardedRelay"/>, HTTP through a <see cref="GuardedProxy"/>; SRT and UDP, which follow nobody, are given the
/// address that was checked as each connection begins.
/// </summary>
internal sealed class CameraRoute : ILiveRoute, IAsyncDisposable
{
    private readonly AddressGuard _guard;
    private readonly LiveAddress? _address;
    private readonly LoopbackWay? _way;
    private string? _refusal;

    private CameraRoute(string url, AddressGuard guard, LiveAddress? address = null, LoopbackWay? way = null) => (Url, _guard, _address, _way) = (url, guard, address, way);

    /// <summary>What is opened.</summary>
    public string Url { get; }

    /// <summary>Why the last connection did not come about or was ended here, which FFmpeg does not know; null where it did.</summary>
    public string? Refusal => _way?.Refusal ?? Volatile.Read(ref _refusal);

    /// <inheritdoc/>
    public IReadOnlyList<(string Key, string Value)> Options { get; private init; } = [];

    /// <summary>Prepares the way to a camera. What is no camera of the network is opened as it is.</summary>
    /// <exception cref="InputException">Its address may not be reached, or nobody says where it is.</exception>
    public static async Task<CameraRoute> StartAsync(CameraConfiguration camera, AddressGuard guard, CancellationToken stop)
    {
        if (!MediaSource.IsLive(camera.Url) || LiveAddress.Parse(camera.Url) is not { Kind: LiveKind.Network } address) return new CameraRoute(camera.Url, guard);
        switch (address.Scheme)
        {
            case "rtsp" or "rtsps":
                // FFmpeg waits for pictures in the family of the address that it is sent to.
                AddressFamily? udp = camera.OverUdp ? (await guard.ResolveAsync(address.Host, stop).ConfigureAwait(false))[0].AddressFamily : null;
                GuardedRelay rtsp = GuardedRelay.Start(address, guard, camera.Insecure, udp);
                return new CameraRoute(rtsp.Target, guard, address, rtsp);
            case "rtmp":
                GuardedRelay rtmp = GuardedRelay.Start(address, guard, camera.Insecure);
                // Servers tell their hosts apart by it.
                return new CameraRoute(rtmp.Target, guard, address, rtmp) { Options = [("rtmp_tcurl", ApplicationOf(address))] };
            case "http" or "https":
                GuardedProxy proxy = GuardedProxy.Start(address, guard);
                return new CameraRoute(camera.Url, guard, address, proxy) { Options = [proxy.Option] };
            default:
                return new CameraRoute(camera.Url, guard, address);
        }
    }

    /// <summary>Options of a source with this way in them.</summary>
    public LiveSourceOptions Through(LiveSourceOptions options) => _address is null ? options : options with { ShownAs = _address.Name, Route = this };

    /// <inheritdoc/>
    public LiveAddress Resolve(LiveAddress address, TimeSpan patience, CancellationToken stop)
    {
        // It listens here, or its way knows where it leads.
        if (_way is not null || address.Host.Length == 0) return address;
        try
        {
            Task<IPAddress[]> asking = _guard.ResolveAsync(address.Host, stop);
            // A resolver cannot be interrupted: the connection's own thread waits for it no longer than it may.
            if (!asking.Wait(patience, stop)) throw new LiveFailureException(LiveFailureKind.Lost, $"nobody says in time where {address.Host} is (name resolution)");
            Volatile.Write(ref _refusal, null);
            return address.At(asking.Result[0].ToString(), address.Port);
        }
        catch (AggregateException error) when (error.InnerException is InputException refused)
        {
            Volatile.Write(ref _refusal, refused.Message);
            throw new LiveFailureException(LiveFailureKind.Lost, refused.Message);
        }
    }

    /// <inheritdoc/>
    public async Task<Stream> ConnectAsync(string host, int port, CancellationToken stop)
    {
        try
        {
            return await _guard.ConnectAsync(host, port, stop).ConfigureAwait(false);
        }
        catch (InputException error)
        {
            throw new IOException(error.Message, error);
        }
    }

    /// <summary>Ends every connection that goes through this program.</summary>
    public ValueTask DisposeAsync() => _way?.DisposeAsync() ?? ValueTask.CompletedTask;

    /// <summary>
    /// FFmpeg goes past its proxy for hosts that the environment's <c>no_proxy</c> names; nothing of the monitor uses one of the
    /// environment. Called while no thread but this one asks for the environment.
    /// </summary>
    public static void ForgetProxies()
    {
        // Of the C library's own environment, which is FFmpeg's; .NET has a copy of it.
        _ = unsetenv("no_proxy");
    }

    /// <summary>An RTMP address without user and stream, as FFmpeg takes it apart: the application is the first part of the path, or the first two where more follow.</summary>
    internal static string ApplicationOf(LiveAddress address)
    {
        string target = address.Target;
        int begin = target.IndexOf("://", StringComparison.Ordinal) + 3, end = target.AsSpan(begin).IndexOfAny("/?#");
        string place = end < 0 ? target[begin..] : target.Substring(begin, end), path = end < 0 ? "" : target[(begin + end)..].TrimStart('/');
        int query = path.IndexOf('?', StringComparison.Ordinal);
        string[] parts = (query < 0 ? path : path[..query]).Split('/');
        bool isInstance = parts.Length > 2 && !parts[1].Contains(':', StringComparison.Ordinal);
        return $"rtmp://{place[(place.LastIndexOf('@') + 1)..]}/{(isInstance ? $"{parts[0]}/{parts[1]}" : parts[0])}";
    }

    [DllImport("libc", CharSet = CharSet.Ansi, BestFitMapping = false, ThrowOnUnmappableChar = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int unsetenv(string name);
}
