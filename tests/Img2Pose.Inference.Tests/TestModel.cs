using Img2Pose.Models.Onnx;

namespace Img2Pose.Inference.Tests;

/// <summary>
/// A tiny graph that keeps the model contract and whose answers follow from its inputs by hand: per picture it proposes the
/// middle half of it (score: the sigmoid of its width over 100 plus the picture's mean) and its top-left quarter; every
/// pose is a face that about fills its box.
/// </summary>
internal static class TestModel
{
    public static readonly float[] LocalPose = [0.1f, 0.2f, 0.05f, 0f, 0f, 3.3f];

    public const string LongSideMetadata = """
        {"schema":1,"name":"test","size":{"rule":"long-side","long":160,"enlarge":false,"multiple":32},
         "mean":[0.485,0.456,0.406],"stddev":[0.229,0.224,0.225],"pose_mean":[0,0,0,0,0,0],"pose_stddev":[1,1,1,1,1,1],
         "reference":"default","score_threshold":0.5,"nms_threshold":0.5,"box_factors":[1.1,1.1,0.3],"licence":"MIT",
         "training_manifest_sha256":null,"metrics":{"ap":0.5}}
        """;

    public const string MinMaxMetadata = """
        {"schema":1,"name":"test-official","size":{"rule":"min-max","min":100,"max":350,"multiple":32,"torchvision":"0.8.2"},
         "mean":[0.485,0.456,0.406],"stddev":[0.229,0.224,0.225],"pose_mean":[0,0,0,0,0,0],"pose_stddev":[1,1,1,1,1,1],
         "reference":"default","score_threshold":0.05,"nms_threshold":0.5,"box_factors":[1.1,1.1,0.3],"licence":"MIT"}
        """;

    /// <summary>The graph as a file's bytes.</summary>
    public static byte[] Bytes(string? metadata = LongSideMetadata, Action<OnnxGraphBuilder>? extra = null, string imageName = "image",
        OnnxElementType sizesType = OnnxElementType.Int64, string posesName = "poses", bool boxesDefault = true)
    {
        OnnxGraphBuilder graph = new("test");
        string image = graph.Input(imageName, OnnxElementType.Float32, "N", 3, "H", "W");
        string sizes = graph.Input("sizes", sizesType, "N", 2);
        string boxes = boxesDefault
            ? graph.InputWithDefault("boxes", [], [0, 5], "K", 5)
            : graph.Input("boxes", OnnxElementType.Float32, "K", 5);
        string threshold = graph.Input("score_threshold", OnnxElementType.Float32);
        extra?.Invoke(graph);

        string none = graph.Node("Equal", [graph.Node("Size", [boxes]), graph.Scalar(0L)]);
        OnnxGraphBuilder propose = graph.Subgraph("propose");
        string sides = propose.Node("Cast", [propose.Node("Gather", [sizes, propose.Vector(1, 0, 1, 0)], OnnxAttribute.Of("axis", 1L))],
            OnnxAttribute.Of("to", (long)OnnxElementType.Float32));
        string middle = propose.Node("Mul", [sides, propose.Initializer(null, [0.25f, 0.25f, 0.75f, 0.75f], 4)]);
        string corner = propose.Node("Mul", [sides, propose.Initializer(null, [0f, 0f, 0.5f, 0.5f], 4)]);
        string count = propose.Node("Squeeze", [propose.Node("Shape", [image], OnnxAttribute.Of("start", 0L), OnnxAttribute.Of("end", 1L))]);
        string range = propose.Node("Cast", [propose.Node("Range", [propose.Scalar(0L), count, propose.Scalar(1L)])],
            OnnxAttribute.Of("to", (long)OnnxElementType.Float32));
        string column = propose.Node("Unsqueeze", [range, propose.Vector(1)]);
        string rows = propose.NamedNode("proposed_rows", "Concat",
            [
                propose.Node("Concat", [column, middle], OnnxAttribute.Of("axis", 1L)),
                propose.Node("Concat", [column, corner], OnnxAttribute.Of("axis", 1L)),
            ], OnnxAttribute.Of("axis", 0L));
        propose.Output(rows, OnnxElementType.Float32, "M", 5);
        OnnxGraphBuilder given = graph.Subgraph("given");
        given.Output(given.NamedNode("given_rows", "Identity", [boxes]), OnnxElementType.Float32, "M", 5);
        string chosen = graph.Node("If", [none], OnnxAttribute.Of("then_branch", propose), OnnxAttribute.Of("else_branch", given));

        string proposals = graph.NamedNode("proposals", "Slice", [chosen, graph.Vector(1), graph.Vector(5), graph.Initializer("axis_1", new long[] { 1 }, 1)]);
        string index = graph.NamedNode("image_index", "Cast", [graph.Node("Gather", [chosen, graph.Scalar(0L)], OnnxAttribute.Of("axis", 1L))],
            OnnxAttribute.Of("to", (long)OnnxElementType.Int64));
        string means = graph.Node("ReduceMean", [image], OnnxAttribute.Of("axes", 1, 2, 3), OnnxAttribute.Of("keepdims", 0L));
        string width = graph.Node("Sub", [
            graph.Node("Gather", [proposals, graph.Scalar(2L)], OnnxAttribute.Of("axis", 1L)),
            graph.Node("Gather", [proposals, graph.Scalar(0L)], OnnxAttribute.Of("axis", 1L))]);
        string scores = graph.NamedNode("scores", "Sigmoid", [graph.Node("Add", [
            graph.Node("Div", [width, graph.Scalar(100f)]), graph.Node("Gather", [means, index])])]);
        string poseIndex = graph.NamedNode("pose_index", "Squeeze", [
            graph.Node("NonZero", [graph.Node("Greater", [scores, threshold])]), graph.Initializer("axis_0", new long[] { 0 }, 1)]);
        string shape = graph.Node("Concat", [graph.Node("Shape", [poseIndex]), graph.Vector(6)], OnnxAttribute.Of("axis", 0L));
        string poses = graph.NamedNode(posesName, "Expand", [graph.Initializer("local_pose", LocalPose, 1, 6), shape]);

        graph.Output(proposals, OnnxElementType.Float32, "M", 4);
        graph.Output(index, OnnxElementType.Int64, "M");
        graph.Output(scores, OnnxElementType.Float32, "M");
        graph.Output(poseIndex, OnnxElementType.Int64, "P");
        graph.Output(poses, OnnxElementType.Float32, "P", 6);
        return graph.ToBytes(metadata: metadata is null ? null : new Dictionary<string, string> { [ModelMetadata.Key] = metadata });
    }
}

/// <summary>A folder that vanishes with the test.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    private readonly string _path = Directory.CreateTempSubdirectory("img2pose-test-").FullName;

    /// <summary>Writes a file and returns its path.</summary>
    public string Write(string name, byte[] content)
    {
        string path = Path.Combine(_path, name);
        File.WriteAllBytes(path, content);
        return path;
    }

    /// <summary>A path in the folder.</summary>
    public string At(string name) => Path.Combine(_path, name);

    public void Dispose() => Directory.Delete(_path, recursive: true);
}
