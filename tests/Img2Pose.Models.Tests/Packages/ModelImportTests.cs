using System.IO.Compression;
using System.Text.Json;
using Img2Pose.Formats;
using Img2Pose.Formats.Onnx;
using Img2Pose.Inference;
using Img2Pose.Models.Checkpoints;
using Img2Pose.Models.Networks;
using Img2Pose.Models.Packages;
using Img2Pose.Testing;

namespace Img2Pose.Models.Tests.Packages;

public sealed class ModelImportTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("img2pose-import").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_zip_like_the_model_zoos_becomes_a_package_that_says_its_licence()
    {
        string zip = WriteZoo(entries => entries, Official18());
        string package = Path.Combine(_folder, "img2pose_v1.onnx");

        ModelImporter.Import(CheckpointBundle.Load(zip), new ImportOptions(), package);

        ModelProto model = OnnxFile.Read(package);
        using JsonDocument metadata = JsonDocument.Parse(Assert.Single(model.MetadataProps, p => p.Key == "img2pose").Value);
        Assert.Equal("img2pose_v1", metadata.RootElement.GetProperty("name").GetString());
        Assert.Contains("CC BY-NC 4.0", metadata.RootElement.GetProperty("licence").GetString(), StringComparison.Ordinal);
        Assert.Equal("0.8.2", metadata.RootElement.GetProperty("size").GetProperty("torchvision").GetString());
        Assert.Equal([0.1, 0.2, 0.3, 0.4, 0.5, 3.5], metadata.RootElement.GetProperty("pose_mean").EnumerateArray().Select(v => v.GetDouble()));
        Assert.Equal(["image", "sizes", "boxes", "score_threshold"], model.Graph.Input.Select(i => i.Name));
        Assert.Equal(["proposals", "image_index", "scores", "pose_index", "poses"], model.Graph.Output.Select(o => o.Name));

        string fewer = Path.Combine(_folder, "fewer.onnx");
        PackageExporter.Export(package, new ExportOptions { Name = "fewer", ProposalsAfterSuppression = 10, ScoreThreshold = 0.5 }, fewer);
        ModelPackage exported = ModelPackage.Load(fewer);
        Assert.Equal("fewer", exported.Metadata.Name);
        Assert.Equal(0.5, exported.Metadata.ScoreThreshold);
        TensorProto proposals = OnnxFile.Read(fewer).Graph.Node.SelectMany(n => n.Attribute).Where(a => a.G is not null)
            .SelectMany(a => a.G.Initializer).Single(t => t.Name == "rpn.proposals_after_suppression");
        Assert.Equal("0A00000000000000", Convert.ToHexString(proposals.RawData.Span));
    }

    [Fact]
    public void Weights_that_are_not_the_authors_have_no_licence_until_one_is_stated()
    {
        string zip = WriteZoo(entries => entries, Official18(), "trained_here.pth");
        CheckpointBundle bundle = CheckpointBundle.Load(zip);
        string package = Path.Combine(_folder, "own.onnx");

        ModelImporter.Import(bundle, new ImportOptions(), package);
        Assert.Equal("unknown: state it with --licence", ModelPackage.Load(package).Metadata.Licence);
        ModelImporter.Import(bundle, new ImportOptions { Licence = "CC0" }, package);
        Assert.Equal("CC0", ModelPackage.Load(package).Metadata.Licence);
        Assert.Throws<UsageException>(() => ModelImporter.Import(bundle, new ImportOptions { Licence = " " }, package));
    }

    [Fact]
    public void A_recorded_digest_tells_an_official_checkpoint_and_its_name_alone_no_longer_does()
    {
        OfficialModel named = new("a", "", 18, "L", "", [], null), recorded = new("b", "", 18, "L", "", [], "ABCD");

        Assert.Equal(named, OfficialModel.Find([named, recorded], "A", "0000"));
        Assert.Equal(recorded, OfficialModel.Find([named, recorded], "renamed", "abcd"));
        Assert.Null(OfficialModel.Find([named, recorded], "b", "0000"));
    }

    [Fact]
    public void Missing_unknown_and_misshapen_tensors_are_all_named_in_one_message()
    {
        Dictionary<string, CheckpointTensor> tensors = Official18();
        tensors.Remove("module.rpn.head.conv.bias");
        tensors["module.extra.weight"] = CheckpointTensor.FromSingle([1f], 1);
        tensors["module.rpn.head.cls_logits.bias"] = CheckpointTensor.FromSingle(new float[4], 4);
        tensors["module.rpn.head.bbox_pred.bias"] = CheckpointTensor.FromSingle([.. Enumerable.Repeat(float.NaN, 12)], 12);
        StateDictionary weights = StateDictionary.FromTensors(tensors, "x.pth");

        ModelException error = Assert.Throws<ModelException>(() => DetectorGraph.Official(weights, 18, Settings()));

        Assert.StartsWith("x.pth: not the tensors of img2pose with ResNet-18", error.Message, StringComparison.Ordinal);
        Assert.Contains("1 missing (rpn.head.conv.bias)", error.Message, StringComparison.Ordinal);
        Assert.Contains("1 unknown (extra.weight)", error.Message, StringComparison.Ordinal);
        Assert.Contains("1 misshapen (rpn.head.cls_logits.bias [4] instead of [3])", error.Message, StringComparison.Ordinal);
        Assert.Contains("1 not finite (rpn.head.bbox_pred.bias)", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_wrong_depth_is_refused_naming_the_network_that_was_expected()
    {
        StateDictionary weights = StateDictionary.FromTensors(Official18(), "x.pth");

        Assert.Equal(18, DetectorGraph.OfficialDepth(weights));
        ModelException error = Assert.Throws<ModelException>(() => DetectorGraph.Official(weights, 50, Settings()));
        Assert.Contains("ResNet-50", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(18)]
    [InlineData(50)]
    [InlineData(101)]
    public void The_expected_tensors_are_those_of_the_golden_checkpoints(int depth)
    {
        IEnumerable<string> expected = GoldenWeights.Tensors(depth).Select(t => $"{t.Name} {string.Join(',', t.Shape)}").Order(StringComparer.Ordinal);

        Assert.Equal(expected, DetectorGraph.OfficialParameters(depth).Select(t => $"{t.Name} {string.Join(',', t.Shape)}").Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("../evil.npy")]
    [InlineData("/etc/evil.npy")]
    [InlineData("a\\..\\evil.npy")]
    public void A_member_that_points_outside_the_archive_is_refused(string name)
    {
        string zip = WriteZoo(entries => [.. entries, (name, [0])], weights: []);

        ModelException error = Assert.Throws<ModelException>(() => CheckpointBundle.Load(zip));

        Assert.Contains($"'{name}' points outside the archive", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_member_that_would_grow_beyond_measure_is_refused_without_unpacking_it()
    {
        string zip = WriteZoo(entries => [.. entries, ("models/bomb.bin", new byte[80 << 20])], weights: []);

        ModelException error = Assert.Throws<ModelException>(() => CheckpointBundle.Load(zip));

        Assert.Contains("'models/bomb.bin' would grow", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Half_an_archive_is_refused()
    {
        string zip = WriteZoo(entries => entries, weights: []);
        string half = Path.Combine(_folder, "half.zip");
        File.WriteAllBytes(half, File.ReadAllBytes(zip)[..(int)(new FileInfo(zip).Length / 2)]);

        ModelException error = Assert.Throws<ModelException>(() => CheckpointBundle.Load(half));

        Assert.Contains("not a complete zip archive", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0.0, "zero or negative")]
    [InlineData(double.NaN, "not finite")]
    public void Unusable_pose_statistics_are_refused_naming_the_file(double deviation, string cause)
    {
        string mean = Path.Combine(_folder, "mean.npy");
        string stddev = Path.Combine(_folder, "stddev.npy");
        NpyArray.Write(mean, (double[])[0, 0, 0, 0, 0, 0], 6);
        NpyArray.Write(stddev, (double[])[1, 1, deviation, 1, 1, 1], 6);

        ModelException error = Assert.Throws<ModelException>(() => PoseStatistics.Load(mean, stddev));

        Assert.StartsWith(stddev, error.Message, StringComparison.Ordinal);
        Assert.Contains(cause, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_official_models_are_known_with_their_licence_and_source()
    {
        OfficialModel model = Assert.IsType<OfficialModel>(OfficialModel.Find("img2pose_v1", ""));

        Assert.Equal("CC BY-NC 4.0", model.Licence);
        Assert.StartsWith("https://github.com/vitoralbiero/img2pose/", model.Source, StringComparison.Ordinal);
        Assert.Null(OfficialModel.Find("other", ""));
    }

    private static DetectorSettings Settings() => new() { PoseMean = new double[6], PoseStandardDeviation = [1, 1, 1, 1, 1, 1] };

    // Small values of the right shapes: what the numbers are does not matter here.
    private static Dictionary<string, CheckpointTensor> Official18() => DetectorGraph.OfficialParameters(18).ToDictionary(
        t => "module." + t.Name,
        t =>
        {
            float[] values = new float[t.Shape.Aggregate(1L, (a, b) => a * b)];
            Array.Fill(values, 0.5f);
            return CheckpointTensor.FromSingle(values, t.Shape);
        });

    private string WriteZoo(Func<List<(string, byte[])>, List<(string, byte[])>> change, Dictionary<string, CheckpointTensor> weights, string checkpointName = "img2pose_v1.pth")
    {
        CheckpointDictionary state = new(isOrdered: true);
        foreach ((string name, CheckpointTensor tensor) in weights) state.Set(name, tensor);
        CheckpointDictionary root = new();
        root.Set("fpn_model", state);
        using MemoryStream checkpoint = new();
        CheckpointWriter.Save(root, checkpoint);
        string mean = Path.Combine(_folder, "mean.npy");
        string stddev = Path.Combine(_folder, "stddev.npy");
        NpyArray.Write(mean, (double[])[0.1, 0.2, 0.3, 0.4, 0.5, 3.5], 6);
        NpyArray.Write(stddev, (double[])[1, 1, 1, 1, 1, 1], 6);

        string zip = Path.Combine(_folder, "img2pose_v1.zip");
        using ZipArchive archive = ZipFile.Open(zip, ZipArchiveMode.Create);
        List<(string, byte[])> entries = change(
        [
            ("models/" + checkpointName, checkpoint.ToArray()),
            ("models/WIDER_train_pose_mean_v1.npy", File.ReadAllBytes(mean)),
            ("models/WIDER_train_pose_stddev_v1.npy", File.ReadAllBytes(stddev)),
        ]);
        foreach ((string name, byte[] bytes) in entries)
        {
            CompressionLevel level = name.EndsWith(".bin", StringComparison.Ordinal) ? CompressionLevel.Optimal : CompressionLevel.NoCompression;
            using Stream stream = archive.CreateEntry(name, level).Open();
            stream.Write(bytes);
        }
        return zip;
    }
}
