using System.Text.Json;

namespace Img2Pose.Geometry.Tests;

public class ResizeRuleTests
{
    [Fact]
    public void Both_torchvision_rules_give_the_sizes_of_the_original()
    {
        foreach ((int index, JsonElement one) in Golden.Load("ops", "resize.json").Cases("shapes"))
        {
            int[] row = [.. one.Numbers().Select(value => (int)value)];

            Assert.True((row[4], row[5]) == ResizeRule.MinMaxSingle(row[0], row[1], row[2], row[3]), $"row {index}, float32");
            Assert.True((row[6], row[7]) == ResizeRule.MinMax(row[0], row[1], row[2], row[3]), $"row {index}, float64");
        }
    }

    [Theory]
    [InlineData(1280, 720, false, 640, 360)]
    [InlineData(720, 1280, false, 360, 640)]
    [InlineData(320, 240, false, 320, 240)]
    [InlineData(320, 240, true, 640, 480)]
    [InlineData(5000, 1, false, 640, 1)]
    [InlineData(1001, 333, false, 640, 213)]
    public void The_long_side_rule_scales_in_proportion_and_enlarges_only_on_request(int width, int height, bool enlarge, int expectedWidth, int expectedHeight) =>
        Assert.Equal((expectedWidth, expectedHeight), ResizeRule.LongSide(width, height, 640, enlarge));

    [Theory]
    [InlineData(1, 32, 32)]
    [InlineData(32, 32, 32)]
    [InlineData(33, 32, 64)]
    [InlineData(360, 64, 384)]
    public void Padding_goes_to_the_next_multiple(int length, int multiple, int expected) =>
        Assert.Equal(expected, ResizeRule.PadTo(length, multiple));

    [Fact]
    public void Sizes_that_are_not_positive_are_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => ResizeRule.MinMax(0, 10, 400, 1400));
        Assert.Throws<ArgumentOutOfRangeException>(() => ResizeRule.MinMaxSingle(10, 10, 0, 1400));
        Assert.Throws<ArgumentOutOfRangeException>(() => ResizeRule.LongSide(10, -1, 640));
        Assert.Throws<ArgumentOutOfRangeException>(() => ResizeRule.PadTo(10, 0));
    }
}
