using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Img2Pose.Core;

namespace Img2Pose.Cli.Benchmarking.Gpu;

/// <summary>
/// What a check of the GPU found: lines for people at once, and the same as objects of one JSON file, which is written after every
/// line, so that a check that is cut off leaves what it had.
/// </summary>
internal sealed class GpuReport(TextWriter output, string? path)
{
    private static readonly JsonSerializerOptions s_format = new() { WriteIndented = true };

    private readonly JsonArray _lines = [];

    /// <summary>Whether nothing that was checked was wrong.</summary>
    public bool IsGood { get; private set; } = true;

    /// <summary>Tells a result.</summary>
    /// <param name="part">What was checked or measured.</param>
    /// <param name="text">For people.</param>
    /// <param name="values">For programs.</param>
    public void Tell(string part, string text, params (string Name, JsonNode? Value)[] values)
    {
        output.WriteLine($"{part,-28} {text}");
        output.Flush();
        JsonObject line = new() { ["part"] = part };
        foreach ((string name, JsonNode? value) in values) line[name] = value;
        _lines.Add(line);
        Save();
    }

    /// <summary>Tells whether a part is right.</summary>
    public void Check(string part, bool isRight, string text, params (string Name, JsonNode? Value)[] values)
    {
        IsGood &= isRight;
        Tell(part, isRight ? text : $"WRONG: {text}", [("right", isRight), .. values]);
    }

    /// <summary>Tells that a part could not be done.</summary>
    public void Fail(string part, Exception error)
    {
        IsGood = false;
        Tell(part, $"FAILED: {ErrorReport.Describe(error)}", ("right", false), ("error", ErrorReport.Describe(error)));
    }

    /// <summary>A number in an invariant form.</summary>
    public static string Number(double value, string format = "0.0") => value.ToString(format, CultureInfo.InvariantCulture);

    private void Save()
    {
        if (path is not null) AtomicFile.Write(path, stream => JsonSerializer.Serialize(stream, _lines, s_format), durable: false);
    }
}
