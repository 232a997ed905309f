using Img2Pose.Testing;
using OpenCvSharp;

namespace Img2Pose.Interop.Tests;

public sealed class OpenCvSharpTests
{
    [Fact]
    public void The_stand_in_holds_exactly_the_listed_members() =>
        PublicApi.AssertMatches(
            typeof(Cv2).Assembly, Path.Combine(SharedData.RepositoryRoot, "src/Interop/OpenCvSharp4/PublicApi.txt"));

    [Fact]
    public void A_pose_that_was_projected_is_found_again()
    {
        OpenCvShim.Require();
        // A half turn about z: (x, y, z) appears at (-x, -y, z + 5).
        Point3f[] points = [new(0, 0, 0), new(1, 0, 0.5f), new(0, 1, -0.5f), new(-1, 0.5f, 1), new(0.5f, -1, 0.25f), new(-0.5f, -0.5f, -1)];
        Point2f[] pixels = [.. points.Select(p => new Point2f(-p.X / (p.Z + 5) * 400 + 100, -p.Y / (p.Z + 5) * 400 + 50))];
        double[] rotation = [], translation = [];

        Cv2.SolvePnP(points, pixels, new double[,] { { 400, 0, 100 }, { 0, 400, 50 }, { 0, 0, 1 } }, null, ref rotation, ref translation, flags: SolvePnPFlags.EPNP);

        Assert.Equal(Math.PI, Math.Abs(rotation[2]), 1e-4);
        Assert.Equal(5, translation[2], 1e-4);
    }

    [Fact]
    public void A_refusal_carries_OpenCVs_message()
    {
        OpenCvShim.Require();
        double[] rotation = [], translation = [];

        OpenCVException error = Assert.Throws<OpenCVException>(() =>
            Cv2.SolvePnP([new Point3f(0, 0, 0)], [new Point2f(0, 0)], new double[3, 3], null, ref rotation, ref translation, flags: SolvePnPFlags.EPNP));

        Assert.Contains("solvePnP", error.Message, StringComparison.Ordinal);
    }
}
