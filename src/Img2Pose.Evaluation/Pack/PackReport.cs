using Img2Pose.Evaluation.Statistics;

namespace Img2Pose.Evaluation.Pack;

/// <summary>How a number is written.</summary>
public enum MeasureUnit
{
    /// <summary>A plain number with three decimals.</summary>
    Number,

    /// <summary>Degrees.</summary>
    Degrees,

    /// <summary>A fraction, written in percent.</summary>
    Percent,
}

/// <summary>One number of the report with what is asked of it.</summary>
/// <param name="Key">Name in the JSON report.</param>
/// <param name="Name">Name in the table.</param>
/// <param name="Unit">How to write it.</param>
/// <param name="Measure">The number, its interval and count.</param>
/// <param name="Must">What a released model must reach, or null where nothing is asked.</param>
/// <param name="Goal">What it should reach.</param>
/// <param name="HigherIsBetter">The direction of better.</param>
public sealed record PackRow(
    string Key, string Name, MeasureUnit Unit, Measure Measure, double? Must = null, double? Goal = null, bool HigherIsBetter = false)
{
    /// <summary><c>goal</c>, <c>must</c> or <c>short</c>, for what the number reaches; empty where nothing is asked or measured.</summary>
    public string Verdict =>
        Must is null || Goal is null || Measure.Count == 0 ? ""
        : Reaches(Goal.Value) ? "goal"
        : Reaches(Must.Value) ? "must"
        : "short";

    // A number that was measured but is not finite (a median over mostly missed faces) reaches nothing.
    private bool Reaches(double bound) => Measure.Value is { } value && (HigherIsBetter ? value >= bound : value <= bound);
}

/// <summary>Pose errors over faces of one range of yaw.</summary>
/// <param name="Labels">Which labels: <c>gt68</c>, or <c>all</c>.</param>
/// <param name="From">Lower bound of |yaw|, degrees, inclusive.</param>
/// <param name="To">Upper bound, exclusive (the last one inclusive).</param>
/// <param name="Matched">How many of the faces were found.</param>
/// <param name="Yaw">Mean absolute yaw error, degrees; its count is the number of faces.</param>
/// <param name="Pitch">Mean absolute pitch error, degrees.</param>
/// <param name="Roll">Mean absolute roll error, degrees.</param>
/// <param name="Geodesic">Median rotation error, degrees.</param>
public sealed record YawBin(
    string Labels, double From, double To, int Matched, Measure Yaw, Measure Pitch, Measure Roll, Measure Geodesic);

/// <summary>A named precision–recall curve.</summary>
/// <param name="Name">What it is over.</param>
/// <param name="AveragePrecision">The area under its envelope, or null without faces.</param>
/// <param name="Points">Its points by falling threshold.</param>
public sealed record PrecisionRecallCurve(string Name, double? AveragePrecision, IReadOnlyList<PrecisionRecallPoint> Points);

/// <summary>Everything that the evaluation of a pack finds out.</summary>
public sealed record PackReport
{
    /// <summary>The score threshold of all rows but average precision.</summary>
    public required double Threshold { get; init; }

    /// <summary>Pictures evaluated.</summary>
    public required int Pictures { get; init; }

    /// <summary>Pictures of them in which every face is listed.</summary>
    public required int CompletePictures { get; init; }

    /// <summary>Annotated faces, ignored ones left out.</summary>
    public required int Faces { get; init; }

    /// <summary>Faces that are neither hit nor miss.</summary>
    public required int IgnoredFaces { get; init; }

    /// <summary>The headline rows.</summary>
    public required IReadOnlyList<PackRow> Rows { get; init; }

    /// <summary>Recall at the threshold by size of the face (larger side, pixels), IoU 0.5.</summary>
    public required IReadOnlyList<PackRow> RecallBySize { get; init; }

    /// <summary>Recall of faces of at least 32 pixels, false alarms, and pose error by data set.</summary>
    public required IReadOnlyList<PackRow> BySet { get; init; }

    /// <summary>Pose errors by |yaw|.</summary>
    public required IReadOnlyList<YawBin> YawBins { get; init; }

    /// <summary>Precision–recall curves behind the average precisions.</summary>
    public required IReadOnlyList<PrecisionRecallCurve> Curves { get; init; }

    /// <summary>Precision by score over complete pictures, of all detections that are listed.</summary>
    public required Reliability Reliability { get; init; }
}
