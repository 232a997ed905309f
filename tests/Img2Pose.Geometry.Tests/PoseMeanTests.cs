namespace Img2Pose.Geometry.Tests;

public sealed class PoseMeanTests
{
    private static readonly Pose s_first = new(new Vector3d(0.2, -0.4, 0.1), new Vector3d(0.5, -0.25, 5));

    [Fact]
    public void One_pose_is_its_own_mean() => AssertNear(s_first, new PoseMean(s_first, 0.3).Value, 1e-12);

    [Theory]
    [InlineData(0.1, 0, 0)]
    [InlineData(0, 0.2, 0)]
    [InlineData(0.05, -0.1, 0.15)]
    public void Turns_to_both_sides_cancel(double x, double y, double z)
    {
        PoseMean mean = new(s_first, 1);
        Vector3d turn = new(x, y, z);

        Assert.True(mean.TryAdd(Turned(turn), 2, 0.35));
        Assert.True(mean.TryAdd(Turned(-turn), 2, 0.35));

        AssertNear(s_first, mean.Value, 1e-9);
    }

    [Fact]
    public void The_mean_lies_where_the_weights_pull_it()
    {
        PoseMean mean = new(s_first, 1);
        Pose other = new(RotationVector.Compose(s_first.Rotation, new Vector3d(0, 0.2, 0)), new Vector3d(1.2, 0.4, 10));

        mean.TryAdd(other, 3, 0.35);

        // Three quarters of the way: in the turn, on the rays (0.1, -0.05) and (0.12, 0.04), and between depths by their ratio.
        double depth = 5 * Math.Pow(2, 0.75);
        AssertNear(new Pose(RotationVector.Compose(s_first.Rotation, new Vector3d(0, 0.15, 0)), new Vector3d(0.115 * depth, 0.0175 * depth, depth)), mean.Value, 1e-9);
    }

    [Fact]
    public void What_is_turned_too_far_behind_the_camera_or_no_number_is_left_out()
    {
        PoseMean mean = new(s_first, 1);

        Assert.False(mean.TryAdd(Turned(new Vector3d(0, 0.36, 0)), 1, 0.35));
        Assert.False(mean.TryAdd(s_first with { Translation = new Vector3d(0.5, -0.25, -5) }, 1, 0.35));
        Assert.False(mean.TryAdd(s_first with { Translation = new Vector3d(0.5, -0.25, 0) }, 1, 0.35));
        Assert.False(mean.TryAdd(s_first with { Rotation = new Vector3d(double.NaN, 0, 0) }, 1, 0.35));
        Assert.False(mean.TryAdd(s_first with { Translation = new Vector3d(double.PositiveInfinity, 0, 1) }, 1, 0.35));

        AssertNear(s_first, mean.Value, 1e-12);
    }

    [Fact]
    public void Turns_across_the_half_circle_are_small()
    {
        // Rotation vectors of nearly half a turn, whose numbers jump where the turn passes it.
        PoseMean mean = new(s_first with { Rotation = new Vector3d(0, 0, Math.PI - 0.05) }, 1);

        Assert.True(mean.TryAdd(s_first with { Rotation = new Vector3d(0, 0, -Math.PI + 0.05) }, 1, 0.35));

        Assert.Equal(0, RotationVector.GeodesicDistance(new Vector3d(0, 0, Math.PI), mean.Value.Rotation), 1e-9);
    }

    private static Pose Turned(Vector3d turn) => s_first with { Rotation = RotationVector.Compose(s_first.Rotation, turn) };

    private static void AssertNear(Pose expected, Pose actual, double tolerance)
    {
        Assert.Equal(0, RotationVector.GeodesicDistance(expected.Rotation, actual.Rotation), tolerance);
        Assert.Equal(0, (expected.Translation - actual.Translation).Length, tolerance);
    }
}
