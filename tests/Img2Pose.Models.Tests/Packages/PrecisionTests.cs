using System.Runtime.InteropServices;
using System.Text.Json;
using Google.Protobuf;
using Img2Pose.Formats.Onnx;
using Img2Pose.Frames;
using Img2Pose.Inference;
using Img2Pose.Inference.TwoStage;
using Img2Pose.Models.Networks;
using Img2Pose.Models.Onnx;
using Img2Pose.Models.Packages;
using Img2Pose.Models.Precision;
using Img2Pose.Models.Tests.Golden;
using Img2Pose.Models.Tests.Networks;
using Img2Pose.Testing;
using Microsoft.ML.OnnxRuntime;

namespace Img2Pose.Models.Tests.Packages;

/// <summary>Packages in 8 and 16 bits against the same package in 32.</summary>
public sealed class PrecisionTests : IDisposable
{
    private const int Height = 128, Width = 192;

    private readonly string _folder = Directory.CreateTempSubdirectory("img2pose-precision").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void In_eight_bits_the_same_boxes_get_nearly_the_same_answers_from_integer_kernels()
    {
        ModelPackage exact = GeneratedPackage.Write(_folder, TorchvisionBehaviour.V082);
        ModelPackage int8 = Export(exact, new ExportOptions { Int8Ranges = Calibrate(exact) });

        Assert.Equal("int8-reduced", int8.Metadata.Precision);
        Assert.True(int8.FileSize < 0.3 * exact.FileSize, $"{int8.FileSize} of {exact.FileSize} bytes");
        // Random weights: every layer's rounding counts, and nothing has been trained to bear it.
        (double score, double pose) = MeanDifferences(exact, int8);
        Assert.InRange(score, 1e-5, 0.03);
        Assert.InRange(pose, 1e-5, 0.12);

        // All convolutions and products but the last ones: proposals on five levels, class and pose.
        using SessionOptions options = InferenceDevice.CreateOptions(1);
        using TwoStageNetwork network = TwoStageNetwork.TryCreate(int8, options, 1)!;
        Answers(network);
        OnnxParts parts = OnnxParts.Open(int8);
        TwoStageLayout layout = TwoStageLayout.TryRead(parts)!;
        string[] maps = [.. layout.Objectness, .. layout.Deltas];
        Dictionary<string, int> dense = Kernels(
            TwoStageNetwork.DenseModel(parts, layout, maps), ["image"], [network.Image], [.. maps, .. layout.Levels.Select(OnnxParts.ChannelsLast)]);
        Assert.Equal((33, 11, 5), (dense["QLinearConv"], dense["QLinearAdd"], dense["Conv"]));
        (OrtValue pooled, OrtValue rowOf, OrtValue threshold) = network.HeadInputs;
        Dictionary<string, int> heads = Kernels(
            TwoStageNetwork.HeadModel(parts), [TwoStageLayout.Pooled, TwoStageLayout.RowOf, "score_threshold"], [pooled, rowOf, threshold], ["scores", "pose_index", "poses"]);
        Assert.Equal((5, 2), (heads["QGemm"], heads["Gemm"]));
    }

    [Fact]
    public void The_whole_graph_in_eight_bits_gives_what_its_parts_give()
    {
        ModelPackage exact = GeneratedPackage.Write(_folder, TorchvisionBehaviour.V014);
        ModelPackage int8 = Export(exact, new ExportOptions { Int8Ranges = Calibrate(exact) });
        using SessionOptions options = InferenceDevice.CreateOptions(1);
        using PoseGraph whole = new(new InferenceSession(int8.Path, options), onCpu: true);
        using TwoStageNetwork parts = TwoStageNetwork.TryCreate(int8, options, 1)!;

        float[] expected = Answers(whole).Scores, actual = Answers(parts).Scores;

        // The same integers; only pooling is computed twice, and a rounding to the neighbouring byte may follow.
        Assert.True(expected.Zip(actual, (a, b) => Math.Abs(a - b)).Average() < 1e-3);
    }

    [Fact]
    public void Weights_keep_to_seven_bits_unless_the_whole_range_is_asked_for()
    {
        ModelPackage exact = GeneratedPackage.Write(_folder, TorchvisionBehaviour.V082);
        IReadOnlyDictionary<string, ValueRange> ranges = Calibrate(exact);
        ModelPackage portable = Export(exact, new ExportOptions { Int8Ranges = ranges });
        ModelPackage full = Export(exact, new ExportOptions { Int8Ranges = ranges, FullRangeWeights = true });

        // 2 · 63 · 255 fits into the 16 bits that processors without VNNI add two products in; 2 · 127 · 255 does not.
        Assert.Equal("int8-reduced", portable.Metadata.Precision);
        AssertLargestWeights(63, portable);
        Assert.Null(Int8Support.Warning(portable.Metadata) is { } text && text.Contains("overflow", StringComparison.Ordinal) ? text : null);
        Assert.Equal("int8-full", full.Metadata.Precision);
        Assert.True(full.Metadata.IsFullRangeInt8);
        AssertLargestWeights(127, full);
    }

    private static void AssertLargestWeights(int largest, ModelPackage int8)
    {
        TensorProto[] weights = [.. AllConstants(OnnxFile.Read(int8.Path).Graph).Where(t => t.DataType == (int)OnnxElementType.Int8 && t.Name.EndsWith(".int8", StringComparison.Ordinal))];
        Assert.Equal(34, weights.Length);
        Assert.All(weights, tensor => Assert.Equal(largest, MemoryMarshal.Cast<byte, sbyte>(tensor.RawData.Span).ToArray().Max(w => Math.Abs((int)w))));
    }

    [Fact]
    public void In_sixteen_bits_answers_differ_in_the_third_decimal_and_selection_stays_in_32()
    {
        ModelPackage exact = GeneratedPackage.Write(_folder, TorchvisionBehaviour.V082);
        ModelPackage half = Export(exact, new ExportOptions { Half = true });

        Assert.Equal("float16", half.Metadata.Precision);
        Assert.True(half.FileSize < 0.51 * exact.FileSize, $"{half.FileSize} of {exact.FileSize} bytes");
        (double score, double pose) = MeanDifferences(exact, half);
        Assert.InRange(score, 1e-7, 2e-3);
        Assert.InRange(pose, 1e-7, 5e-3);
        // Loading checks types: what these take are the float32 results of casts.
        GraphProto graph = OnnxFile.Read(half.Path).Graph;
        string[] casts = [.. graph.Node.Where(n => n.OpType == "Cast" && n.Attribute.Any(a => a.Name == "to" && a.I == 1)).Select(n => n.Output[0])];
        Assert.All(graph.Node.Where(n => n.OpType == "RoiAlign"), pool => Assert.Contains(pool.Input[0], casts));
    }

    [Fact]
    public void A_weight_beyond_16_bits_is_named()
    {
        ModelPackage exact = GeneratedPackage.Write(_folder, TorchvisionBehaviour.V082);
        ModelProto model = OnnxFile.Read(exact.Path);
        TensorProto bias = model.Graph.Initializer.Single(t => t.Name == "backbone.body.conv1.bias");
        float[] values = MemoryMarshal.Cast<byte, float>(bias.RawData.Span).ToArray();
        values[3] = 7e4f;
        bias.RawData = Google.Protobuf.ByteString.CopyFrom(MemoryMarshal.AsBytes(values.AsSpan()));
        OnnxFile.Write(model, exact.Path);

        ModelException error = Assert.Throws<ModelException>(() => Export(exact, new ExportOptions { Half = true }));

        Assert.Contains("'backbone.body.conv1.bias' has the number 70000", error.Message, StringComparison.Ordinal);
    }

    /// <summary>As r18's package has its weights.</summary>
    [Fact]
    public void What_is_stored_in_16_bits_and_computed_in_32_is_exported_as_what_it_was_made_of()
    {
        string exact = Path.Combine(SharedData.RepositoryRoot, "models", "img2pose-nano.onnx"), stored = Path.Combine(_folder, "stored.onnx");
        ModelProto model = OnnxFile.Read(exact);
        HalfStorage.Rewrite(model.Graph, name => name.Contains(".output.", StringComparison.Ordinal));
        OnnxFile.Write(model, stored);

        PackageExporter.Export(exact, new ExportOptions { Half = true }, Path.Combine(_folder, "expected.onnx"));
        PackageExporter.Export(stored, new ExportOptions { Half = true }, Path.Combine(_folder, "actual.onnx"));

        Assert.Equal(OnnxFile.Read(Path.Combine(_folder, "expected.onnx")), OnnxFile.Read(Path.Combine(_folder, "actual.onnx")));
        CalibrationProbe probe = CalibrationProbe.Write(stored, Path.Combine(_folder, "probe.onnx"));
        Assert.Equal(CalibrationProbe.Write(exact, Path.Combine(_folder, "probe.onnx")).Outputs, probe.Outputs);
    }

    [Fact]
    public void Damaged_weights_in_16_bits_are_told_as_a_models_fault()
    {
        string path = Path.Combine(_folder, "damaged.onnx");
        ModelProto model = OnnxFile.Read(Path.Combine(SharedData.RepositoryRoot, "models", "img2pose-nano.onnx"));
        HalfStorage.Rewrite(model.Graph, _ => false);
        TensorProto stored = model.Graph.Initializer.First(tensor => tensor.Name.EndsWith(HalfStorage.Suffix, StringComparison.Ordinal));
        // Two of one name are for ONNX Runtime to refuse, which loads what comes out.
        model.Graph.Initializer.Add(stored.Clone());
        OnnxFile.Write(model, path);
        Assert.NotNull(HalfStorage.Expand(OnnxFile.Read(path).Graph));
        model.Graph.Initializer.RemoveAt(model.Graph.Initializer.Count - 1);
        stored.RawData = ByteString.CopyFrom(stored.RawData.Span[..^1]);
        OnnxFile.Write(model, path);

        Assert.Contains("cut short", Assert.Throws<ModelException>(() => PackageExporter.Export(path, new ExportOptions { Half = true }, Path.Combine(_folder, "out.onnx"))).Message, StringComparison.Ordinal);
        Assert.Contains("cut short", Assert.Throws<ModelException>(() => CalibrationProbe.Write(path, Path.Combine(_folder, "out.onnx"))).Message, StringComparison.Ordinal);
        Assert.Contains("cut short", Assert.Throws<ModelException>(() => PackageAverage.Write([path, path], Path.Combine(_folder, "out.onnx"))).Message, StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(_folder, "out.onnx")));
    }

    [Fact]
    public void What_is_in_eight_bits_already_is_not_exported_so_again()
    {
        ModelPackage exact = GeneratedPackage.Write(_folder, TorchvisionBehaviour.V082);
        ModelPackage int8 = Export(exact, new ExportOptions { Int8Ranges = Calibrate(exact) });

        Assert.Contains("no layer of 32-bit weights", Assert.Throws<ModelException>(() => CalibrationProbe.Write(int8.Path, Path.Combine(_folder, "p.onnx"))).Message, StringComparison.Ordinal);
        Assert.Contains("no layer of 32-bit weights", Assert.Throws<ModelException>(() => Export(int8, new ExportOptions { Half = true })).Message, StringComparison.Ordinal);
        Assert.Throws<UsageException>(() => Export(exact, new ExportOptions { Half = true, Int8Ranges = new Dictionary<string, ValueRange>() }));
    }

    [Fact]
    public void Pictures_without_a_face_cannot_calibrate_the_pose_head()
    {
        ModelPackage exact = GeneratedPackage.Write(_folder, TorchvisionBehaviour.V082);
        CalibrationProbe probe = CalibrationProbe.Write(exact.Path, Path.Combine(_folder, "probe.onnx"));
        for (int i = 0; i < probe.Outputs.Count; i++)
        {
            if (i > 0) probe.Observe(i, [1f, 2f]);
            else probe.Observe(i, []);
        }

        Assert.Contains("found no face", Assert.Throws<ModelException>(() => probe.Ranges()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_range_cuts_off_what_costs_less_than_rounding_everything_more_coarsely()
    {
        ValueHistogram plain = new(), withOutlier = new();
        float[] uniform = [.. Enumerable.Range(0, 100_001).Select(i => i / 100_000f)];
        plain.Add(uniform);
        withOutlier.Add(uniform);
        withOutlier.Add([2f]);

        Assert.Equal(new ValueRange(0, 1), plain.Best());
        Assert.Equal(0, plain.Best().ZeroPoint);
        // Keeping 2 would double the step: 4/12·(1/255)² of variance for each of 100,001 against one error of 1.
        ValueRange cut = withOutlier.Best();
        Assert.InRange(cut.High, 1.3f, 1.8f);
        Assert.Throws<ModelException>(() => plain.Add([float.NaN]));
    }

    [Fact]
    public void A_range_on_both_sides_of_zero_has_zero_among_its_numbers()
    {
        ValueHistogram histogram = new();
        // In growing portions, so that the bins are joined.
        foreach (float limit in (float[])[0.01f, 0.3f, 5f]) histogram.Add([.. Enumerable.Range(-30, 91).Select(i => limit * i / 60)]);

        ValueRange range = histogram.Best();

        Assert.InRange(range.Low, -2.5f, -1f);
        Assert.InRange(range.High, 3f, 5f);
        Assert.Equal(-range.Low / range.Scale, range.ZeroPoint, 0.51);
    }

    [Fact]
    public void Metadata_with_a_precision_that_nobody_knows_is_refused()
    {
        ModelPackage exact = GeneratedPackage.Write(_folder, TorchvisionBehaviour.V082);
        ModelProto model = OnnxFile.Read(exact.Path);
        StringStringEntryProto entry = model.MetadataProps.Single(p => p.Key == "img2pose");
        Assert.Equal("float32", exact.Metadata.Precision);
        entry.Value = JsonSerializer.Serialize(new Dictionary<string, object>(JsonSerializer.Deserialize<Dictionary<string, object>>(entry.Value)!) { ["precision"] = "int3" });
        OnnxFile.Write(model, exact.Path);

        Assert.Contains("unknown precision 'int3'", Assert.Throws<ModelException>(() => ModelPackage.Load(exact.Path)).Message, StringComparison.Ordinal);
    }

    private ModelPackage Export(ModelPackage model, ExportOptions options)
    {
        string path = Path.Combine(_folder, $"{Guid.NewGuid():N}.onnx");
        PackageExporter.Export(model.Path, options, path);
        return ModelPackage.Load(path);
    }

    // On noise that is not resized, as the comparison's is.
    private IReadOnlyDictionary<string, ValueRange> Calibrate(ModelPackage model)
    {
        string path = Path.Combine(_folder, "probe.onnx");
        CalibrationProbe probe = CalibrationProbe.Write(model.Path, path);
        using FramePool pool = new();
        ObservedNetwork network;
        try
        {
            network = new ObservedNetwork(ModelPackage.Load(path), probe.Outputs);
        }
        catch (ModelException error)
        {
            Assert.Skip(error.Message);
            throw;
        }
        using (network)
        {
            using VideoFrame frame = pool.Rent(PixelFormat.Rgb24, 600, 400);
            Random random = new(3);
            for (int y = 0; y < frame.Height; y++) random.NextBytes(frame.GetPlane(0).Row(y));
            network.Run(frame, probe.Observe);
        }
        return probe.Ranges();
    }

    // Mean absolute differences of score and pose numbers over the same boxes.
    private static (double Score, double Pose) MeanDifferences(ModelPackage exact, ModelPackage other)
    {
        using SessionOptions options = InferenceDevice.CreateOptions(1);
        using TwoStageNetwork first = TwoStageNetwork.TryCreate(exact, options, 1)!, second = TwoStageNetwork.TryCreate(other, options, 1)!;
        (float[] scores, float[] poses) = Answers(first);
        (float[] otherScores, float[] otherPoses) = Answers(second);
        Assert.Equal(poses.Length, otherPoses.Length);
        return (scores.Zip(otherScores, (a, b) => Math.Abs(a - b)).Average(), poses.Zip(otherPoses, (a, b) => Math.Abs(a - b)).Average());
    }

    private static (float[] Scores, float[] Poses) Answers(PoseNetwork network)
    {
        NetworkInput input = network.Shape(1, Height, Width);
        Random random = new(7);
        foreach (ref float value in input.Image) value = 4 * random.NextSingle() - 2;
        (input.Sizes[0], input.Sizes[1]) = (Height, Width);
        float[] boxes = new float[5 * 40];
        for (int i = 0; i < 40; i++)
        {
            (float x, float y, float side) = (Width * random.NextSingle(), Height * random.NextSingle(), 12 + 100 * random.NextSingle());
            ((ReadOnlySpan<float>)[0, x - side / 2, y - side / 2, x + side / 2, y + side / 2]).CopyTo(boxes.AsSpan(5 * i));
        }
        NetworkResults results = new();
        network.Run(new NetworkRequest(-1, boxes), results);
        return (results.Scores.ToArray(), results.Poses.ToArray());
    }

    // How often each operator runs when ONNX Runtime has optimised a part.
    private static Dictionary<string, int> Kernels(byte[] part, string[] inputs, OrtValue[] values, string[] outputs) =>
        KernelTimes.Measure(options => new InferenceSession(part, options), inputs, values, outputs, threads: 1, calls: 1)
            .GroupBy(kernel => kernel.Type).ToDictionary(type => type.Key, type => type.Count());

    private static IEnumerable<TensorProto> AllConstants(GraphProto graph) =>
        graph.Initializer.Concat(graph.Node.SelectMany(n => n.Attribute).Where(a => a.G is not null).SelectMany(a => AllConstants(a.G)));
}
