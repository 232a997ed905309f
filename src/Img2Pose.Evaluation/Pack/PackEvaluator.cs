using Img2Pose.Evaluation.Statistics;
using Img2Pose.Formats;

namespace Img2Pose.Evaluation.Pack;

/// <summary>Settings of <see cref="PackEvaluator"/>.</summary>
public sealed record PackEvaluationOptions
{
    /// <summary>Detections that score more than this are reported in use; every row but average precision is taken at it.</summary>
    public required double Threshold { get; init; }

    /// <summary>Bootstrap replicates behind an interval; 0 leaves the intervals out.</summary>
    public int Replicates { get; init; } = 1000;

    /// <summary>Seed of the resampling.</summary>
    public ulong Seed { get; init; } = 20201217;
}

/// <summary>
/// Measures detections against an annotation pack. A function of its arguments alone. The rules: a face's size is the
/// larger side of its annotated box; detection is judged at an intersection over union of 0.5, pose at 0.4; average
/// precision is the area under the all-point precision envelope over complete pictures; detections that match ignored or
/// smaller faces count neither way; a scored face without a match counts 180° in rotation quantiles and 90° in mean
/// absolute errors; intervals are 95 % bootstrap intervals over pictures.
/// </summary>
public static class PackEvaluator
{
    private static readonly double[] SizeBounds = [0, 16, 24, 32, 48, 64, 96, 128, 192, 256, double.PositiveInfinity];
    private static readonly double[] YawBounds = [0, 15, 30, 45, 60, 90];

    /// <summary>Evaluates.</summary>
    /// <exception cref="InputException">There are no pictures.</exception>
    public static PackReport Evaluate(IReadOnlyList<PackSample> samples, PackEvaluationOptions options)
    {
        if (samples.Count == 0) throw new InputException("The pack holds no picture to evaluate.");
        MatchedPicture[] pictures = [.. samples.Select(sample => new MatchedPicture(sample, options.Threshold))];
        Bootstrap bootstrap = new(pictures.Length, options.Replicates, options.Seed);
        FacePoses poses = new(pictures);

        AveragePrecision complete = DetectionPrecision(pictures, p => p.Complete, p => p.Large);
        AveragePrecision wider = DetectionPrecision(pictures, p => p.Complete && p.Set == "wider", p => p.Large);
        AveragePrecision widerLoosely = DetectionPrecision(pictures, p => p.Complete && p.Set == "wider", p => p.LargeLoosely);

        PackRow[] rows =
        [
            new("ap", "detection AP, IoU 0.5, complete pictures, faces >= 32 px", MeasureUnit.Number, bootstrap.Measure(complete), 0.95, 0.98, true),
            new("ap_wider", "detection AP, IoU 0.5, wider alone", MeasureUnit.Number, bootstrap.Measure(wider), 0.72, 0.85, true),
            new("ap_wider_iou40", "detection AP, IoU 0.4, wider alone", MeasureUnit.Number, bootstrap.Measure(widerLoosely), HigherIsBetter: true),
            new("recall", "recall, faces >= 32 px", MeasureUnit.Number, bootstrap.Measure(Recall(pictures, PackRules.IsScoredForDetection, p => p.Large)), 0.90, 0.95, true),
            new("false_alarms", "false alarms per picture, complete pictures", MeasureUnit.Number, bootstrap.Measure(FalseAlarms(pictures, p => p.Complete)), 0.05, 0.01),
            new("false_alarms_negative", "false alarms per picture, negative", MeasureUnit.Number, bootstrap.Measure(FalseAlarms(pictures, p => p.Complete && p.Set == "negative")), 0.10, 0.02),
            new("rotation_median", "rotation error, gt68, median", MeasureUnit.Degrees, bootstrap.Measure(new QuantileStatistic(poses.Geodesic("gt68"), 0.5)), 5.2, 4),
            new("rotation_p90", "rotation error, gt68, 90 %", MeasureUnit.Degrees, bootstrap.Measure(new QuantileStatistic(poses.Geodesic("gt68"), 0.9)), 11, 9),
            new("genki_yaw", "GENKI against its own angles, yaw MAE", MeasureUnit.Degrees, bootstrap.Measure(new MeanStatistic(poses.SourceError("genki", f => f.SourceYaw, a => a.Yaw))), 4.2, 3.6),
            new("genki_roll", "GENKI against its own angles, roll MAE", MeasureUnit.Degrees, bootstrap.Measure(new MeanStatistic(poses.SourceError("genki", f => f.SourceRoll, a => a.Roll))), 2.2, 1.8),
            PointingRow("pan_0_30", "pan <= 30", 0, 30, 5.5, 4.5),
            PointingRow("pan_45_60", "pan 45-60", 45, 60, 9, 7),
            PointingRow("pan_75_90", "pan 75-90", 75, 90, 12, 10),
            new("translation_median", "translation error over tz, gt68, median", MeasureUnit.Percent, bootstrap.Measure(new QuantileStatistic(poses.Translation("gt68"), 0.5)), 0.04, 0.02),
        ];

        return new PackReport
        {
            Threshold = options.Threshold,
            Pictures = pictures.Length,
            CompletePictures = pictures.Count(p => p.Annotation.Complete),
            Faces = pictures.Sum(p => p.Annotation.Faces.Count(face => !face.Ignore)),
            IgnoredFaces = pictures.Sum(p => p.Annotation.Faces.Count(face => face.Ignore)),
            Rows = rows,
            RecallBySize = [.. SizeBounds.Zip(SizeBounds.Skip(1), (from, to) => RecallRow(pictures, bootstrap, from, to))],
            BySet = [.. pictures.Select(p => p.Annotation.Set).Distinct().Order(StringComparer.Ordinal).SelectMany(set => SetRows(pictures, poses, bootstrap, set))],
            YawBins = [.. YawBins(poses, bootstrap, "gt68"), .. YawBins(poses, bootstrap, null)],
            Reliability = Reliability.Of(Hits(pictures, p => p.Complete, p => p.Large)),
            Curves = [Curve("complete pictures", complete, rows[0]), Curve("wider", wider, rows[1])],
        };

        PackRow PointingRow(string key, string name, double from, double to, double must, double goal) => new(
            $"pointing04_{key}", $"Pointing'04 yaw MAE, |tilt| <= 30, {name}", MeasureUnit.Degrees,
            bootstrap.Measure(new MeanStatistic(poses.SourceError(
                "pointing04",
                face => face is { SourceYaw: { } pan, SourcePitch: { } tilt }
                    && Math.Abs(tilt) <= 30 && Math.Abs(pan) >= from && Math.Abs(pan) <= to ? pan : null,
                angles => angles.Yaw))),
            must, goal);

        PrecisionRecallCurve Curve(string name, AveragePrecision precision, PackRow row)
        {
            int[] once = new int[pictures.Length];
            Array.Fill(once, 1);
            return new PrecisionRecallCurve(name, row.Measure.Value, precision.Curve(once));
        }
    }

    private static AveragePrecision DetectionPrecision(
        MatchedPicture[] pictures, Func<AnnotatedImage, bool> included, Func<MatchedPicture, int[]> assignment)
    {
        int[] chosen = [.. Enumerable.Range(0, pictures.Length).Where(i => included(pictures[i].Annotation))];
        int[] faces = [.. pictures.Select(p => p.Annotation.Faces.Count(PackRules.IsScoredForDetection))];
        return new AveragePrecision(Hits(pictures, included, assignment), faces, chosen);
    }

    /// <summary>The detections that count, right or wrong.</summary>
    private static List<ScoredHit> Hits(MatchedPicture[] pictures, Func<AnnotatedImage, bool> included, Func<MatchedPicture, int[]> assignment)
    {
        List<ScoredHit> hits = [];
        for (int i = 0; i < pictures.Length; i++)
        {
            if (!included(pictures[i].Annotation)) continue;
            int[] assigned = assignment(pictures[i]);
            for (int d = 0; d < assigned.Length; d++)
            {
                if (assigned[d] != FaceMatcher.LeftOut)
                    hits.Add(new ScoredHit(i, pictures[i].Detections[d].Score, assigned[d] != FaceMatcher.FalseAlarm));
            }
        }
        return hits;
    }

    private static MeanStatistic Recall(
        MatchedPicture[] pictures, Func<AnnotatedFace, bool> included, Func<MatchedPicture, int[]> assignment, string? set = null)
    {
        List<Observation> found = [];
        for (int i = 0; i < pictures.Length; i++)
        {
            if (set is not null && pictures[i].Annotation.Set != set) continue;
            IReadOnlyList<AnnotatedFace> faces = pictures[i].Annotation.Faces;
            int[] assigned = assignment(pictures[i]);
            for (int f = 0; f < faces.Count; f++)
            {
                if (included(faces[f])) found.Add(new Observation(i, pictures[i].Found(assigned, f) is null ? 0 : 1));
            }
        }
        return new MeanStatistic(found);
    }

    private static MeanStatistic FalseAlarms(MatchedPicture[] pictures, Func<AnnotatedImage, bool> included)
    {
        List<Observation> alarms = [];
        for (int i = 0; i < pictures.Length; i++)
        {
            if (!included(pictures[i].Annotation)) continue;
            ReadOnlySpan<int> inUse = pictures[i].Large.AsSpan(0, pictures[i].AboveThreshold);
            alarms.Add(new Observation(i, inUse.Count(FaceMatcher.FalseAlarm)));
        }
        return new MeanStatistic(alarms);
    }

    private static PackRow RecallRow(MatchedPicture[] pictures, Bootstrap bootstrap, double from, double to)
    {
        string range = double.IsInfinity(to) ? $"{from}+" : $"{from}-{to}";
        MeanStatistic recall = Recall(pictures, face => !face.Ignore && face.Size >= from && face.Size < to, p => p.AnySize);
        return new PackRow($"recall_{range}", $"recall, faces {range} px", MeasureUnit.Number, bootstrap.Measure(recall), HigherIsBetter: true);
    }

    private static IEnumerable<PackRow> SetRows(MatchedPicture[] pictures, FacePoses poses, Bootstrap bootstrap, string set)
    {
        MeanStatistic recall = Recall(pictures, PackRules.IsScoredForDetection, p => p.Large, set);
        if (recall.Count > 0)
            yield return new($"{set}.recall", $"{set}: recall, faces >= 32 px", MeasureUnit.Number, bootstrap.Measure(recall), HigherIsBetter: true);
        MeanStatistic alarms = FalseAlarms(pictures, p => p.Complete && p.Set == set);
        if (alarms.Count > 0)
            yield return new($"{set}.false_alarms", $"{set}: false alarms per picture", MeasureUnit.Number, bootstrap.Measure(alarms));
        QuantileStatistic rotation = new(poses.Geodesic(null, set), 0.5);
        if (rotation.Count > 0)
            yield return new($"{set}.rotation_median", $"{set}: rotation error, all labels, median", MeasureUnit.Degrees, bootstrap.Measure(rotation));
    }

    private static IEnumerable<YawBin> YawBins(FacePoses poses, Bootstrap bootstrap, string? label)
    {
        for (int b = 0; b + 1 < YawBounds.Length; b++)
        {
            double from = YawBounds[b], to = YawBounds[b + 1];
            bool last = b + 2 == YawBounds.Length;
            FacePose[] faces = [.. poses.Labelled(label).Where(p => Math.Abs(p.TrueYaw) >= from && (last || Math.Abs(p.TrueYaw) < to))];
            yield return new YawBin(
                label ?? "all", from, to, faces.Count(face => face.IsFound),
                Mean(faces, e => e.Yaw), Mean(faces, e => e.Pitch), Mean(faces, e => e.Roll),
                bootstrap.Measure(new QuantileStatistic([.. faces.Select(f => new Observation(f.Picture, f.Errors.Geodesic))], 0.5)));
        }

        Measure Mean(FacePose[] faces, Func<PoseErrors, double> error) =>
            bootstrap.Measure(new MeanStatistic([.. faces.Select(f => new Observation(f.Picture, error(f.Errors)))]));
    }
}
