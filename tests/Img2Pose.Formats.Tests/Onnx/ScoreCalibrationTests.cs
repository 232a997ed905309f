using Img2Pose.Formats.Onnx;

namespace Img2Pose.Formats.Tests.Onnx;

public sealed class ScoreCalibrationTests
{
    private static readonly ScoreCalibration s_map = new([-2, 0, 1], [-6, -1, 5]);

    [Theory]
    [InlineData(-2, -6)]
    [InlineData(-1, -3.5)]
    [InlineData(0, -1)]
    [InlineData(0.5, 2)]
    // Straight on beyond the points.
    [InlineData(-3, -8.5)]
    [InlineData(2, 11)]
    public void The_logit_goes_along_the_line_and_back(double logit, double calibrated)
    {
        double score = ScoreCalibration.Sigmoid(logit);

        Assert.Equal(ScoreCalibration.Sigmoid(calibrated), s_map.Apply(score), 1e-12);
        Assert.Equal(score, s_map.Undo(s_map.Apply(score)), 1e-9);
    }

    [Fact]
    public void A_map_is_read_as_it_was_written()
    {
        ScoreCalibration read = ScoreCalibration.Parse(s_map.ToJson().ToJsonString());

        Assert.Equal(s_map.Logits, read.Logits);
        Assert.Equal(s_map.Calibrated, read.Calibrated);
    }

    [Theory]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("""{"logits":[0,1],"calibrated":["a","b"]}""")]
    [InlineData("""{"logits":[0,1],"calibrated":[1,0]}""")]
    [InlineData("""{"logits":[0],"calibrated":[1]}""")]
    [InlineData("""{"logits":[0,1e999],"calibrated":[0,1]}""")]
    [InlineData("{")]
    public void What_is_none_is_told(string json) => Assert.Throws<FormatException>(() => ScoreCalibration.Parse(json));

    [Fact]
    public void A_line_that_does_not_rise_would_turn_the_order_and_is_refused()
    {
        Assert.Throws<UsageException>(() => new ScoreCalibration([0, 1], [1, 1]));
        Assert.Throws<UsageException>(() => new ScoreCalibration([0, 0], [0, 1]));
        Assert.Throws<UsageException>(() => new ScoreCalibration([0, double.NaN], [0, 1]));
        Assert.Throws<UsageException>(() => new ScoreCalibration([0, 1, 2], [0, 1]));
    }
}
