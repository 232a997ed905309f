namespace Img2Pose.Geometry.Tests;

/// <summary>Poses under the user's own camera: heads of known size and place, seen through a known lens.</summary>
public class CameraViewTests
{
    private const int Width = 1280, Height = 720;

    /// <summary>A webcam's wide lens, with the barrel that those have; numbers as OpenCV's calibration gives them.</summary>
    private static readonly CameraModel s_webcam = new()
    {
        FocalX = 940,
        FocalY = 932,
        CenterX = 655.5,
        CenterY = 348.2,
        Width = Width,
        Height = Height,
        Distortion = [-0.31, 0.12, 0.0008, -0.0005, -0.02],
    };

    public static TheoryData<double, double, double, double, double, double> Heads => new()
    {
        // millimetres across, down and away; radians
        { 0, 0, 450, 0, 0, 0 },
        { 0, 0, 800, 0.2, 0.4, 0.1 },
        { 180, -60, 600, -0.2, -0.5, 0 },
        { -250, 90, 900, 0.1, 0.3, -0.3 },
        { 500, 150, 1500, 0, 0.6, 0.2 },
        { -800, -300, 3000, 0.3, 0, 0 },
    };

    [Theory]
    [MemberData(nameof(Heads))]
    public void The_distance_of_a_head_of_known_size_is_right_to_3_percent(double x, double y, double z, double pitch, double yaw, double roll)
    {
        const double headSize = 96;
        CameraView view = new(s_webcam, headSize);
        Vector3d place = new Vector3d(x, y, z) * (1 / view.MillimetresPerUnit);
        Pose truth = new(new Vector3d(pitch, yaw, roll), place);
        Pose assumed = SeenByTheAssumedCamera(truth);

        Pose expressed = view.Express(assumed, Width, Height);

        Vector3d found = view.Millimetres(expressed);
        Assert.InRange(found.Length / new Vector3d(x, y, z).Length, 0.97, 1.03);
        Assert.InRange((found - new Vector3d(x, y, z)).Length, 0, 0.03 * z + 5);
        Assert.InRange(double.RadiansToDegrees(RotationVector.GeodesicDistance(truth.Rotation, expressed.Rotation)), 0, 6);
    }

    [Fact]
    public void Without_the_lens_the_distance_would_be_far_off()
    {
        CameraView view = new(headSize: 96);
        Pose truth = new(default, new Vector3d(0, 0, 600 / view.MillimetresPerUnit));

        Vector3d found = view.Millimetres(view.Express(SeenByTheAssumedCamera(truth), Width, Height));

        // The assumed focal length is 2000 pixels, the lens's 936.
        Assert.InRange(found.Z / 600, 2, 2.3);
    }

    [Fact]
    public void Points_stay_where_they_are()
    {
        CameraView view = new(s_webcam);
        Pose assumed = new(new Vector3d(0.1, 0.3, -0.1), new Vector3d(1.1, -0.6, 14));
        CameraIntrinsics camera = CameraIntrinsics.ForImage(Width, Height);

        Pose expressed = view.Express(assumed, Width, Height);

        CameraModel lens = view.CameraOf(Width, Height)!;
        double worst = 0;
        foreach (Vector3d point in ReferenceFace.Default.Points68)
        {
            (double x0, double y0) = camera.Project(RotationVector.ToMatrix(assumed.Rotation) * point + assumed.Translation);
            (double x1, double y1) = lens.Project(RotationVector.ToMatrix(expressed.Rotation) * point + expressed.Translation);
            worst = Math.Max(worst, Math.Sqrt((x0 - x1) * (x0 - x1) + (y0 - y1) * (y0 - y1)));
        }
        // The face is some 220 pixels wide. A wider lens nearby shows noses larger than a long one far away; no rigid pose does both.
        Assert.InRange(worst, 0, 8);
    }

    [Fact]
    public void A_camera_like_the_assumed_one_changes_nothing()
    {
        CameraView view = new(new CameraModel { FocalX = Width + Height, FocalY = Width + Height });
        Pose pose = new(new Vector3d(0.2, -0.4, 0.1), new Vector3d(-1, 0.5, 9));

        Pose expressed = view.Express(pose, Width, Height);

        Assert.InRange((expressed.Translation - pose.Translation).Length, 0, 1e-6);
        Assert.InRange(RotationVector.GeodesicDistance(expressed.Rotation, pose.Rotation), 0, 1e-6);
    }

    [Fact]
    public void A_field_of_view_gives_the_focal_length_of_the_picture()
    {
        CameraModel camera = new CameraView(fieldOfView: 90).CameraOf(Width, Height)!;

        Assert.Equal(640, camera.FocalX, 9);
        Assert.Equal(360, camera.CenterY);
    }

    [Fact]
    public void A_direction_undoes_the_distortion()
    {
        for (double x = -0.6; x <= 0.6; x += 0.15)
        {
            for (double y = -0.35; y <= 0.35; y += 0.175)
            {
                (double column, double row) = s_webcam.Project(new Vector3d(x, y, 1));

                (double dx, double dy) = s_webcam.Direction(column, row);

                Assert.Equal(x, dx, 7);
                Assert.Equal(y, dy, 7);
            }
        }
    }

    [Fact]
    public void A_calibration_holds_for_every_size_of_the_same_shape_and_no_other()
    {
        CameraModel half = s_webcam.ForPicture(640, 360);

        Assert.Equal(470, half.FocalX, 9);
        Assert.Equal(327.5, half.CenterX!.Value, 9);
        Assert.Contains("1280x720", Assert.Throws<UsageException>(() => s_webcam.ForPicture(640, 480)).Message);
    }

    [Fact]
    public void Expressing_allocates_nothing()
    {
        CameraView view = new(s_webcam);
        Pose pose = new(new Vector3d(0.1, 0.2, 0), new Vector3d(0, 0, 10));
        view.Express(pose, Width, Height);

        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++) view.Express(pose, Width, Height);

        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    /// <summary>What the network would say of it at best: the pose under the assumed camera that explains the pixels.</summary>
    private static Pose SeenByTheAssumedCamera(Pose truth)
    {
        CameraIntrinsics camera = CameraIntrinsics.ForImage(Width, Height);
        (double X, double Y)[] pixels = new (double, double)[68];
        for (int i = 0; i < 68; i++)
            pixels[i] = s_webcam.Project(RotationVector.ToMatrix(truth.Rotation) * ReferenceFace.Default.Points68[i] + truth.Translation);
        Pose initial = new(truth.Rotation, truth.Translation with { Z = 2.1 * truth.Translation.Z });
        return PerspectiveNPoint.Refine(ReferenceFace.Default.Points68, pixels, camera, initial);
    }
}
