using System.Net;
using Img2Pose.Monitor.Cameras;
using Img2Pose.Pipeline;
using Microsoft.Extensions.Logging;

namespace Img2Pose.Monitor;

/// <summary>How the monitor is started. What it watches stands in its configuration.</summary>
public sealed record MonitorOptions
{
    /// <summary>The port where nothing is said.</summary>
    public const int UsualPort = 8080;

    /// <summary>The user's YAML file, or null.</summary>
    public string? ConfigurationFile { get; init; }

    /// <summary>Addresses of cameras to watch without a file.</summary>
    public IReadOnlyList<string> Sources { get; init; } = [];

    /// <summary>Where the page is served. Others than loopback need users and TLS, or a proxy.</summary>
    public IPEndPoint Listen { get; init; } = new(IPAddress.Loopback, UsualPort);

    /// <summary>A PEM file with the certificate and those above it, or null.</summary>
    public string? Certificate { get; init; }

    /// <summary>A PEM file with its key, or null: in the same file.</summary>
    public string? CertificateKey { get; init; }

    /// <summary>A proxy in front does TLS and says who asks (X-Forwarded-For, X-Forwarded-Proto).</summary>
    public bool BehindProxy { get; init; }

    /// <summary>Names by which the page is reached, besides addresses and "localhost".</summary>
    public IReadOnlyList<string> Hosts { get; init; } = [];

    /// <summary>The monitor's own folder: database, clips, passwords, audit log. Made with mode 0700 where it is missing.</summary>
    public required string Folder { get; init; }

    /// <summary>Model and device of the one engine.</summary>
    public PoseEngineOptions Engine { get; init; } = new();

    /// <summary>Where events are logged.</summary>
    public required ILogger Logger { get; init; }

    /// <summary>The folder with the page's files; null: beside the program.</summary>
    internal string? PageFolder { get; init; }

    /// <summary>Other times and clocks for cameras, in tests.</summary>
    internal Func<CameraEnvironment, CameraEnvironment>? Tune { get; init; }

    /// <summary>Another clock for accounts, in tests.</summary>
    internal TimeProvider? Clock { get; init; }

    /// <summary>How names are resolved, in tests.</summary>
    internal Func<string, CancellationToken, Task<IPAddress[]>>? Resolve { get; init; }

    /// <exception cref="UsageException">Something does not go together.</exception>
    internal void Validate()
    {
        if (ConfigurationFile is null && Sources.Count == 0) return;
        if (ConfigurationFile is not null && Sources.Count > 0) throw new UsageException("Give a configuration file or addresses of cameras, not both; the file may hold the addresses, too.");
    }

    /// <summary>Whether only this machine reaches the page.</summary>
    internal bool IsLoopback => IPAddress.IsLoopback(Listen.Address);

    /// <summary>Whether whoever reaches the page sits at this machine; a proxy lets others in.</summary>
    internal bool IsPrivate => IsLoopback && !BehindProxy;

    /// <exception cref="UsageException">The page would go over the network in the clear.</exception>
    internal void RequireSafety()
    {
        if (IsLoopback || Certificate is not null || BehindProxy) return;
        throw new UsageException($"--listen {Listen}: over a network passwords and pictures go encrypted only: give --tls CERTIFICATE.pem, or --behind-proxy where a proxy on the way does that.");
    }
}
