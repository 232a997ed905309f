namespace Img2Pose.Geometry.Tests;

public class PerspectiveNPointTests
{
    private static readonly CameraIntrinsics Camera = CameraIntrinsics.ForImage(640, 480);
    private static readonly Pose Pose = new(new Vector3d(0.2, -0.5, 0.1), new Vector3d(0.4, -0.2, 6));
    private static readonly Pose Near = new(new Vector3d(0.3, -0.3, 0), new Vector3d(0.5, -0.3, 7));

    [Fact]
    public void Exact_points_give_back_the_exact_pose()
    {
        (double X, double Y)[] pixels = Project(ReferenceFace.Default.Points68, Pose);

        Pose refined = PerspectiveNPoint.Refine(ReferenceFace.Default.Points68, pixels, Camera, Near);

        Assert.True(Golden.Difference(Pose, refined) < 1e-9, $"refined off by {Golden.Difference(Pose, refined)}");
    }

    [Fact]
    public void Refinement_never_fits_worse_than_where_it_starts()
    {
        (double X, double Y)[] pixels = Project(ReferenceFace.Default.Points68, Pose);
        for (int i = 0; i < pixels.Length; i++) pixels[i] = (pixels[i].X + Math.Sin(5 * i), pixels[i].Y + Math.Cos(7 * i));
        Pose start = Near;
        double before = PerspectiveNPoint.ReprojectionError(ReferenceFace.Default.Points68, pixels, Camera, start);

        Pose refined = PerspectiveNPoint.Refine(ReferenceFace.Default.Points68, pixels, Camera, start);

        double after = PerspectiveNPoint.ReprojectionError(ReferenceFace.Default.Points68, pixels, Camera, refined);
        Assert.True(after <= before, $"{after} px after {before} px");
        Assert.True(RotationVector.GeodesicDistance(Pose.Rotation, refined.Rotation) < 0.02);
    }

    [Fact]
    public void Points_of_weight_zero_do_not_count()
    {
        (double X, double Y)[] pixels = Project(ReferenceFace.Default.Points68, Pose);
        double[] weights = new double[68];
        Array.Fill(weights, 1);
        for (int i = 0; i < 17; i++) (pixels[i], weights[i]) = ((pixels[i].X + 60, pixels[i].Y - 40), 0);
        Pose start = new(Vector3d.Zero, new Vector3d(0, 0, 7));

        Pose refined = PerspectiveNPoint.Refine(ReferenceFace.Default.Points68, pixels, Camera, start, weights);

        Assert.True(Golden.Difference(Pose, refined) < 1e-8, $"off by {Golden.Difference(Pose, refined)}");
    }

    [Fact]
    public void A_start_behind_the_camera_is_returned_as_it_is()
    {
        (double X, double Y)[] pixels = Project(ReferenceFace.Default.Points68, Pose);
        Pose behind = new(Vector3d.Zero, new Vector3d(0, 0, -5));

        Assert.Equal(behind, PerspectiveNPoint.Refine(ReferenceFace.Default.Points68, pixels, Camera, behind));
        Assert.Equal(double.PositiveInfinity, PerspectiveNPoint.ReprojectionError(ReferenceFace.Default.Points68, pixels, Camera, behind));
    }

    [Fact]
    public void Too_few_or_unequal_points_are_refused()
    {
        Vector3d[] three = new Vector3d[3];
        (double X, double Y)[] threePixels = new (double X, double Y)[3];

        Assert.Throws<ArgumentException>(() => PerspectiveNPoint.Refine(new Vector3d[4], threePixels, Camera, default));
        Assert.Throws<ArgumentException>(() => PerspectiveNPoint.Refine(three, threePixels, Camera, default, new double[2]));
        Assert.Throws<ArgumentException>(() => RigidAlignment.Estimate(three, new Vector3d[4]));
    }

    [Fact]
    public void Rigid_alignment_recovers_a_half_turn()
    {
        Pose halfTurn = new(new Vector3d(0, Math.PI, 0), new Vector3d(1, 2, 3));
        Matrix3x3d rotation = RotationVector.ToMatrix(halfTurn.Rotation);
        Vector3d[] moved = [.. ReferenceFace.Default.Points68.ToArray().Select(point => rotation * point + halfTurn.Translation)];

        Pose actual = RigidAlignment.Estimate(ReferenceFace.Default.Points68, moved);

        Assert.True(RotationVector.GeodesicDistance(halfTurn.Rotation, actual.Rotation) < 1e-7);
        Assert.True(Golden.Difference(halfTurn.Translation, actual.Translation) < 1e-9);
    }

    [Fact]
    public void A_similarity_between_point_sets_is_recovered()
    {
        Pose motion = new(new Vector3d(0.3, -0.5, 0.2), new Vector3d(0.4, -1, 2));
        Matrix3x3d rotation = RotationVector.ToMatrix(motion.Rotation);
        Vector3d[] to = [.. ReferenceFace.Default.Points68.ToArray().Select(point => 1.3 * (rotation * point) + motion.Translation)];

        (double scale, Pose actual) = RigidAlignment.EstimateSimilarity(ReferenceFace.Default.Points68, to);

        Assert.Equal(1.3, scale, 12);
        Assert.True(RotationVector.GeodesicDistance(motion.Rotation, actual.Rotation) < 1e-7);
        Assert.True(Golden.Difference(motion.Translation, actual.Translation) < 1e-9);
        Assert.Throws<ArgumentException>(() => RigidAlignment.EstimateSimilarity(new Vector3d[4], new Vector3d[4]));
    }

    private static (double X, double Y)[] Project(ReadOnlySpan<Vector3d> points, Pose pose)
    {
        Matrix3x3d rotation = RotationVector.ToMatrix(pose.Rotation);
        (double X, double Y)[] pixels = new (double X, double Y)[points.Length];
        for (int i = 0; i < pixels.Length; i++) pixels[i] = Camera.Project(rotation * points[i] + pose.Translation);
        return pixels;
    }
}
