using Img2Pose.Evaluation.Statistics;

namespace Img2Pose.Evaluation.Pack;

/// <summary>What was found of a pack at one angle.</summary>
/// <param name="Degrees">Degrees clockwise by which the pictures were turned.</param>
/// <param name="Recall">Part of the faces that count which were found, at an intersection over union of 0.4; its count is the number of faces.</param>
/// <param name="FalseAlarms">False alarms per complete picture.</param>
/// <param name="Rotation">Median rotation error of the faces labelled <c>gt68</c>, degrees; 180 where one was not found.</param>
/// <param name="Wrong">Faces found with a rotation that is more than 90° off, as an upright pose on an inverted face is.</param>
public sealed record TurnedRow(double Degrees, Measure Recall, Measure FalseAlarms, Measure Rotation, int Wrong);

/// <summary>What was found of a turned pack, one row for every angle; the first is the upright one.</summary>
/// <param name="Threshold">The score threshold.</param>
/// <param name="Pictures">Pictures at each angle.</param>
/// <param name="Rows">The angles, from 0.</param>
public sealed record TurnedReport(double Threshold, int Pictures, IReadOnlyList<TurnedRow> Rows)
{
    /// <summary>Evaluates one angle.</summary>
    /// <param name="degrees">The angle.</param>
    /// <param name="samples">Pictures with annotations of <see cref="TurnedPack"/>, and what was found in them.</param>
    /// <param name="options">Threshold and intervals.</param>
    public static TurnedRow Evaluate(double degrees, IReadOnlyList<PackSample> samples, PackEvaluationOptions options)
    {
        ArgumentNullException.ThrowIfNull(samples);
        ArgumentNullException.ThrowIfNull(options);
        MatchedPicture[] pictures = [.. samples.Select(sample => new MatchedPicture(sample, options.Threshold))];
        List<Observation> found = [], alarms = [];
        for (int i = 0; i < pictures.Length; i++)
        {
            MatchedPicture picture = pictures[i];
            for (int face = 0; face < picture.Annotation.Faces.Count; face++)
            {
                if (!picture.Annotation.Faces[face].Ignore) found.Add(new Observation(i, picture.Found(picture.ForPose, face) is null ? 0 : 1));
            }
            if (picture.Annotation.Complete) alarms.Add(new Observation(i, picture.ForPose.AsSpan(0, picture.AboveThreshold).Count(FaceMatcher.FalseAlarm)));
        }
        Bootstrap bootstrap = new(pictures.Length, options.Replicates, options.Seed);
        FacePoses poses = new(pictures);
        return new TurnedRow(
            degrees, bootstrap.Measure(new MeanStatistic(found)), bootstrap.Measure(new MeanStatistic(alarms)),
            bootstrap.Measure(new QuantileStatistic(poses.Geodesic("gt68"), 0.5)), poses.Labelled(null).Count(pose => pose.IsFound && pose.Errors.Geodesic > 90));
    }
}
