using Img2Pose.Geometry;

namespace Img2Pose.Tracking.Tests;

public class IdentityTests
{
    private readonly List<TrackedFace> _faces = [];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Two_faces_that_cross_keep_their_identities(int seed)
    {
        Scenery scenery = new(seed);
        FaceTracker tracker = new(new TrackerOptions());
        int left = 0, right = 0;
        for (int frame = 0; frame <= 90; frame++)
        {
            Pose near = scenery.Noisy(Scenery.PoseAt(300 + 7 * frame, 360, 160, new Vector3d(0, 0.3, 0)));
            Pose far = scenery.Noisy(Scenery.PoseAt(930 - 7 * frame, 340, 110, new Vector3d(0, -0.3, 0)));
            // The far face is hidden while the near one covers its middle.
            bool hidden = Math.Abs((300 + 7 * frame) - (930 - 7 * frame)) < 50;
            FaceDetection[] detections = hidden ? [Scenery.Detection(near)] : frame % 2 == 0
                ? [Scenery.Detection(near), Scenery.Detection(far)]
                : [Scenery.Detection(far), Scenery.Detection(near)];

            tracker.Update(detections, frame * Scenery.FrameTime, Scenery.Width, Scenery.Height, _faces);

            foreach (TrackedFace face in _faces.Where(face => face.Detected))
            {
                bool isNear = face.RawPose == near;
                ref int id = ref isNear ? ref left : ref right;
                if (frame == 0) id = face.Id;
                Assert.True(id == face.Id, $"seed {seed}, frame {frame}: the {(isNear ? "near" : "far")} face changed from {id} to {face.Id}");
            }
        }
        Assert.True(left > 0 && right > 0 && left != right);
    }

    [Fact]
    public void A_face_that_is_hidden_for_half_a_second_comes_back_with_its_identity()
    {
        Scenery scenery = new();
        FaceTracker tracker = new(new TrackerOptions());
        int id = 0, coasted = 0;
        for (int frame = 0; frame < 60; frame++)
        {
            bool hidden = frame is >= 30 and < 45;
            Pose pose = scenery.Noisy(Scenery.PoseAt(400 + 3 * frame, 360, 150));

            tracker.Update(hidden ? [] : [Scenery.Detection(pose)], frame * Scenery.FrameTime, Scenery.Width, Scenery.Height, _faces);

            if (frame == 0) id = Assert.Single(_faces).Id;
            if (hidden)
            {
                coasted += _faces.Count;
                Assert.All(_faces, face => Assert.False(face.Detected));
                Assert.All(_faces, face => Assert.Equal(id, face.Id));
            }
            else
            {
                Assert.Equal(id, Assert.Single(_faces).Id);
                Assert.True(_faces[0].Detected);
            }
        }
        Assert.Equal(6, coasted); // 0.2 s of 30 frames a second
    }

    [Fact]
    public void A_coasting_face_moves_on()
    {
        FaceTracker tracker = new(new TrackerOptions());
        for (int frame = 0; frame < 30; frame++)
        {
            tracker.Update([Scenery.Detection(Scenery.PoseAt(300 + 5 * frame, 360, 150))], frame * Scenery.FrameTime, Scenery.Width, Scenery.Height, _faces);
        }
        double before = _faces[0].Face.Box.CenterX;

        for (int frame = 30; frame < 34; frame++)
        {
            tracker.Update([], frame * Scenery.FrameTime, Scenery.Width, Scenery.Height, _faces);
        }

        double moved = Assert.Single(_faces).Face.Box.CenterX - before;
        Assert.InRange(moved, 15, 22); // 20 pixels in four frames, slowing down
    }

    [Fact]
    public void A_face_that_stays_away_longer_than_the_memory_gets_a_new_identity()
    {
        FaceTracker tracker = new(new TrackerOptions());
        FaceDetection face = Scenery.Detection(Scenery.PoseAt(600, 360, 150));
        tracker.Update([face], 0, Scenery.Width, Scenery.Height, _faces);
        int first = Assert.Single(_faces).Id;
        for (int frame = 1; frame <= 48; frame++) tracker.Update([], frame * Scenery.FrameTime, Scenery.Width, Scenery.Height, _faces);

        tracker.Update([face], 49 * Scenery.FrameTime, Scenery.Width, Scenery.Height, _faces);

        Assert.True(Assert.Single(_faces).Id > first);
    }

    [Fact]
    public void A_confident_face_is_reported_at_once_and_a_doubtful_one_after_its_third_hit()
    {
        FaceTracker tracker = new(new TrackerOptions());
        FaceDetection confident = Scenery.Detection(Scenery.PoseAt(300, 360, 150), 0.9);
        FaceDetection doubtful = Scenery.Detection(Scenery.PoseAt(900, 360, 150), 0.55);

        tracker.Update([confident, doubtful], 0, Scenery.Width, Scenery.Height, _faces);
        int[] atFirst = [.. _faces.Select(face => face.Id)];
        tracker.Update([confident, doubtful], Scenery.FrameTime, Scenery.Width, Scenery.Height, _faces);
        Assert.Equal(atFirst, _faces.Select(face => face.Id));
        tracker.Update([confident, doubtful], 2 * Scenery.FrameTime, Scenery.Width, Scenery.Height, _faces);
        int[] then = [.. _faces.Select(face => face.Id)];

        Assert.Equal([1], atFirst);
        Assert.Equal([1, 2], then);
    }

    [Fact]
    public void Doubtful_flickers_get_no_identity_and_single_flashes_do_not_coast()
    {
        FaceTracker tracker = new(new TrackerOptions());
        FaceDetection doubtful = Scenery.Detection(Scenery.PoseAt(900, 360, 150), 0.55);
        FaceDetection flash = Scenery.Detection(Scenery.PoseAt(300, 360, 150), 0.9);
        for (int frame = 0; frame < 20; frame++)
        {
            FaceDetection[] detections = (frame % 3, frame) switch { (0, 6) => [doubtful, flash], (0, _) => [doubtful], _ => [] };

            tracker.Update(detections, frame * Scenery.FrameTime, Scenery.Width, Scenery.Height, _faces);

            Assert.Equal(frame == 6 ? 1 : 0, _faces.Count);
        }
    }

    [Fact]
    public void A_nested_second_box_starts_no_face()
    {
        FaceTracker tracker = new(new TrackerOptions());
        Pose pose = Scenery.PoseAt(600, 360, 200);
        Pose nested = Scenery.PoseAt(605, 380, 110);
        for (int frame = 0; frame < 5; frame++)
        {
            tracker.Update([Scenery.Detection(pose), Scenery.Detection(nested, 0.8)], frame * Scenery.FrameTime, Scenery.Width, Scenery.Height, _faces);

            Assert.Equal(1, Assert.Single(_faces).Id);
            Assert.Equal(pose, _faces[0].RawPose);
        }
    }

    [Fact]
    public void A_missed_face_is_not_drawn_over_the_one_that_covers_it()
    {
        FaceTracker tracker = new(new TrackerOptions());
        for (int frame = 0; frame < 35; frame++)
        {
            tracker.Update(
                [Scenery.Detection(Scenery.PoseAt(450, 360, 150)), Scenery.Detection(Scenery.PoseAt(800 - 10 * frame, 360, 130))],
                frame * Scenery.FrameTime, Scenery.Width, Scenery.Height, _faces);
        }
        int front = _faces[0].Id;

        tracker.Update([Scenery.Detection(Scenery.PoseAt(450, 360, 150))], 35 * Scenery.FrameTime, Scenery.Width, Scenery.Height, _faces);

        Assert.Equal(front, Assert.Single(_faces).Id);
    }

    [Fact]
    public void Faces_far_apart_in_size_are_not_taken_for_each_other()
    {
        FaceTracker tracker = new(new TrackerOptions());
        tracker.Update([Scenery.Detection(Scenery.PoseAt(600, 360, 300))], 0, Scenery.Width, Scenery.Height, _faces);
        int near = Assert.Single(_faces).Id;

        tracker.Update([Scenery.Detection(Scenery.PoseAt(600, 360, 80))], Scenery.FrameTime, Scenery.Width, Scenery.Height, _faces);

        Assert.DoesNotContain(_faces, face => face.Detected && face.Id == near);
    }

    [Fact]
    public void At_half_a_frame_a_second_a_doubtful_face_is_there_at_once_and_keeps_its_identity()
    {
        FaceTracker tracker = new(new TrackerOptions { LookInterval = 2 });
        for (int look = 0; look < 8; look++)
        {
            tracker.Update([Scenery.Detection(Scenery.PoseAt(400 + 10 * look, 360, 150), 0.53)], 2 * look, Scenery.Width, Scenery.Height, _faces);

            TrackedFace face = Assert.Single(_faces);
            Assert.True(face.Detected);
            Assert.Equal(1, face.Id);
        }
    }

    [Fact]
    public void A_look_every_two_seconds_keeps_the_face_in_every_frame_between()
    {
        FaceTracker tracker = new(new TrackerOptions { LookInterval = 2 });
        for (int frame = 0; frame < 300; frame++)
        {
            double time = frame * Scenery.FrameTime;
            if (frame % 60 == 0) tracker.Update([Scenery.Detection(Scenery.PoseAt(400, 360, 150), 0.53)], time, Scenery.Width, Scenery.Height, _faces);
            else tracker.Predict(time, Scenery.Width, Scenery.Height, _faces);

            Assert.Equal(1, Assert.Single(_faces).Id);
        }
    }

    [Fact]
    public void Where_looks_are_rare_an_identity_outlives_a_missed_one_and_not_many()
    {
        FaceTracker tracker = new(new TrackerOptions { LookInterval = 2 });
        FaceDetection[] face = [Scenery.Detection(Scenery.PoseAt(400, 360, 150))];
        List<int> ids = [];
        for (int look = 0; look < 9; look++)
        {
            tracker.Update(look is 2 or 4 or 5 or 6 or 7 ? [] : face, 2 * look, Scenery.Width, Scenery.Height, _faces);
            ids.Add(_faces.Count == 0 ? 0 : Assert.Single(_faces).Id);
        }

        Assert.Equal([1, 1, 0, 1, 0, 0, 0, 0, 2], ids);
    }

    [Fact]
    public void After_a_cut_the_same_place_is_somebody_else()
    {
        FaceTracker tracker = new(new TrackerOptions());
        FaceDetection[] face = [Scenery.Detection(Scenery.PoseAt(400, 360, 150))];
        for (int frame = 0; frame < 10; frame++) tracker.Update(face, frame * Scenery.FrameTime, Scenery.Width, Scenery.Height, _faces);

        tracker.Forget();
        tracker.Update([], 10 * Scenery.FrameTime, Scenery.Width, Scenery.Height, _faces);
        Assert.Empty(_faces);
        tracker.Update(face, 11 * Scenery.FrameTime, Scenery.Width, Scenery.Height, _faces);
        Assert.Equal(2, Assert.Single(_faces).Id);
    }
}
