using System.Globalization;
using Img2Pose.Frames;
using Img2Pose.Geometry;
using Img2Pose.Inference;
using Img2Pose.Inference.TwoStage;
using Img2Pose.Media;
using Img2Pose.Models.Tests.Golden;
using Microsoft.ML.OnnxRuntime;

namespace Img2Pose.Benchmarks.Golden;

/// <summary>What a model's time goes to, operator by operator.</summary>
internal static class KernelTable
{
    /// <summary>Prints, for one picture, how often each operator runs and how long it takes: <c>kernels MODEL PICTURE [THREADS]</c>.</summary>
    public static int Print(string file, string picture, int threads)
    {
        const int Calls = 10;
        ModelPackage model = ModelPackage.Load(file);
        using VideoFrame frame = ImageFile.Read(picture);
        using PoseDetector detector = PoseDetector.Create(model, new PoseDetectorOptions { Device = "cpu", Threads = threads });
        List<FaceDetection> faces = [];
        detector.Detect(frame, faces);
        if (detector.Network is TwoStageNetwork network)
        {
            OnnxParts parts = OnnxParts.Open(model);
            TwoStageLayout layout = TwoStageLayout.TryRead(parts)!;
            string[] maps = [.. layout.Objectness, .. layout.Deltas];
            Print("backbone, pyramid, proposal head", KernelTimes.Measure(
                options => new InferenceSession(TwoStageNetwork.DenseModel(parts, layout, maps), options), ["image"], [network.Image],
                [.. maps, .. layout.Levels.Select(OnnxParts.ChannelsLast)], threads, Calls));
            (OrtValue pooled, OrtValue rowOf, OrtValue threshold) = network.HeadInputs;
            Print("region heads", KernelTimes.Measure(
                options => new InferenceSession(TwoStageNetwork.HeadModel(parts), options), [TwoStageLayout.Pooled, TwoStageLayout.RowOf, "score_threshold"],
                [pooled, rowOf, threshold], ["scores", "pose_index", "poses"], threads, Calls));
            return 0;
        }
        (OrtValue image, OrtValue sizes, OrtValue score) = ((PoseGraph)detector.Network).Inputs;
        Print("whole graph", KernelTimes.Measure(
            options => new InferenceSession(file, options), ["image", "sizes", "score_threshold"], [image, sizes, score],
            ["proposals", "image_index", "scores", "pose_index", "poses"], threads, Calls));
        return 0;
    }

    private static void Print(string part, IReadOnlyList<KernelTime> kernels)
    {
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{part}: {kernels.Sum(kernel => kernel.Milliseconds):F2} ms"));
        foreach (IGrouping<string, KernelTime> type in kernels.GroupBy(kernel => kernel.Type).OrderByDescending(type => type.Sum(kernel => kernel.Milliseconds)))
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {type.Key,-24} {type.Count(),4} {type.Sum(kernel => kernel.Milliseconds),9:F2} ms"));
    }
}
