using Img2Pose.Geometry;

namespace Img2Pose.Tracking.Tests;

/// <summary>What smoothing gains and costs, measured on synthetic faces with known true poses.</summary>
public class SmoothingTests
{
    private readonly List<TrackedFace> _faces = [];

    [Fact]
    public void A_still_face_jitters_less_than_half_as_much()
    {
        Scenery scenery = new();
        FaceTracker tracker = new(new TrackerOptions());
        Pose truth = Scenery.PoseAt(700, 300, 160, new Vector3d(0.1, 0.4, -0.1));
        double rawTurn = 0, smoothTurn = 0, rawMove = 0, smoothMove = 0;
        Pose lastRaw = truth, lastSmooth = truth;
        for (int frame = 0; frame < 300; frame++)
        {
            tracker.Update([Scenery.Detection(scenery.Noisy(truth))], frame * Scenery.FrameTime, Scenery.Width, Scenery.Height, _faces);
            TrackedFace face = Assert.Single(_faces);
            if (frame > 30)
            {
                // Jitter is what one sees from frame to frame.
                rawTurn += Square(RotationVector.GeodesicDistance(lastRaw.Rotation, face.RawPose.Rotation));
                smoothTurn += Square(RotationVector.GeodesicDistance(lastSmooth.Rotation, face.Face.Pose.Rotation));
                rawMove += Square(Pixels(lastRaw, face.RawPose));
                smoothMove += Square(Pixels(lastSmooth, face.Face.Pose));
            }
            (lastRaw, lastSmooth) = (face.RawPose, face.Face.Pose);
        }

        double turn = Math.Sqrt(smoothTurn / rawTurn), move = Math.Sqrt(smoothMove / rawMove);
        Assert.True(turn < 0.5, $"rotation keeps {turn:P0} of its jitter");
        Assert.True(move < 0.5, $"the place keeps {move:P0} of its jitter");
    }

    [Fact]
    public void A_moving_face_lags_less_than_a_frame_and_a_half_and_less_than_a_twentieth_of_its_width()
    {
        // One face width to either side, three times in four seconds: an energetic head.
        (double lag, double error) = MeasureLag(t => Scenery.PoseAt(640 + 160 * Math.Sin(2 * Math.PI * 0.75 * t), 360, 160), static pose =>
            Scenery.Camera.Project(pose.Translation).X);

        Assert.True(lag < 1.5 * Scenery.FrameTime, $"lags {1000 * lag:F0} ms");
        Assert.True(error < 0.05 * 160, $"is off by up to {error:F1} pixels");
    }

    [Fact]
    public void A_turning_head_lags_less_than_two_frames()
    {
        // 40 degrees to either side, once in two seconds.
        (double lag, double error) = MeasureLag(
            t => Scenery.PoseAt(640, 360, 160, new Vector3d(0, 0.7 * Math.Sin(Math.PI * t), 0)), static pose => pose.Rotation.Y);

        Assert.True(lag < 2 * Scenery.FrameTime, $"lags {1000 * lag:F0} ms");
        Assert.True(error < 0.12, $"is off by up to {error:F3} rad");
    }

    [Fact]
    public void Smoothing_a_moving_face_does_not_make_its_pose_worse()
    {
        Scenery scenery = new(5);
        FaceTracker tracker = new(new TrackerOptions());
        double raw = 0, smooth = 0;
        for (int frame = 0; frame < 300; frame++)
        {
            double t = frame * Scenery.FrameTime;
            Pose truth = Scenery.PoseAt(640 + 150 * Math.Sin(t), 360 + 60 * Math.Cos(1.3 * t), 160 + 30 * Math.Sin(0.7 * t), new Vector3d(0.1, 0.4 * Math.Sin(t), 0.1));
            tracker.Update([Scenery.Detection(scenery.Noisy(truth))], t, Scenery.Width, Scenery.Height, _faces);
            TrackedFace face = Assert.Single(_faces);
            raw += Square(Pixels(truth, face.RawPose)) + Square(160 * RotationVector.GeodesicDistance(truth.Rotation, face.RawPose.Rotation));
            smooth += Square(Pixels(truth, face.Face.Pose)) + Square(160 * RotationVector.GeodesicDistance(truth.Rotation, face.Face.Pose.Rotation));
        }

        Assert.True(smooth < raw, $"root mean square error {Math.Sqrt(smooth / 300):F2} smoothed, {Math.Sqrt(raw / 300):F2} raw");
    }

    [Fact]
    public void The_same_motion_is_smoothed_alike_at_every_frame_rate()
    {
        double[] ends = [.. new[] { 15.0, 30, 60 }.Select(rate =>
        {
            FaceTracker tracker = new(new TrackerOptions());
            for (int frame = 0; frame <= 2 * rate; frame++)
            {
                tracker.Update([Scenery.Detection(Scenery.PoseAt(300 + 200 * frame / rate, 360, 160))], frame / rate, Scenery.Width, Scenery.Height, _faces);
            }
            return Scenery.Camera.Project(Assert.Single(_faces).Face.Pose.Translation).X;
        })];

        Assert.All(ends, end => Assert.InRange(end, 690, 700)); // the face ends at 700
        Assert.True(ends.Max() - ends.Min() < 4, $"ends at {string.Join(", ", ends)}");
    }

    [Fact]
    public void A_roll_through_the_half_turn_takes_the_short_way()
    {
        FaceTracker tracker = new(new TrackerOptions());
        for (int frame = 0; frame < 40; frame++)
        {
            double roll = Math.PI - 0.2 + 0.01 * frame; // passes 180 degrees, where the rotation vector jumps
            Pose pose = Scenery.PoseAt(640, 360, 160, RotationVector.FromMatrix(RotationVector.ToMatrix(new Vector3d(0, 0, roll))));

            tracker.Update([Scenery.Detection(pose)], frame * Scenery.FrameTime, Scenery.Width, Scenery.Height, _faces);

            double off = RotationVector.GeodesicDistance(pose.Rotation, Assert.Single(_faces).Face.Pose.Rotation);
            Assert.True(off < 0.06, $"frame {frame}: {off} rad away");
        }
    }

    [Fact]
    public void Pose_and_box_are_one_set()
    {
        Scenery scenery = new();
        FaceTracker tracker = new(new TrackerOptions());
        for (int frame = 0; frame < 30; frame++)
        {
            FaceDetection[] detections = frame is 20 or 21 ? [] : [Scenery.Detection(scenery.Noisy(Scenery.PoseAt(640 + 6 * frame, 360, 160)))];
            tracker.Update(detections, frame * Scenery.FrameTime, Scenery.Width, Scenery.Height, _faces);

            TrackedFace face = Assert.Single(_faces);
            Assert.Equal(Scenery.BoxOf(face.Face.Pose), face.Face.Box);
        }
    }

    /// <summary>The delay that fits best between the true and the smoothed course, and the largest difference between them.</summary>
    private (double Lag, double Error) MeasureLag(Func<double, Pose> course, Func<Pose, double> value)
    {
        FaceTracker tracker = new(new TrackerOptions());
        List<(double Time, double Value)> smoothed = [];
        double error = 0;
        for (int frame = 0; frame < 180; frame++)
        {
            double t = frame * Scenery.FrameTime;
            tracker.Update([Scenery.Detection(course(t))], t, Scenery.Width, Scenery.Height, _faces);
            if (frame < 30) continue;
            smoothed.Add((t, value(Assert.Single(_faces).Face.Pose)));
            error = Math.Max(error, Math.Abs(value(course(t)) - smoothed[^1].Value));
        }
        double lag = Enumerable.Range(0, 301).Select(millisecond => millisecond / 1000.0)
            .MinBy(delay => smoothed.Sum(sample => Square(value(course(sample.Time - delay)) - sample.Value)));
        return (lag, error);
    }

    private static double Pixels(Pose a, Pose b)
    {
        (double ax, double ay) = Scenery.Camera.Project(a.Translation);
        (double bx, double by) = Scenery.Camera.Project(b.Translation);
        return Math.Sqrt(Square(ax - bx) + Square(ay - by));
    }

    private static double Square(double value) => value * value;
}
