using Img2Pose.Evaluation.Statistics;
using Img2Pose.Formats.Onnx;

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
        double Precision(double score) => ScoreCalibration.Sigmoid(slope * ScoreCalibration.Logit(score) + offset);

        ScoreCalibration found = Reliability.Of(Made(Precision)).Calibration!;

        foreach (double score in s_scores) Assert.Equal(Precision(score), found.Apply(score), 0.005);
    }

    [Fact]
    public void A_map_that_bends_is_found_with_its_bend()
    {
        // As networks trained on soft targets do: low scores say too much, high ones far too little.
        double Precision(double score)
        {
            double logit = ScoreCalibration.Logit(score);
            return ScoreCalibration.Sigmoid(2 * logit - 1 + 6 * Math.Max(0, logit));
        }

        ScoreCalibration found = Reliability.Of(Made(Precision)).Calibration!;

        foreach (double score in s_scores) Assert.Equal(Precision(score), found.Apply(score), 0.03);
        Assert.InRange(found.Logits[1], -0.4, 0.4);
    }

    [Fact]
    public void Detections_that_nobody_looks_at_do_not_bend_the_map()
    {
        List<ScoredHit> hits = Made(score => score);

        ScoreCalibration alone = Reliability.Of(hits).Calibration!, among = Reliability.Of([.. hits, .. Hits(0.05, 0, 100_000)]).Calibration!;

        Assert.Equal(alone.Apply(0.6), among.Apply(0.6), 12);
    }

    [Fact]
    public void Nothing_is_called_surer_than_so_many_right_ones_can_tell()
    {
        // 200 right ones from 0.6 on, none below: a line through that would rise without end.
        ScoreCalibration found = Reliability.Of([.. Hits(0.3, 0, 50), .. Hits(0.45, 10, 40), .. Hits(0.6, 100, 0), .. Hits(0.7, 90, 0)]).Calibration!;

        Assert.InRange(found.Apply(0.8), 0.9, 0.9985);
        Assert.True(found.Apply(0.8) > found.Apply(0.75));
    }

    [Fact]
    public void Scores_that_are_worse_the_higher_they_are_get_no_calibration() =>
        Assert.Null(Reliability.Of([.. Hits(0.9, 10, 90), .. Hits(0.3, 90, 10)]).Calibration);

    [Fact]
    public void Nothing_has_no_error() => Assert.Equal(double.NaN, Reliability.Of([]).Error);

    private static readonly double[] s_scores = [0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75];

    /// <summary>At each score as many right ones of ten thousand as its precision says.</summary>
    private static List<ScoredHit> Made(Func<double, double> precision)
    {
        List<ScoredHit> hits = [];
        foreach (double score in s_scores)
        {
            int right = (int)Math.Round(10000 * precision(score));
            hits.AddRange(Hits(score, right, 10000 - right));
        }
        return hits;
    }

    private static IEnumerable<ScoredHit> Hits(double score, int right, int wrong) =>
        Enumerable.Range(0, right + wrong).Select(i => new ScoredHit(0, score, i < right));
}
