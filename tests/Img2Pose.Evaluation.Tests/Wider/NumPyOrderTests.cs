using Img2Pose.Evaluation.Wider;

namespace Img2Pose.Evaluation.Tests.Wider;

public sealed class NumPyOrderTests
{
    [Fact]
    public void Short_lists_come_in_reversed_order_where_scores_are_equal() =>
        Assert.Equal([1, 4, 3, 0, 2], NumPyOrder.Descending([0.5, 0.9, 0.1, 0.5, 0.5]));

    [Fact]
    public void Long_lists_come_as_numpy_1_24_gives_them()
    {
        // np.array([(i * 37 % 41) % 7 for i in range(48)]).astype(float).argsort()[::-1], NumPy 1.24.2 on Debian 12.
        double[] scores = [.. Enumerable.Range(0, 48).Select(i => (double)(i * 37 % 41 % 7))];

        Assert.Equal(
            [36, 19, 7, 24, 12, 14, 26, 2, 43, 38, 9, 31, 28, 16, 21, 33, 40, 4, 45, 11, 18, 6, 47, 23, 35, 30, 25, 20, 8, 1, 37, 42, 13, 3, 10, 15, 32, 44, 27, 39, 5, 46, 41, 22, 34, 17, 29, 0],
            NumPyOrder.Descending(scores));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(16)]
    [InlineData(17)]
    [InlineData(500)]
    public void Every_index_comes_once_and_scores_fall(int count)
    {
        Random random = new(count);
        double[] scores = [.. Enumerable.Range(0, count).Select(_ => (double)random.Next(20))];

        int[] order = NumPyOrder.Descending(scores);

        Assert.Equal(Enumerable.Range(0, count), order.Order());
        Assert.Equal(scores.OrderDescending(), order.Select(i => scores[i]));
    }
}
