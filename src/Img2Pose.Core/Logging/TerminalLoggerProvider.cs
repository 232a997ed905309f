using Microsoft.Extensions.Logging;

namespace Img2Pose.Core;

/// <summary>
/// Where log events of the program go: one line each, <c>img2pose: …</c>. Told verbosely, a line ends with the event's
/// category, name and id, and an exception's trace follows. Thread-safe as the writer is.
/// </summary>
internal sealed class TerminalLoggerProvider : ILoggerProvider
{
    private readonly TextWriter _output;
    private readonly LogLevel _minimum;
    private readonly bool _verbose;

    /// <summary>Writes events from a level up to <paramref name="output"/>, which stays the caller's.</summary>
    public TerminalLoggerProvider(TextWriter output, LogLevel minimum, bool verbose)
    {
        _output = output;
        _minimum = minimum;
        _verbose = verbose;
    }

    /// <inheritdoc/>
    public ILogger CreateLogger(string categoryName) => new Logger(this, categoryName);

    /// <inheritdoc/>
    public void Dispose()
    {
    }

    private sealed class Logger(TerminalLoggerProvider provider, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= provider._minimum && logLevel != LogLevel.None;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (!IsEnabled(logLevel)) return;
            string line = "img2pose: " + TerminalText.OneLine(formatter(state, exception));
            if (provider._verbose)
            {
                line += $" [{category} {eventId.Name ?? "event"} {eventId.Id}]";
                if (exception is not null) line += "\n" + TerminalText.Escape(exception.ToString());
            }
            provider._output.WriteLine(line);
        }
    }
}
