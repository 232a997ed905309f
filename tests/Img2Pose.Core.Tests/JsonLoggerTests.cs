using System.Text.Json;
using Microsoft.Extensions.Logging;

namespace Img2Pose.Core.Tests;

public sealed partial class JsonLoggerTests
{
    [LoggerMessage(6010, LogLevel.Warning, "Camera {Camera} is out for {Seconds:0} s: {Reason}")]
    private static partial void Out(ILogger logger, string camera, double seconds, string? reason);

    [LoggerMessage(1, LogLevel.Debug, "not told")]
    private static partial void Quiet(ILogger logger);

    [LoggerMessage(2, LogLevel.Error, "plain")]
    private static partial void Plain(ILogger logger, Exception error);

    [Fact]
    public void An_event_is_an_object_a_line_with_its_own_values()
    {
        StringWriter target = new();
        using JsonLoggerProvider provider = new(target, LogLevel.Information);
        ILogger logger = provider.CreateLogger("Img2Pose");

        Out(logger, "do\"or\n\u001b", 2.5, null);
        Quiet(logger);
        Plain(logger, new InvalidOperationException("why"));

        string[] lines = target.ToString().TrimEnd().Split('\n');
        Assert.Equal(2, lines.Length);
        JsonElement first = JsonSerializer.Deserialize<JsonElement>(lines[0]), second = JsonSerializer.Deserialize<JsonElement>(lines[1]);
        Assert.Equal(("warning", 6010, "Out"), (first.GetProperty("level").GetString(), first.GetProperty("id").GetInt32(), first.GetProperty("name").GetString()));
        Assert.Equal(("do\"or\n\u001b", 2.5, JsonValueKind.Null),
            (first.GetProperty("values").GetProperty("camera").GetString(), first.GetProperty("values").GetProperty("seconds").GetDouble(), first.GetProperty("values").GetProperty("reason").ValueKind));
        Assert.Equal(DateTimeKind.Utc, first.GetProperty("time").GetDateTime().Kind);
        Assert.Equal(lines[0], TerminalText.Escape(lines[0]));
        Assert.Contains("InvalidOperationException", second.GetProperty("error").GetString());
    }
}
