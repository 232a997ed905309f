using System.Globalization;
using System.Text;
using Img2Pose.Evaluation.Pack;
using Img2Pose.Evaluation.Statistics;

namespace Img2Pose.Evaluation.Reporting;

/// <summary>The report of a pack as text for a terminal.</summary>
public static class PackReportText
{
    private const string None = "-";

    /// <summary>Writes the report.</summary>
    public static string Write(PackReport report, EvaluatedDetector detector)
    {
        StringBuilder text = new();
        text.Append(CultureInfo.InvariantCulture, $"model {detector.Name}, threshold {report.Threshold:0.###}");
        if (detector.MillisecondsPerPicture is { } time) text.Append(CultureInfo.InvariantCulture, $", {time:0.0} ms a picture with decoding");
        text.Append('\n');
        text.Append(CultureInfo.InvariantCulture, $"{report.Pictures} pictures ({report.CompletePictures} complete), {report.Faces} faces, {report.IgnoredFaces} ignored");
        if (detector.Unreadable.Count > 0) text.Append(CultureInfo.InvariantCulture, $"; {detector.Unreadable.Count} unreadable pictures left out");
        text.Append("\nposes in the PnP convention, whose pitch is about 4.8 degrees above AFLW Pose_Para; 95 % intervals by bootstrap over pictures\n\n");

        TextTable headline = new("measure", "value", "95 %", "n", "must", "goal", "");
        foreach (PackRow row in report.Rows)
        {
            headline.Add(
                row.Name, Format(row.Measure.Value, row.Unit, row.Measure.Count), Interval(row.Measure, row.Unit), Count(row.Measure),
                row.Must is { } must ? Bound(must, row) : "", row.Goal is { } goal ? Bound(goal, row) : "", row.Verdict);
        }
        text.Append(headline).Append('\n');

        TextTable details = new("by size and by set", "value", "95 %", "n");
        foreach (PackRow row in report.RecallBySize.Concat(report.BySet))
            details.Add(row.Name, Format(row.Measure.Value, row.Unit, row.Measure.Count), Interval(row.Measure, row.Unit), Count(row.Measure));
        text.Append(details).Append('\n');

        TextTable angles = new("by |yaw|, degrees", "faces", "found", "yaw MAE", "pitch MAE", "roll MAE", "rotation median");
        foreach (YawBin bin in report.YawBins)
        {
            angles.Add(
                $"{bin.Labels} {bin.From}-{bin.To}", Count(bin.Yaw), bin.Matched.ToString(CultureInfo.InvariantCulture),
                WithInterval(bin.Yaw), WithInterval(bin.Pitch), WithInterval(bin.Roll), WithInterval(bin.Geodesic));
        }
        text.Append(angles).Append('\n');

        TextTable scores = new("by score, complete pictures", "detections", "mean score", "precision");
        foreach (ReliabilityBin bin in report.Reliability.Bins)
        {
            bool none = bin.Count == 0;
            scores.Add(
                string.Create(CultureInfo.InvariantCulture, $"{bin.From:0.0}-{bin.To:0.0}"), bin.Count.ToString(CultureInfo.InvariantCulture),
                none ? None : Format(bin.Score, MeasureUnit.Number, 1), none ? None : Format(bin.Precision, MeasureUnit.Number, 1));
        }
        text.Append(scores);
        if (double.IsFinite(report.Reliability.Error)) text.Append(CultureInfo.InvariantCulture, $"expected calibration error {report.Reliability.Error:0.000}");
        if (report.Reliability.Calibration is { } calibration)
        {
            IEnumerable<string> tenths = Enumerable.Range(2, 7).Select(i => string.Create(CultureInfo.InvariantCulture, $"{i / 10.0:0.0} as {calibration.Apply(i / 10.0):0.000}"));
            text.Append(CultureInfo.InvariantCulture, $"; a precision of s would be said by {string.Join(", ", tenths)}: the threshold would be {calibration.Apply(report.Threshold):0.000}");
        }
        return text.Append('\n').ToString();
    }

    private static string WithInterval(Measure measure) =>
        measure.Count == 0 ? None : $"{Format(measure.Value, MeasureUnit.Degrees, measure.Count)} {Interval(measure, MeasureUnit.Degrees)}";

    internal static string Count(Measure measure) => measure.Count.ToString(CultureInfo.InvariantCulture);

    private static string Bound(double bound, PackRow row) =>
        (row.HigherIsBetter ? ">= " : "<= ") + bound.ToString(row.Unit == MeasureUnit.Percent ? "0.## %" : "0.##", CultureInfo.InvariantCulture);

    internal static string Interval(Measure measure, MeasureUnit unit) => measure is { Low: { } low, High: { } high }
        ? $"[{Format(low, unit, 1)}, {Format(high, unit, 1)}]"
        : "";

    internal static string Format(double? value, MeasureUnit unit, int count) => value is not { } number
        ? count == 0 ? None : "inf"
        : unit switch
        {
            MeasureUnit.Degrees => number.ToString("0.00", CultureInfo.InvariantCulture),
            MeasureUnit.Percent => number.ToString("0.00 %", CultureInfo.InvariantCulture),
            _ => number.ToString("0.000", CultureInfo.InvariantCulture),
        };
}
