using System.Runtime.InteropServices;
using Google.Protobuf;
using Img2Pose.Formats.Onnx;
using Img2Pose.Inference;
using Img2Pose.Models.Networks;
using Img2Pose.Models.Packages;
using Img2Pose.Models.Precision;
using Img2Pose.Models.Tests.Networks;
using Img2Pose.Testing;

namespace Img2Pose.Models.Tests.Packages;

/// <summary>Means of the default model and of copies of it whose weights were moved.</summary>
public sealed class PackageAverageTests : IDisposable
{
    private static readonly string s_model = Path.Combine(SharedData.RepositoryRoot, "models", "img2pose-nano.onnx");

    private readonly string _folder = Directory.CreateTempSubdirectory("img2pose-average").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Weights_are_means_and_everything_else_is_the_first_ones()
    {
        string up = Moved("up.onnx", 0.5f), down = Moved("down.onnx", -0.125f), mean = Path.Combine(_folder, "mean.onnx");

        PackageAverage.Write([s_model, up, down], mean);

        ModelProto expected = OnnxFile.Read(s_model), actual = OnnxFile.Read(mean);
        HashSet<string> weights = Weights(expected);
        Assert.Contains(weights, name => name.EndsWith(".weight", StringComparison.Ordinal));
        foreach ((TensorProto a, TensorProto b) in expected.Graph.Initializer.Zip(actual.Graph.Initializer))
        {
            Assert.Equal(a.Name, b.Name);
            if (!weights.Contains(a.Name)) continue;
            float[] before = Numbers(a), after = Numbers(b);
            for (int i = 0; i < before.Length; i++) Assert.Equal(before[i] + 0.125f, after[i], 1e-5f * (1 + Math.Abs(before[i])));
            b.RawData = a.RawData;
            b.FloatData.Clear();
            b.FloatData.AddRange(a.FloatData);
        }
        Assert.Equal(expected, actual);
        using PoseDetector detector = PoseDetector.Create(ModelPackage.Load(mean), new PoseDetectorOptions { Device = "cpu", Threads = 1 });
        detector.Verify();
    }

    [Fact]
    public void Packages_of_other_networks_or_other_calibrations_have_no_mean()
    {
        string plain = Path.Combine(_folder, "plain.onnx"), half = Path.Combine(_folder, "half.onnx"), mean = Path.Combine(_folder, "mean.onnx");
        PackageExporter.Export(s_model, new ExportOptions { Uncalibrated = true }, plain);
        PackageExporter.Export(s_model, new ExportOptions { Half = true }, half);
        string two = GeneratedPackage.Write(_folder, TorchvisionBehaviour.V014).Path;

        Assert.Contains("another network", Assert.Throws<ModelException>(() => PackageAverage.Write([s_model, plain], mean)).Message, StringComparison.Ordinal);
        Assert.Contains(two, Assert.Throws<ModelException>(() => PackageAverage.Write([s_model, two], mean)).Message, StringComparison.Ordinal);
        Assert.Contains("not in 32 bits", Assert.Throws<ModelException>(() => PackageAverage.Write([s_model, half], mean)).Message, StringComparison.Ordinal);
        Assert.Throws<UsageException>(() => PackageAverage.Write([s_model], mean));
        Assert.False(File.Exists(mean));
    }

    /// <summary>As r18's package has its weights: the mean has them so, too.</summary>
    [Fact]
    public void Weights_that_are_stored_in_16_bits_are_averaged_and_stored_so_again()
    {
        string up = Stored(Moved("up.onnx", 0.5f)), down = Stored(Moved("down.onnx", -0.25f)), mean = Path.Combine(_folder, "mean.onnx");

        PackageAverage.Write([up, down], mean);

        ModelProto expected = OnnxFile.Read(s_model), actual = OnnxFile.Read(mean);
        Assert.Equal(OnnxFile.Read(up).Graph.Node, actual.Graph.Node);
        Assert.InRange(new FileInfo(mean).Length, 0.4 * new FileInfo(s_model).Length, 0.6 * new FileInfo(s_model).Length);
        IReadOnlySet<string> stored = HalfStorage.Expand(actual.Graph);
        Assert.True(stored.Count > 20, $"{stored.Count} weights");
        Dictionary<string, TensorProto> before = expected.Graph.Initializer.ToDictionary(tensor => tensor.Name);
        foreach (TensorProto tensor in actual.Graph.Initializer.Where(tensor => stored.Contains(tensor.Name)))
            Assert.All(Numbers(before[tensor.Name]).Zip(Numbers(tensor)), pair => Assert.Equal(pair.First + 0.125f, pair.Second, 2e-3f * (1 + Math.Abs(pair.First))));
    }

    private static string Stored(string path)
    {
        ModelProto model = OnnxFile.Read(path);
        HalfStorage.Rewrite(model.Graph, _ => false);
        OnnxFile.Write(model, path);
        return path;
    }

    private string Moved(string name, float by)
    {
        ModelProto model = OnnxFile.Read(s_model);
        HashSet<string> weights = Weights(model);
        foreach (TensorProto tensor in model.Graph.Initializer.Where(tensor => weights.Contains(tensor.Name)))
        {
            float[] values = [.. Numbers(tensor).Select(value => value + by)];
            tensor.FloatData.Clear();
            tensor.RawData = ByteString.CopyFrom(MemoryMarshal.AsBytes<float>(values));
        }
        string path = Path.Combine(_folder, name);
        OnnxFile.Write(model, path);
        return path;
    }

    private static HashSet<string> Weights(ModelProto model) => [.. model.Graph.Node.Where(node => node.OpType == "Conv").SelectMany(node => node.Input.Skip(1))];

    private static float[] Numbers(TensorProto tensor) => tensor.FloatData.Count > 0 ? [.. tensor.FloatData] : MemoryMarshal.Cast<byte, float>(tensor.RawData.Span).ToArray();
}
