using Img2Pose.Formats;
using Img2Pose.Geometry;
using Img2Pose.Training.Networks;
using Microsoft.ML.OnnxRuntime;
using TorchSharp;
using static TorchSharp.torch;

namespace Img2Pose.Training.Tests.Networks;

public sealed class NanoExporterTests : IDisposable
{
    private const int Height = 128, Width = 192;
    private readonly string _path = Path.Combine(Path.GetTempPath(), $"nano-{Guid.NewGuid():N}.onnx");

    public void Dispose() => File.Delete(_path);

    [Fact]
    public void Exported_graph_scores_and_places_faces_as_the_network_does()
    {
        (float[] image, float[][,] codes) = ExportRandomNetwork();

        Outputs outputs = Run(image, [], threshold: -1f);

        for (int picture = 0; picture < 2; picture++)
        {
            int[] order = [.. Enumerable.Range(0, codes[picture].GetLength(0)).OrderByDescending(cell => codes[picture][cell, 0])];
            int[] rows = [.. Enumerable.Range(0, outputs.Scores.Length).Where(row => outputs.ImageIndex[row] == picture)];
            Assert.Equal(Math.Min(order.Length, NanoExporter.ProposalsPerPicture), rows.Length);
            for (int rank = 0; rank < 20; rank++)
            {
                Decoded expected = Decode(codes[picture], order[rank]);
                int row = rows[rank];
                Assert.Equal(expected.Score, outputs.Scores[row], 1e-4);
                for (int i = 0; i < 4; i++) Assert.Equal(expected.Box[i], outputs.Proposals[4 * row + i], 0.02);
                for (int i = 0; i < 6; i++) Assert.Equal(expected.Pose(outputs.Proposals.AsSpan(4 * row, 4))[i], outputs.Poses[6 * row + i], 2e-3);
            }
        }
    }

    [Fact]
    public void Poses_are_computed_only_above_the_score_threshold()
    {
        (float[] image, _) = ExportRandomNetwork();
        float middle = Run(image, [], -1f).Scores.Order().ElementAt(100);

        Outputs outputs = Run(image, [], middle);

        Assert.Equal(outputs.Scores.Count(score => score > middle), outputs.PoseIndex.Length);
        Assert.All(outputs.PoseIndex, row => Assert.True(outputs.Scores[row] > middle));
    }

    [Fact]
    public void Given_boxes_replace_proposals_and_get_the_pose_of_the_cell_at_their_centre()
    {
        (float[] image, float[][,] codes) = ExportRandomNetwork();
        float[] boxes = [1, 40, 30, 72, 60, 0, 150, 100, 400, 300];

        Outputs outputs = Run(image, boxes, -1f);

        Assert.Equal([40, 30, 72, 60, 150, 100, 400, 300], outputs.Proposals);
        Assert.Equal([1L, 0L], outputs.ImageIndex);
        int columns = Width / 8;
        Decoded expected = Decode(codes[1], 45 / 8 * columns + 56 / 8);
        Assert.Equal(expected.Score, outputs.Scores[0], 1e-4);
        for (int i = 0; i < 6; i++) Assert.Equal(expected.Pose([40, 30, 72, 60])[i], outputs.Poses[i], 2e-3);
    }

    private (float[] Image, float[][,] Codes) ExportRandomNetwork()
    {
        Torch.Require();
        using DisposeScope scope = NewDisposeScope();
        using IDisposable still = no_grad();
        manual_seed(7);
        using NanoNetwork network = new();
        foreach ((string name, Tensor buffer) in network.named_buffers())
        {
            if (name.EndsWith("running_mean", StringComparison.Ordinal)) buffer.normal_(0, 0.2);
            if (name.EndsWith("running_var", StringComparison.Ordinal)) buffer.uniform_(0.5, 1.5);
        }
        foreach ((string name, TorchSharp.Modules.Parameter parameter) in network.named_parameters())
        {
            if (name.EndsWith("output.weight", StringComparison.Ordinal)) parameter.normal_(0, 0.05);
        }
        network.eval();
        Tensor input = empty([2, 3, Height, Width]).normal_(0, 1);
        float[] flat = network.call(input).data<float>().ToArray();
        int cells = CellCode.CellCount(Width, Height);
        float[][,] codes = [new float[cells, CellCode.Values], new float[cells, CellCode.Values]];
        for (int i = 0; i < flat.Length; i++)
            codes[i / (cells * CellCode.Values)][i / CellCode.Values % cells, i % CellCode.Values] = flat[i];
        IEnumerable<NamedArray> state = network.state_dict()
            .Where(pair => pair.Value.dtype == float32)
            .Select(pair => new NamedArray(pair.Key, pair.Value.shape, pair.Value.detach().data<float>().ToArray()));
        NanoExporter.Export(network.Graph, state, _path, "{}");
        return (input.data<float>().ToArray(), codes);
    }

    private Outputs Run(float[] image, float[] boxes, float threshold)
    {
        using SessionOptions options = new();
        using InferenceSession session = new(_path, options);
        List<OrtValue> values =
        [
            OrtValue.CreateTensorValueFromMemory(image, [2, 3, Height, Width]),
            OrtValue.CreateTensorValueFromMemory<long>([Height, Width, Height, Width], [2, 2]),
            OrtValue.CreateTensorValueFromMemory([threshold], []),
        ];
        List<string> names = ["image", "sizes", "score_threshold"];
        if (boxes.Length > 0)
        {
            names.Add("boxes");
            values.Add(OrtValue.CreateTensorValueFromMemory(boxes, [boxes.Length / 5, 5]));
        }
        using RunOptions run = new();
        using IDisposableReadOnlyCollection<OrtValue> results = session.Run(run, names, values, ["proposals", "image_index", "scores", "pose_index", "poses"]);
        Outputs outputs = new(
            results[0].GetTensorDataAsSpan<float>().ToArray(), results[1].GetTensorDataAsSpan<long>().ToArray(), results[2].GetTensorDataAsSpan<float>().ToArray(),
            results[3].GetTensorDataAsSpan<long>().ToArray(), results[4].GetTensorDataAsSpan<float>().ToArray());
        foreach (OrtValue value in values) value.Dispose();
        return outputs;
    }

    /// <summary>A slow reading of <see cref="CellCode"/>'s description.</summary>
    private static Decoded Decode(float[,] codes, int cell)
    {
        int first = 0;
        foreach (int stride in CellCode.Strides)
        {
            int columns = Width / stride, count = columns * (Height / stride);
            if (cell < first + count)
            {
                double unit = 4.0 * stride;
                double x = ((cell - first) % columns + 0.5) * stride + codes[cell, 1] * unit;
                double y = ((cell - first) / columns + 0.5) * stride + codes[cell, 2] * unit;
                double side = Math.Exp(Math.Clamp(codes[cell, 3], -3, 3)) * unit;
                double pixels = side / CellCode.MeanBoxSide;
                double roll = Math.Atan2(codes[cell, 5], codes[cell, 4]);
                double centerX = x + 0.208 * pixels * Math.Sin(roll), centerY = y - 0.208 * pixels * Math.Cos(roll);
                Vector3d rotation = RotationVector.Compose(new Vector3d(0, 0, roll), RotationVector.Compose(new Vector3d(0.25 * codes[cell, 6], 0, 0), new Vector3d(0, 0.4 * codes[cell, 7], 0)));
                double share = Math.Clamp(Math.Log2(side / 64), 0, 1);
                double score = side < NanoExporter.SmallestFace ? 0 : (1 - 0.25 * share) / (1 + Math.Exp(-codes[cell, 0]));
                return new Decoded(score, [centerX - side / 2, centerY - side / 2, centerX + side / 2, centerY + side / 2], x, y, pixels, [rotation.X, rotation.Y, rotation.Z]);
            }
            first += count;
        }
        throw new ArgumentOutOfRangeException(nameof(cell));
    }

    private sealed record Decoded(double Score, double[] Box, double X, double Y, double PixelsPerUnit, double[] Rotation)
    {
        internal double[] Pose(ReadOnlySpan<float> box)
        {
            double centerX = box[0] + Math.Floor((box[2] - box[0]) / 2), centerY = box[1] + Math.Floor((box[3] - box[1]) / 2);
            double size = box[2] - box[0] + box[3] - box[1];
            return [.. Rotation, (X - centerX) / PixelsPerUnit, (Y - centerY) / PixelsPerUnit, size / PixelsPerUnit];
        }
    }

    private sealed record Outputs(float[] Proposals, long[] ImageIndex, float[] Scores, long[] PoseIndex, float[] Poses);
}
