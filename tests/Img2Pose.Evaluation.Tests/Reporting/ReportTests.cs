using System.Globalization;
using System.Text.Json;
using System.Xml.Linq;
using Img2Pose.Evaluation.Pack;
using Img2Pose.Evaluation.Plots;
using Img2Pose.Evaluation.Reporting;
using Img2Pose.Evaluation.Statistics;
using Img2Pose.Formats;
using Img2Pose.Geometry;

namespace Img2Pose.Evaluation.Tests.Reporting;

public sealed class ReportTests
{
    private static readonly EvaluatedDetector Detector = new("toy & <model>", "ab", 3.5, [new UnreadablePicture("c.jpg", "cut short")]);

    private static PackReport Report { get; } = PackEvaluator.Evaluate(
        [
            new PackSample(Image("a.jpg", [Face(0, 0, 100, 100)]),
                [new FaceDetection(new Box(0, 0, 100, 100), 0.9, new Pose(new(0, 0.1, 0), new(0, 0, 20)))]),
            new PackSample(Image("b.jpg", [Face(0, 0, 50, 50)]), []),
        ],
        new PackEvaluationOptions { Threshold = 0.5, Replicates = 50 });

    [Fact]
    public void The_table_holds_values_bounds_counts_and_verdicts()
    {
        string[] lines = PackReportText.Write(Report, Detector).Split('\n');

        string recall = Assert.Single(lines, line => line.StartsWith("recall, faces >= 32 px ", StringComparison.Ordinal));
        Assert.Equal(["0.500", "[0.000,", "1.000]", "2", ">=", "0.9", ">=", "0.95", "short"], recall[40..].Split(' ', StringSplitOptions.RemoveEmptyEntries));
        Assert.Contains(lines, line => line.StartsWith("translation error over tz", StringComparison.Ordinal) && line.Contains(" inf ", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.StartsWith("GENKI", StringComparison.Ordinal) && line.Contains(" - ", StringComparison.Ordinal));
        Assert.Contains("1 unreadable pictures left out", lines[1]);
    }

    [Fact]
    public void The_json_report_carries_the_numbers_unrounded_and_null_for_what_was_not_measured()
    {
        using MemoryStream stream = new();
        PackReportJson.Write(stream, Report, Detector, "dev");

        using JsonDocument json = JsonDocument.Parse(stream.ToArray());
        JsonElement root = json.RootElement;
        Assert.Equal(("pack-evaluation", 1, 0.5, 2), (root.GetProperty("type").GetString(), root.GetProperty("schema").GetInt32(), root.GetProperty("threshold").GetDouble(), root.GetProperty("pictures").GetInt32()));
        Assert.Equal("c.jpg", root.GetProperty("unreadable")[0].GetProperty("image").GetString());
        JsonElement rotation = root.GetProperty("rows").EnumerateArray().Single(row => row.GetProperty("key").GetString() == "rotation_median");
        // Half of two faces was missed: between 0.1 rad and 180°.
        Assert.Equal((0.1 * 180 / Math.PI + 180) / 2, rotation.GetProperty("value").GetDouble(), 9);
        Assert.Equal(("short", 2, 5.2), (rotation.GetProperty("verdict").GetString(), rotation.GetProperty("count").GetInt32(), rotation.GetProperty("must").GetDouble()));
        JsonElement genki = root.GetProperty("rows").EnumerateArray().Single(row => row.GetProperty("key").GetString() == "genki_yaw");
        Assert.Equal(JsonValueKind.Null, genki.GetProperty("value").ValueKind);
    }

    [Fact]
    public void Plots_are_well_formed_and_draw_the_curve_inside_the_axes()
    {
        string svg = EvaluationPlots.PrecisionRecall("Detection <&>", Report.Curves);

        XDocument document = XDocument.Parse(svg);
        XElement line = Assert.Single(document.Descendants(), e => e.Name.LocalName == "polyline");
        (double X, double Y)[] points = [.. line.Attribute("points")!.Value.Split(' ').Select(p => p.Split(',')).Select(p => (Number(p[0]), Number(p[1])))];
        // One detection, right, of two faces: recall 1/2 (72 + 624/2) at precision 1 (48).
        Assert.Equal([(384, 48)], points);
        Assert.Contains("AP 0.500", svg);

        static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);
    }

    [Fact]
    public void The_yaw_plot_has_a_bar_for_each_measured_angle_and_says_where_no_face_is()
    {
        XDocument document = XDocument.Parse(EvaluationPlots.ErrorByYaw(Report.YawBins));

        // Two faces at yaw 0: three bars, and the background and three legend marks.
        Assert.Equal(3 + 1 + 3, document.Descendants().Count(e => e.Name.LocalName == "rect"));
        Assert.Equal(4, document.Descendants().Count(e => e.Value == "no faces"));
    }

    [Fact]
    public void A_chart_without_any_pose_is_still_drawn()
    {
        Measure none = new(null, null, null, 0);

        XDocument document = XDocument.Parse(EvaluationPlots.ErrorByYaw([new YawBin("all", 0, 15, 0, none, none, none, none)]));

        Assert.NotNull(document.Root);
    }

    private static AnnotatedImage Image(string name, AnnotatedFace[] faces) =>
        new() { Image = name, Path = name, Width = 640, Height = 480, Set = "helen", Complete = true, Faces = faces };

    private static AnnotatedFace Face(double left, double top, double right, double bottom) =>
        new() { Box = new Box(left, top, right, bottom), Pose = new Pose(Vector3d.Zero, new(0, 0, 20)), Label = "gt68", Ignore = false };
}
