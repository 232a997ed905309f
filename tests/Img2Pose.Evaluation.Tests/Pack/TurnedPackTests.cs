using Img2Pose.Evaluation.Pack;
using Img2Pose.Evaluation.Reporting;
using Img2Pose.Formats;
using Img2Pose.Frames;
using Img2Pose.Geometry;

namespace Img2Pose.Evaluation.Tests.Pack;

public sealed class TurnedPackTests
{
    private static readonly Pose Aside = new(new Vector3d(0.1, -0.4, 0.2), new Vector3d(0.8, -0.5, 12));

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void A_pose_that_is_turned_by_right_angles_turns_back_to_itself(int quarters)
    {
        AnnotatedImage turned = TurnedPack.Turn(Picture(400, 400, Face(180, 160, 260, 250, Aside)), 90 * quarters);

        Pose back = QuarterTurns.Back(turned.Faces[0].Pose!.Value, quarters, 400, 400);

        Assert.Equal(0, RotationVector.GeodesicDistance(Aside.Rotation, back.Rotation), 6);
        Assert.Equal(0, (Aside.Translation - back.Translation).Length, 9);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(35)]
    [InlineData(90)]
    [InlineData(200)]
    public void A_face_lies_in_the_turned_picture_where_its_annotation_says(int degrees)
    {
        // An ellipse of 60 by 80 pixels on black.
        using FramePool pool = new();
        using VideoFrame picture = pool.Rent(PixelFormat.Rgb24, 420, 300);
        for (int y = 0; y < 300; y++)
        {
            Span<byte> row = picture.GetPlane(0).Row(y);
            for (int x = 0; x < 420; x++)
            {
                double u = (x + 0.5 - 240) / 30, v = (y + 0.5 - 120) / 40;
                row.Slice(3 * x, 3).Fill(u * u + v * v < 1 ? (byte)255 : (byte)0);
            }
        }

        using VideoFrame turned = TurnedPack.Turn(picture, degrees, pool);
        AnnotatedImage annotation = TurnedPack.Turn(Picture(420, 300, Face(210, 80, 270, 160, null)), degrees);

        Assert.Equal((360, 360), (turned.Width, turned.Height));
        Assert.Equal((360, 360), (annotation.Width, annotation.Height));
        int left = 360, top = 360, right = 0, bottom = 0;
        for (int y = 0; y < 360; y++)
        {
            ReadOnlySpan<byte> row = turned.GetPlane(0).Row(y);
            for (int x = 0; x < 360; x++)
            {
                if (row[3 * x] < 192) continue;
                (left, top, right, bottom) = (Math.Min(left, x), Math.Min(top, y), Math.Max(right, x + 1), Math.Max(bottom, y + 1));
            }
        }
        Box box = annotation.Faces[0].Box;
        Assert.InRange(Math.Abs(box.Left - left) + Math.Abs(box.Top - top) + Math.Abs(box.Right - right) + Math.Abs(box.Bottom - bottom), 0, 5);
        Assert.False(annotation.Faces[0].Ignore);
    }

    [Fact]
    public void Every_angle_counts_the_same_faces()
    {
        // Small; in a corner, which some angles cut off; ignored before; and one that counts.
        AnnotatedImage picture = Picture(
            640, 480, Face(300, 200, 340, 247, null), Face(560, 20, 630, 90, null), Face(200, 200, 300, 300, null) with { Ignore = true }, Face(250, 250, 298, 290, null));

        for (int degrees = 0; degrees < 360; degrees += 15)
            Assert.Equal([true, true, true, false], TurnedPack.Turn(picture, degrees).Faces.Select(face => face.Ignore));
    }

    [Fact]
    public void A_row_counts_what_is_found_missed_invented_and_upright_on_an_inverted_face()
    {
        AnnotatedImage picture = TurnedPack.Turn(Picture(600, 600, Face(100, 250, 200, 350, Aside), Face(250, 250, 350, 350, Aside), Face(400, 250, 500, 350, Aside)), 180);
        Pose truth = picture.Faces[0].Pose!.Value;
        PackSample sample = new(picture, [
            new FaceDetection(picture.Faces[0].Box, 0.9, truth), new FaceDetection(picture.Faces[1].Box, 0.8, Aside),
            new FaceDetection(picture.Faces[2].Box, 0.4, truth), new FaceDetection(new Box(0, 0, 60, 60), 0.7, Aside)]);

        TurnedRow row = TurnedReport.Evaluate(180, [sample], new PackEvaluationOptions { Threshold = 0.5, Replicates = 20 });

        Assert.Equal((2.0 / 3, 3), (row.Recall.Value!.Value, row.Recall.Count));
        Assert.Equal((1, 1), (row.FalseAlarms.Value!.Value, row.Wrong));
        Assert.Equal(180, row.Rotation.Value!.Value, 3);
        string text = TurnedReportOutput.Write(new TurnedReport(0.5, 1, [row]), new EvaluatedDetector("m", null, null, []));
        Assert.Contains("0.667", text, StringComparison.Ordinal);
    }

    private static AnnotatedImage Picture(int width, int height, params AnnotatedFace[] faces) =>
        new() { Image = "a.jpg", Path = "/a.jpg", Width = width, Height = height, Set = "toy", Complete = true, Faces = faces };

    private static AnnotatedFace Face(double left, double top, double right, double bottom, Pose? pose) =>
        new() { Box = new Box(left, top, right, bottom), Pose = pose, Label = "gt68", Ignore = false };
}
