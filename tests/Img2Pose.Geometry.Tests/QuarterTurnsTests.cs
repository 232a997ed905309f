namespace Img2Pose.Geometry.Tests;

public sealed class QuarterTurnsTests
{
    [Theory]
    [InlineData(1, 640, 480)]
    [InlineData(2, 640, 480)]
    [InlineData(3, 640, 480)]
    [InlineData(1, 641, 333)]
    [InlineData(2, 641, 333)]
    [InlineData(3, 641, 333)]
    [InlineData(1, 100, 301)]
    public void A_pose_of_the_turned_picture_projects_to_the_same_points_of_the_picture_itself(int quarters, int width, int height)
    {
        Pose turned = new(new Vector3d(0.2, -0.4, 0.3), new Vector3d(0.7, -0.3, 6));
        CameraIntrinsics camera = CameraIntrinsics.ForImage(width, height);
        CameraIntrinsics turnedCamera = quarters == 2 ? camera : CameraIntrinsics.ForImage(height, width);

        Pose back = QuarterTurns.Back(turned, quarters, width, height);

        // An odd side shifts the camera's centre by a pixel, which a pose makes good at its own depth: 0.75 units of 6 before and behind it.
        double apart = ((width | height) & 1) == 0 ? 1e-6 : 0.15;
        foreach (Vector3d point in ReferenceFace.Default.Points68)
        {
            (double x, double y) = turnedCamera.Project(RotationVector.ToMatrix(turned.Rotation) * point + turned.Translation);
            // Where a turn by quarters clockwise brings a point of the picture, undone.
            (double X, double Y) expected = quarters switch { 1 => (y, height - x), 2 => (width - x, height - y), _ => (width - y, x) };
            (double X, double Y) found = camera.Project(RotationVector.ToMatrix(back.Rotation) * point + back.Translation);
            Assert.Equal(expected.X, found.X, apart);
            Assert.Equal(expected.Y, found.Y, apart);
        }
    }

    [Fact]
    public void Not_turning_changes_nothing()
    {
        Pose pose = new(new Vector3d(0.1, 0.2, 3), new Vector3d(1, 2, 3));
        Assert.Equal(pose, QuarterTurns.Back(pose, 0, 5, 7));
        Assert.Throws<ArgumentOutOfRangeException>(() => QuarterTurns.Back(pose, 4, 5, 7));
    }
}
