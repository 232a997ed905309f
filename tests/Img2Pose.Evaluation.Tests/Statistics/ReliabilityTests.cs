using Img2Pose.Evaluation.Statistics;

namespace Img2Pose.Evaluation.Tests.Statistics;

public sealed class ReliabilityTests
{
    [Fact]
    public void Bins_hold_mean_score_and_precision_and_the_error_is_their_mean_distance()
    {
        // Four at 0.95, three of them right; two at 0.15, none right.
        Reliability reliability = Reliability.Of([.. Hits(0.95, 3, 1), .. Hits(0.15, 0, 2)]);

        ReliabilityBin high = reliability.Bins[9], low = reliability.Bins[1];
        Assert.Equal((4, 0.75), (high.Count, high.Precision));
        Assert.Equal(0.95, high.Score, 12);
        Assert.Equal((2, 0.0), (low.Count, low.Precision));
        Assert.Equal((4 * 0.2 + 2 * 0.15) / 6, reliability.Error, 12);
        Assert.Null(reliability.Calibration);
    }

    [Theory]
    [InlineData(0.0, 0)]
    [InlineData(1.0, 9)]
    [InlineData(0.1, 1)]
    public void A_score_on_an_edge_belongs_to_the_bin_above_and_one_to_the_last(double score, int bin) =>
        Assert.Equal(1, Reliability.Of([.. Hits(score, 1, 0)]).Bins[bin].Count);

    [Theory]
    [InlineData(0.5, 1.0)]
    [InlineData(2.0, -0.7)]
    public void Calibration_finds_the_map_that_the_scores_were_made_by(double slope, double offset)
    {
        // At each score as many right ones of ten thousand as its precision says.
        List<ScoredHit> hits = [];
        foreach (double score in new[] { 0.1, 0.3, 0.5, 0.7, 0.9 })
        {
            int right = (int)Math.Round(10000 * new ScoreCalibration(slope, offset).Apply(score));
            hits.AddRange(Hits(score, right, 10000 - right));
        }

        ScoreCalibration found = Reliability.Of(hits).Calibration!;

        Assert.Equal(slope, found.Slope, 0.01);
        Assert.Equal(offset, found.Offset, 0.01);
    }

    [Fact]
    public void Scores_that_are_worse_the_higher_they_are_get_no_calibration() =>
        Assert.Null(Reliability.Of([.. Hits(0.9, 10, 90), .. Hits(0.1, 90, 10)]).Calibration);

    [Fact]
    public void Nothing_has_no_error() => Assert.Equal(double.NaN, Reliability.Of([]).Error);

    private static IEnumerable<ScoredHit> Hits(double score, int right, int wrong) =>
        Enumerable.Range(0, right + wrong).Select(i => new ScoredHit(0, score, i < right));
}
