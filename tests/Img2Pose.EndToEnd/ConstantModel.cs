using Img2Pose.Models.Onnx;

namespace Img2Pose.EndToEnd;

/// <summary>
/// A model of the contract that sees one frontal face, at (80, 60)–(180, 180), with score 0.9, in whatever picture it is
/// given, and poses given boxes as frontal too. It makes what the program does with faces predictable; it stands in for
/// no quality.
/// </summary>
internal static class ConstantModel
{
    private const string Metadata = """
        {"schema":1,"name":"constant","size":{"rule":"long-side","long":640,"enlarge":false,"multiple":32},
        "mean":[0.485,0.456,0.406],"stddev":[0.229,0.224,0.225],"pose_mean":[0,0,0,0,0,0],"pose_stddev":[1,1,1,1,1,1],
        "reference":"default","score_threshold":0.5,"nms_threshold":0.5,"box_factors":[1.1,1.1,0.3],"licence":"MIT"}
        """;

    /// <summary>Writes the model.</summary>
    /// <param name="path">The file.</param>
    /// <param name="leaveOut">An output to leave out, which breaks the contract.</param>
    public static void Save(string path, string? leaveOut = null)
    {
        OnnxGraphBuilder graph = new("constant");
        graph.Input("image", OnnxElementType.Float32, "N", 3, "H", "W");
        graph.Input("sizes", OnnxElementType.Int64, "N", 2);
        string boxes = graph.InputWithDefault("boxes", [], [0, 5], "K", 5);
        string threshold = graph.Input("score_threshold", OnnxElementType.Float32);

        // Rows 1…K of (constant face, given boxes) where boxes are given, row 0 where none are.
        string face = graph.Initializer(null, [0f, 80f, 60f, 180f, 180f], 1, 5);
        string all = graph.Node("Concat", [face, boxes], OnnxAttribute.Of("axis", 0));
        string given = graph.Node("Slice", [graph.Node("Shape", [boxes]), graph.Vector(0), graph.Vector(1)]);
        string first = graph.Node("Min", [given, graph.Vector(1)]);
        string rows = graph.Node("Slice", [all, first, graph.Node("Add", [given, graph.Vector(1)])]);

        string count = graph.Node("Slice", [graph.Node("Shape", [rows]), graph.Vector(0), graph.Vector(1)]);
        graph.NamedNode("proposals", "Slice", [rows, graph.Vector(1), graph.Vector(5), graph.Vector(1)]);
        string image = graph.Node("Gather", [rows, graph.Scalar(0L)], OnnxAttribute.Of("axis", 1));
        graph.NamedNode("image_index", "Cast", [image], OnnxAttribute.Of("to", (long)OnnxElementType.Int64));
        graph.NamedNode("scores", "Expand", [graph.Scalar(0.9f), count]);
        string above = graph.Node("NonZero", [graph.Node("Greater", ["scores", threshold])]);
        graph.NamedNode("pose_index", "Squeeze", [above, graph.Vector(0)]);
        string pose = graph.Initializer(null, [0f, 0f, 0f, 0f, 0f, 3.3f], 1, 6);
        string poseCount = graph.Node("Shape", ["pose_index"]);
        string poseShape = graph.Node("Concat", [poseCount, graph.Vector(6)], OnnxAttribute.Of("axis", 0));
        graph.NamedNode("poses", "Expand", [pose, poseShape]);

        (string Name, OnnxElementType Type, OnnxDimension[] Dims)[] outputs =
        [
            ("proposals", OnnxElementType.Float32, ["M", 4]),
            ("image_index", OnnxElementType.Int64, ["M"]),
            ("scores", OnnxElementType.Float32, ["M"]),
            ("pose_index", OnnxElementType.Int64, ["P"]),
            ("poses", OnnxElementType.Float32, ["P", 6]),
        ];
        foreach ((string name, OnnxElementType type, OnnxDimension[] dims) in outputs)
        {
            if (name != leaveOut) graph.Output(name, type, dims);
        }
        graph.Save(path, metadata: new Dictionary<string, string> { ["img2pose"] = Metadata });
    }
}
