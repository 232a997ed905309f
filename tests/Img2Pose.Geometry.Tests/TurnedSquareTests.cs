namespace Img2Pose.Geometry.Tests;

public sealed class TurnedSquareTests
{
    private static readonly CameraIntrinsics s_camera = CameraIntrinsics.ForImage(641, 480);

    [Theory]
    [InlineData(0)]
    [InlineData(40)]
    [InlineData(-100)]
    [InlineData(179)]
    public void A_face_of_any_roll_stands_upright_in_the_middle_of_its_square(int degrees)
    {
        Pose pose = InPlaneTurn.Of(new Pose(new Vector3d(0.2, -0.4, 0), new Vector3d(0.7, -0.3, 9)), degrees * Math.PI / 180);

        TurnedSquare square = TurnedSquare.Around(pose, s_camera, 0.5, ReferenceFace.Default, FaceBoxFactors.Default, out Box face);

        Assert.Equal(0.5 * square.Side, face.CenterX, 1e-6);
        Assert.Equal(0.5 * square.Side, face.CenterY, 1e-6);
        Assert.Equal(0.5, Math.Max(face.Width, face.Height) / square.Side, 0.01);
        Assert.Equal(0, InPlaneTurn.RollOf(InPlaneTurn.Of(pose, square.Angle).Rotation), 1e-9);
    }

    [Fact]
    public void A_pose_of_the_square_projects_to_the_same_points_of_the_picture()
    {
        Pose pose = InPlaneTurn.Of(new Pose(new Vector3d(0.2, -0.4, 0.1), new Vector3d(-1.7, 1.3, 9)), 2);
        TurnedSquare square = TurnedSquare.Around(pose, s_camera, 0.5, ReferenceFace.Default, FaceBoxFactors.Default, out _);
        Pose there = InPlaneTurn.Of(pose, square.Angle);
        (double sin, double cos) = Math.SinCos(square.Angle);

        Assert.Equal(0, RotationVector.GeodesicDistance(pose.Rotation, square.ToPicture(there).Rotation), 1e-9);
        Assert.Equal(0, (pose.Translation - square.ToPicture(there).Translation).Length, 1e-9);
        foreach (Vector3d point in ReferenceFace.Default.Points68)
        {
            (double x, double y) = s_camera.Project(RotationVector.ToMatrix(pose.Rotation) * point + pose.Translation);
            (double u, double v) = square.Of(s_camera).Project(RotationVector.ToMatrix(there.Rotation) * point + there.Translation);
            // The point of the picture, turned clockwise about the principal point, from the square's corner.
            (x, y) = (x - s_camera.CenterX, y - s_camera.CenterY);
            Assert.Equal(cos * x - sin * y - square.Left, u, 1e-6);
            Assert.Equal(sin * x + cos * y - square.Top, v, 1e-6);
            Assert.InRange(u, 0, square.Side);
            Assert.InRange(v, 0, square.Side);
        }
    }

    [Theory]
    [InlineData(0, 0, 0)]
    [InlineData(0.3, 0.5, 1)]
    [InlineData(-0.4, 0.9, -2)]
    public void Roll_is_how_far_a_face_is_turned_in_the_plane_whatever_its_nod_and_its_turn(double nod, double turn, double roll)
    {
        Vector3d rotation = RotationVector.Compose(new Vector3d(0, 0, roll), RotationVector.Compose(new Vector3d(nod, 0, 0), new Vector3d(0, turn, 0)));

        Assert.Equal(roll, InPlaneTurn.RollOf(rotation), 1e-9);
    }
}
