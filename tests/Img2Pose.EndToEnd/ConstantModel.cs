using Img2Pose.Models.Onnx;

namespace Img2Pose.EndToEnd;

/// <summary>
/// A model of the contract that sees the same faces in whatever picture it is given: by default one frontal face, at
/// (80, 60)–(180, 180), with score 0.9. Given boxes it poses as the first face. It makes what the program does with faces
/// predictable; it stands in for no quality.
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
    /// <param name="faces">Proposals (left, top, right, bottom) and box-relative poses; scores fall from 0.9 by 0.01 a face.</param>
    public static void Save(string path, string? leaveOut = null, params (float[] Box, float[] Pose)[] faces) => Save(path, 0.5, leaveOut, faces);

    /// <summary>Writes a model with a score threshold of its own.</summary>
    public static void Save(string path, double threshold, string? leaveOut, params (float[] Box, float[] Pose)[] faces)
    {
        if (faces.Length == 0) faces = [([80, 60, 180, 180], [0, 0, 0, 0, 0, 3.3f])];
        OnnxGraphBuilder graph = new("constant");
        graph.Input("image", OnnxElementType.Float32, "N", 3, "H", "W");
        graph.Input("sizes", OnnxElementType.Int64, "N", 2);
        string boxes = graph.InputWithDefault("boxes", [], [0, 5], "K", 5);
        string limit = graph.Input("score_threshold", OnnxElementType.Float32);

        // Of the faces and the given boxes one after the other, the boxes where there are any, else the faces.
        string given = graph.Node("Slice", [graph.Node("Shape", [boxes]), graph.Vector(0), graph.Vector(1)]);
        string first = graph.Node("Mul", [graph.Node("Min", [given, graph.Vector(1)]), graph.Vector(faces.Length)]);
        string last = graph.Node("Add", [given, graph.Vector(faces.Length)]);
        string Choose(string own, string others) =>
            graph.Node("Slice", [graph.Node("Concat", [own, others], OnnxAttribute.Of("axis", 0)), first, last]);

        string rows = Choose(graph.Initializer(null, [.. faces.SelectMany(face => (float[])[0, .. face.Box])], faces.Length, 5), boxes);
        graph.NamedNode("proposals", "Slice", [rows, graph.Vector(1), graph.Vector(5), graph.Vector(1)]);
        string image = graph.Node("Gather", [rows, graph.Scalar(0L)], OnnxAttribute.Of("axis", 1));
        graph.NamedNode("image_index", "Cast", [image], OnnxAttribute.Of("to", (long)OnnxElementType.Int64));
        string scores = Choose(
            graph.Initializer(null, [.. faces.Select((_, i) => 0.9f - 0.01f * i)], faces.Length), graph.Node("Expand", [graph.Scalar(0.9f), given]));
        graph.NamedNode("scores", "Identity", [scores]);
        string above = graph.Node("NonZero", [graph.Node("Greater", ["scores", limit])]);
        graph.NamedNode("pose_index", "Squeeze", [above, graph.Vector(0)]);
        string poseShape = graph.Node("Concat", [given, graph.Vector(6)], OnnxAttribute.Of("axis", 0));
        string poses = Choose(
            graph.Initializer(null, [.. faces.SelectMany(face => face.Pose)], faces.Length, 6),
            graph.Node("Expand", [graph.Initializer(null, faces[0].Pose, 1, 6), poseShape]));
        graph.NamedNode("poses", "Gather", [poses, "pose_index"]);

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
        graph.Save(path, metadata: new Dictionary<string, string> { ["img2pose"] = Metadata.Replace("0.5,\"nms", FormattableString.Invariant($"{threshold},\"nms"), StringComparison.Ordinal) });
    }
}
