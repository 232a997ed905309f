using Img2Pose.Geometry;

namespace Img2Pose.Tracking.Tests;

/// <summary>The tracker where only parts of a picture are looked at.</summary>
public class PartialLookTests
{
    private static readonly Pose s_left = Scenery.PoseAt(300, 360, 150), s_right = Scenery.PoseAt(900, 360, 150);

    private readonly FaceTracker _tracker = new(new TrackerOptions());
    private readonly List<TrackedFace> _faces = [];
    private readonly List<FollowedFace> _followed = [];

    [Fact]
    public void A_face_where_nobody_looked_is_not_missed_but_predicted()
    {
        Update(0, [Scenery.Detection(s_left), Scenery.Detection(s_right)]);

        for (int frame = 1; frame < 60; frame++) Update(frame, [Scenery.Detection(s_left)], Around(s_left));

        Assert.Equal(2, _faces.Count);
        Assert.Equal([true, false], _faces.Select(face => face.Detected));
        Assert.True(_faces[1].Face.Box.IntersectionOverUnion(Scenery.BoxOf(s_right)) > 0.9);
    }

    [Fact]
    public void A_face_that_is_not_found_where_was_looked_is_missed()
    {
        for (int frame = 0; frame < 5; frame++) Update(frame, [Scenery.Detection(s_left), Scenery.Detection(s_right)]);

        for (int frame = 5; frame < 20; frame++) Update(frame, [Scenery.Detection(s_left)], Around(s_left), Around(s_right));

        Assert.True(Assert.Single(_faces).Face.Box.IntersectionOverUnion(Scenery.BoxOf(s_left)) > 0.9);
    }

    [Fact]
    public void A_face_that_is_not_confirmed_yet_waits_for_a_look_that_can_find_it()
    {
        Update(0, [Scenery.Detection(s_left)]);
        Update(1, [Scenery.Detection(s_left), Scenery.Detection(s_right, 0.5)]);
        Update(2, [Scenery.Detection(s_left)], Around(s_left));
        Update(3, [Scenery.Detection(s_left), Scenery.Detection(s_right, 0.5)], Around(s_left), Around(s_right));
        Update(4, [Scenery.Detection(s_left), Scenery.Detection(s_right, 0.5)], Around(s_left), Around(s_right));

        Assert.Equal([1, 2], _faces.Select(face => face.Id));
    }

    [Fact]
    public void Faces_to_follow_are_those_found_unconfirmed_ones_too_and_those_missed_a_moment_ago()
    {
        for (int frame = 0; frame < 4; frame++) Update(frame, [Scenery.Detection(s_left)]);
        Update(4, [Scenery.Detection(s_right, 0.5)]);

        _tracker.ListFollowed(_followed);

        Assert.Equal([false, true], _followed.Select(face => face.IsSure));
        Update(30, []);
        _tracker.ListFollowed(_followed);
        Assert.Empty(_followed);
    }

    [Fact]
    public void What_is_known_of_a_face_in_its_crop_is_kept_with_it()
    {
        FollowedCrop crop = new(CropKind.Close, new PictureRegion(200, 260, 200, 200), PoseCorrection.Between(s_left, s_right), IsNew: true);
        FaceDetection[] found = [Scenery.Detection(s_right), Scenery.Detection(s_left)];

        _tracker.Update(new LookFindings(found) { Crops = [FollowedCrop.None, crop] }, 0, Scenery.Width, Scenery.Height, _faces);

        _tracker.ListFollowed(_followed);
        Assert.Equal([FollowedCrop.None, crop], _followed.Select(face => face.Crop));
        // What was known when a look was planned is older than what an earlier look has found since.
        FollowedCrop older = new(CropKind.Close, new PictureRegion(0, 0, 100, 100), PoseCorrection.None, IsNew: false);
        _tracker.Update(new LookFindings(found) { Crops = [older, older] }, Scenery.FrameTime, Scenery.Width, Scenery.Height, _faces);
        _tracker.ListFollowed(_followed);
        Assert.Equal([older, crop], _followed.Select(face => face.Crop));
    }

    [Theory]
    [InlineData(0, 0, 0, true)]
    [InlineData(0.005, 0.006, 0.01, true)]
    [InlineData(0.12, 0, 0, false)]
    [InlineData(0, 0.2, 0, false)]
    [InlineData(0, 0, 0.3, false)]
    public void A_face_is_steady_where_its_way_from_whole_look_to_whole_look_is_straight(double place, double distance, double turn, bool expected)
    {
        // Looks 0.2 s apart; the last is off the way of those before it by so many face widths, parts of its distance, radians.
        for (int look = 0; look < 4; look++)
        {
            double off = look == 3 ? 1 : 0;
            Pose pose = Scenery.PoseAt(300 + 40 * look + 150 * place * off, 360, 150 * Math.Exp(-distance * off), new Vector3d(0, 0.1 * look + turn * off, 0));
            Update(6 * look, [Scenery.Detection(pose)]);
            _tracker.ListFollowed(_followed);
            if (look < 2) Assert.False(Assert.Single(_followed).IsSteady);
            if (look == 2) Assert.True(Assert.Single(_followed).IsSteady);
        }

        Assert.Equal(expected, Assert.Single(_followed).IsSteady);
    }

    [Fact]
    public void Crops_say_nothing_of_a_steady_way_and_that_their_turn_is_carried_is_told()
    {
        for (int frame = 0; frame <= 12; frame++)
        {
            Pose pose = Scenery.PoseAt(300 + 6 * frame + (frame % 6 == 0 ? 0 : 20), 360, 150);
            FollowedCrop crop = new(CropKind.Close, new PictureRegion(0, 0, 64, 64), PoseCorrection.None, IsNew: frame % 6 == 0);
            FaceDetection[] found = [Scenery.Detection(pose)];
            _tracker.Update(
                new LookFindings(found) { Crops = [crop], Regions = frame % 6 == 0 ? [] : [Around(pose)] }, frame * Scenery.FrameTime, Scenery.Width, Scenery.Height, _faces);
            Assert.Equal(frame % 6 != 0, Assert.Single(_faces).HasCarriedTurn);
        }

        _tracker.ListFollowed(_followed);
        Assert.True(Assert.Single(_followed).IsSteady);
    }

    [Fact]
    public void A_face_that_only_its_crop_shows_in_a_whole_look_is_not_seen_by_it()
    {
        for (int look = 0; look < 4; look++)
        {
            FollowedCrop crop = new(CropKind.Close, new PictureRegion(0, 0, 64, 64), PoseCorrection.None, IsNew: look == 0);
            FaceDetection[] found = [Scenery.Detection(s_left)];
            _tracker.Update(new LookFindings(found) { Crops = [crop] }, 0.2 * look, Scenery.Width, Scenery.Height, _faces);
            Assert.Equal(look != 0, Assert.Single(_faces).HasCarriedTurn);
        }

        _tracker.ListFollowed(_followed);
        Assert.False(Assert.Single(_followed).IsSteady);
    }

    private static Box Around(Pose pose) => FaceCrop.Around(Scenery.BoxOf(pose), 0.7, Scenery.Width, Scenery.Height).ToBox();

    private void Update(int frame, FaceDetection[] detections, params Box[] regions) =>
        _tracker.Update(new LookFindings(detections) { Regions = regions }, frame * Scenery.FrameTime, Scenery.Width, Scenery.Height, _faces);
}
