using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Img2Pose.Monitor.Configuration;

/// <summary>A point of a picture, as fractions of its width and height, from the left and from above.</summary>
/// <param name="X">0…1.</param>
/// <param name="Y">0…1.</param>
internal readonly record struct PicturePoint(double X, double Y);

/// <summary>An area of a camera's picture with a name that rules use.</summary>
internal sealed record ZoneConfiguration
{
    public required string Name { get; init; }

    /// <summary>Its corners, at least three.</summary>
    public required IReadOnlyList<PicturePoint> Points { get; init; }
}

/// <summary>A line across a camera's picture with a name that rules use, from one point to another.</summary>
internal sealed record LineConfiguration(string Name, PicturePoint From, PicturePoint To);

/// <summary>Where a camera was entered.</summary>
internal enum CameraOrigin
{
    /// <summary>The user's own file, or the command line, by who can write on the disk.</summary>
    Disk,

    /// <summary>The page or the API: network addresses only.</summary>
    Page,
}

/// <summary>What is watched, and how. Its address holds credentials and is never sent to a page.</summary>
internal sealed record CameraConfiguration
{
    /// <summary>Looks a second where nothing is said.</summary>
    public const double UsualLooks = 5;

    public required string Name { get; init; }

    /// <summary>The source, with its credentials.</summary>
    public required string Url { get; init; }

    public CameraOrigin Origin { get; init; }

    /// <summary>RTSP's pictures over UDP instead of the connection itself.</summary>
    public bool OverUdp { get; init; }

    /// <summary>Certificates are taken unseen.</summary>
    public bool Insecure { get; init; }

    /// <summary>Looks a second that are wanted.</summary>
    public double Looks { get; init; } = UsualLooks;

    /// <summary>Share of the machine against other cameras where it is short.</summary>
    public double Priority { get; init; } = 1;

    /// <summary>
    /// Size of the picture for the network, pixels of its long side (of the short side for models of torchvision's rule); null: the
    /// model's own.
    /// </summary>
    public int? Size { get; init; }

    /// <summary>No face is shown or kept.</summary>
    public bool Mask { get; init; }

    /// <summary>Whether clips of events are kept.</summary>
    public bool Clips { get; init; } = true;

    /// <summary>Horizontal field of view, degrees, for distances in millimetres; null: in units of the assumed lens.</summary>
    public double? FieldOfView { get; init; }

    /// <summary>When it is watched; null: always.</summary>
    public Schedule? Schedule { get; init; }

    /// <summary>What the page draws over it: "box", "axes", "name".</summary>
    public IReadOnlyList<string> Overlay { get; init; } = s_overlay;

    /// <summary>Areas that nobody sees, the network included.</summary>
    public IReadOnlyList<ZoneConfiguration> Masks { get; init; } = [];

    public IReadOnlyList<ZoneConfiguration> Zones { get; init; } = [];

    public IReadOnlyList<LineConfiguration> Lines { get; init; } = [];

    private static readonly string[] s_overlay = ["box", "axes", "name"];

    /// <summary>Whether pictures are shown and kept only as they were composed, never as the camera coded them.</summary>
    public bool IsComposed => Mask || Masks.Count > 0;

    /// <summary>Whether it hides what another one shows: faces, or an area that the other one leaves open.</summary>
    public bool HidesMoreThan(CameraConfiguration other) => Mask && !other.Mask || Masks.Any(mask => !other.Masks.Any(known => known.Points.SequenceEqual(mask.Points)));

    /// <summary>Everything that it says in one text: two that say the same are the same camera.</summary>
    public string Fingerprint() => JsonSerializer.Serialize(this, ConfigurationJson.Default.CameraConfiguration);

    /// <summary>Never the address.</summary>
    public override string ToString() => Name;
}

/// <summary>The text of a camera or a rule, for comparisons alone.</summary>
[JsonSerializable(typeof(CameraConfiguration))]
[JsonSerializable(typeof(RuleConfiguration))]
internal sealed partial class ConfigurationJson : JsonSerializerContext;

/// <summary>Days and hours, in the machine's local time. Hours that end before they begin go over midnight.</summary>
/// <param name="Days">Days of the week, Sunday first; empty: every day.</param>
/// <param name="From">Begin.</param>
/// <param name="To">End; the same as the begin: all day.</param>
internal sealed record Schedule(IReadOnlyList<DayOfWeek> Days, TimeOnly From, TimeOnly To)
{
    /// <summary>Whether a local time lies in it. Hours after midnight belong to the day that they began on.</summary>
    public bool Includes(DateTime local)
    {
        TimeOnly time = TimeOnly.FromDateTime(local);
        bool overMidnight = To < From;
        bool inside = From == To || (overMidnight ? time >= From || time < To : time >= From && time < To);
        if (!inside) return false;
        DayOfWeek day = overMidnight && time < To ? local.AddDays(-1).DayOfWeek : local.DayOfWeek;
        return Days.Count == 0 || Days.Contains(day);
    }

    /// <summary>For the page.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"{(Days.Count == 0 ? "daily" : string.Join(' ', Days.Select(day => day.ToString()[..3])))} {From:HH\\:mm}–{To:HH\\:mm}");
}
