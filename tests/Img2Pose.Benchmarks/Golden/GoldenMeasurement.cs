using System.Diagnostics;
using System.Globalization;
using Img2Pose.Formats.Onnx;
using Img2Pose.Frames;
using Img2Pose.Geometry;
using Img2Pose.Inference;
using Img2Pose.Inference.TwoStage;
using Img2Pose.Media;
using Img2Pose.Models.Tests.Golden;
using Microsoft.ML.OnnxRuntime;

namespace Img2Pose.Benchmarks.Golden;

/// <summary>What one case at one thread count measured; times are milliseconds, memory MiB.</summary>
internal sealed record GoldenMeasurement
{
    public required int Faces { get; init; }

    public required double Wall { get; init; }

    public required double Cpu { get; init; }

    public required double Tensorise { get; init; }

    public required double Dense { get; init; }

    public required double Proposals { get; init; }

    public required double Pooling { get; init; }

    public required double Heads { get; init; }

    public required double Select { get; init; }

    public required double BackboneFloor { get; init; }

    public required double PyramidFloor { get; init; }

    public required double ProposalHeadFloor { get; init; }

    public required double HeadsFloor { get; init; }

    public required double MemoryBefore { get; init; }

    public required double MemoryPeak { get; init; }

    public double Floor => BackboneFloor + PyramidFloor + ProposalHeadFloor + HeadsFloor;

    /// <summary>Measures in this process, which should do nothing else: memory is the whole process's.</summary>
    public static GoldenMeasurement Take(string name, string package, int threads, int calls)
    {
        GoldenModelCase golden = GoldenModelCase.Load(name);
        VideoFrame[] frames = [.. Enumerable.Range(0, golden.Images).Select(i => ImageFile.Read(golden.ImagePath(i)))];
        List<FaceDetection>[] faces = [.. frames.Select(_ => new List<FaceDetection>())];
        Box[] given = golden.GivenBoxes ? [.. golden.Doubles("proposals", 0).Chunk(4).Select(b => new Box(b[0], b[1], b[2], b[3]))] : [];
        ModelPackage model = ModelPackage.Load(package);
        using PoseDetector detector = PoseDetector.Create(model, GoldenPackage.Options(golden) with { Threads = threads, TensoriserThreads = threads });
        TwoStageNetwork network = (TwoStageNetwork)detector.Network;
        double before = MemoryOf("VmRSS");
        File.WriteAllText("/proc/self/clear_refs", "5");
        Detect();
        double wall = double.MaxValue, cpu = 0;
        TwoStageTimes parts = default;
        DetectionTimes times = default;
        using Process self = Process.GetCurrentProcess();
        for (int call = 0; call < calls; call++)
        {
            self.Refresh();
            TimeSpan cpuStart = self.TotalProcessorTime;
            long start = Stopwatch.GetTimestamp();
            Detect();
            double elapsed = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
            self.Refresh();
            if (elapsed >= wall) continue;
            (wall, cpu, parts, times) = (elapsed, (self.TotalProcessorTime - cpuStart).TotalMilliseconds, network.Times, detector.Times);
        }
        double peak = MemoryOf("VmHWM");
        GoldenMeasurement result = new()
        {
            Faces = faces.Sum(list => list.Count),
            Wall = wall,
            Cpu = cpu,
            Tensorise = times.Tensorise.TotalMilliseconds,
            Dense = parts.Dense.TotalMilliseconds,
            Proposals = parts.Proposals.TotalMilliseconds,
            Pooling = parts.Pooling.TotalMilliseconds,
            Heads = parts.Heads.TotalMilliseconds,
            Select = times.Select.TotalMilliseconds,
            BackboneFloor = 0,
            PyramidFloor = 0,
            ProposalHeadFloor = 0,
            HeadsFloor = 0,
            MemoryBefore = before,
            MemoryPeak = peak,
        };
        foreach (VideoFrame frame in frames) frame.Dispose();
        return AddFloor(result, model, network, golden.GivenBoxes, threads, calls);

        void Detect()
        {
            if (golden.GivenBoxes) detector.DetectAmong(frames[0], given, faces[0]);
            else detector.Detect(frames, faces);
        }
    }

    // The floor: what ONNX Runtime's own clock says of the convolutions and matrix products in the same two sessions, on the
    // same values. Everything else that a run does is left out.
    private static GoldenMeasurement AddFloor(GoldenMeasurement result, ModelPackage model, TwoStageNetwork network, bool given, int threads, int calls)
    {
        OnnxParts parts = OnnxParts.Open(model);
        TwoStageLayout layout = TwoStageLayout.TryRead(parts)!;
        string[] maps = given ? [] : [.. layout.Objectness, .. layout.Deltas];
        Dictionary<string, double> dense = Profile(
            parts, TwoStageNetwork.DenseModel(parts, layout, maps), ["image"], [network.Image],
            [.. maps, .. layout.Levels.Select(OnnxParts.ChannelsLast)], threads, calls);
        (OrtValue pooled, OrtValue rowOf, OrtValue threshold) = network.HeadInputs;
        Dictionary<string, double> heads = Profile(
            parts, TwoStageNetwork.HeadModel(parts), [TwoStageLayout.Pooled, TwoStageLayout.RowOf, "score_threshold"], [pooled, rowOf, threshold],
            ["scores", "pose_index", "poses"], threads, calls);
        double Sum(Dictionary<string, double> layers, string prefix) =>
            layers.Where(layer => layer.Key.StartsWith(prefix, StringComparison.Ordinal)).Sum(layer => layer.Value);
        return result with
        {
            BackboneFloor = Sum(dense, "backbone.body."),
            PyramidFloor = Sum(dense, "backbone.fpn."),
            ProposalHeadFloor = Sum(dense, "rpn."),
            HeadsFloor = Sum(heads, "roi_heads."),
        };
    }

    // Milliseconds of each convolution and matrix product: the fastest of several runs.
    private static Dictionary<string, double> Profile(
        OnnxParts graph, byte[] part, string[] inputs, OrtValue[] values, string[] outputs, int threads, int calls) =>
        KernelTimes.Measure(options => new InferenceSession(part, options), inputs, values, outputs, threads, calls)
            .Where(kernel => kernel.Type is "Conv" or "FusedConv" or "Gemm" or "FusedGemm")
            .ToDictionary(kernel => $"{WeightsOf(graph, kernel.Name)} {kernel.Name}", kernel => kernel.Milliseconds, StringComparer.Ordinal);

    // ONNX Runtime calls a fused node after the last value that was fused; the layer stands before it.
    private static string WeightsOf(OnnxParts graph, string kernel)
    {
        string value = kernel[..kernel.LastIndexOf("_kernel_time", StringComparison.Ordinal)];
        value = value[(value.LastIndexOf(' ') + 1)..].Replace("_nchwc", "", StringComparison.Ordinal);
        NodeProto? node = graph.Nodes.FirstOrDefault(candidate => candidate.Output.Contains(value));
        while (node is not null && node.OpType is not ("Conv" or "Gemm"))
            node = graph.Nodes.FirstOrDefault(candidate => candidate.Output.Contains(node.Input[0]));
        return node?.Input[1] ?? throw new InvalidOperationException($"The profile names a layer '{value}' that the graph does not have.");
    }

    private static double MemoryOf(string field)
    {
        string line = File.ReadLines("/proc/self/status").First(text => text.StartsWith(field, StringComparison.Ordinal));
        return double.Parse(line.AsSpan(field.Length + 1).Trim().TrimEnd("kB").Trim(), CultureInfo.InvariantCulture) / 1024;
    }
}
