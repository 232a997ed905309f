using System.Text.Json;

namespace Img2Pose.Geometry.Tests;

public class PoseConversionGoldenTests
{
    // Tolerances of the golden README, section 8: relative to the largest translation component.
    [Theory]
    [InlineData("f64", BoxArithmetic.Exact, 1e-9)]
    [InlineData("int", BoxArithmetic.Exact, 1e-9)]
    [InlineData("f32_int64K", BoxArithmetic.SinglePrecisionInteger, 1e-6)]
    [InlineData("f32_float32K", BoxArithmetic.SinglePrecision, 2e-6)]
    public void Poses_move_between_picture_and_box_as_in_the_original(string mode, BoxArithmetic arithmetic, double tolerance)
    {
        int cases = 0;
        foreach ((int index, JsonElement one) in Golden.Load("geometry", "pose_conversion.json").Cases())
        {
            if (one.GetProperty("mode").GetString() != mode) continue;
            cases++;
            CameraIntrinsics camera = one.Camera("K");
            Box box = one.Box("bbox");

            Pose full = PoseConversion.BoxToFull(one.Pose("local_pose"), camera, box, arithmetic);
            Pose local = PoseConversion.FullToBox(one.Pose("global_pose"), camera, box, arithmetic);
            Pose back = PoseConversion.FullToBox(one.Pose("bbox_to_full"), camera, box, arithmetic);
            CameraIntrinsics boxCamera = PoseConversion.BoxIntrinsics(camera, box, arithmetic);

            AssertClose(one.Pose("bbox_to_full"), full, tolerance, $"case {index}, box to full");
            AssertClose(one.Pose("full_to_bbox"), local, tolerance, $"case {index}, full to box");
            AssertClose(one.Pose("roundtrip_full_to_bbox_of_bbox_to_full"), back, tolerance, $"case {index}, there and back");
            Assert.Equal(one.Camera("bbox_intrinsics"), boxCamera);
        }
        Assert.True(cases > 0, $"no case of mode {mode}");
    }

    [Fact]
    public void Box_cameras_equal_those_of_the_original()
    {
        foreach ((int index, JsonElement one) in Golden.Load("geometry", "bbox_intrinsics.json").Cases())
        {
            bool integer = one.GetProperty("K_dtype").GetString()!.StartsWith("int", StringComparison.Ordinal);
            bool single = one.GetProperty("bbox_dtype").GetString() == "float32";
            CameraIntrinsics camera = one.Camera("K");
            Box box = one.Box("bbox");
            CameraIntrinsics actual = PoseConversion.BoxIntrinsics(
                camera, box, single ? BoxArithmetic.SinglePrecision : BoxArithmetic.Exact);
            if (integer) actual = actual with { CenterX = Math.Truncate(actual.CenterX), CenterY = Math.Truncate(actual.CenterY) };

            CameraIntrinsics expected = one.Camera("out");
            Assert.True(expected.FocalLength == actual.FocalLength
                && Math.Abs(expected.CenterX - actual.CenterX) <= 1e-9 * Math.Abs(expected.CenterX)
                && Math.Abs(expected.CenterY - actual.CenterY) <= 1e-9 * Math.Abs(expected.CenterY), $"case {index}: {actual} for {expected}");
        }
    }

    [Fact]
    public void Network_outputs_become_poses_and_boxes_as_in_the_original()
    {
        ReferenceFace reference = Golden.OfficialReference();
        foreach ((int index, JsonElement one) in Golden.Load("geometry", "transform_pose_global_project_bbox.json").Cases())
        {
            double[] size = one.Numbers("image_shape_hw"), mean = one.Numbers("pose_mean"), deviation = one.Numbers("pose_stddev");
            int height = (int)size[0], width = (int)size[1];
            CameraIntrinsics camera = CameraIntrinsics.ForImage(width, height);
            FaceBoxFactors factors = new(one.Number("x_factor"), one.Number("y_factor"), one.Number("forehead"));
            double[][] boxes = one.Rows("boxes_f32"), poses = one.Rows("dofs_f32"), outPoses = one.Rows("out_dofs_f32"), outBoxes = one.Rows("out_boxes_f32");
            for (int i = 0; i < boxes.Length; i++)
            {
                double[] six = [.. poses[i].Select((value, k) => (double)(float)(value * deviation[k] + mean[k]))];

                Pose full = PoseConversion.BoxToFull(Golden.ToPose(six), camera, Golden.ToBox(boxes[i]), BoxArithmetic.SinglePrecisionInteger);
                Box box = FaceBox.FromPose(full, camera, width, height, reference, factors);

                AssertClose(Golden.ToPose(outPoses[i]), full, 1e-6, $"case {index}, face {i}");
                Assert.Equal(Golden.ToBox(outBoxes[i]), box);
            }
        }
    }

    [Fact]
    public void Boxes_around_points_equal_those_of_the_original()
    {
        foreach ((int index, JsonElement one) in Golden.Load("geometry", "expand_bbox_rectangle.json").Cases())
        {
            FaceBoxFactors factors = new(one.Number("x_factor"), one.Number("y_factor"), one.Number("forehead"));

            Box actual = FaceBox.FromPoints(one.Points("lms"), one.Integer("w"), one.Integer("h"), factors, one.Number("roll"));

            Assert.True(one.Box("out") == actual, $"case {index}: {actual} for {one.Box("out")}");
        }
    }

    private static void AssertClose(Pose expected, Pose actual, double tolerance, string message)
    {
        double rotation = Golden.Difference(expected.Rotation, actual.Rotation);
        double translation = Golden.Difference(expected.Translation, actual.Translation) / Golden.Largest(expected.Translation);
        Assert.True(rotation <= tolerance, $"{message}: rotation off by {rotation}");
        Assert.True(translation <= tolerance, $"{message}: translation off by {translation}");
    }
}
