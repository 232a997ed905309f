using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.Extensions.Logging;

namespace Img2Pose.Core;

/// <summary>
/// Log events for programs that read them: a JSON object a line, with <c>time</c> (UTC, ISO 8601), <c>level</c>, <c>id</c>
/// (<see cref="EventNumbers"/>), <c>name</c>, <c>message</c>, the event's own values by their names in <c>values</c>, and <c>error</c>,
/// the trace of an exception. Thread-safe as the writer is.
/// </summary>
internal sealed class JsonLoggerProvider : ILoggerProvider
{
    private static readonly JsonWriterOptions s_text = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly TextWriter _output;
    private readonly LogLevel _minimum;
    private readonly TimeProvider _clock;

    /// <summary>Writes events from a level up to <paramref name="output"/>, which stays the caller's.</summary>
    public JsonLoggerProvider(TextWriter output, LogLevel minimum, TimeProvider? clock = null)
    {
        _output = output;
        _minimum = minimum;
        _clock = clock ?? TimeProvider.System;
    }

    /// <inheritdoc/>
    public ILogger CreateLogger(string categoryName) => new Logger(this);

    /// <inheritdoc/>
    public void Dispose()
    {
    }

    private sealed class Logger(JsonLoggerProvider provider) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= provider._minimum && logLevel != LogLevel.None;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (!IsEnabled(logLevel)) return;
            using MemoryStream line = new();
            using (Utf8JsonWriter json = new(line, s_text))
            {
                json.WriteStartObject();
                json.WriteString("time", provider._clock.GetUtcNow().UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", System.Globalization.CultureInfo.InvariantCulture));
                json.WriteString("level", Name(logLevel));
                json.WriteNumber("id", eventId.Id);
                if (eventId.Name is { } name) json.WriteString("name", name);
                json.WriteString("message", formatter(state, exception));
                if (state is IEnumerable<KeyValuePair<string, object?>> values) Write(json, values);
                if (exception is not null) json.WriteString("error", exception.ToString());
                json.WriteEndObject();
            }
            provider._output.WriteLine(Encoding.UTF8.GetString(line.GetBuffer(), 0, (int)line.Length));
        }

        private static string Name(LogLevel level) => level switch
        {
            LogLevel.Trace or LogLevel.Debug => "debug",
            LogLevel.Information => "info",
            LogLevel.Warning => "warning",
            _ => "error",
        };

        private static void Write(Utf8JsonWriter json, IEnumerable<KeyValuePair<string, object?>> values)
        {
            json.WriteStartObject("values");
            foreach ((string name, object? value) in values)
            {
                // The template itself, which the number stands for.
                if (name == "{OriginalFormat}") continue;
                json.WritePropertyName(JsonNamingPolicy.CamelCase.ConvertName(name));
                switch (value)
                {
                    case null: json.WriteNullValue(); break;
                    case bool truth: json.WriteBooleanValue(truth); break;
                    case int number: json.WriteNumberValue(number); break;
                    case long number: json.WriteNumberValue(number); break;
                    case double number when double.IsFinite(number): json.WriteNumberValue(number); break;
                    default: json.WriteStringValue(Convert.ToString(value, System.Globalization.CultureInfo.InvariantCulture)); break;
                }
            }
            json.WriteEndObject();
        }
    }
}
