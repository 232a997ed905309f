using System.Text.Json;
using Img2Pose.Evaluation.Pack;
using Img2Pose.Evaluation.Statistics;

namespace Img2Pose.Evaluation.Reporting;

/// <summary>The report of a pack as JSON: numbers unrounded, null where nothing was measured.</summary>
public static class PackReportJson
{
    /// <summary>Writes the report to a stream.</summary>
    public static void Write(Stream stream, PackReport report, EvaluatedDetector detector, string pack)
    {
        using Utf8JsonWriter json = new(stream, new JsonWriterOptions { Indented = true });
        json.WriteStartObject();
        json.WriteString("type", "pack-evaluation");
        json.WriteNumber("schema", 1);
        json.WriteString("pack", pack);
        json.WriteString("model", detector.Name);
        json.WriteString("model_sha256", detector.Sha256);
        json.WriteNumber("threshold", report.Threshold);
        json.WriteString("pose_convention", "PnP on 68 points; pitch about 4.8 degrees above AFLW Pose_Para");
        WriteNullable(json, "milliseconds_per_picture", detector.MillisecondsPerPicture);
        json.WriteNumber("pictures", report.Pictures);
        json.WriteNumber("complete_pictures", report.CompletePictures);
        json.WriteNumber("faces", report.Faces);
        json.WriteNumber("ignored_faces", report.IgnoredFaces);

        json.WriteStartArray("unreadable");
        foreach (UnreadablePicture picture in detector.Unreadable)
        {
            json.WriteStartObject();
            json.WriteString("image", picture.Image);
            json.WriteString("reason", picture.Reason);
            json.WriteEndObject();
        }
        json.WriteEndArray();

        WriteRows(json, "rows", report.Rows);
        WriteRows(json, "recall_by_size", report.RecallBySize);
        WriteRows(json, "by_set", report.BySet);

        json.WriteStartArray("yaw_bins");
        foreach (YawBin bin in report.YawBins)
        {
            json.WriteStartObject();
            json.WriteString("labels", bin.Labels);
            json.WriteNumber("from", bin.From);
            json.WriteNumber("to", bin.To);
            json.WriteNumber("faces", bin.Yaw.Count);
            json.WriteNumber("found", bin.Matched);
            WriteMeasure(json, "yaw_mae", bin.Yaw);
            WriteMeasure(json, "pitch_mae", bin.Pitch);
            WriteMeasure(json, "roll_mae", bin.Roll);
            WriteMeasure(json, "rotation_median", bin.Geodesic);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        WriteReliability(json, report.Reliability);
        json.WriteEndObject();
    }

    private static void WriteReliability(Utf8JsonWriter json, Reliability reliability)
    {
        json.WriteStartObject("reliability");
        WriteNullable(json, "expected_calibration_error", double.IsFinite(reliability.Error) ? reliability.Error : null);
        json.WritePropertyName("calibration");
        if (reliability.Calibration is { } calibration) calibration.ToJson().WriteTo(json);
        else json.WriteNullValue();
        json.WriteStartArray("bins");
        foreach (ReliabilityBin bin in reliability.Bins)
        {
            json.WriteStartObject();
            json.WriteNumber("from", bin.From);
            json.WriteNumber("to", bin.To);
            json.WriteNumber("detections", bin.Count);
            WriteNullable(json, "score", bin.Count > 0 ? bin.Score : null);
            WriteNullable(json, "precision", bin.Count > 0 ? bin.Precision : null);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteRows(Utf8JsonWriter json, string name, IReadOnlyList<PackRow> rows)
    {
        json.WriteStartArray(name);
        foreach (PackRow row in rows)
        {
            json.WriteStartObject();
            json.WriteString("key", row.Key);
            json.WriteString("name", row.Name);
            json.WriteString("unit", row.Unit switch { MeasureUnit.Degrees => "degrees", MeasureUnit.Percent => "fraction", _ => "number" });
            WriteValues(json, row.Measure);
            json.WriteNumber("count", row.Measure.Count);
            if (row.Must is not null)
            {
                WriteNullable(json, "must", row.Must);
                WriteNullable(json, "goal", row.Goal);
                json.WriteString("verdict", row.Verdict);
            }
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    internal static void WriteMeasure(Utf8JsonWriter json, string name, Measure measure)
    {
        json.WriteStartObject(name);
        WriteValues(json, measure);
        json.WriteEndObject();
    }

    private static void WriteValues(Utf8JsonWriter json, Measure measure)
    {
        WriteNullable(json, "value", measure.Value);
        WriteNullable(json, "low", measure.Low);
        WriteNullable(json, "high", measure.High);
    }

    private static void WriteNullable(Utf8JsonWriter json, string name, double? value)
    {
        if (value is { } number) json.WriteNumber(name, number);
        else json.WriteNull(name);
    }
}
