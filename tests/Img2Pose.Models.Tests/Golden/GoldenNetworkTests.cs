using System.Text.Json;
using Img2Pose.Models.Networks;
using Microsoft.ML.OnnxRuntime;

namespace Img2Pose.Models.Tests.Golden;

/// <summary>
/// The graph against the original's numbers, at the tolerances of <c>golden/README.md</c>, section 8: every folder of
/// <c>golden/model</c> is a case of its own.
/// </summary>
public sealed class GoldenNetworkTests
{
    [Theory]
    [MemberData(nameof(GoldenModelCase.Names), MemberType = typeof(GoldenModelCase))]
    public void The_graph_gives_the_originals_features_proposals_logits_and_poses(string name)
    {
        GoldenModelCase golden = GoldenModelCase.Load(name);
        float[] batch = golden.Batch();
        AssertTap(golden, "input", batch, golden.BatchShape, 2e-6);

        using SessionOptions options = new() { IntraOpNumThreads = 2 };
        options.AddSessionConfigEntry("session.intra_op.allow_spinning", "0");
        using InferenceSession session = new(DetectorGraph.Official(golden.Weights(), golden.Depth, golden.DetectorSettings(taps: true)).ToBytes(), options);
        using NetworkRun run = NetworkRun.Execute(session, golden, batch);

        double relative = golden.Depth == 101 ? 1e-4 : 5e-5;
        foreach (JsonProperty tap in golden.Case.GetProperty("taps").EnumerateObject())
        {
            if (tap.Name is "input" or "class_logits_all" or "dof_regression_all") continue;
            double extreme = Math.Max(Math.Abs(tap.Value.GetProperty("min").GetDouble()), Math.Abs(tap.Value.GetProperty("max").GetDouble()));
            AssertTap(golden, tap.Name, run.Floats(tap.Name), run.Shape(tap.Name), relative * extreme);
        }
        for (int image = 0; image < golden.Images; image++) AssertProposals(golden, run, image);
    }

    private static void AssertTap(GoldenModelCase golden, string name, ReadOnlySpan<float> values, int[] shape, double tolerance)
    {
        JsonElement tap = golden.Case.GetProperty("taps").GetProperty(name);
        Assert.Equal(tap.GetProperty("shape").EnumerateArray().Select(d => d.GetInt32()), shape);
        double sum = 0, low = double.MaxValue, high = double.MinValue;
        foreach (float value in values)
        {
            sum += value;
            low = Math.Min(low, value);
            high = Math.Max(high, value);
        }
        Assert.Equal(tap.GetProperty("mean").GetDouble(), sum / values.Length, tolerance);
        Assert.Equal(tap.GetProperty("min").GetDouble(), low, tolerance);
        Assert.Equal(tap.GetProperty("max").GetDouble(), high, tolerance);
        int[] indices = [.. tap.GetProperty("idx").EnumerateArray().Select(i => i.GetInt32())];
        double[] expected = [.. tap.GetProperty("val").EnumerateArray().Select(v => v.GetDouble())];
        for (int i = 0; i < indices.Length; i++)
        {
            double difference = Math.Abs(values[indices[i]] - expected[i]);
            Assert.True(difference <= tolerance, $"{name}[{indices[i]}] = {values[indices[i]]} where the original has {expected[i]} (tolerance {tolerance})");
        }
    }

    private static void AssertProposals(GoldenModelCase golden, NetworkRun run, int image)
    {
        float[] expected = golden.Floats("proposals", image);
        int[] rows = [.. Enumerable.Range(0, run.ImageIndex.Length).Where(r => run.ImageIndex[r] == image)];
        Assert.Equal(expected.Length / 4, rows.Length);

        int[] match = Match(expected, run.Floats("proposals"), rows);
        if (!golden.GivenBoxes)
        {
            float[] objectness = golden.Floats("proposal_objectness", image);
            ReadOnlySpan<float> actual = run.Floats("proposal_objectness");
            for (int i = 0; i < match.Length; i++)
            {
                Assert.Equal(objectness[i], actual[rows[match[i]]], 1e-3f);
                // A proposal may stand elsewhere only among neighbours of nearly the same objectness.
                int moved = Math.Abs(match[i] - i);
                Assert.True(Math.Abs(objectness[i] - objectness[match[i]]) <= 1e-5f * moved, $"proposal {i} of image {image} stands at {match[i]}");
            }
        }
        float[] logits = golden.Floats("class_logits_first200", image);
        float[] poses = golden.Floats("dof_regression_first200", image);
        ReadOnlySpan<float> actualLogits = run.Floats("class_logits_all");
        ReadOnlySpan<float> actualPoses = run.Floats("dof_regression_all");
        for (int i = 0; i < logits.Length / 2; i++)
        {
            int row = rows[match[i]];
            for (int c = 0; c < 2; c++) Assert.Equal(logits[2 * i + c], actualLogits[2 * row + c], 1e-3f);
            for (int c = 0; c < 12; c++) Assert.Equal(poses[12 * i + c], actualPoses[12 * row + c], 3e-4f);
        }
    }

    // One-to-one within 0.02 px; returns for each expected row its place among the image's rows.
    private static int[] Match(float[] expected, ReadOnlySpan<float> actual, int[] rows)
    {
        int[] match = new int[expected.Length / 4];
        bool[] taken = new bool[rows.Length];
        for (int i = 0; i < match.Length; i++)
        {
            match[i] = -1;
            // Nearest places first: among equal boxes the one in order is taken.
            for (int step = 0; step < rows.Length && match[i] < 0; step++)
            {
                foreach (int place in (ReadOnlySpan<int>)[i - step, i + step])
                {
                    if (place < 0 || place >= rows.Length || taken[place]) continue;
                    float worst = 0;
                    for (int c = 0; c < 4; c++) worst = Math.Max(worst, Math.Abs(expected[4 * i + c] - actual[4 * rows[place] + c]));
                    if (worst > 0.02f) continue;
                    match[i] = place;
                    taken[place] = true;
                    break;
                }
            }
            Assert.True(match[i] >= 0, $"proposal {i} of the original, [{string.Join(", ", expected.AsSpan(4 * i, 4).ToArray())}], is missing");
        }
        return match;
    }

    /// <summary>The outputs of one run of a graph with taps.</summary>
    private sealed class NetworkRun : IDisposable
    {
        private readonly Dictionary<string, OrtValue> _values = [];
        private readonly IDisposableReadOnlyCollection<OrtValue> _outputs;

        private NetworkRun(IDisposableReadOnlyCollection<OrtValue> outputs, IReadOnlyList<string> names)
        {
            _outputs = outputs;
            for (int i = 0; i < names.Count; i++) _values.Add(names[i], outputs[i]);
        }

        public long[] ImageIndex => _values["image_index"].GetTensorDataAsSpan<long>().ToArray();

        public static NetworkRun Execute(InferenceSession session, GoldenModelCase golden, float[] batch)
        {
            using OrtValue image = OrtValue.CreateTensorValueFromMemory(batch, Array.ConvertAll(golden.BatchShape, d => (long)d));
            long[] sizes = [.. golden.Resized.SelectMany(s => (long[])[s.Height, s.Width])];
            using OrtValue size = OrtValue.CreateTensorValueFromMemory(sizes, [golden.Images, 2]);
            float[] given = [];
            if (golden.GivenBoxes)
            {
                given =
                [
                    .. Enumerable.Range(0, golden.Images).SelectMany(i => golden.Floats("proposals", i).Chunk(4).SelectMany(b => (float[])[i, .. b])),
                ];
            }
            using OrtValue boxes = OrtValue.CreateTensorValueFromMemory(given, [given.Length / 5, 5]);
            using RunOptions options = new();
            string[] names = [.. session.OutputNames];
            return new NetworkRun(session.Run(options, ["image", "sizes", "boxes"], [image, size, boxes], names), names);
        }

        public ReadOnlySpan<float> Floats(string name) => _values[name].GetTensorDataAsSpan<float>();

        public int[] Shape(string name) => Array.ConvertAll(_values[name].GetTensorTypeAndShape().Shape, d => (int)d);

        public void Dispose() => _outputs.Dispose();
    }
}
