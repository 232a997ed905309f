using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Img2Pose.Testing;

/// <summary>A log event as it was told.</summary>
/// <param name="Level">Its level.</param>
/// <param name="Id">Its number and name.</param>
/// <param name="Text">Its words.</param>
/// <param name="Error">The exception in it, or null.</param>
public sealed record RecordedEvent(LogLevel Level, EventId Id, string Text, Exception? Error);

/// <summary>A logger that remembers, in order, what it is told. Thread-safe.</summary>
public sealed class RecordedLog : ILogger
{
    private readonly ConcurrentQueue<RecordedEvent> _events = new();

    /// <summary>What was told so far.</summary>
    public IReadOnlyList<RecordedEvent> Events => [.. _events];

    /// <inheritdoc/>
    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    /// <inheritdoc/>
    public bool IsEnabled(LogLevel logLevel) => true;

    /// <inheritdoc/>
    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        _events.Enqueue(new RecordedEvent(logLevel, eventId, formatter(state, exception), exception));
}
