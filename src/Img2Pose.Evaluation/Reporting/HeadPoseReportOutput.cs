using System.Globalization;
using System.Text.Json;
using Img2Pose.Evaluation.HeadPose;
using Img2Pose.Evaluation.Pack;
using Img2Pose.Evaluation.Statistics;

namespace Img2Pose.Evaluation.Reporting;

/// <summary>A head-pose report as text, JSON, and bins for a plot.</summary>
public static class HeadPoseReportOutput
{
    private static readonly double[] s_bounds = [0, 15, 30, 45, 60, double.PositiveInfinity];

    /// <summary>The report for a terminal.</summary>
    public static string Text(HeadPoseReport report, string model)
    {
        TextTable table = new("degrees", "faces", "yaw MAE", "pitch MAE", "roll MAE", "MAE");
        Add("all", report);
        for (int i = 0; i + 1 < s_bounds.Length; i++)
            Add(double.IsInfinity(s_bounds[i + 1]) ? $"|yaw| {s_bounds[i]}+" : $"|yaw| {s_bounds[i]}-{s_bounds[i + 1]}", report.WithYaw(s_bounds[i], s_bounds[i + 1]));
        string translation = report.Translation is { } t
            ? FormattableString.Invariant($"translation MAE: horizontal {t.X:0.000}, vertical {t.Y:0.000}, depth {t.Z:0.000}, mean {(t.X + t.Y + t.Z) / 3:0.000}\n")
            : "";
        return FormattableString.Invariant(
            $"model {model}: {report.Convention}\n{report.Pictures} pictures, {report.Skipped} skipped for angles beyond 99 degrees, {report.Failed} without any face, {report.Unreadable.Count} unreadable\n\n{table}{translation}");

        void Add(string name, HeadPoseReport part) => table.Add(
            name, part.Samples.Count.ToString(CultureInfo.InvariantCulture), Number(part.Yaw), Number(part.Pitch), Number(part.Roll), Number(part.MeanError));
    }

    /// <summary>The report as JSON, numbers unrounded.</summary>
    public static void WriteJson(Stream stream, HeadPoseReport report, string protocol, string model, string? sha256)
    {
        using Utf8JsonWriter json = new(stream, new JsonWriterOptions { Indented = true });
        json.WriteStartObject();
        json.WriteString("type", "head-pose-evaluation");
        json.WriteNumber("schema", 1);
        json.WriteString("protocol", protocol);
        json.WriteString("convention", report.Convention);
        json.WriteString("model", model);
        json.WriteString("model_sha256", sha256);
        json.WriteNumber("pictures", report.Pictures);
        json.WriteNumber("skipped", report.Skipped);
        json.WriteNumber("failed", report.Failed);
        json.WriteStartArray("unreadable");
        foreach (UnreadablePicture picture in report.Unreadable) json.WriteStringValue(picture.Image);
        json.WriteEndArray();
        WriteErrors(report);
        if (report.Translation is { } t)
        {
            json.WriteStartArray("translation_mae");
            foreach (double number in (ReadOnlySpan<double>)[t.X, t.Y, t.Z]) json.WriteNumberValue(number);
            json.WriteEndArray();
        }
        json.WriteStartArray("yaw_bins");
        for (int i = 0; i + 1 < s_bounds.Length; i++)
        {
            json.WriteStartObject();
            json.WriteNumber("from", s_bounds[i]);
            Nullable("to", double.IsInfinity(s_bounds[i + 1]) ? null : s_bounds[i + 1]);
            WriteErrors(report.WithYaw(s_bounds[i], s_bounds[i + 1]));
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();

        void WriteErrors(HeadPoseReport part)
        {
            json.WriteNumber("faces", part.Samples.Count);
            Nullable("yaw_mae", part.Yaw);
            Nullable("pitch_mae", part.Pitch);
            Nullable("roll_mae", part.Roll);
            Nullable("mae", part.MeanError);
        }

        void Nullable(string name, double? value)
        {
            if (value is { } number) json.WriteNumber(name, number);
            else json.WriteNull(name);
        }
    }

    /// <summary>The errors by |yaw| for <see cref="Plots.EvaluationPlots.ErrorByYaw"/>.</summary>
    public static IReadOnlyList<YawBin> Bins(HeadPoseReport report)
    {
        return [.. s_bounds.Zip(s_bounds.Skip(1), (from, to) =>
        {
            HeadPoseReport part = report.WithYaw(from, to);
            int count = part.Samples.Count;
            return new YawBin("all", from, double.IsInfinity(to) ? 90 : to, count, Measure(part.Yaw), Measure(part.Pitch), Measure(part.Roll), new Measure(null, null, null, 0));

            Measure Measure(double? value) => new(value, null, null, count);
        })];
    }

    private static string Number(double? value) => value?.ToString("0.000", CultureInfo.InvariantCulture) ?? "-";
}
