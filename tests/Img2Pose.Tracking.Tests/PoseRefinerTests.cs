using Img2Pose.Geometry;

namespace Img2Pose.Tracking.Tests;

/// <summary>Poses of frames between looks at whole pictures, by the looks on both sides.</summary>
public class PoseRefinerTests
{
    private const int Step = 6;

    private readonly FaceTracker _tracker = new(new TrackerOptions { Smooth = false });
    private readonly Queue<(int Frame, List<TrackedFace> Faces)> _waiting = new();
    private readonly SortedDictionary<int, List<TrackedFace>> _ready = [];
    private readonly PoseRefiner _refiner;

    public PoseRefinerTests() => _refiner = new PoseRefiner(_tracker);

    [Fact]
    public void A_face_that_nobody_looked_at_is_where_the_looks_before_and_after_have_it()
    {
        for (int frame = 0; frame <= 3 * Step; frame++) Whole(frame, frame % Step == 0 ? [Turning(frame)] : null);

        Assert.Equal(3 * Step + 1, _ready.Count);
        foreach ((int frame, List<TrackedFace> faces) in _ready)
        {
            TrackedFace face = Assert.Single(faces);
            Assert.Equal((frame % Step == 0, frame % Step != 0, true), (face.Detected, face.IsInterpolated, face.IsFound));
            AssertNear(Turning(frame), face.Face.Pose);
            AssertNear(Turning(frame), face.RawPose);
            Assert.Equal(Scenery.BoxOf(face.Face.Pose), face.Face.Box);
        }
    }

    [Fact]
    public void Frames_wait_for_the_next_whole_look_and_no_longer()
    {
        for (int frame = 0; frame < Step; frame++)
        {
            Whole(frame, frame == 0 ? [Turning(0)] : null);
            Assert.Equal([0], _ready.Keys);
        }

        Whole(Step, [Turning(Step)]);

        Assert.Equal(Enumerable.Range(0, Step + 1), _ready.Keys);
        Assert.Empty(_waiting);
    }

    [Fact]
    public void What_a_crop_shows_of_a_face_stays_and_its_turn_is_that_of_the_whole_looks()
    {
        // Crops see where it is, off the straight way, and know nothing of its turn.
        for (int frame = 0; frame <= Step; frame++)
        {
            Pose seen = Turning(frame);
            if (frame % Step == 0) Whole(frame, [seen]);
            else Crop(frame, Scenery.PoseAt(400 + 5 * frame * frame, 360, 150, Turning(0).Rotation), CropKind.Close);
        }

        for (int frame = 1; frame < Step; frame++)
        {
            TrackedFace face = Assert.Single(_ready[frame]);
            Assert.True(face is { Detected: true, IsInterpolated: true });
            Assert.Equal(0, RotationVector.GeodesicDistance(Turning(frame).Rotation, face.Face.Pose.Rotation), 6);
            Assert.Equal(Scenery.PoseAt(400 + 5 * frame * frame, 360, 150).Translation.X, face.Face.Pose.Translation.X, 6);
        }
    }

    [Fact]
    public void A_crop_that_shows_more_than_the_whole_picture_is_believed()
    {
        Whole(0, [Turning(0)]);
        Pose own = Scenery.PoseAt(430, 360, 150, new Vector3d(0, 0.4, 0));
        Crop(1, own, CropKind.Enlarged);
        Whole(2, [Turning(2)]);

        TrackedFace face = Assert.Single(_ready[1]);
        Assert.True(face is { Detected: true, IsInterpolated: false });
        AssertNear(own, face.Face.Pose);
    }

    [Fact]
    public void Between_a_crop_and_a_whole_look_the_place_is_by_these_two_and_the_turn_by_the_whole_ones()
    {
        Whole(0, [Turning(0)]);
        Pose middle = Scenery.PoseAt(450, 360, 150, Turning(0).Rotation);
        Whole(1, null);
        Crop(2, middle, CropKind.Close);
        Whole(3, null);
        Whole(4, [Turning(4)]);

        // Directions, which are proportional to pixels: half way between those of frames 0 and 2, and of 2 and 4.
        Assert.Equal(0.5 * (XOf(Turning(0)) + XOf(middle)), XOf(Assert.Single(_ready[1]).Face.Pose), 6);
        Assert.Equal(0.5 * (XOf(middle) + XOf(Turning(4))), XOf(Assert.Single(_ready[3]).Face.Pose), 6);
        Assert.All(Enumerable.Range(1, 3), frame =>
            Assert.Equal(0, RotationVector.GeodesicDistance(Turning(frame).Rotation, Assert.Single(_ready[frame]).Face.Pose.Rotation), 6));
    }

    [Fact]
    public void A_face_that_the_next_whole_look_does_not_find_stays_as_the_tracker_had_it()
    {
        FaceTracker alone = new(new TrackerOptions { Smooth = false });
        List<TrackedFace> predicted = [];
        for (int frame = 0; frame <= 2 * Step; frame += Step)
        {
            alone.Update([Scenery.Detection(Turning(frame))], frame * Scenery.FrameTime, Scenery.Width, Scenery.Height, predicted);
            Whole(frame, [Turning(frame)]);
        }
        alone.Predict((2 * Step + 1) * Scenery.FrameTime, Scenery.Width, Scenery.Height, predicted);

        Whole(2 * Step + 1, null);
        Whole(2 * Step + 2, []);

        TrackedFace face = Assert.Single(_ready[2 * Step + 1]);
        Assert.True(face is { Detected: false, IsInterpolated: false, IsFound: false });
        AssertNear(predicted[0].Face.Pose, face.Face.Pose);
    }

    [Fact]
    public void At_the_end_what_waits_is_ready_as_it_is()
    {
        for (int frame = 0; frame <= Step + 2; frame++) Whole(frame, frame % Step == 0 ? [Turning(frame)] : null);
        Assert.Equal(2, _waiting.Count);

        Take(_refiner.Finish());

        Assert.Equal(Step + 3, _ready.Count);
        Assert.All([Step + 1, Step + 2], frame => Assert.False(Assert.Single(_ready[frame]).IsInterpolated));
        Assert.Equal(0, _refiner.Finish());
    }

    [Fact]
    public void Frames_without_faces_wait_for_nobody_and_a_picture_that_never_comes_is_not_waited_for_without_end()
    {
        for (int frame = 0; frame < 5; frame++)
        {
            Whole(frame, null);
            Assert.Empty(_waiting);
        }
        Whole(5, [Turning(0)]);

        int most = 0;
        for (int frame = 6; frame < 500; frame++)
        {
            Whole(frame, null);
            most = Math.Max(most, _waiting.Count);
        }

        Assert.InRange(most, 40, 100);
    }

    [Fact]
    public void Two_faces_are_told_apart_and_one_that_comes_in_between_has_nothing_before_it()
    {
        Pose right = Scenery.PoseAt(1000, 300, 120);
        Whole(0, [Turning(0)]);
        Whole(1, null);
        Crop(2, [Turning(2), right]);
        Whole(3, null);
        Whole(4, [Turning(4), Moved(right, 20)]);

        Assert.Equal([1, 2], _ready[3].Select(face => face.Id));
        AssertNear(Turning(3), _ready[3][0].Face.Pose);
        Assert.Equal(XOf(Moved(right, 10)), XOf(_ready[3][1].Face.Pose), 6);
        Assert.Single(_ready[1]);
        Assert.False(_ready[2][1].IsInterpolated);
    }

    [Fact]
    public void Another_scene_begins_with_somebody_else()
    {
        for (int frame = 0; frame <= Step; frame++) Whole(frame, frame % Step == 0 ? [Turning(frame)] : null);
        Whole(Step + 1, null);
        _tracker.Forget();
        Whole(Step + 2, [Scenery.PoseAt(900, 300, 150)]);

        Assert.Equal(1, Assert.Single(_ready[Step + 1]).Id);
        Assert.False(_ready[Step + 1][0].IsInterpolated);
        Assert.Equal(2, Assert.Single(_ready[Step + 2]).Id);
        AssertNear(Scenery.PoseAt(900, 300, 150), _ready[Step + 2][0].Face.Pose);
    }

    [Fact]
    public void Where_every_picture_is_looked_at_smoothing_is_the_trackers()
    {
        TrackerOptions options = new();
        FaceTracker tracker = new(options), alone = new(options);
        PoseRefiner refiner = new(tracker);
        Scenery scenery = new();
        for (int frame = 0; frame < 60; frame++)
        {
            List<TrackedFace> refined = [], plain = [];
            FaceDetection[] found = [Scenery.Detection(scenery.Noisy(Turning(frame)))];
            tracker.Update(found, frame * Scenery.FrameTime, Scenery.Width, Scenery.Height, refined);
            alone.Update(found, frame * Scenery.FrameTime, Scenery.Width, Scenery.Height, plain);

            Assert.Equal(1, refiner.Add(refined, Scenery.Width, Scenery.Height, isWhole: true));

            Assert.Equal(plain, refined);
        }
    }

    [Fact]
    public void What_is_known_of_faces_that_come_and_go_is_forgotten_with_them()
    {
        (int Faces, int Sights) most = default;
        for (int frame = 0; frame < 2_000; frame++)
        {
            // Another face every fiftieth frame, in another place; looks are a second apart.
            List<TrackedFace> faces = [];
            _tracker.Update([Scenery.Detection(Scenery.PoseAt(200 + frame / 50 % 5 * 200, 360, 100))], frame, Scenery.Width, Scenery.Height, faces);
            Assert.Equal(1, _refiner.Add(faces, Scenery.Width, Scenery.Height, isWhole: true));
            most = (Math.Max(most.Faces, _refiner.Known.Faces), Math.Max(most.Sights, _refiner.Known.Sights));
        }

        Assert.True(_tracker.Clock > 1_000);
        Assert.Equal((2, 2), most);
    }

    [Fact]
    public void Without_smoothing_what_a_whole_look_showed_keeps_its_own_box()
    {
        List<TrackedFace> faces = [];
        FaceDetection found = Scenery.Detection(Turning(0)) with { Box = new Box(300, 200, 500, 420) };
        _tracker.Update([found], 0, Scenery.Width, Scenery.Height, faces);

        _refiner.Add(faces, Scenery.Width, Scenery.Height, isWhole: true);

        Assert.Equal(found, Assert.Single(faces).Face);
    }

    [Fact]
    public void Faces_without_identities_do_not_wait()
    {
        FaceTracker none = new(new TrackerOptions { Track = false });
        PoseRefiner refiner = new(none);
        List<TrackedFace> faces = [];
        none.Update([Scenery.Detection(Turning(0)), Scenery.Detection(Turning(20))], 0, Scenery.Width, Scenery.Height, faces);
        TrackedFace[] before = [.. faces];

        Assert.Equal(1, refiner.Add(faces, Scenery.Width, Scenery.Height, isWhole: false));

        Assert.Equal(before, faces);
    }

    /// <summary>A face that goes to the right and turns, both evenly.</summary>
    private static Pose Turning(int frame) => Scenery.PoseAt(400 + 8 * frame, 360, 150, new Vector3d(0, 0.02 * frame, 0));

    private static Pose Moved(Pose pose, double pixels) =>
        new(pose.Rotation, pose.Translation + new Vector3d(pixels * pose.Translation.Z / Scenery.Camera.FocalLength, 0, 0));

    private static double XOf(Pose pose) => pose.Translation.X / pose.Translation.Z;

    private static void AssertNear(Pose expected, Pose actual)
    {
        Assert.Equal(0, RotationVector.GeodesicDistance(expected.Rotation, actual.Rotation), 6);
        Assert.Equal(0, (expected.Translation - actual.Translation).Length, 6);
    }

    /// <summary>A frame whose whole picture is looked at, or which nobody looks at where there are no faces to give.</summary>
    private void Whole(int frame, Pose[]? poses)
    {
        List<TrackedFace> faces = [];
        double time = frame * Scenery.FrameTime;
        if (poses is null) _tracker.Predict(time, Scenery.Width, Scenery.Height, faces);
        else _tracker.Update([.. poses.Select(pose => Scenery.Detection(pose))], time, Scenery.Width, Scenery.Height, faces);
        Add(frame, faces, isWhole: poses is not null);
    }

    private void Crop(int frame, Pose pose, CropKind kind)
    {
        List<TrackedFace> faces = [];
        FaceDetection found = Scenery.Detection(pose);
        FollowedCrop crop = new(kind, new PictureRegion(0, 0, 64, 64), PoseCorrection.None, IsNew: false);
        _tracker.Update(new LookFindings([found]) { Crops = [crop], Regions = [found.Box] }, frame * Scenery.FrameTime, Scenery.Width, Scenery.Height, faces);
        Add(frame, faces, isWhole: false);
    }

    private void Crop(int frame, Pose[] poses)
    {
        List<TrackedFace> faces = [];
        FaceDetection[] found = [.. poses.Select(pose => Scenery.Detection(pose))];
        _tracker.Update(new LookFindings(found) { Regions = [.. found.Select(face => face.Box)] }, frame * Scenery.FrameTime, Scenery.Width, Scenery.Height, faces);
        Add(frame, faces, isWhole: false);
    }

    private void Add(int frame, List<TrackedFace> faces, bool isWhole)
    {
        _waiting.Enqueue((frame, faces));
        Take(_refiner.Add(faces, Scenery.Width, Scenery.Height, isWhole));
    }

    private void Take(int ready)
    {
        for (int i = 0; i < ready; i++)
        {
            (int frame, List<TrackedFace> faces) = _waiting.Dequeue();
            _ready.Add(frame, faces);
        }
    }
}
