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

    /// <summary>All options on one case.</summary>
    public static int Run(string name, int threads, string folder, double? original)
    {
        GoldenModelCase golden = GoldenModelCase.Load(name);
        (string exact, string int8) = Packages(golden, name, folder);
        string few = Export(exact, ".few", new ExportOptions { ProposalsBeforeSuppression = 500, ProposalsAfterSuppression = 10 });
        string few8 = Export(int8, ".few", new ExportOptions { ProposalsBeforeSuppression = 500, ProposalsAfterSuppression = 10 });
        PoseDetectorOptions options = GoldenPackage.Options(golden) with { Threads = threads, OriginalCoordinates = false };
        int min = golden.Settings.GetProperty("min_size").GetInt32();
        using VideoFrame frame = ImageFile.Read(golden.ImagePath(0));
        Outcome reference = Take(exact, options, frame, []);
        Console.WriteLine("| option | ms | × faster than exact | × faster than the original | faces > 0.5 found again | score, mean difference | rotation, mean ° | translation, mean % |");
        Console.WriteLine("| --- | --- | --- | --- | --- | --- | --- | --- |");
        Print("exact", reference, reference, original);
        Print("int8", Take(int8, options, frame, reference.Sure), reference, original);
        Print("proposals 500/10", Take(few, options, frame, reference.Sure), reference, original);
        Print("proposals 500/10, int8", Take(few8, options, frame, reference.Sure), reference, original);
        foreach (double scale in (double[])[0.8, 0.64, 0.5])
        {
            int size = (int)Math.Round(min * scale);
            PoseDetectorOptions smaller = options with { Size = size };
            Print($"size {min} → {size}", Take(exact, smaller, frame, reference.Sure), reference, original);
            Print($"size {min} → {size}, int8", Take(int8, smaller, frame, reference.Sure), reference, original);
            Print($"size {min} → {size}, proposals 500/10", Take(few, smaller, frame, reference.Sure), reference, original);
            Print($"size {min} → {size}, proposals 500/10, int8", Take(few8, smaller, frame, reference.Sure), reference, original);
        }
        return 0;
    }

    /// <summary>float32, float16 and int8 on every case, at its own settings.</summary>
    public static int RunPrecisions(int threads, string folder)
    {
        List<(string Name, Outcome Exact, Outcome Half, Outcome Int8)> rows = [];
        foreach (string name in GoldenModelCase.Names().Select(names => (string)names[0]))
        {
            GoldenModelCase golden = GoldenModelCase.Load(name);
            (string exact, string int8) = Packages(golden, name, folder);
            string half = Export(exact, ".fp16", new ExportOptions { Half = true });
            PoseDetectorOptions options = GoldenPackage.Options(golden) with { Threads = threads, OriginalCoordinates = false };
            using VideoFrame frame = ImageFile.Read(golden.ImagePath(0));
            Outcome reference = Take(exact, options, frame, []);
            rows.Add((name, reference, Take(half, options, frame, reference.Sure), Take(int8, options, frame, reference.Sure)));
        }
        Console.WriteLine("| case | exact, ms | int8, ms | × faster | found again | score | rotation, ° | translation, % | fp16: found again | score | rotation, ° | translation, % |");
        Console.WriteLine("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |");
        foreach ((string name, Outcome exact, Outcome half, Outcome int8) in rows)
        {
            Difference of8 = Difference.Of(int8, exact), of16 = Difference.Of(half, exact);
            Console.WriteLine(FormattableString.Invariant(
                $"| {name} | {exact.Milliseconds:F0} | {int8.Milliseconds:F0} | {exact.Milliseconds / int8.Milliseconds:F2} | {of8} | {of16} |"));
        }
        return 0;
    }

    // The case as float32 and as int8; kept between calls where the folder is, since calibration takes longer than measuring.
    private static (string Exact, string Int8) Packages(GoldenModelCase golden, string name, string folder)
    {
        string exact = Path.Combine(folder, name + ".onnx"), int8 = Path.Combine(folder, name + ".int8.onnx");
        if (!File.Exists(exact)) GoldenPackage.Write(golden, exact);
        if (!File.Exists(int8)) PackageExporter.Export(exact, new ExportOptions { Int8Ranges = GoldenCalibration.Take(name, exact) }, int8);
        return (exact, int8);
    }

    private static string Export(string package, string suffix, ExportOptions options)
    {
        string path = Path.ChangeExtension(package, suffix + ".onnx");
        if (!File.Exists(path)) PackageExporter.Export(package, options, path);
        return path;
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

    private static void Print(string option, Outcome outcome, Outcome exact, double? original)
    {
        string faster = original is { } ms ? FormattableString.Invariant($"{ms / outcome.Milliseconds:F1}") : "–";
        Console.WriteLine(FormattableString.Invariant(
            $"| {option} | {outcome.Milliseconds:F0} | {exact.Milliseconds / outcome.Milliseconds:F2} | {faster} | {Difference.Of(outcome, exact)} |"));
    }

    /// <summary>Best time, the faces that score above 0.5, and the faces posed at the boxes of the exact run's.</summary>
    private sealed record Outcome(double Milliseconds, List<FaceDetection> Sure, List<FaceDetection> Posed);

    /// <summary>Sure faces of the exact run found again, and the mean differences of the same boxes' answers.</summary>
    private sealed record Difference(int Again, int All, double Score, double Rotation, double Translation)
    {
        public static Difference Of(Outcome outcome, Outcome exact)
        {
            double score = 0, rotation = 0, translation = 0;
            for (int i = 0; i < exact.Posed.Count; i++)
            {
                (FaceDetection was, FaceDetection now) = (exact.Posed[i], outcome.Posed[i]);
                score += Math.Abs(now.Score - was.Score) / exact.Posed.Count;
                rotation += RotationVector.GeodesicDistance(now.Pose.Rotation, was.Pose.Rotation) * 180 / Math.PI / exact.Posed.Count;
                translation += 100 * (now.Pose.Translation - was.Pose.Translation).Length / was.Pose.Translation.Length / exact.Posed.Count;
            }
            int again = exact.Sure.Count(face => outcome.Sure.Exists(other => other.Box.IntersectionOverUnion(face.Box) > 0.5));
            return new Difference(again, exact.Sure.Count, score, rotation, translation);
        }

        public override string ToString() => FormattableString.Invariant($"{Again} of {All} | {Score:F4} | {Rotation:F2} | {Translation:F2}");
    }
}
