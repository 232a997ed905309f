using System.Globalization;
using System.Text.Json;
using Img2Pose.Evaluation.Pack;
using Img2Pose.Evaluation.Statistics;
using Img2Pose.Evaluation.Wider;

namespace Img2Pose.Evaluation.Reporting;

/// <summary>WIDER FACE results as text, JSON and curves.</summary>
public static class WiderReportOutput
{
    /// <summary>The results for a terminal.</summary>
    public static string Text(IReadOnlyList<WiderResult> results, string predictions)
    {
        TextTable table = new("WIDER FACE validation", "AP", "faces");
        foreach (WiderResult result in results)
        {
            table.Add(
                Name(result), result.AveragePrecision.ToString("0.0000", CultureInfo.InvariantCulture), result.Faces.ToString(CultureInfo.InvariantCulture));
        }
        return $"predictions {predictions}\n\n{table}";
    }

    /// <summary>The results as JSON: average precisions unrounded, and the curves at every 50th threshold.</summary>
    public static void WriteJson(Stream stream, IReadOnlyList<WiderResult> results, string predictions)
    {
        using Utf8JsonWriter json = new(stream, new JsonWriterOptions { Indented = true });
        json.WriteStartObject();
        json.WriteString("type", "wider-evaluation");
        json.WriteNumber("schema", 1);
        json.WriteString("predictions", predictions);
        foreach (WiderResult result in results)
        {
            json.WriteStartObject(Name(result));
            json.WriteNumber("ap", result.AveragePrecision);
            json.WriteNumber("faces", result.Faces);
            Numbers("precision_every_50", point => point.Precision);
            Numbers("recall_every_50", point => point.Recall);
            json.WriteEndObject();

            void Numbers(string name, Func<PrecisionRecallPoint, double> number)
            {
                json.WriteStartArray(name);
                for (int i = 0; i < result.Points.Count; i += 50) json.WriteNumberValue(number(result.Points[i]));
                json.WriteEndArray();
            }
        }
        json.WriteEndObject();
    }

    /// <summary>The curves for a plot.</summary>
    public static IReadOnlyList<PrecisionRecallCurve> Curves(IReadOnlyList<WiderResult> results) =>
        [.. results.Select(result => new PrecisionRecallCurve(Name(result), result.AveragePrecision, [.. result.Points.Where(p => p.Recall > 0)]))];

    private static string Name(WiderResult result) => result.Difficulty switch
    {
        WiderDifficulty.Easy => "easy",
        WiderDifficulty.Medium => "medium",
        _ => "hard",
    };
}
