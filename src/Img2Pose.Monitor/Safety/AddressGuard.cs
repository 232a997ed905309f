using System.Net;
using System.Net.Sockets;

namespace Img2Pose.Monitor.Safety;

/// <summary>
/// Which addresses this machine may be sent to by what is configured: not those that mean the machine's own link or a cloud's metadata,
/// unless they are allowed by name. Thread-safe.
/// </summary>
internal sealed class AddressGuard
{
    /// <summary>
    /// Link-local (RFC 3927, RFC 4291), where clouds answer with credentials; the metadata addresses outside of it (Alibaba, Oracle,
    /// Azure's wire server, AWS on IPv6); "this network" (RFC 1122), multicast and broadcast, which no camera is at.
    /// </summary>
    private static readonly IPNetwork[] s_refused =
    [
        IPNetwork.Parse("169.254.0.0/16"), IPNetwork.Parse("fe80::/10"), IPNetwork.Parse("100.100.100.200/32"), IPNetwork.Parse("192.0.0.192/32"), IPNetwork.Parse("168.63.129.16/32"),
        IPNetwork.Parse("fd00:ec2::/32"), IPNetwork.Parse("0.0.0.0/8"), IPNetwork.Parse("224.0.0.0/4"), IPNetwork.Parse("255.255.255.255/32"), IPNetwork.Parse("ff00::/8"), IPNetwork.Parse("::/128"),
    ];

    private static readonly IPNetwork[] s_embedding = [IPNetwork.Parse("64:ff9b::/96"), IPNetwork.Parse("64:ff9b:1::/48"), IPNetwork.Parse("::/96"), IPNetwork.Parse("::ffff:0:0:0/96")];

    private readonly Func<string, CancellationToken, Task<IPAddress[]>> _resolve;
    private IReadOnlyList<IPNetwork> _allowed = [];

    /// <summary>Asks the system's resolver, or another in tests.</summary>
    public AddressGuard(Func<string, CancellationToken, Task<IPAddress[]>>? resolve = null) => _resolve = resolve ?? Dns.GetHostAddressesAsync;

    /// <summary>Networks that may be reached although they are on the list.</summary>
    public IReadOnlyList<IPNetwork> Allowed
    {
        get => Volatile.Read(ref _allowed);
        set => Volatile.Write(ref _allowed, value);
    }

    /// <summary>Whether an address may be reached.</summary>
    public bool IsAllowed(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6) address = address.MapToIPv4();
        // NAT64 (RFC 6052, RFC 8215), its translated form (RFC 2765, 2.1), 6to4 (RFC 3056) and the old compatible form (RFC 4291, 2.5.5.1) carry an IPv4 address inside.
        else if (Embedded(address) is { } inner && !IsAllowed(inner)) return false;
        if (Allowed.Any(network => network.Contains(address))) return true;
        return !s_refused.Any(network => network.Contains(address));
    }

    /// <summary>The addresses of a host, all of which may be reached.</summary>
    /// <exception cref="InputException">There is none, or one may not be reached: a name that has both is not trusted.</exception>
    public async Task<IPAddress[]> ResolveAsync(string host, CancellationToken stop)
    {
        IPAddress[] addresses;
        if (IPAddress.TryParse(host, out IPAddress? literal))
        {
            addresses = [literal];
        }
        else
        {
            try
            {
                addresses = await _resolve(host, stop).ConfigureAwait(false);
            }
            catch (SocketException error)
            {
                throw new InputException($"nobody says where {host} is (name resolution)", error);
            }
        }
        if (addresses.Length == 0) throw new InputException($"there is no host {host}");
        foreach (IPAddress address in addresses)
        {
            if (!IsAllowed(address)) throw new InputException($"{host}: {address} is a link-local or metadata address, which is not reached; allow_addresses in the configuration allows it");
        }
        return addresses;
    }

    /// <summary>
    /// Connects to a host at an address that was checked, so that a name that is asked again cannot lead elsewhere. For every
    /// connection of a client, those after redirects included.
    /// </summary>
    /// <param name="host">The host.</param>
    /// <param name="port">Its port.</param>
    /// <param name="family">Addresses of this family alone; null: all.</param>
    /// <param name="stop">Ends it.</param>
    /// <exception cref="InputException">It has no such address, or may not be reached.</exception>
    /// <exception cref="SocketException">It does not answer.</exception>
    public async Task<NetworkStream> ConnectAsync(string host, int port, AddressFamily? family, CancellationToken stop)
    {
        IPAddress[] addresses = await ResolveAsync(host, stop).ConfigureAwait(false);
        if (family is { } wanted) addresses = [.. addresses.Where(address => address.AddressFamily == wanted)];
        if (addresses.Length == 0) throw new InputException($"{host} has no address of the kind that it had");
        Socket socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(addresses, port, stop).ConfigureAwait(false);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <inheritdoc cref="ConnectAsync(string, int, AddressFamily?, CancellationToken)"/>
    public Task<NetworkStream> ConnectAsync(string host, int port, CancellationToken stop) => ConnectAsync(host, port, null, stop);

    private static IPAddress? Embedded(IPAddress address)
    {
        if (address.AddressFamily != AddressFamily.InterNetworkV6) return null;
        byte[] bytes = address.GetAddressBytes();
        if (s_embedding.Any(network => network.Contains(address)) && !address.Equals(IPAddress.IPv6Loopback) && !address.Equals(IPAddress.IPv6Any)) return new IPAddress(bytes.AsSpan(12, 4));
        return bytes[0] == 0x20 && bytes[1] == 0x02 ? new IPAddress(bytes.AsSpan(2, 4)) : null;
    }
}
