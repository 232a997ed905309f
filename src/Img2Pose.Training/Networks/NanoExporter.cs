using Img2Pose.Formats;
using Img2Pose.Models.Onnx;

namespace Img2Pose.Training.Networks;

/// <summary>
/// Writes <see cref="NanoNetwork"/> or <see cref="R18Network"/> as an ONNX graph under the contract of model packages (docs/architecture.md): batch norm folded into the
/// convolutions, cells turned into proposals and box-relative poses inside the graph.
/// </summary>
internal sealed class NanoExporter
{
    /// <summary>Best-scored cells of a picture that become proposals.</summary>
    internal const int ProposalsPerPicture = 400;

    /// <summary>Side of the mean face box, pixels, below which a cell scores nothing: of the smaller ones few are found, and buttons, knobs and dots of letters score as they do.</summary>
    internal const float SmallestFace = 18;

    /// <summary>
    /// The score is trained to be the overlap with the true box (<see cref="Losses.NanoLoss"/>), which a large face's reaches
    /// nearly always; a large thing that scores as a small face does is rarely one. So a score is multiplied by 1 at a side of
    /// 64 pixels and less, by this at 128 and more, and in between by a number linear in the side's logarithm. From 24 to 96
    /// pixels, as it was first, it cost faces of 32 to 96 pixels and gave nothing (models/img2pose-nano.md).
    /// </summary>
    internal const float LargeFaceFactor = 0.75f;

    internal const float SmallSide = 64, LargeSide = 128;

    private readonly OneStageGraph _network;
    private readonly NamedArray[] _state;
    private readonly PyramidGraph _parts;

    // The name of the kind: whoever runs such a graph knows by it that cells begin with a logit.
    private readonly OnnxGraphBuilder _graph = new("img2pose-nano");

    private NanoExporter(OneStageGraph network, NamedArray[] state) => (_network, _state, _parts) = (network, state, new PyramidGraph(_graph, state));

    /// <summary>Exports the weights (names as in the network's <c>state_dict()</c>) with the JSON of the "img2pose" metadata key.</summary>
    internal static void Export(OneStageGraph network, IEnumerable<NamedArray> state, string path, string metadata)
    {
        NanoExporter exporter = new(network, [.. state]);
        exporter.Build();
        NanoPackage.Save(exporter._graph, path, metadata, network.HalfWeights);
    }

    private void Build()
    {
        string image = _graph.Input("image", OnnxElementType.Float32, "N", 3, "H", "W");
        _graph.Input("sizes", OnnxElementType.Int64, "N", 2);
        string boxes = _graph.InputWithDefault("boxes", [], [0, 5], "K", 5);
        string threshold = _graph.Input("score_threshold", OnnxElementType.Float32);

        string[] features = _network.Pyramid(_graph, _parts, _state, image);
        int levels = features.Length;
        string[] codes = new string[levels];
        string[] columns = new string[levels];
        string[] rows = new string[levels];
        string[] counts = new string[levels];
        for (int level = 0; level < levels; level++)
        {
            string head = features[level];
            for (int i = 0; i < _network.Heads[level].Length; i++) head = _parts.Unit($"head{level}.conv{i}", head);
            string output = _graph.Node("Conv", [head, _parts.Weight($"head{level}.output.weight"), _parts.Weight($"head{level}.output.bias")],
                OnnxAttribute.Of("kernel_shape", 1L, 1L));
            string shape = _graph.Node("Shape", [output]);
            rows[level] = _graph.Node("Slice", [shape, _graph.Vector(2), _graph.Vector(3)]);
            columns[level] = _graph.Node("Slice", [shape, _graph.Vector(3), _graph.Vector(4)]);
            codes[level] = _graph.Node("Reshape", [output, _graph.Vector(0, CellCode.Values, -1)]);
            counts[level] = _graph.Node("Slice", [_graph.Node("Shape", [codes[level]]), _graph.Vector(2), _graph.Vector(3)]);
        }
        Decode(codes, rows, columns, counts, boxes, threshold);
    }

    /// <summary>Chooses cells, and turns their codes into boxes and box-relative poses.</summary>
    private void Decode(string[] codes, string[] rowCounts, string[] columns, string[] counts, string boxes, string threshold)
    {
        string all = _graph.Node("Concat", codes, OnnxAttribute.Of("axis", 2L));
        string columnTable = _graph.Node("Concat", columns, OnnxAttribute.Of("axis", 0L));
        string rowTable = _graph.Node("Concat", rowCounts, OnnxAttribute.Of("axis", 0L));
        string countTable = _graph.Node("Concat", counts, OnnxAttribute.Of("axis", 0L));
        string zero = _graph.Vector(0);
        // First cell of each level.
        string offsets = _graph.Node("CumSum", [countTable, _graph.Scalar(0L)], OnnxAttribute.Of("exclusive", 1L));
        string given = _graph.Node("Shape", [boxes]);
        string givenCount = _graph.Node("Gather", [given, _graph.Scalar(0L)]);
        string anyGiven = _graph.Node("Greater", [givenCount, _graph.Scalar(0L)]);

        OnnxGraphBuilder dense = _graph.Subgraph("dense");
        BestCells(dense, all);
        OnnxGraphBuilder asked = _graph.Subgraph("asked");
        CellsOfBoxes(asked, boxes, rowTable, columnTable, offsets);
        string[] chosen = _graph.Node("If", [anyGiven], 3, OnnxAttribute.Of("then_branch", asked), OnnxAttribute.Of("else_branch", dense));
        (string picture, string cell, string givenBoxes) = (chosen[0], chosen[1], chosen[2]);

        // Level, stride and centre of each chosen cell.
        string column1 = _graph.Vector(1);
        string beyond = _graph.Node("GreaterOrEqual", [_graph.Node("Unsqueeze", [cell, column1]), offsets]);
        string level = _graph.Node("Sub", [_graph.Node("ReduceSum", [_graph.Node("Cast", [beyond], OnnxAttribute.Of("to", (long)OnnxElementType.Int64)), column1], OnnxAttribute.Of("keepdims", 0L)), _graph.Scalar(1L)]);
        string width = _graph.Node("Gather", [columnTable, level]);
        string local = _graph.Node("Sub", [cell, _graph.Node("Gather", [offsets, level])]);
        string row = _graph.Node("Div", [local, width]);
        string column = _graph.Node("Sub", [local, _graph.Node("Mul", [row, width])]);
        string stride = _graph.Node("Gather", [_graph.Initializer(null, CellCode.Strides.ToArray().Select(s => (float)s).ToArray(), CellCode.Strides.Length), level]);
        string unit = _graph.Node("Mul", [stride, _graph.Scalar((float)CellCode.UnitPerStride)]);
        string centerX = Center(column, stride);
        string centerY = Center(row, stride);

        // Codes of the chosen cells: [M, 8].
        string transposed = _graph.Node("Transpose", [all], OnnxAttribute.Of("perm", 0L, 2L, 1L));
        string index = _graph.Node("Concat", [_graph.Node("Unsqueeze", [picture, column1]), _graph.Node("Unsqueeze", [cell, column1])], OnnxAttribute.Of("axis", 1L));
        string rows = _graph.Node("GatherND", [transposed, index]);
        string[] parts = _graph.Node("Split", [rows, _graph.Vector(1, 1, 1, 1, 1, 1, 1, 1)], CellCode.Values, OnnxAttribute.Of("axis", 1L));
        string Flat(string part) => _graph.Node("Squeeze", [part, column1]);
        string originX = _graph.Node("Add", [centerX, _graph.Node("Mul", [Flat(parts[1]), unit])]);
        string originY = _graph.Node("Add", [centerY, _graph.Node("Mul", [Flat(parts[2]), unit])]);
        string side = _graph.Node("Mul", [_graph.Node("Exp", [_graph.Node("Clip", [Flat(parts[3]), _graph.Scalar(-3f), _graph.Scalar(3f)])]), unit]);
        string pixelsPerUnit = _graph.Node("Div", [side, _graph.Scalar((float)CellCode.MeanBoxSide)]);

        // The mean face's box there, unless boxes were given.
        string half = _graph.Node("Mul", [side, _graph.Scalar(0.5f)]);
        // Where the forehead is: against the down axis of the face, which points to (−sin ρ, cos ρ) in the picture.
        (string cosine, string sine) = Direction(Flat(parts[4]), Flat(parts[5]));
        string shift = _graph.Node("Mul", [pixelsPerUnit, _graph.Scalar((float)Losses.CellTargets.MeanBoxShift)]);
        string boxCenterX = _graph.Node("Add", [originX, _graph.Node("Mul", [shift, sine])]);
        string boxCenterY = _graph.Node("Sub", [originY, _graph.Node("Mul", [shift, cosine])]);
        string meanBoxes = _graph.Node("Concat", [.. new[]
        {
            _graph.Node("Sub", [boxCenterX, half]), _graph.Node("Sub", [boxCenterY, half]), _graph.Node("Add", [boxCenterX, half]), _graph.Node("Add", [boxCenterY, half]),
        }.Select(edge => _graph.Node("Unsqueeze", [edge, column1]))], OnnxAttribute.Of("axis", 1L));
        string proposals = _graph.NamedNode("proposals", "Where", [anyGiven, givenBoxes, meanBoxes]);
        string taught = _graph.Node("Cast", [_graph.Node("GreaterOrEqual", [side, _graph.Scalar(SmallestFace)])], OnnxAttribute.Of("to", (long)OnnxElementType.Float32));
        float slope = (1 - LargeFaceFactor) / MathF.Log(LargeSide / SmallSide);
        string falling = _graph.Node("Sub", [_graph.Scalar(1 + slope * MathF.Log(SmallSide)), _graph.Node("Mul", [_graph.Node("Log", [side]), _graph.Scalar(slope)])]);
        string fair = _graph.Node("Mul", [taught, _graph.Node("Clip", [falling, _graph.Scalar(LargeFaceFactor), _graph.Scalar(1f)])]);
        string scores = _graph.NamedNode("scores", "Mul", [_graph.Node("Sigmoid", [Flat(parts[0])]), fair]);
        _graph.NamedNode("image_index", "Identity", [picture]);

        // Box-relative translation: t'x = (u − cx)/F, t'y = (v − cy)/F, t'z = (w + h)/F, with F = f/tz the pixels of a unit, and
        // the box centre by the rule of img2pose, l + floor((r − l)/2).
        string[] edges = _graph.Node("Split", [proposals, _graph.Vector(1, 1, 1, 1)], 4, OnnxAttribute.Of("axis", 1L));
        (string left, string top, string right, string bottom) = (Flat(edges[0]), Flat(edges[1]), Flat(edges[2]), Flat(edges[3]));
        string boxWidth = _graph.Node("Sub", [right, left]);
        string boxHeight = _graph.Node("Sub", [bottom, top]);
        string Relative(string origin, string start, string extent)
        {
            string middle = _graph.Node("Add", [start, _graph.Node("Floor", [_graph.Node("Mul", [extent, _graph.Scalar(0.5f)])])]);
            return _graph.Node("Div", [_graph.Node("Sub", [origin, middle]), pixelsPerUnit]);
        }
        string translationX = Relative(originX, left, boxWidth);
        string translationY = Relative(originY, top, boxHeight);
        string translationZ = _graph.Node("Div", [_graph.Node("Add", [boxWidth, boxHeight]), pixelsPerUnit]);
        string rotation = RotationVectors(cosine, sine, Flat(parts[5]), Flat(parts[6]), Flat(parts[7]));
        string poses = _graph.Node("Concat",
            [rotation, _graph.Node("Unsqueeze", [translationX, column1]), _graph.Node("Unsqueeze", [translationY, column1]), _graph.Node("Unsqueeze", [translationZ, column1])],
            OnnxAttribute.Of("axis", 1L));

        string above = _graph.Node("NonZero", [_graph.Node("Greater", [scores, threshold])]);
        string poseIndex = _graph.NamedNode("pose_index", "Squeeze", [above, zero]);
        _graph.NamedNode("poses", "Gather", [poses, poseIndex], OnnxAttribute.Of("axis", 0L));
        _graph.Output("proposals", OnnxElementType.Float32, "M", 4);
        _graph.Output("image_index", OnnxElementType.Int64, "M");
        _graph.Output("scores", OnnxElementType.Float32, "M");
        _graph.Output("pose_index", OnnxElementType.Int64, "P");
        _graph.Output("poses", OnnxElementType.Float32, "P", 6);
    }

    /// <summary>The direction of (x, y) as cosine and sine; upright where both are 0.</summary>
    private (string Cosine, string Sine) Direction(string x, string y)
    {
        string squares = _graph.Node("Add", [_graph.Node("Mul", [x, x]), _graph.Node("Mul", [y, y])]);
        string length = _graph.Node("Sqrt", [_graph.Node("Max", [squares, _graph.Scalar(1e-12f)])]);
        return (_graph.Node("Div", [x, length]), _graph.Node("Div", [y, length]));
    }

    /// <summary>Rotation vectors [M, 3] of Rz(ρ)·Rx(α)·Ry(β), by the product of the three half-angle quaternions.</summary>
    private string RotationVectors(string cosine, string sine, string side, string nod, string turn)
    {
        string Half(string code, float scale) => _graph.Node("Mul", [code, _graph.Scalar(0.5f * scale)]);
        string Root(string value) => _graph.Node("Sqrt", [_graph.Node("Max", [_graph.Node("Mul", [value, _graph.Scalar(0.5f)]), _graph.Scalar(0f)])]);
        string Product(string a, string b) => _graph.Node("Mul", [a, b]);
        string one = _graph.Scalar(1f);
        // cos ρ/2 is never negative for ρ in [−π, π]; sin ρ/2 has the sign of sin ρ, and on its head a face counts as turned by +π.
        string cosZ = Root(_graph.Node("Add", [one, cosine]));
        string sign = _graph.Node("Where", [_graph.Node("Less", [side, _graph.Scalar(0f)]), _graph.Scalar(-1f), one]);
        string sinZ = Product(Root(_graph.Node("Sub", [one, cosine])), sign);
        string halfA = Half(nod, CellCode.TiltScale[0]), halfB = Half(turn, CellCode.TiltScale[1]);
        (string cosA, string sinA) = (_graph.Node("Cos", [halfA]), _graph.Node("Sin", [halfA]));
        (string cosB, string sinB) = (_graph.Node("Cos", [halfB]), _graph.Node("Sin", [halfB]));
        (string w, string x, string y, string z) = (Product(cosA, cosB), Product(sinA, cosB), Product(cosA, sinB), Product(sinA, sinB));
        string W = _graph.Node("Sub", [Product(cosZ, w), Product(sinZ, z)]);
        string X = _graph.Node("Sub", [Product(cosZ, x), Product(sinZ, y)]);
        string Y = _graph.Node("Add", [Product(cosZ, y), Product(sinZ, x)]);
        string Z = _graph.Node("Add", [Product(cosZ, z), Product(sinZ, w)]);

        string squares = _graph.Node("Add", [_graph.Node("Add", [Product(X, X), Product(Y, Y)]), Product(Z, Z)]);
        string length = _graph.Node("Sqrt", [_graph.Node("Max", [squares, _graph.Scalar(1e-12f)])]);
        // The shorter of the two ways round: 2·atan(|v| / |w|) along v, reversed where w is negative.
        string least = _graph.Node("Max", [_graph.Node("Abs", [W]), _graph.Scalar(1e-7f)]);
        string angle = _graph.Node("Mul", [_graph.Node("Atan", [_graph.Node("Div", [length, least])]), _graph.Scalar(2f)]);
        string forward = _graph.Node("Where", [_graph.Node("Less", [W, _graph.Scalar(0f)]), _graph.Scalar(-1f), one]);
        string factor = _graph.Node("Div", [Product(angle, forward), length]);
        return _graph.Node("Concat", [.. new[] { X, Y, Z }.Select(part => _graph.Node("Unsqueeze", [Product(part, factor), _graph.Vector(1)]))], OnnxAttribute.Of("axis", 1L));
    }

    /// <summary>Branch: the best cells of every picture.</summary>
    private static void BestCells(OnnxGraphBuilder graph, string codes)
    {
        string logits = graph.Node("Squeeze", [graph.Node("Slice", [codes, graph.Vector(0), graph.Vector(1), graph.Vector(1)]), graph.Vector(1)]);
        string shape = graph.Node("Shape", [logits]);
        string cells = graph.Node("Slice", [shape, graph.Vector(1), graph.Vector(2)]);
        string count = graph.Node("Min", [cells, graph.Vector(ProposalsPerPicture)]);
        string[] best = graph.Node("TopK", [logits, count], 2, OnnxAttribute.Of("axis", 1L));
        string cell = graph.Node("Reshape", [best[1], graph.Vector(-1)]);
        string pictures = graph.Node("Squeeze", [graph.Node("Slice", [shape, graph.Vector(0), graph.Vector(1)]), graph.Vector(0)]);
        string picture = graph.Node("Range", [graph.Scalar(0L), pictures, graph.Scalar(1L)]);
        string repeated = graph.Node("Reshape",
            [graph.Node("Expand", [graph.Node("Unsqueeze", [picture, graph.Vector(1)]), graph.Node("Shape", [best[1]])]), graph.Vector(-1)]);
        string none = graph.Initializer(null, [0f, 0f, 0f, 0f], 1, 4);
        graph.NamedNode("dense_picture", "Identity", [repeated]);
        graph.NamedNode("dense_cell", "Identity", [cell]);
        graph.NamedNode("dense_boxes", "Identity", [none]);
        graph.Output("dense_picture", OnnxElementType.Int64, "M");
        graph.Output("dense_cell", OnnxElementType.Int64, "M");
        graph.Output("dense_boxes", OnnxElementType.Float32, "B", 4);
    }

    /// <summary>Branch: for each given box the cell at its centre, on the level that answers for its size.</summary>
    private static void CellsOfBoxes(OnnxGraphBuilder graph, string boxes, string rowTable, string columnTable, string offsets)
    {
        string[] parts = graph.Node("Split", [boxes, graph.Vector(1, 1, 1, 1, 1)], 5, OnnxAttribute.Of("axis", 1L));
        string Flat(string part) => graph.Node("Squeeze", [part, graph.Vector(1)]);
        string ToInteger(string value) => graph.Node("Cast", [value], OnnxAttribute.Of("to", (long)OnnxElementType.Int64));
        string picture = ToInteger(Flat(parts[0]));
        (string left, string top, string right, string bottom) = (Flat(parts[1]), Flat(parts[2]), Flat(parts[3]), Flat(parts[4]));
        string side = graph.Node("Mul", [graph.Node("Add", [graph.Node("Sub", [right, left]), graph.Node("Sub", [bottom, top])]), graph.Scalar(0.5f)]);
        // Stride 8 answers best below 45 pixels, and each level up for twice that.
        string octave = graph.Node("Div", [graph.Node("Log", [graph.Node("Div", [graph.Node("Max", [side, graph.Scalar(1f)]), graph.Scalar(22.5f)])]), graph.Scalar(MathF.Log(2))]);
        string level = ToInteger(graph.Node("Clip", [graph.Node("Floor", [octave]), graph.Scalar(0f), graph.Scalar(CellCode.Strides.Length - 1f)]));
        string stride = graph.Node("Gather", [graph.Initializer(null, CellCode.Strides.ToArray().Select(s => (float)s).ToArray(), CellCode.Strides.Length), level]);
        string width = graph.Node("Gather", [columnTable, level]);
        string first = graph.Node("Gather", [offsets, level]);
        string Nearest(string from, string to, string table)
        {
            string middle = graph.Node("Mul", [graph.Node("Add", [from, to]), graph.Scalar(0.5f)]);
            string number = ToInteger(graph.Node("Max", [graph.Node("Floor", [graph.Node("Div", [middle, stride])]), graph.Scalar(0f)]));
            return graph.Node("Min", [number, graph.Node("Sub", [graph.Node("Gather", [table, level]), graph.Scalar(1L)])]);
        }
        string column = Nearest(left, right, columnTable);
        string row = Nearest(top, bottom, rowTable);
        string cell = graph.Node("Add", [first, graph.Node("Add", [graph.Node("Mul", [row, width]), column])]);
        graph.NamedNode("asked_picture", "Identity", [picture]);
        graph.NamedNode("asked_cell", "Identity", [cell]);
        graph.NamedNode("asked_boxes", "Concat", [parts[1], parts[2], parts[3], parts[4]], OnnxAttribute.Of("axis", 1L));
        graph.Output("asked_picture", OnnxElementType.Int64, "M");
        graph.Output("asked_cell", OnnxElementType.Int64, "M");
        graph.Output("asked_boxes", OnnxElementType.Float32, "B", 4);
    }

    private string Center(string number, string stride) =>
        _graph.Node("Mul", [_graph.Node("Add", [_graph.Node("Cast", [number], OnnxAttribute.Of("to", (long)OnnxElementType.Float32)), _graph.Scalar(0.5f)]), stride]);
}
