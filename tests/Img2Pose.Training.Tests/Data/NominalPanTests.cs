using Img2Pose.Formats;
using Img2Pose.Geometry;
using Img2Pose.Training.Augmentation;
using Img2Pose.Training.Data;

namespace Img2Pose.Training.Tests.Data;

public class NominalPanTests
{
    [Theory]
    [InlineData(68, 90)]
    [InlineData(-70, -90)]
    [InlineData(80, 75)]
    public void A_side_view_is_turned_to_its_pan_and_keeps_place_and_elevation(double estimate, double pan)
    {
        AnnotatedFace face = Face(new EulerAngles(estimate, 0, 0).ToRotationVector(), pan);

        Pose turned = Restored(face).Pose!.Value;

        Assert.Equal(pan, FaceLabels.Yaw(turned), 4);
        Assert.Equal(face.Pose!.Value.Translation, turned.Translation);
        Assert.Equal(Forward(face.Pose.Value).Y, Forward(turned).Y, 9);
    }

    [Fact]
    public void A_tilted_side_view_keeps_its_elevation()
    {
        AnnotatedFace face = Face(new EulerAngles(62, 25, 8).ToRotationVector(), 75);

        Pose turned = Restored(face).Pose!.Value;

        Vector3d forward = Forward(turned);
        Assert.Equal(75, double.RadiansToDegrees(Math.Atan2(-forward.X, -forward.Z)), 9);
        Assert.Equal(Forward(face.Pose!.Value).Y, forward.Y, 9);
    }

    [Theory]
    [InlineData("nominal", 30, 45.0)]  // estimates agree with the recording there
    [InlineData("teacher", 60, 75.0)]  // the source's angle is not a recording's
    [InlineData("nominal", 20, 75.0)]  // too far away to be the same thing
    [InlineData("nominal", 60, null)]
    public void Other_faces_stay_as_they_are(string label, double estimate, double? pan)
    {
        AnnotatedFace face = Face(new EulerAngles(estimate, 0, 0).ToRotationVector(), pan) with { Label = label };

        Assert.Same(face, Restored(face));
    }

    [Theory]
    [InlineData(91, 50, 64)] // as the pack has them
    [InlineData(70, 50, 75)]
    [InlineData(60, 60, 75)]
    public void From_which_pan_on_is_the_callers_choice(double smallest, double at60, double at75)
    {
        AnnotatedFace first = Face(new EulerAngles(50, 0, 0).ToRotationVector(), 60), second = Face(new EulerAngles(64, 0, 0).ToRotationVector(), 75);

        Assert.Equal(at60, Yaw(Restored(first, smallest)), 4);
        Assert.Equal(at75, Yaw(Restored(second, smallest)), 4);
    }

    private static double Yaw(AnnotatedFace face) => FaceLabels.Yaw(face.Pose!.Value);

    private static AnnotatedFace Restored(AnnotatedFace face, double? smallest = null) =>
        NominalPan.Restore([new AnnotatedImage { Image = "a.png", Path = "a.png", Width = 320, Height = 240, Set = "s", Complete = true, Faces = [face] }], smallest ?? NominalPan.SmallestPan)[0].Faces[0];

    private static Vector3d Forward(Pose pose) => RotationVector.ToMatrix(pose.Rotation) * new Vector3d(0, 0, -1);

    private static AnnotatedFace Face(Vector3d rotation, double? pan) => new()
    {
        Box = new Box(100, 60, 200, 180),
        Pose = new Pose(rotation, new Vector3d(0.1, 0.2, 7)),
        Label = "nominal",
        Ignore = false,
        SourceYaw = pan,
    };
}
