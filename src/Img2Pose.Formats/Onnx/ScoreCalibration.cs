using System.Text.Json;
using System.Text.Json.Nodes;

namespace Img2Pose.Formats.Onnx;

/// <summary>
/// What makes a score s mean a precision of s: the logit of the score, ln(s / (1 − s)), goes through a rising line with bends, and the
/// sigmoid of that is the calibrated score. One straight line is Platt's calibration (1999) on the logit. The order of scores stays.
/// </summary>
public sealed class ScoreCalibration
{
    /// <summary>Scores are kept this far from 0 and 1, which have no logit.</summary>
    public const double Margin = 1e-6;

    private const int MostPoints = 16;

    private readonly double[] _logits, _calibrated;

    /// <summary>A line through points; it goes on straight beyond the outer ones.</summary>
    /// <param name="logits">Logits of scores, rising; 2 to 16.</param>
    /// <param name="calibrated">What becomes of them, rising; as many.</param>
    /// <exception cref="UsageException">There are too few points or too many, or they do not rise, or a number is not finite.</exception>
    public ScoreCalibration(IReadOnlyList<double> logits, IReadOnlyList<double> calibrated)
    {
        ArgumentNullException.ThrowIfNull(logits);
        ArgumentNullException.ThrowIfNull(calibrated);
        bool fits = logits.Count is >= 2 and <= MostPoints && logits.Count == calibrated.Count && logits.Concat(calibrated).All(double.IsFinite);
        for (int i = 1; fits && i < logits.Count; i++) fits = logits[i] > logits[i - 1] && calibrated[i] > calibrated[i - 1];
        if (!fits) throw new UsageException($"A calibration of scores is a rising line through 2 to {MostPoints} points of finite numbers.");
        (_logits, _calibrated) = ([.. logits], [.. calibrated]);
    }

    /// <summary>Logits of scores where the line bends or ends, rising.</summary>
    public IReadOnlyList<double> Logits => _logits;

    /// <summary>The line there, rising.</summary>
    public IReadOnlyList<double> Calibrated => _calibrated;

    /// <summary>The logit of a score.</summary>
    public static double Logit(double score)
    {
        double inside = Math.Clamp(score, Margin, 1 - Margin);
        return Math.Log(inside / (1 - inside));
    }

    /// <summary>The score of a logit.</summary>
    public static double Sigmoid(double logit) => 1 / (1 + Math.Exp(-logit));

    /// <summary>The calibrated score.</summary>
    public double Apply(double score) => Sigmoid(Along(_logits, _calibrated, Logit(score)));

    /// <summary>The score that was calibrated to this one.</summary>
    public double Undo(double calibrated) => Sigmoid(Along(_calibrated, _logits, Logit(calibrated)));

    /// <summary>As it stands in a package's metadata.</summary>
    public JsonObject ToJson() => new()
    {
        ["logits"] = new JsonArray([.. _logits.Select(value => JsonValue.Create(value))]),
        ["calibrated"] = new JsonArray([.. _calibrated.Select(value => JsonValue.Create(value))]),
    };

    /// <summary>Reads what <see cref="ToJson"/> wrote.</summary>
    /// <exception cref="FormatException">It is none.</exception>
    public static ScoreCalibration Parse(string json)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(json);
            double[] Numbers(string name) => [.. document.RootElement.GetProperty(name).EnumerateArray().Select(value => value.GetDouble())];
            return new ScoreCalibration(Numbers("logits"), Numbers("calibrated"));
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or KeyNotFoundException or FormatException or UsageException)
        {
            throw new FormatException("It is no calibration of scores.", error);
        }
    }

    private static double Along(double[] from, double[] to, double at)
    {
        int i = 1;
        while (i < from.Length - 1 && at > from[i]) i++;
        return to[i - 1] + (at - from[i - 1]) * (to[i] - to[i - 1]) / (from[i] - from[i - 1]);
    }
}
