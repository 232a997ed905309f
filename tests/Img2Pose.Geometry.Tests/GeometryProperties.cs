using FsCheck;
using FsCheck.Fluent;

namespace Img2Pose.Geometry.Tests;

/// <summary>What must hold for any pose, picture and box; poses and boxes are drawn as faces in pictures are.</summary>
public class GeometryProperties
{
    private static readonly Config Settings = Config.QuickThrowOnFailure.WithMaxTest(300);

    private static readonly Gen<Vector3d> Rotations =
        from yaw in Uniform(-80, 80)
        from pitch in Uniform(-40, 40)
        from roll in Uniform(-60, 60)
        select new EulerAngles(yaw, pitch, roll).ToRotationVector();

    private static readonly Gen<(Box Box, double Score)> ScoredBoxes =
        from x in Uniform(0, 60)
        from y in Uniform(0, 60)
        from side in Uniform(4, 30)
        from score in Gen.Choose(0, 9)
        select (new Box(x, y, x + side, y + side), score / 10.0);

    private static readonly Gen<Scene> Scenes =
        from width in Gen.Choose(200, 2000)
        from height in Gen.Choose(200, 2000)
        from rotation in Rotations
        from centerX in Uniform(0.1, 0.9)
        from centerY in Uniform(0.1, 0.9)
        from size in Uniform(0.03, 0.5)
        select Scene.Create(width, height, rotation, centerX, centerY, size);

    [Fact]
    public void Full_to_box_and_back_returns_the_translation_exactly_and_the_rotation_nearly() =>
        // Up to a quarter turn the quaternion is read off the trace of the sheared rotation. Beyond, SciPy's conversion (V5 of
        // the golden README) reads it off the largest diagonal element, where the shear may turn it by 20 degrees.
        Check(Scenes.Where(scene => scene.Pose.Rotation.Length < 0.5 * Math.PI), scene =>
        {
            Pose local = PoseConversion.FullToBox(scene.Pose, scene.Camera, scene.Box);
            Pose back = PoseConversion.BoxToFull(local, scene.Camera, scene.Box);

            double translation = Golden.Difference(scene.Pose.Translation, back.Translation) / Golden.Largest(scene.Pose.Translation);
            // The golden cases' own round trip turns by up to 0.041 rad.
            return translation <= 1e-9 && RotationVector.GeodesicDistance(scene.Pose.Rotation, back.Rotation) <= 0.041;
        });

    [Fact]
    public void Scaling_everything_by_an_even_integer_leaves_the_pose_and_scales_its_projection() =>
        Check(from scene in Scenes from factor in Gen.Choose(1, 4) select (scene, factor: 2 * factor), drawn =>
        {
            (Scene scene, int factor) = drawn;
            CameraIntrinsics large = CameraIntrinsics.ForImage(factor * scene.Width, factor * scene.Height);
            // An odd side halves to a centre half a pixel off; only even pictures scale exactly.
            bool even = scene.Width % 2 == 0 && scene.Height % 2 == 0;

            Pose rescaled = PoseConversion.Rescale(scene.Pose, scene.Camera, large, factor, factor);

            return LargestMove(scene, scene.Camera, rescaled, large, factor, factor) <= (even ? 1e-8 * factor * scene.Width : factor)
                && (!even || Golden.Difference(rescaled, scene.Pose) <= 1e-9 * Golden.Largest(scene.Pose.Translation));
        });

    [Fact]
    public void A_pose_carried_to_another_size_projects_within_a_pixel() =>
        Check(from scene in Scenes from side in Gen.Choose(300, 1400) select (scene, side), drawn =>
        {
            (Scene scene, int side) = drawn;
            (int width, int height) = ResizeRule.LongSide(scene.Width, scene.Height, side, enlarge: true);
            double scaleX = (double)scene.Width / width, scaleY = (double)scene.Height / height;
            CameraIntrinsics small = CameraIntrinsics.ForImage(width, height);
            // The same pose as the network would give it in the resized picture.
            Pose resized = PoseConversion.Rescale(scene.Pose, scene.Camera, small, 1 / scaleX, 1 / scaleY);

            Pose displayed = PoseConversion.Rescale(resized, small, scene.Camera, scaleX, scaleY);

            double there = LargestMove(scene, scene.Camera, resized, small, 1 / scaleX, 1 / scaleY);
            return there <= 1 && Golden.Difference(displayed, scene.Pose) <= 1e-9 * Golden.Largest(scene.Pose.Translation);
        });

    [Fact]
    public void Euler_angles_round_trip_away_from_the_poles() =>
        Check(from yaw in Uniform(-89, 89) from pitch in Uniform(-179, 179) from roll in Uniform(-179, 179) select new EulerAngles(yaw, pitch, roll), angles =>
        {
            EulerAngles back = EulerAngles.FromRotationVector(angles.ToRotationVector());

            return Math.Abs(back.Yaw - angles.Yaw) < 1e-7 && Math.Abs(back.Pitch - angles.Pitch) < 1e-7 && Math.Abs(back.Roll - angles.Roll) < 1e-7;
        });

    [Fact]
    public void Rotation_vectors_round_trip_through_matrices() =>
        Check(Rotations, rotation => Golden.Difference(rotation, RotationVector.FromMatrix(RotationVector.ToMatrix(rotation))) < 1e-9);

    [Fact]
    public void Composition_agrees_with_the_product_of_matrices() =>
        Check(from a in Rotations from b in Rotations select (a, b), pair =>
            Golden.Difference(
                RotationVector.ToMatrix(RotationVector.Compose(pair.a, pair.b)),
                RotationVector.ToMatrix(pair.a) * RotationVector.ToMatrix(pair.b)) < 1e-12);

    [Fact]
    public void Interpolation_divides_the_distance() =>
        Check(from a in Rotations from b in Rotations from t in Uniform(0, 1) select (a, b, t), drawn =>
        {
            (Vector3d a, Vector3d b, double t) = drawn;
            Vector3d between = RotationVector.Interpolate(a, b, t);
            double whole = RotationVector.GeodesicDistance(a, b);
            return Math.Abs(RotationVector.GeodesicDistance(a, between) - t * whole) < 1e-7
                && Math.Abs(RotationVector.GeodesicDistance(between, b) - (1 - t) * whole) < 1e-7;
        });

    [Fact]
    public void Mirroring_a_pose_mirrors_its_matrix_and_twice_is_nothing() =>
        Check(Scenes, scene =>
        {
            Pose mirrored = TestTimeAugmentation.Mirror(scene.Pose);
            Matrix3x3d flip = new(-1, 0, 0, 0, 1, 0, 0, 0, 1);
            return TestTimeAugmentation.Mirror(mirrored) == scene.Pose
                && Golden.Difference(RotationVector.ToMatrix(mirrored.Rotation), flip * RotationVector.ToMatrix(scene.Pose.Rotation) * flip) < 1e-12;
        });

    [Fact]
    public void A_face_box_lies_in_the_picture_and_holds_the_points_that_do() =>
        Check(Scenes, scene =>
        {
            Box box = FaceBox.FromPose(scene.Pose, scene.Camera, scene.Width, scene.Height, ReferenceFace.Default, FaceBoxFactors.Default);
            bool inside = box.Left >= 0 && box.Top >= 0 && box.Right <= scene.Width && box.Bottom <= scene.Height;
            // Truncation of the size and of the edges may cut the outermost points by up to 1.5 pixels.
            foreach ((double x, double y) in scene.Project(scene.Pose, scene.Camera))
            {
                if (x < 0 || y < 0 || x >= scene.Width || y >= scene.Height) continue;
                inside &= x >= box.Left - 1.5 && x <= box.Right + 1.5 && y >= box.Top - 1.5 && y <= box.Bottom + 1.5;
            }
            return inside;
        });

    [Fact]
    public void Survivors_of_suppression_do_not_overlap_and_every_other_box_overlaps_a_better_one() =>
        Check(Gen.ArrayOf(ScoredBoxes, 40), drawn =>
        {
            Box[] boxes = [.. drawn.Select(d => d.Box)];
            double[] scores = [.. drawn.Select(d => d.Score)];
            int[] kept = new int[boxes.Length];
            int count = NonMaximumSuppression.Apply(boxes, scores, 0.3, kept);
            HashSet<int> survivors = [.. kept[..count]];
            return Enumerable.Range(0, boxes.Length).All(i => survivors.Contains(i)
                ? survivors.All(j => i == j || boxes[i].IntersectionOverUnion(boxes[j]) <= 0.3)
                : survivors.Any(j => scores[j] >= scores[i] && boxes[i].IntersectionOverUnion(boxes[j]) > 0.3));
        });

    private static double LargestMove(Scene scene, CameraIntrinsics from, Pose pose, CameraIntrinsics to, double scaleX, double scaleY)
    {
        (double X, double Y)[] before = scene.Project(scene.Pose, from), after = scene.Project(pose, to);
        double largest = 0;
        for (int i = 0; i < before.Length; i++)
        {
            largest = Math.Max(largest, Math.Max(Math.Abs(scaleX * before[i].X - after[i].X), Math.Abs(scaleY * before[i].Y - after[i].Y)));
        }
        return largest;
    }

    private static Gen<double> Uniform(double low, double high) => Gen.Choose(0, 1_000_000).Select(i => low + (high - low) * i / 1e6);

    private static void Check<T>(Gen<T> gen, Func<T, bool> holds) => Prop.ForAll(gen.ToArbitrary(), holds).Check(Settings);

    /// <summary>A face in a picture: of the given size, as part of the picture's smaller side, at a relative position.</summary>
    public sealed record Scene(int Width, int Height, Pose Pose)
    {
        public CameraIntrinsics Camera => CameraIntrinsics.ForImage(Width, Height);

        public Box Box => FaceBox.FromPoints(Project(Pose, Camera), Width, Height, FaceBoxFactors.Default, Pose.Rotation.Z);

        public static Scene Create(int width, int height, Vector3d rotation, double centerX, double centerY, double size)
        {
            CameraIntrinsics camera = CameraIntrinsics.ForImage(width, height);
            double depth = 1.5 * camera.FocalLength / (size * Math.Min(width, height));
            Vector3d translation = new(
                (centerX * width - camera.CenterX) * depth / camera.FocalLength,
                (centerY * height - camera.CenterY) * depth / camera.FocalLength, depth);
            return new Scene(width, height, new Pose(rotation, translation));
        }

        public (double X, double Y)[] Project(Pose pose, CameraIntrinsics camera)
        {
            Matrix3x3d rotation = RotationVector.ToMatrix(pose.Rotation);
            return [.. ReferenceFace.Default.Points68.ToArray().Select(point => camera.Project(rotation * point + pose.Translation))];
        }
    }
}
