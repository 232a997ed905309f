using System.Text.Json;
using Img2Pose.Testing;

namespace Img2Pose.Geometry.Tests;

public class FaceAlignmentTests
{
    [Fact]
    public void The_best_template_and_its_similarity_are_those_of_the_original()
    {
        foreach ((int index, JsonElement one) in Golden.Load("geometry", "face_align.json").Cases())
        {
            SimilarityTransform actual = FaceAlignment.Estimate(one.Points("landmarks"), one.Integer("size"), out int template);

            Assert.True(one.Integer("template_index") == template, $"case {index}: template {template}");
            double[][] m = one.Rows("M");
            double[] expected = [m[0][0], m[1][0], m[0][2], m[1][2]], numbers = [actual.A, actual.B, actual.X, actual.Y];
            for (int i = 0; i < 4; i++) Assert.True(Math.Abs(expected[i] - numbers[i]) <= 1e-5, $"case {index}, number {i}: {numbers[i]} for {expected[i]}");
        }
    }

    [Fact]
    public void Aligned_crops_look_like_those_of_the_original()
    {
        JsonElement golden = Golden.Load("geometry", "face_align.json");
        PngPicture picture = PngPicture.Read(SharedData.RequireGolden("geometry", golden.GetProperty("norm_crop_source").GetString()!));
        foreach ((_, JsonElement one) in golden.Cases("norm_crop"))
        {
            int size = one.Integer("size");
            byte[] crop = new byte[3 * size * size];

            FaceAlignment.Crop(picture.Rgb, picture.Width, picture.Height, 3 * picture.Width,
                FaceAlignment.Estimate(one.Points("landmarks"), size, out _), crop, size);

            AssertLooksLike(one.GetProperty("file").GetString()!, crop);
        }
    }

    [Fact]
    public void Crops_by_pose_look_like_those_of_the_original()
    {
        ReferenceFace reference = Golden.OfficialReference();
        foreach (JsonElement one in Golden.Load("geometry", "align_faces.json").GetProperty("cases").EnumerateArray())
        {
            PngPicture picture = PngPicture.Read(SharedData.RequireGolden("geometry", one.GetProperty("image").GetString()!));
            CameraIntrinsics camera = CameraIntrinsics.ForImage(picture.Width, picture.Height);
            int size = one.Integer("size");
            double[][] poses = one.Rows("poses");
            for (int i = 0; i < poses.Length; i++)
            {
                byte[] crop = new byte[3 * size * size];

                FaceAlignment.Crop(picture.Rgb, picture.Width, picture.Height, 3 * picture.Width,
                    FaceAlignment.FromPose(Golden.ToPose(poses[i]), camera, reference, size), crop, size);

                AssertLooksLike(one.GetProperty("files")[i].GetString()!, crop);
            }
        }
    }

    [Fact]
    public void The_identity_copies_the_picture_and_leaves_black_outside()
    {
        byte[] picture = [.. Enumerable.Range(1, 12).Select(i => (byte)(20 * i))]; // 2×2 RGB
        byte[] crop = new byte[27];
        Array.Fill(crop, (byte)99);

        FaceAlignment.Crop(picture, 2, 2, 6, new SimilarityTransform(1, 0, 0, 0), crop, 3);

        Assert.Equal([20, 40, 60, 80, 100, 120, 0, 0, 0, 140, 160, 180, 200, 220, 240], crop[..15]);
        Assert.All(crop[18..], value => Assert.Equal(0, value));
    }

    [Fact]
    public void A_similarity_and_its_inverse_cancel()
    {
        SimilarityTransform transform = new(0.7, -0.4, 12, -5);
        (double x, double y) = transform.Apply(3, 8);
        (double backX, double backY) = transform.Inverse.Apply(x, y);

        Assert.Equal(3, backX, 12);
        Assert.Equal(8, backY, 12);
    }

    [Fact]
    public void Unusable_arguments_are_refused()
    {
        SimilarityTransform identity = new(1, 0, 0, 0);
        Assert.Throws<ArgumentException>(() => FaceAlignment.Estimate(new (double, double)[4], 112, out _));
        Assert.Throws<ArgumentOutOfRangeException>(() => FaceAlignment.Estimate(new (double, double)[5], 0, out _));
        Assert.Throws<ArgumentException>(() => FaceAlignment.Crop(new byte[11], 2, 2, 6, identity, new byte[12], 2));
        Assert.Throws<ArgumentException>(() => FaceAlignment.Crop(new byte[12], 2, 2, 5, identity, new byte[12], 2));
        Assert.Throws<ArgumentException>(() => FaceAlignment.Crop(new byte[12], 2, 2, 6, identity, new byte[11], 2));
        Assert.Throws<ArgumentException>(() => FaceAlignment.Crop(new byte[12], 2, 2, 6, default, new byte[12], 2));
        Assert.Throws<ArgumentException>(() => SimilarityTransform.Estimate(new (double, double)[1], new (double, double)[1]));
    }

    /// <summary>Bounds of the golden README: mean below 0.5, 99 % of samples within 2 levels (borders may differ on isolated pixels).</summary>
    private static void AssertLooksLike(string file, byte[] crop)
    {
        byte[] expected = PngPicture.Read(SharedData.RequireGolden("geometry", file)).Rgb;
        Assert.Equal(expected.Length, crop.Length);
        double sum = 0;
        int far = 0;
        for (int i = 0; i < crop.Length; i++)
        {
            int difference = Math.Abs(expected[i] - crop[i]);
            sum += difference;
            if (difference > 2) far++;
        }
        Assert.True(sum / crop.Length < 0.5, $"{file}: mean difference {sum / crop.Length}");
        Assert.True(far <= 0.01 * crop.Length, $"{file}: {far} of {crop.Length} samples differ by more than 2");
    }
}
