using System.Diagnostics;
using System.Globalization;

namespace Img2Pose.Media;

/// <summary>What a live source is doing.</summary>
public enum SourceState
{
    /// <summary>It is being opened for the first time.</summary>
    Connecting,

    /// <summary>Pictures come.</summary>
    Live,

    /// <summary>It was lost, or has not been there yet, and is tried again.</summary>
    Reconnecting,

    /// <summary>It gives no more pictures.</summary>
    Ended,
}

/// <summary>The state of a live source at one moment. Immutable.</summary>
/// <param name="State">What it is doing.</param>
public sealed record SourceStatus(SourceState State)
{
    /// <summary>Why, in a few words without credentials: what was lost, what was refused; null where there is nothing to say.</summary>
    public string? Reason { get; init; }

    /// <summary>While <see cref="SourceState.Reconnecting"/>: how many tries of this outage have failed; else 0.</summary>
    public int Attempt { get; init; }

    /// <summary>
    /// When it is tried again, a timestamp of the monotonic clock (<see cref="Stopwatch.GetTimestamp"/>); 0 while a try is under way,
    /// and in every other state.
    /// </summary>
    public long RetryAt { get; init; }

    /// <summary>When this state began, a timestamp of the monotonic clock.</summary>
    public long Since { get; init; } = Stopwatch.GetTimestamp();

    /// <summary>How long nothing came before it went <see cref="SourceState.Live"/> again; null in every other case.</summary>
    public TimeSpan? Outage { get; init; }

    /// <summary>
    /// Number of the source's time line, from 1: a new one begins with a new connection, and where the source's clock jumps by more
    /// than 5 s. Presentation times go on over that, by the time that has passed here.
    /// </summary>
    public int Timeline { get; init; } = 1;

    /// <summary>Time until the next try, not below zero; null where none is planned.</summary>
    public TimeSpan? RetryIn => RetryAt == 0 ? null : TimeSpan.FromTicks(Math.Max(0, Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), RetryAt).Ticks));

    /// <summary>For people: "connecting", "live", "reconnecting in 4 s (connection refused)", "ended".</summary>
    public override string ToString()
    {
        string text = State switch
        {
            SourceState.Connecting => "connecting",
            SourceState.Live => "live",
            SourceState.Reconnecting => RetryIn is { } left
                ? string.Create(CultureInfo.InvariantCulture, $"reconnecting in {Math.Ceiling(left.TotalSeconds):0} s")
                : "reconnecting",
            _ => "ended",
        };
        return Reason is null ? text : $"{text} ({Reason})";
    }
}
