using Img2Pose.Frames;
using Img2Pose.Geometry;
using Img2Pose.Inference.Scheduling;

namespace Img2Pose.Inference.Tests.Scheduling;

/// <summary>Looks that follow faces, with a network that sees a face in the middle half and one in the corner of whatever it is shown.</summary>
public sealed class FollowingLooksTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly FramePool _pool = new();
    private readonly DetectorRunner _runner;
    private readonly VideoFrame _frame;

    public FollowingLooksTests()
    {
        ModelPackage model = ModelPackage.Load(_folder.Write("test.onnx", TestModel.Bytes()));
        _runner = new DetectorRunner(PoseDetector.Create(model, new PoseDetectorOptions { Device = "cpu", ScoreThreshold = 0.3 }));
        _frame = TestFrames.Plain(_pool, PixelFormat.I420, 640, 480, 200, 128, 128);
    }

    public void Dispose()
    {
        _frame.Dispose();
        _runner.Dispose();
        _pool.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void A_face_in_a_crop_has_its_pose_under_the_camera_of_the_whole_picture()
    {
        // The crop is a square of 4 × 64 samples, of whose 64 pixels the middle half is the face's box.
        PictureRegion region = new(200, 100, 256, 256);
        List<CropFace> found = [];

        _runner.Detector.DetectInCrops([CropView.Within(_frame, region, 64)], 64, 64, 0.3, found);

        CameraIntrinsics camera = CameraIntrinsics.ForImage(640, 480);
        Box box = new(region.Left + 64, region.Top + 64, region.Left + 192, region.Top + 192);
        float[] local = TestModel.LocalPose;
        Pose expected = PoseConversion.BoxToFull(new Pose(new Vector3d(local[0], local[1], local[2]), new Vector3d(local[3], local[4], local[5])), camera, box);
        CropFace middle = found.MaxBy(face => face.Face.Box.IntersectionOverUnion(box));
        Assert.True(RotationVector.GeodesicDistance(expected.Rotation, middle.Face.Pose.Rotation) < 1e-6);
        Assert.True((expected.Translation - middle.Face.Pose.Translation).Length < 1e-5 * expected.Translation.Length);
        Assert.Equal(FaceBox.FromPose(middle.Face.Pose, camera, 640, 480, ReferenceFace.Default, FaceBoxFactors.Default), middle.Face.Box);
        Assert.False(middle.IsCut);
    }

    [Fact]
    public void A_face_that_reaches_beyond_its_crop_is_cut_unless_the_picture_ends_there()
    {
        List<CropFace> inside = [], atCorner = [];

        _runner.Detector.DetectInCrops([CropView.Within(_frame, new PictureRegion(200, 100, 256, 256), 64)], 64, 64, 0.3, inside);
        _runner.Detector.DetectInCrops([CropView.Within(_frame, new PictureRegion(0, 0, 256, 256), 64)], 64, 64, 0.3, atCorner);

        // The face in the corner of a crop is enlarged towards the forehead, beyond the crop's upper edge.
        Assert.Contains(inside, face => face.IsCut);
        Assert.DoesNotContain(atCorner, face => face.IsCut);
    }

    [Fact]
    public void Only_the_expected_faces_are_told_of_crops()
    {
        Look look = Following(ExpectedIn(new PictureRegion(200, 100, 256, 256)));

        _runner.Run([look]);

        Assert.False(look.IsWhole);
        FaceDetection face = Assert.Single(look.Faces);
        Assert.True(face.Box.IntersectionOverUnion(look.Following[0].Expected) > 0.4);
        Assert.Single(look.LookedAt);
        Assert.False(Assert.Single(look.Crops).IsNew);
    }

    [Fact]
    public void A_face_that_was_sure_and_is_lost_makes_the_look_one_at_the_whole_picture()
    {
        // Whatever is seen in that crop is somewhere else in it.
        FaceToFollow lost = new(new Box(350, 250, 445, 345), CropKind.Close, Insists: true, new FollowedCrop(CropKind.Close, new PictureRegion(200, 100, 256, 256), PoseCorrection.None, true));
        Look insisting = Following(lost), content = Following(lost with { Insists = false });

        _runner.Run([insisting]);
        _runner.Run([content]);

        Assert.True(insisting.IsWhole);
        Assert.Empty(insisting.LookedAt);
        Assert.Equal(2, insisting.Faces.Count);
        Assert.False(content.IsWhole);
        Assert.Empty(content.Faces);
    }

    [Fact]
    public void Faces_of_a_whole_picture_are_compared_with_their_crops_at_once()
    {
        Look look = new() { Frame = _frame, IsFollowing = true };

        _runner.Run([look]);

        Assert.Equal(2, look.Faces.Count);
        Assert.Equal(2, look.Crops.Count);
        FollowedCrop crop = look.Crops[look.Faces.FindIndex(face => face.Box.CenterX > 250)];
        Assert.True(crop is { HasRegion: true, IsNew: true, Correction.IsKnown: true });
    }

    [Fact]
    public void What_a_crop_shows_is_corrected_by_what_the_whole_picture_showed()
    {
        FaceToFollow expected = ExpectedIn(new PictureRegion(200, 100, 256, 256));
        Look plain = Following(expected);
        _runner.Run([plain]);
        Pose seen = plain.Faces[0].Pose;
        Pose wanted = new(RotationVector.Compose(seen.Rotation, new Vector3d(0.05, -0.02, 0.01)), 1.02 * seen.Translation);
        Look corrected = Following(expected with { Crop = expected.Crop with { Correction = PoseCorrection.Between(seen, wanted) } });

        _runner.Run([corrected]);

        Assert.True(RotationVector.GeodesicDistance(wanted.Rotation, corrected.Faces[0].Pose.Rotation) < 1e-6);
        Assert.True((wanted.Translation - corrected.Faces[0].Pose.Translation).Length < 1e-6);
        Assert.Equal(FaceBox.FromPose(wanted, CameraIntrinsics.ForImage(640, 480), 640, 480, ReferenceFace.Default, FaceBoxFactors.Default), corrected.Faces[0].Box);
    }

    [Fact]
    public void A_face_that_is_seen_in_the_cells_of_the_whole_picture_is_corrected_by_what_was_seen_in_cells()
    {
        // All cells of the picture, so that the network sees the same in both.
        FaceToFollow close = ExpectedIn(new PictureRegion(200, 100, 256, 256)) with { Expected = new Box(20, 20, 620, 460) };
        LookGrid grid = _runner.Detector.GridOf(_frame);
        FaceToFollow cells = close with { Kind = CropKind.Cells };
        Look first = Following(cells);

        _runner.Run([first]);

        FollowedCrop crop = Assert.Single(first.Crops);
        // What was known of the other kind of crop says nothing about this one.
        Assert.Equal((CropKind.Cells, grid.Around(close.Expected).Region, false), (crop.Kind, crop.Region, crop.Correction.IsKnown));

        Look whole = Following(cells);
        whole.IsWhole = true;
        _runner.Run([whole]);
        FollowedCrop known = whole.Crops[whole.Faces.FindIndex(face => face.Box.IntersectionOverUnion(first.Faces[0].Box) > 0.4)];
        Assert.True(known is { Kind: CropKind.Cells, IsNew: true, Correction: { IsKnown: true, Doubt: 0 } });
        Look again = Following(cells with { Crop = known });
        _runner.Run([again]);
        Assert.Equal(known.Region, Assert.Single(again.Crops).Region);
    }

    [Fact]
    public void Faces_of_a_whole_picture_are_not_compared_where_crops_will_not_be_used()
    {
        Look look = new() { Frame = _frame, IsFollowing = true, IsComparing = false };

        _runner.Run([look]);

        Assert.Equal(2, look.Faces.Count);
        Assert.All(look.Crops, crop => Assert.False(crop.HasRegion));
    }

    [Fact]
    public void Looks_of_several_streams_in_one_run_find_what_each_alone_finds()
    {
        using VideoFrame other = TestFrames.Create(_pool, PixelFormat.I420, 320, 240);
        Look[] together = [.. Looks()], alone = [.. Looks()];
        IEnumerable<Look> Looks() =>
        [
            Following(ExpectedIn(new PictureRegion(200, 100, 256, 256)), ExpectedIn(new PictureRegion(20, 60, 320, 320))),
            new Look { Frame = other, IsFollowing = true, IsWhole = false, Following = { ExpectedIn(new PictureRegion(20, 20, 160, 160)) } },
        ];
        Assert.True(_runner.CanJoin(together[0], together[1]));

        _runner.Run(together);

        for (int i = 0; i < 2; i++)
        {
            _runner.Run([alone[i]]);
            Assert.NotEmpty(alone[i].Faces);
            Assert.Equal(alone[i].Faces.Count, together[i].Faces.Count);
            for (int k = 0; k < alone[i].Faces.Count; k++)
            {
                Assert.Equal(alone[i].Faces[k].Box, together[i].Faces[k].Box);
                Assert.Equal(alone[i].Faces[k].Score, together[i].Faces[k].Score, 1e-5);
            }
        }
    }

    private Look Following(params FaceToFollow[] faces)
    {
        Look look = new() { Frame = _frame, IsFollowing = true, IsWhole = false };
        look.Following.AddRange(faces);
        return look;
    }

    /// <summary>The face that the network will see in the middle of a crop; large enough to be seen in a crop of 64 pixels.</summary>
    private static FaceToFollow ExpectedIn(PictureRegion region)
    {
        double quarter = region.Width / 4.0;
        return new FaceToFollow(
            new Box(region.Left + quarter, region.Top + quarter, region.Right - quarter, region.Bottom - quarter), CropKind.Close, Insists: false,
            new FollowedCrop(CropKind.Close, region, PoseCorrection.None with { IsKnown = true }, IsNew: true));
    }
}
