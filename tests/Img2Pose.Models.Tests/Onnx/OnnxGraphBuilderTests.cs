using Google.Protobuf;
using Img2Pose.Formats.Onnx;
using Img2Pose.Models.Onnx;

namespace Img2Pose.Models.Tests.Onnx;

public sealed class OnnxGraphBuilderTests
{
    [Fact]
    public void Bytes_of_a_one_node_model_follow_the_wire_format()
    {
        // Field numbers and wire types worked out by hand from the format's description: tag = field << 3 | wire type.
        OnnxGraphBuilder builder = new("g");
        builder.NamedNode("y", "Relu", [builder.Input("x", OnnxElementType.Float32, 2, "n")]);
        builder.Output("y", OnnxElementType.Float32, 2, "n");
        ModelProto model = builder.Build();
        model.ProducerName = model.ProducerVersion = "";

        byte[] node = [0x0A, 1, (byte)'x', 0x12, 1, (byte)'y', 0x1A, 1, (byte)'y', 0x22, 4, .. "Relu"u8];
        byte[] shape = [0x0A, 2, 0x08, 2, 0x0A, 3, 0x12, 1, (byte)'n'];
        byte[] tensor = [0x08, 1, 0x12, (byte)shape.Length, .. shape];
        byte[] type = [0x0A, (byte)tensor.Length, .. tensor];
        byte[] Value(char name) => [0x0A, 1, (byte)name, 0x12, (byte)type.Length, .. type];
        byte[] graph =
        [
            0x0A, (byte)node.Length, .. node, 0x12, 1, (byte)'g',
            0x5A, (byte)Value('x').Length, .. Value('x'), 0x62, (byte)Value('y').Length, .. Value('y'),
        ];
        byte[] expected = [0x08, 8, 0x3A, (byte)graph.Length, .. graph, 0x42, 2, 0x10, 17];

        Assert.Equal(expected, model.ToByteArray());
    }

    [Fact]
    public void Initialisers_keep_their_type_shape_and_little_endian_bytes()
    {
        OnnxGraphBuilder builder = new("g");
        builder.Initializer("f", [1.5f, -2f], 2, 1);
        builder.Initializer("h", [(Half)1.5f]);
        builder.Initializer("l", [3L, -1L]);
        builder.Initializer("i", [7], 1);
        builder.Initializer("b", [true, false]);
        builder.Output("f", OnnxElementType.Float32, 2, 1);

        TensorProto[] tensors = [.. builder.Build().Graph.Initializer];

        Assert.Equal([1, 10, 7, 6, 9], tensors.Select(t => t.DataType));
        Assert.Equal(["2,1", "", "2", "1", "2"], tensors.Select(t => string.Join(',', t.Dims)));
        Assert.Equal(
            ["0000C03F000000C0", "003E", "0300000000000000FFFFFFFFFFFFFFFF", "07000000", "0100"],
            tensors.Select(t => Convert.ToHexString(t.RawData.Span)));
    }

    [Fact]
    public void A_zero_attribute_is_written_rather_than_left_out()
    {
        OnnxGraphBuilder builder = new("g");
        string y = builder.Node("Softmax", [builder.Input("x", OnnxElementType.Float32, 2)], OnnxAttribute.Of("axis", 0L));
        builder.Output(y, OnnxElementType.Float32, 2);

        ModelProto read = ModelProto.Parser.ParseFrom(builder.ToBytes());

        AttributeProto axis = Assert.Single(read.Graph.Node[0].Attribute);
        Assert.True(axis.HasI);
        Assert.Equal(AttributeProto.Types.AttributeType.Int, axis.Type);
    }

    [Fact]
    public void An_input_with_a_default_is_both_an_input_and_an_initialiser()
    {
        OnnxGraphBuilder builder = new("g");
        string boxes = builder.InputWithDefault("boxes", [], [0, 5], "k", 5);
        builder.NamedNode("y", "Identity", [boxes]);
        builder.Output("y", OnnxElementType.Float32, "k", 5);

        GraphProto graph = builder.Build().Graph;

        Assert.Equal("boxes", Assert.Single(graph.Input).Name);
        Assert.Equal([0L, 5L], Assert.Single(graph.Initializer).Dims);
        Assert.Equal("k", graph.Input[0].Type.TensorType.Shape.Dim[0].DimParam);
    }

    [Fact]
    public void A_subgraph_sees_the_outer_values_and_its_names_never_collide()
    {
        OnnxGraphBuilder builder = new("g");
        string x = builder.Input("x", OnnxElementType.Float32, 1);
        string condition = builder.Input("c", OnnxElementType.Boolean);
        OnnxGraphBuilder then = builder.Subgraph("then");
        OnnxGraphBuilder otherwise = builder.Subgraph("else");
        string a = then.Node("Neg", [x]);
        then.Output(a, OnnxElementType.Float32, 1);
        string b = otherwise.Node("Neg", [x]);
        otherwise.Output(b, OnnxElementType.Float32, 1);
        string y = builder.Node("If", [condition], OnnxAttribute.Of("then_branch", then), OnnxAttribute.Of("else_branch", otherwise));
        builder.Output(y, OnnxElementType.Float32, 1);

        GraphProto graph = builder.Build().Graph;

        Assert.NotEqual(a, b);
        Assert.Equal(["then", "else"], graph.Node[0].Attribute.Select(t => t.G.Name));
        Assert.Throws<InvalidOperationException>(() => then.Build());
    }

    [Fact]
    public void Mistakes_are_reported_where_they_are_made()
    {
        OnnxGraphBuilder builder = new("g");
        builder.Input("x", OnnxElementType.Float32, 1);

        Assert.Throws<ArgumentException>(() => builder.Node("Relu", ["missing"]));
        Assert.Throws<ArgumentException>(() => builder.Input("x", OnnxElementType.Float32, 1));
        Assert.Throws<ArgumentException>(() => builder.Initializer("w", [1f, 2f, 3f], 2, 2));
        Assert.Throws<ArgumentException>(() => builder.Output("missing", OnnxElementType.Float32, 1));
        Assert.Throws<InvalidOperationException>(() => builder.Build());
    }

    [Fact]
    public void Equal_scalars_and_vectors_share_one_initialiser_also_with_subgraphs()
    {
        OnnxGraphBuilder builder = new("g");
        string one = builder.Scalar(1f);

        Assert.Equal(one, builder.Subgraph("s").Scalar(1f));
        Assert.NotEqual(one, builder.Scalar(1L));
        Assert.Equal(builder.Vector(1, 2), builder.Vector(1, 2));
        Assert.NotEqual(builder.Vector(1), builder.Scalar(1L));
    }

    [Fact]
    public void Save_writes_the_metadata_and_leaves_no_partial_file()
    {
        string folder = Directory.CreateTempSubdirectory("img2pose-onnx").FullName;
        try
        {
            string path = Path.Combine(folder, "m.onnx");
            OnnxGraphBuilder builder = new("g");
            builder.Output(builder.Node("Relu", [builder.Input("x", OnnxElementType.Float32, 1)]), OnnxElementType.Float32, 1);

            builder.Save(path, metadata: new Dictionary<string, string> { ["img2pose"] = "{}" });

            Assert.Equal("img2pose", Assert.Single(OnnxFile.Read(path).MetadataProps).Key);
            Assert.Equal([path], Directory.GetFiles(folder));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public void Tensors_kept_in_other_files_are_refused()
    {
        string path = Path.GetTempFileName();
        try
        {
            OnnxGraphBuilder builder = new("g");
            builder.Output(builder.Node("Relu", [builder.Initializer("w", [1f])]), OnnxElementType.Float32);
            ModelProto model = builder.Build();
            model.Graph.Initializer[0].DataLocation = TensorProto.Types.DataLocation.External;
            File.WriteAllBytes(path, model.ToByteArray());

            ModelException error = Assert.Throws<ModelException>(() => OnnxFile.Read(path));

            Assert.Contains("'w' lies in another file", error.Message, StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(path);
        }
    }
}
