using System.Text.Json;
using Img2Pose.Formats;
using Img2Pose.Testing;

namespace Img2Pose.Geometry.Tests;

public sealed class PosedMeshTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("posed").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void The_official_mesh_is_placed_as_by_the_original()
    {
        double[] numbers = NpyArray.Read(SharedData.Require("reference", "vertices_trans.npy")).ToDoubles();
        Vector3d[] vertices = new Vector3d[numbers.Length / 3];
        // The original mirrors the mesh once after loading it.
        for (int i = 0; i < vertices.Length; i++) vertices[i] = new Vector3d(-numbers[3 * i], numbers[3 * i + 1], numbers[3 * i + 2]);
        Vector3d[] placed = new Vector3d[vertices.Length];
        int cases = 0;
        foreach ((int index, JsonElement one) in Golden.Load("geometry", "renderer.json").Cases("transform_vertices"))
        {
            // Cases with a camera of their own have pixels that are not square, which this project's cameras have not.
            if (one.GetProperty("K").ValueKind != JsonValueKind.Null) continue;
            cases++;
            CameraIntrinsics camera = CameraIntrinsics.ForImage(one.Integer("w"), one.Integer("h"));

            PosedMesh.ToPicture(vertices, one.Pose("pose"), camera, placed);

            double[][] expected = one.Rows("val");
            double[] indices = one.Numbers("idx");
            for (int i = 0; i < indices.Length; i++)
            {
                Vector3d actual = placed[(int)indices[i]];
                // The original stores single precision.
                double[] pairs = [actual.X - expected[i][0], actual.Y - expected[i][1], actual.Z - expected[i][2]];
                Assert.True(pairs.Max(Math.Abs) <= 2e-6 * Math.Max(1000, Math.Abs(expected[i][2])), $"case {index}, vertex {indices[i]}: {actual}");
            }
        }
        Assert.True(cases > 0, "no case with the picture's own camera");
    }

    [Fact]
    public void An_exported_mesh_holds_every_face_with_its_colours()
    {
        string path = Path.Combine(_folder, "a.obj");
        Vector3d[] first = [new(1, 2, 3), new(4, 5, 6), new(7, 8.125, 9)], second = [new(0, 0, 0), new(1, 0, 0), new(0, 1, 0)];
        byte[] colors = [255, 0, 51, 0, 0, 0, 255, 255, 255];

        PosedMesh.WriteObj(path, [first, second], [0, 1, 2], height: 10, [colors, colors]);

        Assert.Equal(
            [
                "v 1.00 8.00 3.00 1.000 0.000 0.200", "v 4.00 5.00 6.00 0.000 0.000 0.000", "v 7.00 1.88 9.00 1.000 1.000 1.000",
                "v 0.00 10.00 0.00 1.000 0.000 0.200", "v 1.00 10.00 0.00 0.000 0.000 0.000", "v 0.00 9.00 0.00 1.000 1.000 1.000",
                "o face_0", "f 1 2 3", "o face_1", "f 4 5 6",
            ],
            File.ReadAllLines(path));
        PosedMesh.WriteObj(path, [first], [0, 1, 2], height: 10);
        Assert.Equal("v 1.00 8.00 3.00", File.ReadAllLines(path)[0]);
        Assert.Equal([path], Directory.GetFiles(_folder));
    }

    [Fact]
    public void Colours_come_from_the_nearest_pixel_inside_the_picture()
    {
        byte[] picture = [10, 11, 12, 20, 21, 22, 0, 0, 30, 31, 32, 40, 41, 42, 0, 0]; // 2×2, two bytes of padding a row

        byte[] colors = PosedMesh.SampleColors([new(0.4, 0.6, 0), new(99, -5, 0)], picture, 2, 2, 8);

        Assert.Equal([30, 31, 32, 20, 21, 22], colors);
    }

    [Fact]
    public void Meshes_that_do_not_fit_together_are_refused()
    {
        string path = Path.Combine(_folder, "b.obj");
        Vector3d[] face = new Vector3d[3];
        Assert.Throws<ArgumentException>(() => PosedMesh.WriteObj(path, [face], [0, 1], 10));
        Assert.Throws<ArgumentException>(() => PosedMesh.WriteObj(path, [face], [0, 1, 3], 10));
        Assert.Throws<ArgumentException>(() => PosedMesh.WriteObj(path, [face, new Vector3d[2]], [0, 1, 2], 10));
        Assert.Throws<ArgumentException>(() => PosedMesh.WriteObj(path, [face], [0, 1, 2], 10, [new byte[8]]));
        Assert.Throws<ArgumentException>(() => PosedMesh.ToPicture(face, default, CameraIntrinsics.ForImage(10, 10), new Vector3d[2]));
        Assert.Throws<OutputException>(() => PosedMesh.WriteObj("/nowhere/b.obj", [face], [0, 1, 2], 10));
        Assert.Empty(Directory.GetFiles(_folder));
    }

    [Fact]
    public void Faces_come_by_nearness_to_the_middle_or_by_score()
    {
        FaceDetection middle = new(default, 0.5, new Pose(default, new Vector3d(0.1, -0.1, 9)));
        FaceDetection side = new(default, 0.9, new Pose(default, new Vector3d(3, 0, 4)));

        Assert.Equal([middle, side], new[] { side, middle }.InOrder(FaceOrder.Position));
        Assert.Equal([side, middle], new[] { middle, side }.InOrder(FaceOrder.Confidence));
        Assert.Throws<ArgumentOutOfRangeException>(() => new[] { middle }.InOrder((FaceOrder)7));
    }
}
