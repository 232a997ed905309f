using System.Security.Cryptography;
using System.Text;
using Img2Pose.Models.Onnx;

namespace Img2Pose.Inference.Tests;

public sealed class ModelPackageTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_package_says_what_it_is()
    {
        byte[] bytes = TestModel.Bytes();

        ModelPackage model = ModelPackage.Load(_folder.Write("model.onnx", bytes));

        Assert.Equal("test", model.Metadata.Name);
        Assert.Equal(SizeRule.LongSide(160, false, 32), model.Metadata.Size);
        Assert.True(model.Metadata.Size.Prefilter);
        Assert.Equal(0.5, model.Metadata.ScoreThreshold);
        Assert.Equal("MIT", model.Metadata.Licence);
        Assert.Equal("""{"ap":0.5}""", model.Metadata.MetricsJson);
        Assert.Null(model.Metadata.TrainingManifestSha256);
        Assert.Equal(bytes.Length, model.FileSize);
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(bytes)), model.Sha256);
    }

    [Theory]
    [InlineData("0.8.2", true)]
    [InlineData("0.14.1", false)]
    public void The_version_of_torchvision_chooses_the_precision_of_the_size_rule(string version, bool doublePrecision)
    {
        string metadata = TestModel.MinMaxMetadata.Replace("0.8.2", version, StringComparison.Ordinal);

        ModelPackage model = ModelPackage.Load(_folder.Write("model.onnx", TestModel.Bytes(metadata)));

        Assert.Equal(SizeRule.MinMax(100, 350, 32, doublePrecision), model.Metadata.Size);
        Assert.False(model.Metadata.Size.Prefilter);
    }

    [Fact]
    public void A_missing_file_a_folder_and_an_empty_file_are_named()
    {
        string empty = _folder.Write("empty.onnx", []);

        AssertFails(_folder.At("none.onnx"), "there is no such model file");
        AssertFails(Path.GetDirectoryName(empty)!, "is a directory");
        AssertFails(empty, "is empty");
    }

    [Theory]
    [InlineData("# Just a text\nwith two lines\n")]
    [InlineData("{\"json\":true}")]
    [InlineData("PK\u0003\u0004 a zip")]
    public void Another_kind_of_file_is_no_model(string content) =>
        AssertFails(_folder.Write("text.onnx", Encoding.UTF8.GetBytes(content)), "");

    [Fact]
    public void A_file_cut_short_anywhere_is_refused()
    {
        byte[] bytes = TestModel.Bytes();
        foreach (int length in new[] { 1, 10, bytes.Length / 4, bytes.Length / 2, bytes.Length - 700, bytes.Length - 1 })
            AssertFails(_folder.Write("cut.onnx", bytes[..length]), "");
    }

    [Fact]
    public void Random_damage_never_gives_another_exception()
    {
        byte[] bytes = TestModel.Bytes();
        Random random = new(20261122);
        for (int round = 0; round < 300; round++)
        {
            byte[] damaged = (byte[])bytes.Clone();
            for (int i = 0; i < 8; i++) damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
            string path = _folder.Write("damaged.onnx", damaged);
            Exception? error = Record.Exception(() => ModelPackage.Load(path));
            Assert.True(error is null or ModelException, $"round {round}: {error}");
        }
    }

    [Fact]
    public void Each_break_of_the_contract_is_named()
    {
        AssertFails(Write(TestModel.Bytes(metadata: null)), "has no 'img2pose' metadata");
        AssertFails(Write(TestModel.Bytes(imageName: "picture")), "no input 'image'");
        AssertFails(Write(TestModel.Bytes(sizesType: OnnxElementType.Int32)), "input 'sizes' is of element type 6 with 2 dimensions where int64");
        AssertFails(Write(TestModel.Bytes(posesName: "pose")), "no output 'poses'");
        AssertFails(Write(TestModel.Bytes(boxesDefault: false)), "'boxes' has no default value");
        AssertFails(
            Write(TestModel.Bytes(extra: graph => graph.Input("temperature", OnnxElementType.Float32))), "unknown input 'temperature'");
    }

    [Theory]
    [InlineData("\"schema\":1", "\"schema\":2", "schema 2")]
    [InlineData("\"name\":\"test\",", "", "no 'name'")]
    [InlineData("\"long\":160", "\"long\":0", "'long'")]
    [InlineData("long-side", "square", "size rule 'square'")]
    [InlineData("0.229", "0", "standard deviation")]
    [InlineData("\"pose_mean\":[0,", "\"pose_mean\":[", "'pose_mean'")]
    [InlineData("\"score_threshold\":0.5", "\"score_threshold\":\"high\"", "'score_threshold'")]
    [InlineData("\"score_threshold\":0.5", "\"score_threshold\":7", "'score_threshold'")]
    [InlineData("\"reference\":\"default\"", "\"reference\":\"mine\"", "'mine'")]
    [InlineData("{\"schema\"", "{{\"schema\"", "JSON")]
    public void Metadata_that_makes_no_sense_is_named(string old, string replacement, string message)
    {
        string metadata = TestModel.LongSideMetadata.Replace(old, replacement, StringComparison.Ordinal);
        Assert.NotEqual(TestModel.LongSideMetadata, metadata);

        AssertFails(Write(TestModel.Bytes(metadata)), message);
    }

    [Fact]
    public void A_model_that_keeps_weights_in_other_files_is_refused()
    {
        // In the encoding, data_location = EXTERNAL is the field 14 of a tensor, a number: bytes 0x70 0x01. The tensor
        // below is a hand-made graph { initializer { name: "w" data_location: EXTERNAL } }.
        byte[] model = [0x3A, 0x07, 0x2A, 0x05, 0x42, 0x01, (byte)'w', 0x70, 0x01];

        AssertFails(Write(model), "another file");
    }

    [Theory]
    [InlineData(new byte[] { 5 })] // a node's attribute is the tensor
    [InlineData(new byte[] { 6, 5 })] // or a graph with it as initialiser
    [InlineData(new byte[] { 6, 1, 5, 5 })] // or a graph with a node with such an attribute
    public void Weights_in_other_files_are_found_within_nodes(byte[] path)
    {
        // Field 13 of a tensor is external_data; fields are wrapped from the inside out, each shorter than 128 bytes.
        byte[] content = [(13 << 3) | 2, 0];
        foreach (byte field in path.Reverse()) content = [(byte)((field << 3) | 2), (byte)content.Length, .. content];
        byte[] attribute = [(5 << 3) | 2, (byte)content.Length, .. content];
        byte[] node = [(1 << 3) | 2, (byte)attribute.Length, .. attribute];

        AssertFails(Write([0x3A, (byte)node.Length, .. node]), "another file");
    }

    [Fact]
    public void Graphs_within_graphs_have_a_limit()
    {
        byte[] content = [];
        for (int depth = 0; depth < 17; depth++)
        {
            foreach (byte field in (byte[])[6, 5, 1]) content = [(byte)((field << 3) | 2), .. Length(content.Length), .. content];
        }

        AssertFails(Write([0x3A, .. Length(content.Length), .. content]), "deeper than the limit of 16");

        static byte[] Length(int length) => length < 128 ? [(byte)length] : [(byte)(length | 0x80), (byte)(length >> 7)];
    }

    private string Write(byte[] bytes) => _folder.Write("model.onnx", bytes);

    private static void AssertFails(string path, string message)
    {
        ModelException error = Assert.Throws<ModelException>(() => ModelPackage.Load(path));
        Assert.StartsWith(path + ": ", error.Message, StringComparison.Ordinal);
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
    }
}
