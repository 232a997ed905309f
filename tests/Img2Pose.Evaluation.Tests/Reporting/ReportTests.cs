using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
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
    public void Plots_are_well_formed_and_say_what_they_show()
    {
        string[] texts = Texts(EvaluationPlots.PrecisionRecall("Detection <&>", Report.Curves));

        Assert.Superset(new HashSet<string> { "Detection <&>", "recall", "precision", "0.4" }, texts.ToHashSet());
        Assert.Contains(texts, text => text.EndsWith("AP 0.500", StringComparison.Ordinal));
    }

    [Fact]
    public void A_curve_goes_through_its_points()
    {
        PrecisionRecallCurve curve = new("one", 0.5, [new(0.1, 0, 1), new(0.1, 0.5, 1), new(0.1, 0.5, 0)]);

        XDocument document = XDocument.Parse(EvaluationPlots.PrecisionRecall("Detection", [curve]));

        // Right along the top from the upper left corner to the middle, and down to the bottom.
        double[][] corners = [.. document.Descendants().Where(e => e.Name.LocalName == "path" && e.Attribute("stroke-width")?.Value == "2")
            .Select(e => Regex.Matches(e.Attribute("d")!.Value, @"-?[0-9.]+").Select(m => double.Parse(m.Value, CultureInfo.InvariantCulture)).ToArray())
            .Where(numbers => numbers.Length == 6)];
        double[] line = Assert.Single(corners);
        Assert.Equal(line[1], line[3]);
        Assert.Equal(line[2], line[4]);
        Assert.True(line[2] > line[0] && line[5] > line[3], string.Join(' ', line));
    }

    [Fact]
    public void The_yaw_plot_has_a_bar_for_each_measured_angle_and_says_where_no_face_is()
    {
        string svg = EvaluationPlots.ErrorByYaw(Report.YawBins);

        string[] texts = Texts(svg);
        Assert.Superset(new HashSet<string> { "yaw", "pitch", "roll", "|yaw|, degrees" }, texts.ToHashSet());
        Assert.Equal(4, texts.Count(text => text == "no faces"));
        // Two faces at yaw 0: a bar for each angle, and its mark in the legend.
        string[] fills = [.. XDocument.Parse(svg).Descendants().Where(e => e.Name.LocalName == "rect").Select(e => e.Attribute("fill")?.Value ?? "")];
        Assert.All((string[])["#E69F00", "#56B4E9", "#009E73"], colour => Assert.Equal(2, fills.Count(fill => fill == colour)));
    }

    [Fact]
    public void A_chart_without_any_pose_is_still_drawn()
    {
        Measure none = new(null, null, null, 0);

        XDocument document = XDocument.Parse(EvaluationPlots.ErrorByYaw([new YawBin("all", 0, 15, 0, none, none, none, none)]));

        Assert.NotNull(document.Root);
    }

    private static string[] Texts(string svg) =>
        [.. XDocument.Parse(svg).Descendants().Where(e => e.Name.LocalName == "text").Select(e => e.Value.Trim())];

    private static AnnotatedImage Image(string name, AnnotatedFace[] faces) =>
        new() { Image = name, Path = name, Width = 640, Height = 480, Set = "helen", Complete = true, Faces = faces };

    private static AnnotatedFace Face(double left, double top, double right, double bottom) =>
        new() { Box = new Box(left, top, right, bottom), Pose = new Pose(Vector3d.Zero, new(0, 0, 20)), Label = "gt68", Ignore = false };
}
