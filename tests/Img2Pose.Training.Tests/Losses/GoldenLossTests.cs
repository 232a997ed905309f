using System.Text.Json;
using Img2Pose.Formats;
using Img2Pose.Geometry;
using Img2Pose.Testing;
using Img2Pose.Training.Losses;
using Img2Pose.Training.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace Img2Pose.Training.Tests.Losses;

/// <summary>Losses, gradients and region pooling against the numbers of the original.</summary>
public sealed class GoldenLossTests
{
    [Fact]
    public void Proposal_losses_and_gradients_equal_the_original()
    {
        Torch.Require();
        foreach (JsonElement golden in Cases("rpn_loss.json"))
        {
            using DisposeScope scope = NewDisposeScope();
            float[] scores = golden.GetProperty("objectness").Floats(), boxes = golden.GetProperty("deltas").Floats(), labels = golden.GetProperty("labels").Floats();
            float[] wanted = golden.GetProperty("regression_targets").Floats();
            long[] positive = Rows(golden, "sampled_pos"), negative = Rows(golden, "sampled_neg");
            Tensor objectness = tensor(scores, [scores.Length], requires_grad: true), deltas = tensor(boxes, [scores.Length, 4], requires_grad: true);

            (Tensor score, Tensor box) = PaperLoss.Proposals(
                objectness, deltas, labels, [.. positive.SelectMany(row => wanted[(4 * (int)row)..(4 * (int)row + 4)])], positive, negative);
            (score + box).backward();

            Near(golden.GetProperty("loss_objectness").GetDouble(), score.item<float>());
            Near(golden.GetProperty("loss_rpn_box_reg").GetDouble(), box.item<float>());
            Near(golden.GetProperty("grad_objectness").Floats(), objectness.grad!);
            Near(golden.GetProperty("grad_deltas").Floats(), deltas.grad!);
        }
    }

    [Fact]
    public void Class_pose_and_point_losses_and_gradients_equal_the_original()
    {
        Torch.Require();
        JsonElement root = Root("fastrcnn_loss.json");
        double[] mean = root.GetProperty("pose_mean").Doubles(), stddev = root.GetProperty("pose_stddev").Doubles();
        Vector3d[] calibration = Calibration();
        foreach (JsonElement golden in root.GetProperty("cases").EnumerateArray())
        {
            using DisposeScope scope = NewDisposeScope();
            float[] scores = golden.GetProperty("class_logits").Floats(), regressed = golden.GetProperty("dof_regression").Floats();
            Tensor logits = tensor(scores, [scores.Length / 2, 2], requires_grad: true), poses = tensor(regressed, [regressed.Length / 12, 12], requires_grad: true);
            List<PoseTarget> targets = [];
            for (int picture = 0; picture < golden.GetProperty("image_shapes_hw").GetArrayLength(); picture++)
            {
                int[] size = golden.GetProperty("image_shapes_hw")[picture].Integers();
                JsonElement proposals = golden.GetProperty("dof_proposals")[picture], wanted = golden.GetProperty("dof_targets_global")[picture];
                for (int i = 0; i < proposals.GetArrayLength(); i++)
                {
                    double[] box = proposals[i].Doubles();
                    targets.Add(new PoseTarget(new Box(box[0], box[1], box[2], box[3]), wanted[i].ToPose(), size[1], size[0]));
                }
            }
            long[] labels = [.. golden.GetProperty("class_labels").Integers()];

            (Tensor classifier, Tensor pose, Tensor points) = PaperLoss.Regions(logits, labels, poses, targets, mean, stddev, calibration);

            Near(golden.GetProperty("loss_classifier").GetDouble(), classifier.item<float>());
            Near(golden.GetProperty("loss_dof_reg").GetDouble(), pose.item<float>());
            Near(golden.GetProperty("loss_points").GetDouble(), points.item<float>());
            classifier.backward();
            Near(golden.GetProperty("grad_classifier_wrt_logits").Floats(), logits.grad!);
            pose.backward();
            Near(golden.GetProperty("grad_dof_reg_wrt_dof").Floats(), poses.grad!);
            poses.grad = null;
            points.backward();
            Near(golden.GetProperty("grad_points_wrt_dof").Floats(), poses.grad!);
        }
    }

    [Fact]
    public void Pooled_regions_equal_torchvision()
    {
        Torch.Require();
        using DisposeScope scope = NewDisposeScope();
        JsonElement golden = JsonDocument.Parse(File.ReadAllText(SharedData.RequireGolden("ops", "roi_align.json"))).RootElement;
        NpyArray expected = NpyArray.Read(SharedData.RequireGolden("ops", golden.GetProperty("output").GetString()!));
        float[] wanted = expected.ToSingles();
        int[] levels = golden.GetProperty("levels").Integers();
        double[] scales = golden.GetProperty("scales").Doubles();
        int row = 0;
        int each = wanted.Length / expected.Shape[0];
        for (int picture = 0; picture < golden.GetProperty("boxes").GetArrayLength(); picture++)
        {
            foreach (JsonElement entry in golden.GetProperty("boxes")[picture].EnumerateArray())
            {
                float[] box = entry.Floats();
                NpyArray feature = NpyArray.Read(SharedData.RequireGolden("ops", $"roi_align_feat{levels[row]}.npy"));
                Tensor features = tensor(feature.ToSingles(), [.. feature.Shape.Select(side => (long)side)]);
                Tensor region = tensor([picture, .. box], [1, 5]);

                float[] pooled = TorchOperators.RoiAlign(features, region, scales[levels[row]], 7, golden.GetProperty("sampling_ratio").GetInt32()).data<float>().ToArray();

                for (int i = 0; i < each; i++) Assert.Equal(wanted[row * each + i], pooled[i], 2e-6);
                row++;
            }
        }
        Assert.Equal(expected.Shape[0], row);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_gradient_of_pooling_equals_finite_differences(bool aligned)
    {
        Torch.Require();
        using DisposeScope scope = NewDisposeScope();
        manual_seed(1);
        double[] values = empty([2 * 3 * 6 * 5], float64).uniform_(-1, 1).data<double>().ToArray();
        // Regions that overlap, leave the picture, and are smaller than a cell.
        Tensor regions = tensor([0.0, 1, 2, 14, 18, 0, 3, 1, 30, 30, 1, -6, -3, 9, 8, 1, 5, 5, 5.5, 5.2], [4, 5]);
        Tensor weights = empty([4, 3, 2, 2], float64).uniform_(-1, 1);
        Tensor features = tensor(values, [2, 3, 6, 5], requires_grad: true);
        double Value(double[] at) => (TorchOperators.RoiAlign(tensor(at, [2, 3, 6, 5]), regions, 0.25, 2, 2, aligned) * weights).sum().item<double>();

        (TorchOperators.RoiAlign(features, regions, 0.25, 2, 2, aligned) * weights).sum().backward();
        double[] gradient = features.grad!.data<double>().ToArray();

        const double step = 1e-4;
        for (int i = 0; i < values.Length; i += 3)
        {
            double[] up = [.. values], down = [.. values];
            up[i] += step;
            down[i] -= step;
            Assert.Equal((Value(up) - Value(down)) / (2 * step), gradient[i], 1e-8);
        }
    }

    /// <summary>Indices are given picture by picture; the loss wants rows of the whole batch.</summary>
    private static long[] Rows(JsonElement golden, string name)
    {
        int first = 0;
        List<long> rows = [];
        for (int picture = 0; picture < golden.GetProperty(name).GetArrayLength(); picture++)
        {
            rows.AddRange(golden.GetProperty(name)[picture].Integers().Select(index => (long)first + index));
            first += golden.GetProperty("labels")[picture].GetArrayLength();
        }
        return [.. rows];
    }

    internal static Vector3d[] Calibration()
    {
        double[] flat = NpyArray.Read(SharedData.Require("reference", "reference_3d_5_points_trans.npy")).ToDoubles();
        return [.. Enumerable.Range(0, flat.Length / 3).Select(i => new Vector3d(flat[3 * i], flat[3 * i + 1], flat[3 * i + 2]))];
    }

    /// <summary>README section 8: 1e-5 relative, plus 1e-6.</summary>
    private static void Near(double expected, double actual) =>
        Assert.True(Math.Abs(expected - actual) <= 1e-5 * Math.Abs(expected) + 1e-6, $"{actual} instead of {expected}");

    private static void Near(float[] expected, Tensor actual)
    {
        float[] values = actual.data<float>().ToArray();
        Assert.Equal(expected.Length, values.Length);
        // A gradient's small entries carry the rounding of its large ones.
        float largest = expected.Max(Math.Abs);
        for (int i = 0; i < expected.Length; i++)
            Assert.True(Math.Abs(expected[i] - values[i]) <= 1e-5 * largest + 1e-6, $"entry {i}: {values[i]} instead of {expected[i]}");
    }

    private static JsonElement Root(string file) => JsonDocument.Parse(File.ReadAllText(SharedData.RequireGolden("training", file))).RootElement;

    private static JsonElement.ArrayEnumerator Cases(string file) => Root(file).GetProperty("cases").EnumerateArray();
}
