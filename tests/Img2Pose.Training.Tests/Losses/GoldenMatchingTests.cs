using System.Text.Json;
using Img2Pose.Models.Networks;
using Img2Pose.Testing;
using Img2Pose.Training.Losses;
using Img2Pose.Training.Networks;

namespace Img2Pose.Training.Tests.Losses;

/// <summary>Anchors, matching and box coding against the numbers of the original (golden/training).</summary>
public sealed class GoldenMatchingTests
{
    [Fact]
    public void Anchors_lie_where_the_original_puts_them()
    {
        foreach (JsonElement golden in Cases("anchors.json"))
        {
            AnchorGrid grid = Grid(golden);

            Assert.Equal(golden.GetProperty("total").GetInt32(), grid.Anchors.Length / 4);
            int[] indices = golden.GetProperty("idx").Integers();
            float[] expected = golden.GetProperty("anchors").Floats();
            for (int i = 0; i < indices.Length; i++)
                Assert.Equal(expected[(4 * i)..(4 * i + 4)], grid.Anchors[(4 * indices[i])..(4 * indices[i] + 4)]);
            double[] sums = new double[4];
            for (int i = 0; i < grid.Anchors.Length; i++) sums[i % 4] += grid.Anchors[i];
            Assert.Equal(golden.GetProperty("column_sums_f64").Doubles(), sums);
        }
    }

    [Fact]
    public void Anchors_are_assigned_to_the_same_faces_with_the_same_deltas()
    {
        foreach (JsonElement golden in Cases("anchors.json"))
        {
            JsonElement assigned = golden.GetProperty("assign");
            float[] anchors = Grid(golden).Anchors;
            float[] truth = assigned.GetProperty("gt_boxes").Floats();

            int[] matches = BoxMatching.Match(BoxMatching.Overlaps(truth, anchors), anchors.Length / 4, 0.5f, 0.3f, allowLowQuality: true);

            Assert.Equal(assigned.GetProperty("positive_idx").Integers(), Indices(matches, match => match >= 0));
            Assert.Equal(assigned.GetProperty("ignore_idx").Integers(), Indices(matches, match => match == BoxMatching.Between));
            Assert.Equal(assigned.GetProperty("n_neg").GetInt32(), matches.Count(match => match == BoxMatching.Background));
            int[] samples = assigned.GetProperty("sample_idx").Integers();
            float[] wanted = assigned.GetProperty("sample_regression_targets").Floats();
            float[] deltas = new float[4];
            for (int i = 0; i < samples.Length; i++)
            {
                BoxMatching.Encode(truth.AsSpan(4 * Math.Max(0, matches[samples[i]]), 4), anchors.AsSpan(4 * samples[i], 4), [1, 1, 1, 1], deltas);
                for (int k = 0; k < 4; k++) Near(wanted[4 * i + k], deltas[k], 1e-5);
            }
        }
    }

    [Fact]
    public void Overlaps_and_matches_are_those_of_the_original_ties_included()
    {
        foreach (JsonElement golden in Cases("matcher.json"))
        {
            float[] truth = golden.GetProperty("gt").Floats(), boxes = golden.GetProperty("proposals").Floats(), overlaps = golden.GetProperty("iou").Floats();
            int count = boxes.Length / 4;

            if (golden.GetProperty("note").GetString() == "")
            {
                float[] own = BoxMatching.Overlaps(truth, boxes);
                for (int i = 0; i < own.Length; i++) Near(overlaps[i], own[i], 1e-6);
            }
            Assert.Equal(golden.GetProperty("roi_05_05_False").Integers(), BoxMatching.Match(overlaps, count, 0.5f, 0.5f, false));
            Assert.Equal(golden.GetProperty("rpn_05_03_True").Integers(), BoxMatching.Match(overlaps, count, 0.5f, 0.3f, true));
        }
    }

    [Fact]
    public void Boxes_are_coded_and_decoded_as_in_the_original()
    {
        foreach (JsonElement golden in Cases("box_coder.json"))
        {
            float[] weights = golden.GetProperty("weights").Floats(), boxes = golden.GetProperty("proposals").Floats(), truth = golden.GetProperty("gt").Floats();
            float[] encoded = golden.GetProperty("encoded").Floats(), deltas = golden.GetProperty("deltas").Floats(), decoded = golden.GetProperty("decoded").Floats();
            float[] result = new float[4];
            for (int i = 0; i < boxes.Length; i += 4)
            {
                BoxMatching.Encode(truth.AsSpan(i, 4), boxes.AsSpan(i, 4), weights, result);
                for (int k = 0; k < 4; k++) Near(encoded[i + k], result[k], 2e-5);
                BoxMatching.Decode(deltas.AsSpan(i, 4), boxes.AsSpan(i, 4), weights, result);
                for (int k = 0; k < 4; k++) Near(decoded[i + k], result[k], 1e-4);
            }
        }
    }

    [Fact]
    public void A_random_sample_is_balanced_ascending_and_repeatable()
    {
        int[] labels = [.. Enumerable.Range(0, 1000).Select(i => i % 5 == 0 ? 1 : i % 7 == 0 ? -1 : 0)];

        (int[] positive, int[] negative) = BalancedSampler.Random(3).Sample(labels, 256, 0.25);
        (int[] again, _) = BalancedSampler.Random(3).Sample(labels, 256, 0.25);

        Assert.Equal(64, positive.Length);
        Assert.Equal(192, negative.Length);
        Assert.Equal(positive, again);
        Assert.All(positive, index => Assert.Equal(1, labels[index]));
        Assert.All(negative, index => Assert.Equal(0, labels[index]));
        Assert.Equal(positive.Order(), positive);
    }

    private static AnchorGrid Grid(JsonElement golden)
    {
        int[] padded = golden.GetProperty("padded_hw").Integers();
        return AnchorGrid.Create(DetectorLayout.Official, padded[1], padded[0], [.. golden.GetProperty("feature_hw").EnumerateArray().Select(size => size.Integers()).Select(size => (size[1], size[0]))]);
    }

    private static int[] Indices(int[] matches, Func<int, bool> wanted) => [.. Enumerable.Range(0, matches.Length).Where(i => wanted(matches[i]))];

    private static void Near(double expected, double actual, double tolerance) =>
        Assert.True(Math.Abs(expected - actual) <= tolerance * Math.Max(1, Math.Abs(expected)), $"{actual} instead of {expected}");

    private static JsonElement.ArrayEnumerator Cases(string file) =>
        JsonDocument.Parse(File.ReadAllText(SharedData.RequireGolden("training", file))).RootElement.GetProperty("cases").EnumerateArray();
}
