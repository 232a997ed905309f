using Img2Pose.Core;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Img2Pose.Pipeline;

/// <summary>
/// The events of a session, under fixed numbers (<see cref="EventNumbers"/>). All are for those who want details: whoever runs the
/// session gets its end or its error from the call, and dropping is what a live session is to do. Thread-safe.
/// </summary>
/// <param name="logger">Where events go; null: nowhere.</param>
/// <param name="stream">Name of the stream, in every event.</param>
/// <param name="clock">What time is told by; another one in tests.</param>
internal sealed partial class SessionLog(ILogger? logger, string stream, TimeProvider? clock = null)
{
    private readonly ILogger _logger = logger ?? NullLogger.Instance;

    /// <summary>What time is told by.</summary>
    public TimeProvider Clock { get; } = clock ?? TimeProvider.System;

    /// <summary>It begins to run.</summary>
    public void Started(string source, LinkPolicy policy, int sinks) => SessionStarted(_logger, stream, source, policy, sinks);

    /// <summary>It has run to its end, or was stopped.</summary>
    public void Ended(RunReport report) =>
        SessionEnded(_logger, stream, report.Reason ?? "complete", report.Frames, report.Faces, report.Dropped, report.Seconds);

    /// <summary>It ends with an error, or was broken off.</summary>
    public void Failed(RunReport report, Exception error) => SessionFailed(_logger, stream, error.Message, report.Frames, error);

    /// <summary>A link has replaced frames.</summary>
    public void Dropped(string link, long since, long total) => FramesDropped(_logger, stream, link, since, total);

    [LoggerMessage(EventNumbers.SessionStarted, LogLevel.Debug, "{Stream}: session of {Source} starts ({Policy}, {Sinks} sinks)")]
    private static partial void SessionStarted(ILogger logger, string stream, string source, LinkPolicy policy, int sinks);

    [LoggerMessage(EventNumbers.SessionEnded, LogLevel.Debug, "{Stream}: session ends: {Reason}; {Frames} frames, {Faces} faces, {Dropped} dropped in {Seconds:0.0} s")]
    private static partial void SessionEnded(ILogger logger, string stream, string reason, long frames, long faces, long dropped, double seconds);

    [LoggerMessage(EventNumbers.SessionFailed, LogLevel.Debug, "{Stream}: session fails after {Frames} frames: {Reason}")]
    private static partial void SessionFailed(ILogger logger, string stream, string reason, long frames, Exception error);

    [LoggerMessage(EventNumbers.FramesDropped, LogLevel.Debug, "{Stream}: {Link} has dropped {Since} frames for newer ones, {Total} in all")]
    private static partial void FramesDropped(ILogger logger, string stream, string link, long since, long total);
}

/// <summary>
/// Tells a log of a link's drops: of the first, and after that at most every ten seconds how many there were. For the link's writer.
/// </summary>
internal sealed class DropNotice(SessionLog log, string link)
{
    private static readonly TimeSpan s_pause = TimeSpan.FromSeconds(10);

    private long _told;
    private long _toldAt;

    /// <summary>There have been <paramref name="total"/> drops.</summary>
    public void Dropped(long total)
    {
        if (_told > 0 && log.Clock.GetElapsedTime(_toldAt) < s_pause) return;
        _toldAt = log.Clock.GetTimestamp();
        log.Dropped(link, total - _told, total);
        _told = total;
    }
}
