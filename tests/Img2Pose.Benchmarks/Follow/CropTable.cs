using System.Globalization;
using Img2Pose.Formats;
using Img2Pose.Frames;
using Img2Pose.Geometry;
using Img2Pose.Inference;
using Img2Pose.Media;

namespace Img2Pose.Benchmarks.Follow;

/// <summary>How well faces are found and posed in crops of several sizes, against full looks and against truth.</summary>
internal static class CropTable
{
    // Of the threshold: what a half look's face may score.
    private static readonly double[] s_parts = [1, 0.65, 0.45, 0.2];

    private static readonly (int Side, double Share)[] s_crops =
    [
        (64, 0.4), (64, 0.5), (64, 0.6), (64, 0.7), (128, 0.3), (128, 0.4), (128, 0.5), (128, 0.6), (128, 0.7), (128, 0.8), (192, 0.4), (192, 0.5), (192, 0.6), (192, 0.7),
    ];

    private static readonly double[] s_sizes = [0, 24, 32, 48, 96, 192, 10000];

    private sealed class Row
    {
        public int Faces, Found, Strong;
        public List<double> Error = [], Difference = [], Score = [];
    }

    /// <summary>Every n-th picture of an annotation pack: <c>crops PACK [N]</c>.</summary>
    public static int Print(string pack, int every)
    {
        using PoseDetector detector = PoseDetector.Create(ModelPackage.Load(ModelLocator.Find(null)), new PoseDetectorOptions { Device = "cpu", Threads = 1 });
        ModelMetadata metadata = detector.Model.Metadata;
        double threshold = detector.ScoreThreshold, low = metadata.PartOf(threshold, s_parts[1]);
        SizeRule half = detector.Size.WithSize(320);
        AnnotatedImage[] images = AnnotationPackReader.Load(pack);
        Dictionary<(int Bucket, int Config), Row> rows = [];
        Dictionary<(int Bucket, double Part), (int Faces, int Found)> wide = [];
        Random random = new(1);
        List<FaceDetection> full = [], small = [];
        List<CropFace> found = [];
        for (int n = 0; n < images.Length; n += every)
        {
            AnnotatedImage image = images[n];
            using VideoFrame frame = ImageFile.Read(image.Path);
            detector.Detect(frame, low, full);
            detector.Detect(frame, half, metadata.PartOf(threshold, 0.1), small);
            double scale = 640.0 / Math.Max(640, Math.Max(frame.Width, frame.Height));
            foreach (FaceDetection face in full.Where(face => face.Score > threshold))
            {
                int bucket = Array.FindIndex(s_sizes, limit => Size(face.Box) * scale < limit) - 1;
                double best = small.Where(other => other.Box.IntersectionOverUnion(face.Box) >= 0.4).Select(other => other.Score).DefaultIfEmpty(0).Max();
                foreach (double part in s_parts)
                {
                    (int Faces, int Found) have = wide.GetValueOrDefault((bucket, part));
                    wide[(bucket, part)] = (have.Faces + 1, have.Found + (best > metadata.PartOf(threshold, part) ? 1 : 0));
                }
            }
            foreach (AnnotatedFace truth in image.Faces)
            {
                if (truth.Ignore || truth.Pose is not { } pose) continue;
                FaceDetection seen = full.Where(face => face.Box.IntersectionOverUnion(truth.Box) >= 0.4).OrderByDescending(face => face.Score).FirstOrDefault();
                bool inFull = seen.Score > threshold;
                int bucket = Array.FindIndex(s_sizes, limit => Size(truth.Box) * scale < limit) - 1;
                Add(rows, (bucket, -1), inFull, seen, seen, pose, inFull, threshold);
                Box expected = inFull ? seen.Box : truth.Box;
                // As a prediction is off.
                double dx = (random.NextDouble() - 0.5) * 0.15 * Size(expected), dy = (random.NextDouble() - 0.5) * 0.15 * Size(expected);
                expected = new Box(expected.Left + dx, expected.Top + dy, expected.Right + dx, expected.Bottom + dy);
                for (int config = 0; config < s_crops.Length; config++)
                {
                    PictureRegion region = FaceCrop.Around(expected, s_crops[config].Share, frame.Width, frame.Height);
                    detector.DetectInCrops([CropView.Within(frame, region, s_crops[config].Side)], s_crops[config].Side, s_crops[config].Side, low, found);
                    CropFace match = found.Where(face => face.Face.Box.IntersectionOverUnion(inFull ? seen.Box : truth.Box) >= 0.4).OrderByDescending(face => face.Face.Score).FirstOrDefault();
                    Add(rows, (bucket, config), match.Face.Score > low, match.Face, seen, pose, inFull, threshold);
                }
            }
        }
        for (int bucket = 0; bucket < s_sizes.Length - 1; bucket++)
        {
            if (!rows.ContainsKey((bucket, -1))) continue;
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"faces of {s_sizes[bucket]} to {s_sizes[bucket + 1]} pixels in the full look"));
            Console.WriteLine("  crop        faces  found  strong  score   error med  mean(180=missed) p90   from full med   p90");
            for (int config = -1; config < s_crops.Length; config++)
            {
                Row row = rows[(bucket, config)];
                string name = config < 0 ? "full" : string.Create(CultureInfo.InvariantCulture, $"{s_crops[config].Side} {s_crops[config].Share:0.0}");
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                    $"  {name,-10} {row.Faces,6} {(double)row.Found / row.Faces,6:0.000} {(double)row.Strong / row.Faces,6:0.000} {Quantile(row.Score, 0.5),6:0.00} {Quantile(row.Error, 0.5),10:0.00} {row.Error.DefaultIfEmpty(0).Average(),10:0.00} {Quantile(row.Error, 0.9),8:0.00} {Quantile(row.Difference, 0.5),10:0.00} {Quantile(row.Difference, 0.9),9:0.00}"));
            }
        }
        Console.WriteLine("faces of full looks that a look of half the size finds above a score");
        foreach (((int bucket, double part), (int faces, int count)) in wide.OrderBy(entry => entry.Key))
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {s_sizes[bucket],4}–{s_sizes[bucket + 1],-5} above {part:0.00} of the threshold: {count} of {faces} ({(double)count / faces:0.000})"));
        return 0;
    }

    private static void Add(Dictionary<(int, int), Row> rows, (int, int) key, bool isFound, FaceDetection face, FaceDetection full, Pose truth, bool inFull, double threshold)
    {
        if (!rows.TryGetValue(key, out Row? row)) rows.Add(key, row = new Row());
        row.Faces++;
        if (!isFound) return;
        row.Found++;
        if (face.Score > threshold) row.Strong++;
        row.Score.Add(face.Score);
        // Only faces that full looks find, so that the columns compare the same faces.
        if (!inFull) return;
        row.Error.Add(Degrees(face.Pose, truth));
        row.Difference.Add(Degrees(face.Pose, full.Pose));
    }

    private static double Degrees(Pose a, Pose b) => RotationVector.GeodesicDistance(a.Rotation, b.Rotation) * 180 / Math.PI;

    private static double Size(in Box box) => Math.Max(box.Width, box.Height);

    private static double Quantile(List<double> values, double part) =>
        values.Count == 0 ? double.NaN : values.Order().ElementAt(Math.Min(values.Count - 1, (int)(part * values.Count)));
}
