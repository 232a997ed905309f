using System.Globalization;
using System.Text;
using System.Text.Json;
using Img2Pose.Evaluation.Pack;

namespace Img2Pose.Evaluation.Reporting;

/// <summary>The report of a turned pack as text for a terminal and as JSON.</summary>
public static class TurnedReportOutput
{
    /// <summary>The report as text.</summary>
    public static string Write(TurnedReport report, EvaluatedDetector detector)
    {
        ArgumentNullException.ThrowIfNull(report);
        ArgumentNullException.ThrowIfNull(detector);
        StringBuilder text = new();
        text.Append(CultureInfo.InvariantCulture, $"model {detector.Name}, threshold {report.Threshold:0.###}; {report.Pictures} pictures turned clockwise, faces >= {TurnedPack.SmallestFace} px\n\n");
        TextTable table = new("degrees", "faces", "recall", "95 %", "false alarms", "rotation median", "95 %", "over upright", "wrong by > 90");
        double? upright = report.Rows[0].Rotation.Value;
        foreach (TurnedRow row in report.Rows)
        {
            string ratio = row.Rotation.Value is { } error && upright is > 0 ? (error / upright.Value).ToString("0.00", CultureInfo.InvariantCulture) : "-";
            table.Add(
                row.Degrees.ToString("0.##", CultureInfo.InvariantCulture), PackReportText.Count(row.Recall),
                PackReportText.Format(row.Recall.Value, MeasureUnit.Number, row.Recall.Count), PackReportText.Interval(row.Recall, MeasureUnit.Number),
                PackReportText.Format(row.FalseAlarms.Value, MeasureUnit.Number, row.FalseAlarms.Count),
                PackReportText.Format(row.Rotation.Value, MeasureUnit.Degrees, row.Rotation.Count), PackReportText.Interval(row.Rotation, MeasureUnit.Degrees),
                ratio, row.Wrong.ToString(CultureInfo.InvariantCulture));
        }
        return text.Append(table).ToString();
    }

    /// <summary>Writes the report as JSON: numbers unrounded, null where nothing was measured.</summary>
    public static void WriteJson(Stream stream, TurnedReport report, EvaluatedDetector detector, string pack)
    {
        ArgumentNullException.ThrowIfNull(report);
        ArgumentNullException.ThrowIfNull(detector);
        using Utf8JsonWriter json = new(stream, new JsonWriterOptions { Indented = true });
        json.WriteStartObject();
        json.WriteString("type", "turned-pack-evaluation");
        json.WriteNumber("schema", 1);
        json.WriteString("pack", pack);
        json.WriteString("model", detector.Name);
        json.WriteString("model_sha256", detector.Sha256);
        json.WriteNumber("threshold", report.Threshold);
        json.WriteNumber("smallest_face", TurnedPack.SmallestFace);
        json.WriteNumber("pictures", report.Pictures);
        json.WriteStartArray("angles");
        foreach (TurnedRow row in report.Rows)
        {
            json.WriteStartObject();
            json.WriteNumber("degrees", row.Degrees);
            json.WriteNumber("faces", row.Recall.Count);
            PackReportJson.WriteMeasure(json, "recall", row.Recall);
            PackReportJson.WriteMeasure(json, "false_alarms", row.FalseAlarms);
            PackReportJson.WriteMeasure(json, "rotation_median", row.Rotation);
            json.WriteNumber("wrong", row.Wrong);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }
}
