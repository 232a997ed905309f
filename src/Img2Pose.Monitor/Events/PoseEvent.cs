using Img2Pose.Monitor.Configuration;

namespace Img2Pose.Monitor.Events;

/// <summary>Something that a rule found. It is head pose, not gaze, and nobody is identified.</summary>
internal sealed record PoseEvent
{
    /// <summary>Unique, and rising over time.</summary>
    public required string Id { get; init; }

    public required string Camera { get; init; }

    /// <summary>The rule's name.</summary>
    public required string Rule { get; init; }

    public required RuleKind Kind { get; init; }

    /// <summary>When the condition began to hold, UTC.</summary>
    public required DateTimeOffset Start { get; init; }

    /// <summary>When it last held; null while it goes on.</summary>
    public DateTimeOffset? End { get; init; }

    /// <summary>The face, or 0 where the event is the whole picture's.</summary>
    public required int Track { get; init; }

    /// <summary>What the faces were like: mean and extreme angles, the least distance, the most faces.</summary>
    public required PoseSummary Poses { get; init; }

    /// <summary>A name for people: "facing", "head down".</summary>
    public string Title => Kind switch
    {
        RuleKind.HeadDown => "head down",
        RuleKind.Count => "faces counted",
        RuleKind.Zone => "in zone",
        RuleKind.Line => "line crossed",
        _ => Kind.ToString().ToLowerInvariant(),
    };
}

/// <summary>Poses over an event.</summary>
internal readonly record struct PoseSummary(int Looks, double Yaw, double Pitch, double Roll, double MostOffCamera, double? Nearest, int MostFaces)
{
    /// <summary>With one more look.</summary>
    public PoseSummary With(in Cameras.WatchedFace face, int faces) => new(
        Looks + 1,
        Yaw + (face.Angles.Yaw - Yaw) / (Looks + 1), Pitch + (face.Angles.Pitch - Pitch) / (Looks + 1), Roll + (face.Angles.Roll - Roll) / (Looks + 1),
        Math.Max(MostOffCamera, face.OffCamera),
        face.Distance is { } distance ? Math.Min(Nearest ?? double.PositiveInfinity, distance) : Nearest,
        Math.Max(MostFaces, faces));

    /// <summary>With one more look at the whole picture.</summary>
    public PoseSummary With(int faces) => this with { Looks = Looks + 1, MostFaces = Math.Max(MostFaces, faces) };
}
