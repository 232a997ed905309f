using System.Globalization;
using System.Text;
using Img2Pose.Evaluation.Pack;
using Img2Pose.Evaluation.Reporting;
using Img2Pose.Evaluation.Statistics;
using ScottPlot;
using ScottPlot.Plottables;
using SkiaSharp;
using OkabeIto = ScottPlot.Palettes.ColorblindFriendly;

namespace Img2Pose.Evaluation.Plots;

/// <summary>The plots of an evaluation, as SVG files.</summary>
public static class EvaluationPlots
{
    private const int Width = 860, Height = 460;
    private static readonly double[] s_fifths = [0, 0.2, 0.4, 0.6, 0.8, 1];

    // Told apart by people with the common colour-vision deficiencies.
    private static readonly OkabeIto s_palette = new();

    /// <summary>Writes <c>precision-recall.svg</c>, <c>error-by-yaw.svg</c> and <c>reliability.svg</c> into a folder, made when absent.</summary>
    /// <exception cref="OutputException">A file cannot be written.</exception>
    /// <exception cref="ModelException">There is no font to write with.</exception>
    public static void Write(string folder, PackReport report)
    {
        Save(folder, "precision-recall.svg", PrecisionRecall("Detection", report.Curves));
        Save(folder, "error-by-yaw.svg", ErrorByYaw(report.YawBins));
        Save(folder, "reliability.svg", ReliabilityCurve(report.Reliability));
    }

    /// <summary>Saves one plot.</summary>
    /// <exception cref="OutputException">The file cannot be written.</exception>
    public static void Save(string folder, string name, string svg) =>
        ReportFile.Write(Path.Combine(folder, name), stream => stream.Write(Encoding.UTF8.GetBytes(svg)));

    /// <summary>Precision over recall, with the average precision in the legend.</summary>
    /// <exception cref="ModelException">There is no font to write with.</exception>
    public static string PrecisionRecall(string title, IReadOnlyList<PrecisionRecallCurve> curves)
    {
        Plot plot = Create(title, "recall", s_fifths, "precision", s_fifths);
        for (int i = 0; i < curves.Count; i++)
        {
            PrecisionRecallCurve curve = curves[i];
            if (curve.Points.Count == 0) continue;
            string name = curve.AveragePrecision is { } ap ? $"{curve.Name}, AP {ap.ToString("0.000", CultureInfo.InvariantCulture)}" : curve.Name;
            Scatter line = plot.Add.ScatterLine(Thin(curve.Points).ToArray(), Color(i));
            line.LineWidth = 2;
            line.LegendText = name;
        }
        return Draw(plot);
    }

    /// <summary>Precision by score, beside the line on which a score says its precision; what calibration would make of it.</summary>
    /// <exception cref="ModelException">There is no font to write with.</exception>
    public static string ReliabilityCurve(Reliability reliability)
    {
        Plot plot = Create("Reliability of scores", "score", s_fifths, "precision", s_fifths);
        Scatter even = plot.Add.ScatterLine(new Coordinates[] { new(0, 0), new(1, 1) }, Colors.Gray);
        even.LinePattern = LinePattern.Dashed;
        even.LegendText = "as said";
        Coordinates[] points = [.. reliability.Bins.Where(bin => bin.Count > 0).Select(bin => new Coordinates(bin.Score, bin.Precision))];
        if (points.Length > 0)
        {
            Scatter line = plot.Add.Scatter(points, Color(0));
            line.LineWidth = 2;
            line.LegendText = $"measured, error {reliability.Error.ToString("0.000", CultureInfo.InvariantCulture)}";
        }
        if (reliability.Calibration is { } calibration)
        {
            Coordinates[] curve = [.. Enumerable.Range(0, 101).Select(i => new Coordinates(i / 100.0, calibration.Apply(i / 100.0)))];
            Scatter fit = plot.Add.ScatterLine(curve, Color(1));
            fit.LegendText = "calibration";
        }
        return Draw(plot);
    }

    /// <summary>Mean absolute yaw, pitch and roll error by |yaw|, over all labels, with their intervals.</summary>
    /// <exception cref="ModelException">There is no font to write with.</exception>
    public static string ErrorByYaw(IReadOnlyList<YawBin> bins)
    {
        YawBin[] shown = [.. bins.Where(bin => bin.Labels == "all")];
        double highest = shown.SelectMany(bin => new[] { bin.Yaw, bin.Pitch, bin.Roll }).Select(m => m.High ?? m.Value ?? 0).DefaultIfEmpty(0).Max();
        double step = highest <= 10 ? 2 : highest <= 30 ? 5 : 15;
        double top = Math.Max(step, Math.Ceiling(highest / step) * step);
        Plot plot = Create(
            "Mean absolute error by yaw", "|yaw|, degrees", [0, 15, 30, 45, 60, 90], "degrees", [.. Enumerable.Range(0, (int)(top / step) + 1).Select(i => i * step)]);
        AddBars(plot, "yaw", 0, shown, bin => bin.Yaw);
        AddBars(plot, "pitch", 1, shown, bin => bin.Pitch);
        AddBars(plot, "roll", 2, shown, bin => bin.Roll);
        foreach (YawBin bin in shown.Where(bin => bin.Yaw.Count == 0))
        {
            Text text = plot.Add.Text("no faces", (bin.From + bin.To) / 2, top * 0.03);
            text.LabelAlignment = Alignment.LowerCenter;
        }
        return Draw(plot);
    }

    /// <summary>The bars of one angle, each in its quarter of the bin, and their intervals.</summary>
    private static void AddBars(Plot plot, string name, int index, YawBin[] bins, Func<YawBin, Measure> measure)
    {
        List<Bar> bars = [];
        List<double> middles = [], values = [], below = [], above = [];
        foreach (YawBin bin in bins)
        {
            Measure one = measure(bin);
            if (one.Value is not { } value) continue;
            double width = (bin.To - bin.From) / 4, middle = bin.From + width * (index + 1);
            bars.Add(new Bar { Position = middle, Value = value, Size = width * 0.92, FillColor = Color(index), LineWidth = 0 });
            if (one.Low is not { } low || one.High is not { } high) continue;
            middles.Add(middle);
            values.Add(value);
            below.Add(value - low);
            above.Add(high - value);
        }
        plot.Legend.ManualItems.Add(new LegendItem { LabelText = name, FillColor = Color(index) });
        if (bars.Count > 0) plot.Add.Bars(bars);
        if (middles.Count > 0) plot.PlottableList.Add(new ErrorBar(middles, values, null, null, below, above) { Color = Colors.Black });
    }

    private static Plot Create(string title, string horizontal, double[] horizontalTicks, string vertical, double[] verticalTicks)
    {
        // Text would silently be left out.
        if (SKFontManager.Default.FontFamilyCount == 0)
            throw new ModelException("plots cannot be drawn, for no font is installed; 'apt-get install fonts-dejavu-core', or leave out --plots");
        Plot plot = new();
        plot.Font.Set("DejaVu Sans");
        plot.Title(title);
        plot.XLabel(horizontal);
        plot.YLabel(vertical);
        plot.Axes.SetLimits(horizontalTicks[0], horizontalTicks[^1], verticalTicks[0], verticalTicks[^1]);
        plot.Axes.Bottom.SetTicks(horizontalTicks, Labels(horizontalTicks));
        plot.Axes.Left.SetTicks(verticalTicks, Labels(verticalTicks));
        return plot;

        static string[] Labels(double[] ticks) => [.. ticks.Select(tick => tick.ToString("0.##", CultureInfo.InvariantCulture))];
    }

    private static string Draw(Plot plot)
    {
        // Beside the curves, which it would cover.
        plot.ShowLegend(Edge.Right);
        return plot.GetSvgXml(Width, Height);
    }

    // Its first is black, which intervals have.
    private static Color Color(int index) => s_palette.GetColor(index + 1);

    // A curve of thousands of points on 600 pixels: one point a pixel of recall, and the ends, say the same.
    private static IEnumerable<Coordinates> Thin(IReadOnlyList<PrecisionRecallPoint> points)
    {
        const double finest = 1.0 / 1000;
        Coordinates last = new(double.NegativeInfinity, double.NegativeInfinity);
        for (int i = 0; i < points.Count; i++)
        {
            bool moved = Math.Abs(points[i].Recall - last.X) >= finest || Math.Abs(points[i].Precision - last.Y) >= finest;
            if (!moved && i + 1 < points.Count) continue;
            last = new Coordinates(points[i].Recall, points[i].Precision);
            yield return last;
        }
    }
}
