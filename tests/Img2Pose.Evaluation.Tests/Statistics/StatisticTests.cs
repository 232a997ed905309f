using Img2Pose.Evaluation.Statistics;

namespace Img2Pose.Evaluation.Tests.Statistics;

public sealed class StatisticTests
{
    [Fact]
    public void A_mean_counts_each_picture_as_often_as_it_is_drawn()
    {
        MeanStatistic mean = new([new(0, 1), new(0, 3), new(1, 8)]);

        Assert.Equal(4, mean.Evaluate([1, 1]));
        Assert.Equal((2 * 1 + 2 * 3 + 8) / 5.0, mean.Evaluate([2, 1]));
        Assert.True(double.IsNaN(mean.Evaluate([0, 0])));
        Assert.Equal([0, 1], mean.Pictures.ToArray());
    }

    [Theory]
    [InlineData(0.5, 2.5)] // between the 2nd and 3rd of 1 2 3 10
    [InlineData(0.9, 7.9)] // numpy.quantile([1, 2, 3, 10], 0.9)
    [InlineData(1, 10)]
    [InlineData(0, 1)]
    public void A_quantile_interpolates_between_order_statistics(double probability, double expected)
    {
        QuantileStatistic quantile = new([new(0, 10), new(1, 1), new(2, 3), new(3, 2)], probability);

        Assert.Equal(expected, quantile.Evaluate([1, 1, 1, 1]), 12);
    }

    [Fact]
    public void A_quantile_of_a_resample_is_that_of_the_repeated_values()
    {
        QuantileStatistic median = new([new(0, 10), new(1, 1), new(2, 3)], 0.5);

        // 1, 3, 3, 3, 10, 10
        Assert.Equal(3, median.Evaluate([2, 1, 3]));
    }

    [Fact]
    public void A_median_over_mostly_missed_faces_is_infinite_and_not_a_number_of_nothing()
    {
        QuantileStatistic median = new([new(0, 1), new(1, double.PositiveInfinity), new(2, double.PositiveInfinity)], 0.5);

        Assert.Equal(double.PositiveInfinity, median.Evaluate([1, 1, 1]));
    }

    [Fact]
    public void Average_precision_is_the_area_under_the_envelope()
    {
        // Ranked hit, miss, hit, miss, hit over 4 faces: precision 1, 1/2, 2/3, 2/4, 3/5 at recall 1/4, 1/4, 2/4, 2/4, 3/4.
        // The envelope from the right: 3/5 at 3/4; 2/3 at 2/4; 1 at 1/4.
        AveragePrecision precision = new(
            [new(0, 0.9, true), new(0, 0.8, false), new(0, 0.7, true), new(0, 0.6, false), new(0, 0.5, true)], [4], [0]);

        Assert.Equal(0.25 * (1 + 2.0 / 3 + 3.0 / 5), precision.Evaluate([1]), 12);
        Assert.Equal(4, precision.Count);
    }

    [Fact]
    public void Detections_of_equal_score_enter_together()
    {
        AveragePrecision hitFirst = new([new(0, 0.5, true), new(0, 0.5, false)], [1], [0]);
        AveragePrecision missFirst = new([new(0, 0.5, false), new(0, 0.5, true)], [1], [0]);

        Assert.Equal(0.5, hitFirst.Evaluate([1]));
        Assert.Equal(0.5, missFirst.Evaluate([1]));
    }

    [Fact]
    public void Average_precision_without_faces_is_undefined_and_without_detections_zero()
    {
        Assert.True(double.IsNaN(new AveragePrecision([new(0, 0.5, false)], [0], [0]).Evaluate([1])));
        Assert.Equal(0, new AveragePrecision([], [3], [0]).Evaluate([1]));
    }

    [Fact]
    public void A_picture_left_out_of_a_resample_takes_its_faces_and_detections_with_it()
    {
        AveragePrecision precision = new([new(0, 0.9, true), new(1, 0.95, false)], [1, 5], [0, 1]);

        Assert.Equal(1, precision.Evaluate([1, 0]));
    }

    [Fact]
    public void The_bootstrap_interval_is_deterministic_and_covers_the_estimate()
    {
        Observation[] flips = [.. Enumerable.Range(0, 100).Select(i => new Observation(i, i % 5 == 0 ? 0 : 1))];

        Measure first = new Bootstrap(100, 1000, 7).Measure(new MeanStatistic(flips));
        Measure second = new Bootstrap(100, 1000, 7).Measure(new MeanStatistic(flips));

        Assert.Equal(first, second);
        Assert.Equal(0.8, first.Value!.Value, 12);
        // The binomial's standard deviation is 0.04, so the interval is about 0.8 ± 0.078.
        Assert.InRange(first.Low!.Value, 0.70, 0.745);
        Assert.InRange(first.High!.Value, 0.855, 0.90);
    }

    [Fact]
    public void Nothing_measured_gives_no_number_and_no_interval()
    {
        Measure nothing = new Bootstrap(3, 100, 7).Measure(new MeanStatistic([]));

        Assert.Equal(new Measure(null, null, null, 0), nothing);
    }

    [Fact]
    public void The_generator_gives_the_published_sequence()
    {
        // First outputs of SplitMix64 for seed 1234567 (Rosetta Code, "Pseudo-random numbers/Splitmix64").
        SplitMix64 random = new(1234567);

        Assert.Equal([6457827717110365317UL, 3203168211198807973UL, 9817491932198370423UL], [random.Next(), random.Next(), random.Next()]);
    }
}
