using Img2Pose.Core;
using Microsoft.Extensions.Logging;

namespace Img2Pose.Cli;

/// <summary>The events that the program tells on standard error, under fixed numbers (<see cref="EventNumbers"/>).</summary>
internal static partial class ProgramLog
{
    private static ILogger? s_logger;

    /// <summary>Where events go; until <see cref="Open"/> everything from information up, without numbers.</summary>
    public static ILogger Logger => s_logger ?? Open(verbose: false);

    /// <summary>Tells events from now on as the command line wants it; verbosely with their numbers and traces, or as JSON, which always has them.</summary>
    public static ILogger Open(bool verbose, bool asJson = false)
    {
        LogLevel minimum = verbose ? LogLevel.Debug : LogLevel.Information;
        ILoggerFactory factory = LoggerFactory.Create(builder => builder
            .SetMinimumLevel(minimum)
            .AddProvider(asJson ? new JsonLoggerProvider(Console.Error, minimum) : new TerminalLoggerProvider(Console.Error, minimum, verbose)));
        return s_logger = factory.CreateLogger("Img2Pose.Cli");
    }

    [LoggerMessage(EventNumbers.SourceFailed, LogLevel.Error, "{Reason}")]
    public static partial void SourceFailed(ILogger logger, string reason, Exception error);

    [LoggerMessage(EventNumbers.SourceWarning, LogLevel.Warning, "{Message}")]
    public static partial void SourceWarning(ILogger logger, string message);

    [LoggerMessage(EventNumbers.OutputFailed, LogLevel.Error, "{Reason} The other outputs go on ({Sink} does not).")]
    public static partial void OutputFailed(ILogger logger, string reason, string sink);

    [LoggerMessage(EventNumbers.BoxesUnused, LogLevel.Warning, "{Message}")]
    public static partial void BoxesUnused(ILogger logger, string message);
}
