using FsCheck;
using FsCheck.Fluent;

namespace Img2Pose.Geometry.Tests;

/// <summary>The conversion of poses between a picture and a crop of it.</summary>
public class CropCameraTests
{
    private const int Width = 1280, Height = 720;
    private static readonly CameraIntrinsics s_camera = CameraIntrinsics.ForImage(Width, Height);

    private static readonly Gen<Pose> s_poses =
        from rx in Gen.Choose(-120, 120)
        from ry in Gen.Choose(-120, 120)
        from rz in Gen.Choose(-120, 120)
        from u in Gen.Choose(50, Width - 50)
        from v in Gen.Choose(50, Height - 50)
        from z in Gen.Choose(40, 1000)
        let depth = z / 10.0
        select new Pose(
            new Vector3d(rx / 100.0, ry / 100.0, rz / 100.0),
            new Vector3d((u - s_camera.CenterX) * depth / s_camera.FocalLength, (v - s_camera.CenterY) * depth / s_camera.FocalLength, depth));

    private static readonly Gen<(PictureRegion Region, int Size)> s_crops =
        from side in Gen.Choose(10, 350)
        from left in Gen.Choose(0, 270)
        from top in Gen.Choose(0, 10)
        from size in Gen.Elements(64, 128, 192, 317)
        select (new PictureRegion(2 * left, 2 * top, 2 * side, 2 * side), size);

    [Fact]
    public void The_camera_of_a_crop_projects_points_to_where_the_crop_shows_them() => Prop.ForAll(
        Arb.From(s_poses), Arb.From(s_crops), (pose, crop) =>
        {
            CropCamera view = CropCamera.Of(crop.Region, crop.Size, crop.Size);
            Matrix3x3d rotation = RotationVector.ToMatrix(pose.Rotation);
            foreach (Vector3d point in ReferenceFace.Default.Points68)
            {
                Vector3d seen = rotation * point + pose.Translation;
                (double x, double y) = s_camera.Project(seen);
                (double u, double v) = view.Of(s_camera).Project(seen);
                double scale = (double)crop.Size / crop.Region.Width;
                Assert.Equal((x - crop.Region.Left) * scale, u, 6);
                Assert.Equal((y - crop.Region.Top) * scale, v, 6);
            }
        }).Check(Config.QuickThrowOnFailure);

    [Fact]
    public void A_pose_relative_to_a_box_is_the_same_pose_whether_picture_or_crop_is_seen()
    {
        // Even boxes, doubled: the middle of a box is rounded to whole pixels by definition, and here there is nothing to round.
        Gen<(int Left, int Top, int Width, int Height)> boxes =
            from left in Gen.Choose(0, 500)
            from top in Gen.Choose(0, 250)
            from width in Gen.Choose(10, 100)
            from height in Gen.Choose(10, 100)
            select (2 * left, 2 * top, 2 * width, 2 * height);
        Prop.ForAll(Arb.From(s_poses), Arb.From(boxes), (pose, at) =>
        {
            Box box = new(at.Left, at.Top, at.Left + at.Width, at.Top + at.Height);
            CropCamera view = CropCamera.Of(new PictureRegion(at.Left / 2 * 2, 0, 400, 400), 800, 800);
            Pose local = PoseConversion.FullToBox(pose, s_camera, box);

            Pose fromPicture = PoseConversion.BoxToFull(local, s_camera, box);
            Pose fromCrop = view.ToPicture(PoseConversion.BoxToFull(local, view.Of(s_camera), view.ToCrop(box)), s_camera);

            Assert.True(RotationVector.GeodesicDistance(fromPicture.Rotation, fromCrop.Rotation) < 1e-7);
            Assert.True((fromPicture.Translation - fromCrop.Translation).Length < 1e-9 * pose.Translation.Length);
        }).Check(Config.QuickThrowOnFailure);
    }

    [Fact]
    public void Where_axes_are_scaled_apart_the_face_stays_where_it_is_seen() => Prop.ForAll(Arb.From(s_poses), pose =>
    {
        CropCamera view = CropCamera.Of(PictureRegion.Whole(Width, Height), 192, 107);
        CameraIntrinsics seenBy = view.Of(s_camera);
        (double x, double y) = seenBy.Project(pose.Translation);

        Pose inPicture = view.ToPicture(pose, s_camera);

        (double u, double v) = s_camera.Project(inPicture.Translation);
        Assert.Equal(x / view.ScaleX, u, 6);
        Assert.Equal(y / view.ScaleY, v, 6);
        Assert.Equal(pose.Translation.Z, inPicture.Translation.Z, 9 * Math.Abs(pose.Translation.Z) * 1e-3);
    }).Check(Config.QuickThrowOnFailure);

    [Fact]
    public void Samples_that_are_not_square_are_displayed_pixels_in_the_end()
    {
        CropCamera view = CropCamera.Of(new PictureRegion(100, 50, 200, 100), 100, 100, pixelsPerColumn: 1.5, pixelsPerRow: 1);

        Assert.Equal(new Box(150, 50, 450, 150), view.ToPicture(new Box(0, 0, 100, 100)));
        Assert.Equal(new Box(0, 0, 100, 100), view.ToCrop(new Box(150, 50, 450, 150)));
    }

    [Fact]
    public void A_correction_makes_one_pose_of_the_other_and_keeps_its_size_where_the_face_comes_nearer() => Prop.ForAll(
        Arb.From(s_poses), Arb.From(s_poses), (a, b) =>
        {
            PoseCorrection correction = PoseCorrection.Between(a, b);

            Pose corrected = correction.Apply(a);

            Assert.True(RotationVector.GeodesicDistance(b.Rotation, corrected.Rotation) < 1e-7);
            Assert.True((b.Translation - corrected.Translation).Length < 1e-9 * b.Translation.Length);
            Assert.Equal(a, PoseCorrection.None.Apply(a));
        }).Check(Config.QuickThrowOnFailure);

    [Fact]
    public void A_correction_in_doubt_holds_to_what_was_seen_as_a_whole_unless_the_face_turns_clearly() => Prop.ForAll(
        Arb.From(s_poses), Arb.From(s_poses), (a, b) =>
        {
            const double Doubt = 0.12;
            PoseCorrection correction = PoseCorrection.Between(a, b, Doubt);
            Pose Turned(double angle) => a with { Rotation = RotationVector.Compose(a.Rotation, new Vector3d(0, angle, 0)) };

            double little = RotationVector.GeodesicDistance(b.Rotation, correction.Apply(Turned(0.03)).Rotation);
            double much = RotationVector.GeodesicDistance(b.Rotation, correction.Apply(Turned(1)).Rotation);

            Assert.InRange(little, 0, 0.1 * 0.03);
            Assert.InRange(much, 0.95, 1.0001);
        }).Check(Config.QuickThrowOnFailure);

    [Fact]
    public void A_crop_around_a_face_is_inside_the_picture_begins_at_even_samples_and_holds_the_face()
    {
        Gen<(int, int, int, int)> faces =
            from left in Gen.Choose(0, Width - 20)
            from top in Gen.Choose(0, Height - 20)
            from width in Gen.Choose(8, 600)
            from height in Gen.Choose(8, 600)
            select (left, top, Math.Min(Width, left + width), Math.Min(Height, top + height));
        Prop.ForAll(Arb.From(faces), Arb.From(Gen.Elements(0.5, 0.7)), (at, share) =>
        {
            Box face = new(at.Item1, at.Item2, at.Item3, at.Item4);

            PictureRegion region = FaceCrop.Around(face, share, Width, Height);

            Assert.True(region.Left >= 0 && region.Top >= 0 && region.Right <= Width && region.Bottom <= Height);
            Assert.Equal(0, (region.Left | region.Top) & 1);
            // One sample of rounding to even ones.
            Assert.True(face.Left >= region.Left - 1 && face.Right <= region.Right + 1, $"{face} in {region}");
            Assert.True(face.Top >= region.Top - 1 && face.Bottom <= region.Bottom + 1, $"{face} in {region}");
            double size = Math.Max(face.Width, face.Height);
            bool isFree = size / share * 1.1 < Height && size / share > 20;
            if (isFree) Assert.InRange(size / region.Width, share / 1.08, share * 1.08);
        }).Check(Config.QuickThrowOnFailure);
    }
}
