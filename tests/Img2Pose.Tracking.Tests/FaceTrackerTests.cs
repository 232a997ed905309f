using FsCheck;
using FsCheck.Fluent;
using Img2Pose.Geometry;
using Img2Pose.Testing;

namespace Img2Pose.Tracking.Tests;

public class FaceTrackerTests
{
    private readonly List<TrackedFace> _faces = [];

    [Fact]
    public void Without_tracking_detections_pass_through_with_id_zero()
    {
        FaceTracker tracker = new(new TrackerOptions { Track = false });
        FaceDetection detection = Scenery.Detection(Scenery.PoseAt(600, 360, 150), 0.3);
        for (int frame = 0; frame < 2; frame++)
        {
            tracker.Update([detection], frame * Scenery.FrameTime, Scenery.Width, Scenery.Height, _faces);

            Assert.Equal(new TrackedFace(0, detection, detection.Pose, true), Assert.Single(_faces));
        }
        tracker.Predict(1, Scenery.Width, Scenery.Height, _faces);
        Assert.Empty(_faces);
    }

    [Fact]
    public void Without_smoothing_detected_faces_keep_their_pose_and_box()
    {
        Scenery scenery = new();
        FaceTracker tracker = new(new TrackerOptions { Smooth = false });
        for (int frame = 0; frame < 10; frame++)
        {
            FaceDetection detection = Scenery.Detection(scenery.Noisy(Scenery.PoseAt(600, 360, 150)));

            tracker.Update([detection], frame * Scenery.FrameTime, Scenery.Width, Scenery.Height, _faces);

            Assert.Equal(new TrackedFace(1, detection, detection.Pose, true), Assert.Single(_faces));
        }
        tracker.Update([], 10 * Scenery.FrameTime, Scenery.Width, Scenery.Height, _faces);
        Assert.Equal(_faces[0].RawPose, Assert.Single(_faces).Face.Pose);
        Assert.False(_faces[0].Detected);
    }

    [Fact]
    public void Skipped_frames_get_the_predicted_face_however_long_the_skip()
    {
        FaceTracker tracker = new(new TrackerOptions());
        for (int frame = 0; frame <= 60; frame++)
        {
            double time = frame * Scenery.FrameTime;
            Pose truth = Scenery.PoseAt(300 + 4 * frame, 360, 160);
            if (frame % 10 == 0) tracker.Update([Scenery.Detection(truth)], time, Scenery.Width, Scenery.Height, _faces);
            else tracker.Predict(time, Scenery.Width, Scenery.Height, _faces);

            TrackedFace face = Assert.Single(_faces);
            Assert.Equal(1, face.Id);
            Assert.Equal(frame % 10 == 0, face.Detected);
            if (frame >= 20)
            {
                double off = Math.Abs(Scenery.Camera.Project(face.Face.Pose.Translation).X - Scenery.Camera.Project(truth.Translation).X);
                Assert.True(off < 20, $"frame {frame}: {off} pixels away"); // an eighth of the face, at 0.75 widths a second
            }
        }
    }

    [Theory]
    [InlineData(0.5)]  // the file is looped, or somebody seeks
    [InlineData(30.0)] // a hole in the stream
    public void A_jump_in_time_forgets_every_face(double next)
    {
        FaceTracker tracker = new(new TrackerOptions());
        FaceDetection detection = Scenery.Detection(Scenery.PoseAt(600, 360, 150));
        tracker.Update([detection], 1, Scenery.Width, Scenery.Height, _faces);

        tracker.Update([detection], next, Scenery.Width, Scenery.Height, _faces);

        Assert.Equal(2, Assert.Single(_faces).Id);
    }

    [Fact]
    public void Frames_of_equal_time_are_taken_one_after_the_other()
    {
        FaceTracker tracker = new(new TrackerOptions());
        double[] times = [0, 0, 0, 0.04, 0.04, 0.05];
        for (int i = 0; i < times.Length; i++)
        {
            tracker.Update([Scenery.Detection(Scenery.PoseAt(600 + 3 * i, 360, 150))], times[i], Scenery.Width, Scenery.Height, _faces);

            Assert.Equal(1, Assert.Single(_faces).Id);
            Assert.True(_faces[0].Face.Pose.IsFinite);
        }
    }

    [Fact]
    public void Detections_that_are_not_finite_or_not_in_the_picture_are_left_out()
    {
        FaceTracker tracker = new(new TrackerOptions());
        FaceDetection good = Scenery.Detection(Scenery.PoseAt(600, 360, 150));
        FaceDetection damaged = good with { Pose = good.Pose with { Rotation = new Vector3d(double.NaN, 0, 0) } };
        FaceDetection behind = good with { Pose = good.Pose with { Translation = new Vector3d(0, 0, -5) } };

        FaceDetection outside = good with { Box = new Box(1300, 100, 1280, 200) };

        tracker.Update([damaged, behind, outside, good], 0, Scenery.Width, Scenery.Height, _faces);

        Assert.Equal(good.Pose, Assert.Single(_faces).RawPose);
    }

    [Fact]
    public void A_face_leaving_the_picture_keeps_a_box_inside_it()
    {
        FaceTracker tracker = new(new TrackerOptions());
        for (int frame = 0; frame < 60; frame++)
        {
            FaceDetection detection = Scenery.Detection(Scenery.PoseAt(1100 + 8 * frame, 360, 150));
            tracker.Update(detection.Box.IsEmpty ? [] : [detection], frame * Scenery.FrameTime, Scenery.Width, Scenery.Height, _faces);

            Assert.All(_faces, face => Assert.False(face.Face.Box.IsEmpty));
            Assert.All(_faces, face => Assert.True(face.Face.Box.Right <= Scenery.Width));
        }
        Assert.Empty(_faces);
    }

    [Fact]
    public void Nothing_is_allocated_in_the_steady_state()
    {
        FaceTracker tracker = new(new TrackerOptions());
        Scenery scenery = new();
        FaceDetection[][] frames = [.. Enumerable.Range(0, 200).Select(frame => (FaceDetection[])
        [
            Scenery.Detection(scenery.Noisy(Scenery.PoseAt(200 + frame, 360, 120))),
            Scenery.Detection(scenery.Noisy(Scenery.PoseAt(900 - frame, 300, 90))),
            .. frame % 20 < 10 ? [Scenery.Detection(Scenery.PoseAt(600, 100, 60))] : Array.Empty<FaceDetection>(),
        ])];
        int step = 0;

        Allocation.AssertAtMost(
            () =>
            {
                tracker.Update(frames[step % frames.Length], 2 * step * Scenery.FrameTime, Scenery.Width, Scenery.Height, _faces);
                tracker.Predict((2 * step + 1) * Scenery.FrameTime, Scenery.Width, Scenery.Height, _faces);
                step++;
            },
            steps: frames.Length);
    }

    [Fact]
    public void Unusable_arguments_and_options_are_refused()
    {
        FaceTracker tracker = new(new TrackerOptions());
        Assert.Throws<ArgumentOutOfRangeException>(() => tracker.Update([], double.NaN, 10, 10, _faces));
        Assert.Throws<ArgumentOutOfRangeException>(() => tracker.Update([], 0, 0, 10, _faces));
        Assert.Throws<UsageException>(() => new FaceTracker(new TrackerOptions { BirthHits = 0 }));
        Assert.Throws<UsageException>(() => new FaceTracker(new TrackerOptions { CoastTime = -1 }));
        Assert.Throws<UsageException>(() => new FaceTracker(new TrackerOptions { CoastTime = 2, MemoryTime = 1 }));
        Assert.Throws<UsageException>(() => new FaceTracker(new TrackerOptions { Rotation = new OneEuroParameters(0, 1, 1) }));
    }

    [Fact]
    public void Whatever_the_detections_reported_faces_are_finite_inside_and_unique()
    {
        Gen<double> unit = Gen.Choose(0, 1_000_000).Select(i => i / 1e6);
        Gen<FaceDetection> detections =
            from x in unit
            from y in unit
            from size in unit
            from yaw in unit
            from score in unit
            select Scenery.Detection(
                Scenery.PoseAt(1400 * x - 60, 800 * y - 40, 20 + 400 * size, new Vector3d(0, 3 * yaw - 1.5, 0)), score);
        Gen<(FaceDetection[] Faces, double Step, bool Skip)> frames =
            from faces in Gen.ArrayOf(detections, 6)
            from step in unit
            from skip in Gen.Choose(0, 3)
            select (faces, 0.2 * step, skip == 0);

        Prop.ForAll(Gen.ArrayOf(frames, 25).ToArbitrary(), sequence =>
        {
            FaceTracker tracker = new(new TrackerOptions());
            double time = 0;
            int highest = 0;
            bool holds = true;
            foreach ((FaceDetection[] found, double step, bool skip) in sequence)
            {
                time += step;
                if (skip) tracker.Predict(time, Scenery.Width, Scenery.Height, _faces);
                else tracker.Update(found, time, Scenery.Width, Scenery.Height, _faces);
                holds &= _faces.All(face => face.Id > 0 && face.Face.Pose.IsFinite && face.RawPose.IsFinite)
                    && _faces.Zip(_faces.Skip(1)).All(pair => pair.First.Id < pair.Second.Id)
                    && _faces.All(face => face.Face.Box == face.Face.Box.ClipTo(Scenery.Width, Scenery.Height))
                    && (skip ? _faces.All(face => !face.Detected) : _faces.Count(face => face.Detected) <= found.Length);
                highest = Math.Max(highest, _faces.Select(face => face.Id).DefaultIfEmpty(0).Max());
            }
            return holds && highest <= sequence.Sum(frame => frame.Faces.Length);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(30));
    }
}
