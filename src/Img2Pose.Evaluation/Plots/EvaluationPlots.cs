using System.Globalization;
using System.Text;
using Img2Pose.Evaluation.Pack;
using Img2Pose.Evaluation.Reporting;
using Img2Pose.Evaluation.Statistics;

namespace Img2Pose.Evaluation.Plots;

/// <summary>The plots of an evaluation, as SVG files.</summary>
public static class EvaluationPlots
{
    private static readonly double[] s_fifths = [0, 0.2, 0.4, 0.6, 0.8, 1];

    /// <summary>Writes <c>precision-recall.svg</c> and <c>error-by-yaw.svg</c> into a folder, made when absent.</summary>
    /// <exception cref="OutputException">A file cannot be written.</exception>
    public static void Write(string folder, PackReport report)
    {
        Save(folder, "precision-recall.svg", PrecisionRecall("Detection", report.Curves));
        Save(folder, "error-by-yaw.svg", ErrorByYaw(report.YawBins));
    }

    /// <summary>Saves one plot.</summary>
    /// <exception cref="OutputException">The file cannot be written.</exception>
    public static void Save(string folder, string name, string svg) =>
        ReportFile.Write(Path.Combine(folder, name), stream => stream.Write(Encoding.UTF8.GetBytes(svg)));

    /// <summary>Precision over recall, with the average precision in the legend.</summary>
    public static string PrecisionRecall(string title, IReadOnlyList<PrecisionRecallCurve> curves)
    {
        SvgChart chart = new(title, new ChartAxis("recall", 0, 1, s_fifths), new ChartAxis("precision", 0, 1, s_fifths));
        for (int i = 0; i < curves.Count; i++)
        {
            PrecisionRecallCurve curve = curves[i];
            if (curve.Points.Count == 0) continue;
            string name = curve.AveragePrecision is { } ap ? $"{curve.Name}, AP {ap.ToString("0.000", CultureInfo.InvariantCulture)}" : curve.Name;
            chart.Line(name, i, Thin(curve.Points));
        }
        return chart.ToString();
    }

    /// <summary>Mean absolute yaw, pitch and roll error by |yaw|, over all labels, with their intervals.</summary>
    public static string ErrorByYaw(IReadOnlyList<YawBin> bins)
    {
        YawBin[] shown = [.. bins.Where(bin => bin.Labels == "all")];
        double highest = shown.SelectMany(bin => new[] { bin.Yaw, bin.Pitch, bin.Roll }).Select(m => m.High ?? m.Value ?? 0).DefaultIfEmpty(0).Max();
        double step = highest <= 10 ? 2 : highest <= 30 ? 5 : 15;
        double top = Math.Max(step, Math.Ceiling(highest / step) * step);
        SvgChart chart = new(
            "Mean absolute error by yaw", new ChartAxis("|yaw|, degrees", 0, 90, [0, 15, 30, 45, 60, 90]),
            new ChartAxis("degrees", 0, top, [.. Enumerable.Range(0, (int)(top / step) + 1).Select(i => i * step)]));
        foreach (YawBin bin in shown)
        {
            double width = (bin.To - bin.From) / 4;
            Bar(bin.Yaw, 0);
            Bar(bin.Pitch, 1);
            Bar(bin.Roll, 2);
            if (bin.Yaw.Count == 0) chart.Text((bin.From + bin.To) / 2, top * 0.03, "no faces");

            void Bar(Measure measure, int index)
            {
                double left = bin.From + width * (0.5 + index);
                if (measure.Value is { } value) chart.Bar(index, left, left + width * 0.92, value, measure.Low, measure.High);
            }
        }
        chart.Legend("yaw", 0);
        chart.Legend("pitch", 1);
        chart.Legend("roll", 2);
        return chart.ToString();
    }

    // A curve of thousands of points on 600 pixels: one point a pixel of recall, and the ends, say the same.
    private static IEnumerable<(double X, double Y)> Thin(IReadOnlyList<PrecisionRecallPoint> points)
    {
        const double finest = 1.0 / 1000;
        (double X, double Y) last = (double.NegativeInfinity, double.NegativeInfinity);
        for (int i = 0; i < points.Count; i++)
        {
            bool moved = Math.Abs(points[i].Recall - last.X) >= finest || Math.Abs(points[i].Precision - last.Y) >= finest;
            if (!moved && i + 1 < points.Count) continue;
            last = (points[i].Recall, points[i].Precision);
            yield return last;
        }
    }
}
