using System.Text.Json;
using Img2Pose.Testing;

namespace Img2Pose.Geometry.Tests;

public class BoxSelectionTests
{
    [Fact]
    public void Suppression_keeps_what_torchvision_keeps()
    {
        foreach ((int index, JsonElement one) in Golden.Load("ops", "nms.json").Cases())
        {
            Box[] boxes = [.. one.Rows("boxes").Select(Golden.ToBox)];
            Box[] integerBoxes = [.. boxes.Select(b => new Box(Math.Floor(b.Left), Math.Floor(b.Top), Math.Floor(b.Right), Math.Floor(b.Bottom)))];
            double[] scores = one.Numbers("scores");
            int[] classes = [.. one.Numbers("classes").Select(value => (int)value)];
            int[] kept = new int[boxes.Length];

            Assert.Equal(Expected(one, "keep_04"), kept[..NonMaximumSuppression.Apply(boxes, scores, 0.4, kept)]);
            Assert.Equal(Expected(one, "keep_05"), kept[..NonMaximumSuppression.Apply(boxes, scores, 0.5, kept)]);
            Assert.Equal(Expected(one, "keep_05_integer_boxes"), kept[..NonMaximumSuppression.Apply(integerBoxes, scores, 0.5, kept)]);
            Assert.Equal(Expected(one, "batched_keep_04"), kept[..NonMaximumSuppression.Apply(boxes, scores, classes, 0.4, kept)]);
            Assert.True(boxes.Length > 0, $"case {index} has no boxes");
        }

        static int[] Expected(JsonElement one, string name) => [.. one.Numbers(name).Select(value => (int)value)];
    }

    [Fact]
    public void Equal_scores_keep_their_order_and_missing_scores_come_last()
    {
        Box[] boxes = [new(0, 0, 1, 1), new(2, 0, 3, 1), new(4, 0, 5, 1), new(6, 0, 7, 1)];
        int[] kept = new int[4];

        int count = NonMaximumSuppression.Apply(boxes, [0.5, double.NaN, 0.5, 0.9], 0.5, kept);

        Assert.Equal(4, count);
        Assert.Equal([3, 0, 2, 1], kept);
    }

    [Fact]
    public void An_overlap_at_the_threshold_is_kept()
    {
        Box[] boxes = [new(0, 0, 2, 1), new(0, 0, 1, 1)]; // intersection over union exactly 1/2
        int[] kept = new int[2];

        Assert.Equal(2, NonMaximumSuppression.Apply(boxes, [0.9, 0.8], 0.5, kept));
        Assert.Equal(1, NonMaximumSuppression.Apply(boxes, [0.9, 0.8], 0.4999, kept));
    }

    [Fact]
    public void Suppression_allocates_nothing()
    {
        Box[] boxes = [.. Enumerable.Range(0, 200).Select(i => new Box(i % 37, i % 23, i % 37 + 10, i % 23 + 12))];
        double[] scores = [.. Enumerable.Range(0, 200).Select(i => (i * 7919 % 200) / 200.0)];
        int[] kept = new int[200];

        Allocation.AssertAtMost(() =>
        {
            NonMaximumSuppression.Apply(boxes, scores, 0.3, kept);
            DuplicateSuppression.Default.Apply(boxes, scores, kept);
        });
    }

    [Fact]
    public void Wrong_lengths_are_refused()
    {
        Box[] two = new Box[2];
        Assert.Throws<ArgumentException>(() => NonMaximumSuppression.Apply(two, new double[1], 0.5, new int[2]));
        Assert.Throws<ArgumentException>(() => NonMaximumSuppression.Apply(two, new double[2], new int[1], 0.5, new int[2]));
        Assert.Throws<ArgumentException>(() => NonMaximumSuppression.Apply(two, new double[2], 0.5, new int[1]));
        Assert.Throws<ArgumentException>(() => DuplicateSuppression.Default.Apply(two, new double[1], new int[2]));
        Assert.Throws<ArgumentException>(() => DuplicateSuppression.Default.Apply(two, new double[2], new int[1]));
        Assert.Throws<ArgumentException>(() => BoxVoting.Apply(two, new double[1], 0.5, []));
    }

    [Fact]
    public void A_box_nested_in_another_of_the_same_face_goes()
    {
        Box outer = new(100, 100, 200, 220), inner = new(115, 125, 180, 205);
        int[] kept = new int[2];

        Assert.Equal(2, NonMaximumSuppression.Apply([outer, inner], [0.9, 0.8], 0.5, kept));
        Assert.Equal(1, DuplicateSuppression.Default.Apply([outer, inner], [0.9, 0.8], kept));
        Assert.Equal(0, kept[0]);
        Assert.Equal(1, DuplicateSuppression.Default.Apply([outer, inner], [0.8, 0.9], kept));
        Assert.Equal(1, kept[0]);
    }

    [Theory]
    [InlineData(110, 110, 140, 145)] // far face inside the box of a near one
    [InlineData(170, 100, 270, 220)] // neighbours that overlap
    [InlineData(300, 100, 400, 220)] // apart
    public void Two_faces_stay_two(double left, double top, double right, double bottom)
    {
        Box[] boxes = [new(100, 100, 200, 220), new(left, top, right, bottom)];

        Assert.Equal(2, DuplicateSuppression.Default.Apply(boxes, [0.9, 0.8], new int[2]));
    }

    [Fact]
    public void Voting_merges_boxes_as_the_original()
    {
        List<(Box Box, double Score)> voted = [];
        foreach ((int index, JsonElement one) in Golden.Load("geometry", "evaluate_wider.json").Cases("bbox_voting"))
        {
            double[][] rows = one.Rows("bboxes"), expected = one.Rows("out");

            BoxVoting.Apply([.. rows.Select(Golden.ToBox)], [.. rows.Select(row => row[4])], one.Number("iou_thresh"), voted);

            Assert.True(expected.Length == voted.Count, $"case {index}: {voted.Count} boxes for {expected.Length}");
            for (int i = 0; i < expected.Length; i++)
            {
                (Box box, double score) = voted[i];
                double[] actual = [box.Left, box.Top, box.Right, box.Bottom, score];
                for (int k = 0; k < 5; k++)
                {
                    Assert.True(Math.Abs(expected[i][k] - actual[k]) <= 1e-9 * Math.Max(1, Math.Abs(expected[i][k])),
                        $"case {index}, box {i}, number {k}: {actual[k]} for {expected[i][k]}");
                }
            }
        }
    }

    [Fact]
    public void The_notebooks_overlap_counts_the_last_pixel()
    {
        foreach ((int index, JsonElement one) in Golden.Load("geometry", "aflw_angles.json").Cases("notebook_iou"))
        {
            double actual = BoxVoting.InclusiveIntersectionOverUnion(one.Box("a"), one.Box("b"));

            Assert.True(Math.Abs(one.Number("iou_plus1") - actual) <= 1e-9, $"case {index}: {actual} for {one.Number("iou_plus1")}");
        }
    }

    [Fact]
    public void Scales_and_mirroring_follow_the_original_evaluation()
    {
        JsonElement golden = Golden.Load("geometry", "evaluate_wider.json");
        foreach ((int index, JsonElement one) in golden.Cases("get_scales"))
        {
            int width = one.Integer("w"), height = one.Integer("h");
            double[] sides = one.Numbers("min_size"), scales = one.Numbers("scales");
            double[][] sizes = one.Rows("run_wh");
            for (int i = 0; i < sides.Length; i++)
            {
                double scale = TestTimeAugmentation.Scale(width, height, (int)sides[i]);
                (int scaledWidth, int scaledHeight) = TestTimeAugmentation.ScaledSize(width, height, scale);

                Assert.True(scales[i] == scale && sizes[i][0] == scaledWidth && sizes[i][1] == scaledHeight, $"case {index}, side {sides[i]}");
            }
        }
        foreach ((int index, JsonElement one) in golden.Cases("flip_mapping"))
        {
            Assert.True(one.Box("out_bbox") == TestTimeAugmentation.Unmirror(one.Box("bbox"), one.Integer("w")), $"case {index}");
            Assert.True(one.Pose("out_pose") == TestTimeAugmentation.Mirror(one.Pose("pose")), $"case {index}");
        }
    }
}
