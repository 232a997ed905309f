using Img2Pose.Core;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Img2Pose.Media;

/// <summary>The events of live sources, under fixed numbers (<see cref="EventNumbers"/>). Thread-safe.</summary>
internal sealed partial class SourceLog(ILogger? logger)
{
    private readonly ILogger _logger = logger ?? NullLogger.Instance;

    /// <summary>It is being opened.</summary>
    public void Connecting(LiveAddress address) => Connecting(_logger, address.Name);

    /// <summary>Its first picture is there.</summary>
    public void Live(LiveAddress address, SourceInfo info) =>
        IsLive(_logger, address.Name, info.CodedWidth, info.CodedHeight, info.Codec, info.FramesPerSecond ?? double.NaN);

    /// <summary>It was lost, or is not there, and is tried again; the same reason once more is told to those who want details.</summary>
    public void Lost(LiveAddress address, string reason, double seconds, bool isNew) =>
        Lost(_logger, isNew ? LogLevel.Warning : LogLevel.Debug, address.Name, reason, seconds);

    /// <summary>It is back.</summary>
    public void Back(LiveAddress address, double seconds) => Back(_logger, address.Name, seconds);

    /// <summary>Its clock jumped.</summary>
    public void ClockJumped(LiveAddress address) => ClockJumped(_logger, address.Name);

    /// <summary>Size or codec changed.</summary>
    public void FormatChanged(LiveAddress address, string before, string now) => FormatChanged(_logger, address.Name, before, now);

    /// <summary>It is behind, and skips.</summary>
    public void Behind(LiveAddress address, double seconds) => Behind(_logger, address.Name, seconds);

    /// <summary>It does not end when it is told to, and is left to itself.</summary>
    public void Left(LiveAddress address) => Left(_logger, address.Name);

    [LoggerMessage(EventNumbers.SourceConnecting, LogLevel.Debug, "{Source}: connecting")]
    private static partial void Connecting(ILogger logger, string source);

    [LoggerMessage(EventNumbers.SourceLive, LogLevel.Information, "{Source}: live: {Width}x{Height} {Codec}, {Rate:0.##} pictures a second")]
    private static partial void IsLive(ILogger logger, string source, int width, int height, string? codec, double rate);

    [LoggerMessage(EventId = EventNumbers.SourceLost, Message = "{Source}: {Reason}; trying again in {Seconds:0.#} s")]
    private static partial void Lost(ILogger logger, LogLevel level, string source, string reason, double seconds);

    [LoggerMessage(EventNumbers.SourceBack, LogLevel.Information, "{Source}: live again after {Seconds:0.0} s")]
    private static partial void Back(ILogger logger, string source, double seconds);

    [LoggerMessage(EventNumbers.SourceClockJumped, LogLevel.Warning, "{Source}: its clock jumped; a new time line begins")]
    private static partial void ClockJumped(ILogger logger, string source);

    [LoggerMessage(EventNumbers.SourceFormatChanged, LogLevel.Information, "{Source}: goes on as {Now} instead of {Before}")]
    private static partial void FormatChanged(ILogger logger, string source, string before, string now);

    [LoggerMessage(EventNumbers.SourceBehind, LogLevel.Warning, "{Source}: {Seconds:0.0} s behind, since this machine does not decode it fast enough; going on with key pictures")]
    private static partial void Behind(ILogger logger, string source, double seconds);

    [LoggerMessage(EventNumbers.SourceLeft, LogLevel.Debug, "{Source}: does not end when told to, and is left to itself")]
    private static partial void Left(ILogger logger, string source);
}
