using System.Net;

namespace Img2Pose.Monitor.Configuration;

/// <summary>What the monitor watches and tells, as its files say it. Immutable; checked as a whole when it is read.</summary>
internal sealed record MonitorConfiguration
{
    public IReadOnlyList<CameraConfiguration> Cameras { get; init; } = [];

    public IReadOnlyList<RuleConfiguration> Rules { get; init; } = [];

    public StorageConfiguration Storage { get; init; } = new();

    public IReadOnlyList<UserConfiguration> Users { get; init; } = [];

    public IReadOnlyList<TokenConfiguration> Tokens { get; init; } = [];

    public IReadOnlyList<WebhookConfiguration> Webhooks { get; init; } = [];

    public MqttConfiguration? Mqtt { get; init; }

    /// <summary>Further names by which the page is reached.</summary>
    public IReadOnlyList<string> Hosts { get; init; } = [];

    /// <summary>Link-local and metadata addresses that cameras and webhooks may reach all the same.</summary>
    public IReadOnlyList<IPNetwork> AllowedAddresses { get; init; } = [];
}

/// <summary>What an event is an event of.</summary>
internal enum RuleKind
{
    /// <summary>A face is there.</summary>
    Appears,

    /// <summary>A face that was there is gone.</summary>
    Leaves,

    /// <summary>It faces the camera.</summary>
    Facing,

    /// <summary>It is turned away from the camera.</summary>
    Away,

    /// <summary>It is turned to a side beyond an angle.</summary>
    Turned,

    /// <summary>The head hangs down.</summary>
    HeadDown,

    /// <summary>It is nearer than a distance.</summary>
    Nearer,

    /// <summary>There are more faces than a number.</summary>
    Count,

    /// <summary>It is in a zone.</summary>
    Zone,

    /// <summary>It crosses a line.</summary>
    Line,
}

/// <summary>A rule by which events are made.</summary>
internal sealed record RuleConfiguration
{
    public required string Name { get; init; }

    public required RuleKind Kind { get; init; }

    /// <summary>Cameras that it holds for; empty: all.</summary>
    public IReadOnlyList<string> Cameras { get; init; } = [];

    /// <summary>Seconds that the condition must hold.</summary>
    public double For { get; init; }

    /// <summary>Degrees.</summary>
    public double Angle { get; init; }

    /// <summary>Millimetres.</summary>
    public double Distance { get; init; }

    /// <summary>Faces.</summary>
    public int Faces { get; init; }

    /// <summary>Name of the zone.</summary>
    public string? Zone { get; init; }

    /// <summary>Name of the line.</summary>
    public string? Line { get; init; }

    /// <summary>Seconds after an event in which the rule makes no other on that camera.</summary>
    public double Cooldown { get; init; }

    /// <summary>Seconds for which the condition may be gone without the event ending.</summary>
    public double Gap { get; init; } = 0.4;

    /// <summary>When it holds; null: always.</summary>
    public Schedule? Schedule { get; init; }

    /// <summary>Seconds of the clip before and after the event.</summary>
    public double Before { get; init; } = 3;

    /// <inheritdoc cref="Before"/>
    public double After { get; init; } = 3;

    /// <summary>Whether it is about a camera.</summary>
    public bool IsFor(string camera) => Cameras.Count == 0 || Cameras.Contains(camera);

    /// <summary>Everything that it says in one text: two that say the same are the same rule.</summary>
    public string Fingerprint() => System.Text.Json.JsonSerializer.Serialize(this, ConfigurationJson.Default.RuleConfiguration);
}

/// <summary>What is kept, and for how long.</summary>
internal sealed record StorageConfiguration
{
    /// <summary>Days that events stay.</summary>
    public double EventDays { get; init; } = 30;

    /// <summary>Days that poses stay.</summary>
    public double SampleDays { get; init; } = 7;

    /// <summary>Days that clips stay.</summary>
    public double ClipDays { get; init; } = 14;

    /// <summary>MiB of clips at most: the oldest go first.</summary>
    public double ClipMegabytes { get; init; } = 4096;

    /// <summary>Days that snapshots stay.</summary>
    public double SnapshotDays { get; init; } = 30;

    /// <summary>MiB of snapshots at most: the oldest go first.</summary>
    public double SnapshotMegabytes { get; init; } = 1024;

    /// <summary>MiB of the database at most: the oldest poses go first.</summary>
    public double DatabaseMegabytes { get; init; } = 1024;

    /// <summary>MiB that stay free on the disk.</summary>
    public double FreeMegabytes { get; init; } = 200;
}

/// <summary>What somebody may do.</summary>
internal enum Role
{
    /// <summary>Look.</summary>
    Viewer,

    /// <summary>Look, and note events as seen.</summary>
    Operator,

    /// <summary>All: cameras, the audit log.</summary>
    Admin,
}

internal sealed record UserConfiguration(string Name, Role Role, string Password)
{
    /// <summary>Never the password.</summary>
    public override string ToString() => Name;
}

internal sealed record TokenConfiguration(string Name, Role Role, string Token)
{
    /// <summary>Never the token.</summary>
    public override string ToString() => Name;
}

internal sealed record WebhookConfiguration
{
    public required Uri Url { get; init; }

    /// <summary>The key that bodies are signed with, or null.</summary>
    public string? Secret { get; init; }

    /// <summary>Rules that it is told of; empty: all.</summary>
    public IReadOnlyList<string> Rules { get; init; } = [];

    /// <summary>Without credentials or path.</summary>
    public override string ToString() => $"{Url.Scheme}://{Url.Host}";
}

internal sealed record MqttConfiguration
{
    public required string Host { get; init; }

    public int Port { get; init; } = 1883;

    public bool Tls { get; init; }

    public string? User { get; init; }

    public string? Password { get; init; }

    public string Topic { get; init; } = "img2pose";

    /// <summary>Where Home Assistant looks for what there is; null: it is not told.</summary>
    public string? Discovery { get; init; } = "homeassistant";

    /// <summary>Never the password.</summary>
    public override string ToString() => $"{Host}:{Port}";
}
