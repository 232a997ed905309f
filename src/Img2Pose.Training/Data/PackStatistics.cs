using System.Globalization;
using Img2Pose.Formats;
using Img2Pose.Geometry;

namespace Img2Pose.Training.Data;

/// <summary>Counts and distributions of an annotation pack, for a person to read.</summary>
public static class PackStatistics
{
    private static readonly double[] YawBounds = [15, 30, 45, 60, 90];
    private static readonly double[] SizeBounds = [8, 16, 24, 32, 48, 64, 96, 128, 192, 256];

    /// <summary>Writes the tables.</summary>
    public static void Write(TextWriter output, IReadOnlyList<AnnotatedImage> images)
    {
        AnnotatedFace[] faces = [.. images.SelectMany(image => image.Faces)];
        AnnotatedFace[] posed = [.. faces.Where(face => face.Pose is not null)];
        Line(output, $"{images.Count} pictures, {faces.Length} faces, {posed.Length} with a pose, {faces.Count(f => f.Ignore)} ignored");
        output.WriteLine();
        Line(output, $"{"set",-16}{"pictures",10}{"complete",10}{"faces",10}{"posed",10}{"ignored",10}");
        foreach (IGrouping<string, AnnotatedImage> set in images.GroupBy(image => image.Set).OrderBy(g => g.Key, StringComparer.Ordinal))
        {
            AnnotatedFace[] own = [.. set.SelectMany(image => image.Faces)];
            Line(output, $"{set.Key,-16}{set.Count(),10}{set.Count(i => i.Complete),10}{own.Length,10}{own.Count(f => f.Pose is not null),10}{own.Count(f => f.Ignore),10}");
        }
        output.WriteLine();
        Line(output, $"labels: {string.Join(", ", faces.GroupBy(f => f.Label).OrderByDescending(g => g.Count()).Select(g => $"{g.Key} {g.Count()}"))}");
        Line(output, $"faces by larger side, pixels, ignored ones left out: {Histogram(faces.Where(f => !f.Ignore).Select(f => f.Size), SizeBounds)}");
        if (posed.Length == 0) return;

        EulerAngles[] angles = [.. posed.Select(f => EulerAngles.FromRotationVector(f.Pose!.Value.Rotation))];
        Line(output, $"faces by |yaw|, degrees: {Histogram(angles.Select(a => Math.Abs(a.Yaw)), YawBounds)}");
        Line(output, $"pitch 5/25/50/75/95 %: {Percentiles(angles.Select(a => a.Pitch), 0.05, 0.25, 0.5, 0.75, 0.95)}");
        Line(output, $"roll 5/50/95 %: {Percentiles(angles.Select(a => a.Roll), 0.05, 0.5, 0.95)}");
        Pose[] local = [.. images.SelectMany(image => image.Faces.Where(f => f.Pose is not null)
            .Select(f => PoseConversion.FullToBox(f.Pose!.Value, image.Camera, f.Box)))];
        (double[] mean, double[] deviation) = PoseStatistics.Of(local);
        Line(output, $"box-relative pose, mean:               {Numbers(mean)}");
        Line(output, $"box-relative pose, standard deviation: {Numbers(deviation)}");
    }

    /// <summary>"0–15: 12, 15–30: 3, …, 90+: 0".</summary>
    private static string Histogram(IEnumerable<double> values, double[] bounds)
    {
        int[] counts = new int[bounds.Length + 1];
        foreach (double value in values)
        {
            int bin = Array.FindIndex(bounds, bound => value < bound);
            counts[bin < 0 ? bounds.Length : bin]++;
        }
        IEnumerable<string> bins = counts.Select((count, i) =>
            i == bounds.Length ? string.Create(CultureInfo.InvariantCulture, $"{bounds[^1]}+: {count}")
            : string.Create(CultureInfo.InvariantCulture, $"{(i == 0 ? 0 : bounds[i - 1])}–{bounds[i]}: {count}"));
        return string.Join(", ", bins);
    }

    private static string Percentiles(IEnumerable<double> values, params double[] parts)
    {
        double[] sorted = [.. values.Order()];
        return string.Join(" / ", parts.Select(p => sorted[(int)Math.Round(p * (sorted.Length - 1))].ToString("F1", CultureInfo.InvariantCulture)));
    }

    private static string Numbers(double[] values) => string.Join(", ", values.Select(v => v.ToString("F5", CultureInfo.InvariantCulture)));

    private static void Line(TextWriter output, FormattableString text) => output.WriteLine(text.ToString(CultureInfo.InvariantCulture));
}
