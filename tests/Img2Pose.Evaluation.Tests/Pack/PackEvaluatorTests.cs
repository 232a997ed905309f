using Img2Pose.Evaluation.Pack;
using Img2Pose.Evaluation.Statistics;
using Img2Pose.Formats;
using Img2Pose.Geometry;

namespace Img2Pose.Evaluation.Tests.Pack;

public sealed class PackEvaluatorTests
{
    private static readonly Pose Straight = new(Vector3d.Zero, new Vector3d(0, 0, 20));

    [Fact]
    public void Detection_rows_follow_the_rules()
    {
        // A: a large face found at 0.9, a second box on it at 0.8 (false alarm), a far box at 0.6 (false alarm).
        // B: a small face found at 0.7 (left out), an ignored face found at 0.95 (left out), a large face missed.
        // C, not complete: a large face found at 0.4, below the threshold; a stray at 0.99 that is not scored.
        PackSample a = Sample("wider", true, [Face(0, 0, 100, 100)],
            Found(0, 0, 100, 100, 0.9), Found(0, 0, 100, 96, 0.8), Found(300, 300, 310, 310, 0.6));
        PackSample b = Sample("afw", true, [Face(0, 0, 31, 31), Face(50, 50, 150, 150) with { Ignore = true }, Face(200, 200, 232, 220)],
            Found(0, 0, 31, 31, 0.7), Found(50, 50, 150, 150, 0.95));
        PackSample c = Sample("afw", false, [Face(0, 0, 64, 64)], Found(0, 0, 64, 64, 0.4), Found(200, 200, 300, 300, 0.99));

        PackReport report = Evaluate(a, b, c);

        // Complete pictures: two scored faces (A's and B's missed one), ranked hit 0.9, miss 0.8, miss 0.6.
        Assert.Equal(0.5, Value(report, "ap"));
        Assert.Equal(2, Row(report, "ap").Measure.Count);
        Assert.Equal(1, Value(report, "ap_wider"));
        // All pictures: A's found, B's and C's not (C's only below the threshold).
        Assert.Equal(1.0 / 3, Value(report, "recall"), 12);
        // A has two, B none; C is not complete.
        Assert.Equal(1, Value(report, "false_alarms"));
        Assert.Equal(2, Row(report, "false_alarms").Measure.Count);
        Assert.Equal((2, 4, 1), (report.CompletePictures, report.Faces, report.IgnoredFaces));
    }

    [Fact]
    public void A_size_of_32_pixels_on_the_larger_side_counts()
    {
        PackSample sample = Sample("afw", true, [Face(0, 0, 10, 32), Face(100, 0, 131, 31)]);

        Assert.Equal(1, Row(Evaluate(sample), "recall").Measure.Count);
    }

    [Fact]
    public void The_wider_part_is_also_judged_at_an_overlap_of_two_fifths()
    {
        // The overlap is 45/100: the found box covers 45 of 100 columns and nothing else.
        PackSample sample = Sample("wider", true, [Face(0, 0, 100, 100)], Found(0, 0, 45, 100, 0.9));

        PackReport report = Evaluate(sample);

        Assert.Equal(0, Value(report, "ap_wider"));
        Assert.Equal(1, Value(report, "ap_wider_iou40"));
    }

    [Fact]
    public void False_alarms_of_any_size_count_at_the_threshold_and_negatives_have_their_own_row()
    {
        PackSample negative = Sample("negative", true, [], Found(0, 0, 8, 8, 0.51), Found(20, 20, 28, 28, 0.5));
        PackSample empty = Sample("negative", true, []);

        PackReport report = Evaluate(negative, empty);

        Assert.Equal(0.5, Value(report, "false_alarms_negative"));
        Assert.Equal(0.5, Value(report, "false_alarms"));
    }

    [Fact]
    public void Rotation_quantiles_count_missed_faces_as_a_half_turn()
    {
        // Errors 10°, 20° and, for the missed one, 180°; another label is not counted.
        PackSample sample = Sample("helen", true,
            [Face(0, 0, 50, 50, Straight), Face(100, 0, 150, 50, Straight), Face(200, 0, 250, 50, Straight), Face(300, 0, 350, 50, Straight) with { Label = "teacher" }],
            Found(0, 0, 50, 50, 0.9, Turned(0, Degrees(10), 0)), Found(100, 0, 150, 50, 0.9, Turned(Degrees(20), 0, 0)));

        PackReport report = Evaluate(sample);

        Assert.Equal(20, Value(report, "rotation_median"), 9);
        // numpy.quantile([10, 20, 180], 0.9)
        Assert.Equal(148, Value(report, "rotation_p90"), 9);
        Assert.Equal(3, Row(report, "rotation_p90").Measure.Count);
    }

    [Fact]
    public void A_pose_counts_from_an_overlap_of_two_fifths_and_only_at_the_threshold()
    {
        PackSample loose = Sample("helen", true, [Face(0, 0, 100, 100, Straight)], Found(0, 0, 45, 100, 0.9, Straight));
        PackSample tooLoose = Sample("helen", true, [Face(0, 0, 100, 100, Straight)], Found(0, 0, 39, 100, 0.9, Straight));
        PackSample unsure = Sample("helen", true, [Face(0, 0, 100, 100, Straight)], Found(0, 0, 100, 100, 0.5, Straight));

        Assert.Equal(0, Value(Evaluate(loose), "rotation_median"), 9);
        Assert.Equal(180, Value(Evaluate(tooLoose), "rotation_median"));
        Assert.Equal(180, Value(Evaluate(unsure), "rotation_median"));
    }

    [Fact]
    public void Translation_error_is_the_distance_over_the_true_depth()
    {
        PackSample sample = Sample("afw", true, [Face(0, 0, 50, 50, Straight)],
            Found(0, 0, 50, 50, 0.9, new Pose(Vector3d.Zero, new Vector3d(0.3, 0, 20.4))));

        Assert.Equal(0.5 / 20, Value(Evaluate(sample), "translation_median"), 12);
    }

    [Fact]
    public void Genki_is_measured_against_its_own_angles_with_missed_faces_at_90_degrees()
    {
        EulerAngles angles = new(Yaw: -20, Pitch: 3, Roll: 8);
        PackSample found = Sample("genki", true,
            [Face(0, 0, 50, 50) with { SourceYaw = -17, SourceRoll = 10 }],
            Found(0, 0, 50, 50, 0.9, new Pose(angles.ToRotationVector(), Straight.Translation)));
        PackSample missed = Sample("genki", true, [Face(0, 0, 50, 50) with { SourceYaw = 5 }]);
        PackSample ignored = Sample("genki", true, [Face(0, 0, 50, 50) with { SourceYaw = 5, Ignore = true }]);

        PackReport report = Evaluate(found, missed, ignored);

        Assert.Equal((3 + 90) / 2.0, Value(report, "genki_yaw"), 9);
        Assert.Equal(2, Value(report, "genki_roll"), 9);
        Assert.Equal((2, 1), (Row(report, "genki_yaw").Measure.Count, Row(report, "genki_roll").Measure.Count));
    }

    [Fact]
    public void Pointing04_is_grouped_by_pan_and_leaves_large_tilts_out()
    {
        PackReport report = Evaluate(
            Pointing(pan: -30, tilt: 30, found: -26), Pointing(pan: 45, tilt: -30, found: 40), Pointing(pan: -60, tilt: 0, found: -50),
            Pointing(pan: 75, tilt: 0, found: 70), Pointing(pan: 0, tilt: 60, found: 80));

        Assert.Equal((4, 1), (Math.Round(Value(report, "pointing04_pan_0_30"), 9), Row(report, "pointing04_pan_0_30").Measure.Count));
        Assert.Equal((7.5, 2), (Math.Round(Value(report, "pointing04_pan_45_60"), 9), Row(report, "pointing04_pan_45_60").Measure.Count));
        Assert.Equal((5, 1), (Math.Round(Value(report, "pointing04_pan_75_90"), 9), Row(report, "pointing04_pan_75_90").Measure.Count));
    }

    [Fact]
    public void Yaw_bins_hold_mean_absolute_errors_with_missed_faces_at_90_degrees()
    {
        EulerAngles truth = new(40, 5, -3), guess = new(30, 9, -1);
        Pose pose = new(truth.ToRotationVector(), Straight.Translation);
        PackSample sample = Sample("afw", true, [Face(0, 0, 50, 50, pose), Face(100, 0, 150, 50, pose)],
            Found(0, 0, 50, 50, 0.9, new Pose(guess.ToRotationVector(), Straight.Translation)));

        YawBin bin = Assert.Single(Evaluate(sample).YawBins, b => b.Labels == "gt68" && b.From == 30);

        Assert.Equal((45, 1, 2), (bin.To, bin.Matched, bin.Yaw.Count));
        Assert.Equal((10 + 90) / 2.0, bin.Yaw.Value!.Value, 9);
        Assert.Equal((4 + 90) / 2.0, bin.Pitch.Value!.Value, 9);
        Assert.Equal((2 + 90) / 2.0, bin.Roll.Value!.Value, 9);
    }

    [Fact]
    public void Recall_by_size_uses_the_larger_side_and_leaves_ignored_faces_out()
    {
        PackSample sample = Sample("wider", true,
            [Face(0, 0, 20, 12), Face(100, 0, 116, 16), Face(200, 0, 220, 20) with { Ignore = true }], Found(0, 0, 20, 12, 0.9));

        PackRow row = Assert.Single(Evaluate(sample).RecallBySize, r => r.Key == "recall_16-24");

        Assert.Equal((0.5, 2), (row.Measure.Value, row.Measure.Count));
    }

    [Fact]
    public void Of_two_boxes_on_one_face_the_better_score_takes_it_and_a_face_is_taken_once()
    {
        AnnotatedFace[] faces = [Face(0, 0, 100, 100), Face(50, 0, 150, 100)];
        FaceDetection[] detections = [Found(10, 0, 110, 100, 0.9), Found(0, 0, 100, 100, 0.8), Found(50, 0, 150, 100, 0.7)];

        int[] assigned = FaceMatcher.Match(faces, detections, 0.3, _ => true);

        Assert.Equal([0, 1, FaceMatcher.FalseAlarm], assigned);
    }

    [Fact]
    public void A_face_that_counts_goes_before_an_overlapping_one_that_does_not()
    {
        AnnotatedFace[] faces = [Face(0, 0, 100, 100) with { Ignore = true }, Face(0, 0, 100, 90)];

        int[] assigned = FaceMatcher.Match(faces, [Found(0, 0, 100, 100, 0.9), Found(0, 0, 100, 100, 0.8)], 0.5, face => !face.Ignore);

        Assert.Equal([1, FaceMatcher.LeftOut], assigned);
    }

    [Fact]
    public void The_result_does_not_depend_on_the_order_of_detections()
    {
        PackSample sample = Sample("wider", true, [Face(0, 0, 100, 100), Face(200, 0, 300, 100)],
            Found(0, 0, 100, 90, 0.6), Found(200, 0, 300, 100, 0.9), Found(400, 0, 500, 100, 0.7));

        PackReport forward = Evaluate(sample);
        PackReport backward = Evaluate(sample with { Detections = [.. sample.Detections.Reverse()] });

        Assert.Equal(forward.Rows, backward.Rows);
        // Hit 0.9, miss 0.7, hit 0.6 over two faces.
        Assert.Equal(0.5 * (1 + 2.0 / 3), Value(forward, "ap"), 12);
    }

    [Theory]
    [InlineData(0.99, "goal")]
    [InlineData(0.96, "must")]
    [InlineData(0.90, "short")]
    public void A_row_says_what_it_reaches(double value, string verdict)
    {
        PackRow row = new("k", "n", MeasureUnit.Number, new Measure(value, null, null, 1), 0.95, 0.98, true);

        Assert.Equal(verdict, row.Verdict);
    }

    [Fact]
    public void A_measured_number_without_a_finite_value_falls_short_and_an_unmeasured_one_says_nothing()
    {
        PackRow row = new("k", "n", MeasureUnit.Percent, new Measure(null, null, null, 5), 0.04, 0.02);

        Assert.Equal("short", row.Verdict);
        Assert.Equal("", (row with { Measure = new Measure(null, null, null, 0) }).Verdict);
    }

    [Fact]
    public void A_pack_without_faces_has_no_average_precision_but_false_alarms()
    {
        PackReport report = Evaluate(Sample("negative", true, [], Found(0, 0, 50, 50, 0.9)));

        Assert.Null(Row(report, "ap").Measure.Value);
        Assert.Null(Row(report, "recall").Measure.Value);
        Assert.Equal(1, Value(report, "false_alarms"));
    }

    [Fact]
    public void A_pack_without_pictures_is_an_input_error() => Assert.Throws<InputException>(() => Evaluate());

    [Fact]
    public void A_perfect_detector_reaches_every_goal()
    {
        PackSample[] samples =
        [
            Sample("wider", true, [Face(0, 0, 50, 50, Straight)], Found(0, 0, 50, 50, 0.9, Straight)),
            Sample("negative", true, []),
            Sample("genki", true, [Face(0, 0, 50, 50, Straight) with { SourceYaw = 0, SourceRoll = 0, Label = "teacher" }], Found(0, 0, 50, 50, 0.9, Straight)),
            Pointing(15, 0, 15), Pointing(60, 0, 60), Pointing(90, 15, 90),
        ];

        PackReport report = Evaluate(samples);

        Assert.All(report.Rows.Where(row => row.Must is not null), row => Assert.Equal("goal", row.Verdict));
    }

    private static PackSample Pointing(double pan, double tilt, double found) => Sample(
        "pointing04", true, [Face(0, 0, 50, 50) with { SourceYaw = pan, SourcePitch = tilt }],
        Found(0, 0, 50, 50, 0.9, new Pose(new EulerAngles(found, 0, 0).ToRotationVector(), Straight.Translation)));

    private static PackReport Evaluate(params PackSample[] samples) =>
        PackEvaluator.Evaluate(samples, new PackEvaluationOptions { Threshold = 0.5, Replicates = 20 });

    private static PackRow Row(PackReport report, string key) => Assert.Single(report.Rows, row => row.Key == key);

    private static double Value(PackReport report, string key) => Row(report, key).Measure.Value!.Value;

    private static PackSample Sample(string set, bool complete, AnnotatedFace[] faces, params FaceDetection[] detections) => new(
        new AnnotatedImage { Image = "a.jpg", Path = "/a.jpg", Width = 640, Height = 480, Set = set, Complete = complete, Faces = faces }, detections);

    private static AnnotatedFace Face(double left, double top, double right, double bottom, Pose? pose = null) =>
        new() { Box = new Box(left, top, right, bottom), Pose = pose, Label = "gt68", Ignore = false };

    private static FaceDetection Found(double left, double top, double right, double bottom, double score, Pose? pose = null) =>
        new(new Box(left, top, right, bottom), score, pose ?? Straight);

    private static Pose Turned(double x, double y, double z) => Straight with { Rotation = new Vector3d(x, y, z) };

    private static double Degrees(double degrees) => degrees * Math.PI / 180;
}
