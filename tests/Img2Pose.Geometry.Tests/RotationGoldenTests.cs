using System.Text.Json;

namespace Img2Pose.Geometry.Tests;

public class RotationGoldenTests
{
    [Fact]
    public void Rotation_vectors_become_the_matrices_of_the_original()
    {
        foreach ((int index, JsonElement one) in Golden.Load("geometry", "plot_3d_landmark.json").Cases("rotvec_to_matrix"))
        {
            Matrix3x3d actual = RotationVector.ToMatrix(one.Vector("rotvec"));

            Assert.True(Golden.Difference(actual, one.Matrix("matrix_f64")) <= 1e-9, $"case {index}, float64");
            Assert.True(Golden.Difference(actual, one.Matrix("matrix_torch_f32")) <= 2e-6, $"case {index}, float32");
        }
    }

    [Fact]
    public void Matrices_that_are_no_rotations_become_the_rotation_vectors_of_the_original()
    {
        foreach ((int index, JsonElement one) in Golden.Load("geometry", "plot_3d_landmark.json").Cases("matrix_to_rotvec"))
        {
            Vector3d actual = RotationVector.FromMatrix(one.Matrix("matrix"));

            Assert.True(Golden.Difference(actual, one.Vector("rotvec")) <= 1e-9, $"case {index}");
            Assert.True(Golden.Difference(RotationVector.ToMatrix(actual), one.Matrix("matrix_back")) <= 1e-9, $"case {index}, back");
        }
    }

    [Fact]
    public void Projections_equal_those_of_the_original()
    {
        ReferenceFace reference = Golden.OfficialReference();
        foreach ((int index, JsonElement one) in Golden.Load("geometry", "plot_3d_landmark.json").Cases())
        {
            ReadOnlySpan<Vector3d> points = one.Integer("points") == 68 ? reference.Points68 : reference.Points5;
            Pose pose = one.Pose("pose");
            CameraIntrinsics camera = one.Camera("K");
            Matrix3x3d rotation = RotationVector.ToMatrix(pose.Rotation);
            double[][] expected = one.Rows("projected");
            for (int i = 0; i < points.Length; i++)
            {
                (double x, double y) = camera.Project(rotation * points[i] + pose.Translation);

                Assert.True(Math.Abs(x - expected[i][0]) <= 1e-9 * Math.Max(1, Math.Abs(x)), $"case {index}, point {i}: x {x} for {expected[i][0]}");
                Assert.True(Math.Abs(y - expected[i][1]) <= 1e-9 * Math.Max(1, Math.Abs(y)), $"case {index}, point {i}: y {y} for {expected[i][1]}");
            }
        }
    }

    [Fact]
    public void Euler_angles_equal_those_of_the_original_notebook()
    {
        foreach ((int index, JsonElement one) in Golden.Load("geometry", "aflw_angles.json").Cases())
        {
            AssertAngles(one.Numbers("to_aflw_degrees"), EulerAngles.FromRotationVector(one.Vector("rotvec")), $"case {index}");
            AssertAngles(one.Numbers("to_aflw_from_matrix_degrees"), EulerAngles.FromMatrix(one.Matrix("matrix")), $"case {index}, matrix");
        }
    }

    [Fact]
    public void Annotated_angles_become_the_rotation_vectors_of_the_original_loader()
    {
        foreach ((int index, JsonElement one) in Golden.Load("geometry", "aflw_angles.json").Cases())
        {
            double[] radians = one.Numbers("aflw_radians");
            const double degrees = 180 / Math.PI;
            EulerAngles angles = new(Yaw: radians[1] * degrees, Pitch: radians[0] * degrees, Roll: radians[2] * degrees);

            Assert.True(Golden.Difference(angles.ToRotationVector(), one.Vector("from_aflw_rotvec")) <= 1e-9, $"case {index}");
        }
    }

    [Fact]
    public void At_the_poles_roll_is_zero_as_in_the_original()
    {
        foreach ((int index, JsonElement one) in Golden.Load("geometry", "aflw_angles.json").Cases("gimbal"))
        {
            if (one.TryGetProperty("matrix", out _))
            {
                AssertAngles(one.Numbers("to_aflw_degrees"), EulerAngles.FromMatrix(one.Matrix("matrix")), $"case {index}");
            }
        }
    }

    private static void AssertAngles(double[] pitchYawRoll, EulerAngles actual, string message)
    {
        Assert.True(Math.Abs(pitchYawRoll[0] - actual.Pitch) <= 1e-7, $"{message}: pitch {actual.Pitch} for {pitchYawRoll[0]}");
        Assert.True(Math.Abs(pitchYawRoll[1] - actual.Yaw) <= 1e-7, $"{message}: yaw {actual.Yaw} for {pitchYawRoll[1]}");
        Assert.True(Math.Abs(pitchYawRoll[2] - actual.Roll) <= 1e-7, $"{message}: roll {actual.Roll} for {pitchYawRoll[2]}");
    }
}
