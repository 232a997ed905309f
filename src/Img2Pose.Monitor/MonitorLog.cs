using Img2Pose.Core;
using Microsoft.Extensions.Logging;

namespace Img2Pose.Monitor;

/// <summary>The monitor's log events, under fixed numbers (<see cref="EventNumbers"/>).</summary>
internal static partial class MonitorLog
{
    [LoggerMessage(EventNumbers.MonitorListening, LogLevel.Information, "The page is at {Address}.")]
    public static partial void Listening(ILogger logger, string address);

    [LoggerMessage(EventNumbers.MonitorPassword, LogLevel.Information, "The user \"admin\" has a new password; it is in {File}.")]
    public static partial void PasswordMade(ILogger logger, string file);

    [LoggerMessage(EventNumbers.CameraFailed, LogLevel.Warning, "Camera {Camera}: {Reason}; tried again in {Seconds:0} s.")]
    public static partial void CameraFailed(ILogger logger, string camera, string reason, double seconds);

    [LoggerMessage(EventNumbers.CamerasChanged, LogLevel.Information, "Configuration: {Added} cameras added, {Removed} removed, {Kept} unchanged.")]
    public static partial void CamerasChanged(ILogger logger, int added, int removed, int kept);

    [LoggerMessage(EventNumbers.ConfigurationRefused, LogLevel.Error, "The configuration is not taken, the one before stays: {Reason}")]
    public static partial void ConfigurationRefused(ILogger logger, string reason);

    [LoggerMessage(EventNumbers.StorageStopped, LogLevel.Error, "Nothing is stored any more, watching goes on: {Reason}")]
    public static partial void StorageStopped(ILogger logger, string reason);

    [LoggerMessage(EventNumbers.StorageResumed, LogLevel.Information, "Events are stored again.")]
    public static partial void StorageResumed(ILogger logger);

    [LoggerMessage(EventNumbers.EventHappened, LogLevel.Information, "Event {Rule} on {Camera}.")]
    public static partial void EventHappened(ILogger logger, string rule, string camera);

    [LoggerMessage(EventNumbers.TellingFailed, LogLevel.Warning, "{Target} cannot be told: {Reason}")]
    public static partial void TellingFailed(ILogger logger, string target, string reason);

    [LoggerMessage(EventNumbers.MonitorWarning, LogLevel.Warning, "{Message}")]
    public static partial void Warning(ILogger logger, string message);
}
