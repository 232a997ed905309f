using System.Diagnostics;
using Img2Pose.Frames;
using Img2Pose.Geometry;
using Img2Pose.Inference;
using Img2Pose.Media;
using Img2Pose.Models.Packages;
using Img2Pose.Models.Tests.Golden;

namespace Img2Pose.Benchmarks.Golden;

/// <summary>
/// What the options that trade accuracy for time do to a golden case: time, faces found again, and score and pose of the
/// same boxes, against the exact run of the same package.
/// </summary>
internal static class GoldenOptions
{
    private const int Calls = 6;

    public static int Run(string name, int threads)
    {
        GoldenModelCase golden = GoldenModelCase.Load(name);
        string folder = Directory.CreateTempSubdirectory("img2pose-golden").FullName;
        try
        {
            string exact = Path.Combine(folder, "exact.onnx"), few = Path.Combine(folder, "few.onnx");
            GoldenPackage.Write(golden, exact);
            PackageExporter.Export(exact, new ExportOptions { ProposalsBeforeSuppression = 500, ProposalsAfterSuppression = 10 }, few);
            PoseDetectorOptions options = GoldenPackage.Options(golden) with { Threads = threads, OriginalCoordinates = false };
            int min = golden.Settings.GetProperty("min_size").GetInt32();
            using VideoFrame frame = ImageFile.Read(golden.ImagePath(0));
            Outcome reference = Take(exact, options, frame, []);
            Console.WriteLine("| option | ms | × faster | faces > 0.5 found again | score, mean difference | rotation, mean ° | translation, mean % |");
            Console.WriteLine("| --- | --- | --- | --- | --- | --- | --- |");
            Print("exact", reference, reference);
            Print("proposals 500/10", Take(few, options, frame, reference.Sure), reference);
            foreach (double scale in (double[])[0.8, 0.64, 0.5])
            {
                int size = (int)Math.Round(min * scale);
                Print($"size {min} → {size}", Take(exact, options with { Size = size }, frame, reference.Sure), reference);
                Print($"size {min} → {size}, proposals 500/10", Take(few, options with { Size = size }, frame, reference.Sure), reference);
            }
            return 0;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static Outcome Take(string package, PoseDetectorOptions options, VideoFrame frame, List<FaceDetection> boxes)
    {
        using PoseDetector detector = PoseDetector.Create(ModelPackage.Load(package), options);
        List<FaceDetection> faces = [], posed = [];
        double best = double.MaxValue;
        for (int call = 0; call <= Calls; call++)
        {
            long start = Stopwatch.GetTimestamp();
            detector.Detect(frame, faces);
            if (call > 0) best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalMilliseconds);
        }
        List<FaceDetection> sure = faces.FindAll(face => face.Score > 0.5);
        detector.PoseForBoxes(frame, [.. (boxes.Count > 0 ? boxes : sure).Select(face => face.Box)], posed);
        return new Outcome(best, sure, posed);
    }

    private static void Print(string option, Outcome outcome, Outcome exact)
    {
        int again = exact.Sure.Count(face => outcome.Sure.Exists(other => other.Box.IntersectionOverUnion(face.Box) > 0.5));
        double score = 0, rotation = 0, translation = 0;
        for (int i = 0; i < exact.Posed.Count; i++)
        {
            (FaceDetection was, FaceDetection now) = (exact.Posed[i], outcome.Posed[i]);
            score += Math.Abs(now.Score - was.Score) / exact.Posed.Count;
            rotation += RotationVector.GeodesicDistance(now.Pose.Rotation, was.Pose.Rotation) * 180 / Math.PI / exact.Posed.Count;
            translation += 100 * (now.Pose.Translation - was.Pose.Translation).Length / was.Pose.Translation.Length / exact.Posed.Count;
        }
        Console.WriteLine(FormattableString.Invariant(
            $"| {option} | {outcome.Milliseconds:F0} | {exact.Milliseconds / outcome.Milliseconds:F2} | {again} of {exact.Sure.Count} | {score:F4} | {rotation:F2} | {translation:F2} |"));
    }

    /// <summary>Best time, the faces that score above 0.5, and the faces posed at the boxes of the exact run's.</summary>
    private sealed record Outcome(double Milliseconds, List<FaceDetection> Sure, List<FaceDetection> Posed);
}
