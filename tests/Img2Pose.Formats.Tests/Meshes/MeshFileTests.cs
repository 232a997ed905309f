using System.Numerics;
using Img2Pose.Geometry;
using Img2Pose.Testing;

namespace Img2Pose.Formats.Tests;

public sealed class MeshFileTests
{
    [Fact]
    public void An_obj_comes_back_in_the_reference_axes_with_outward_triangles()
    {
        string[] lines =
        [
            "# a comment", "o face", "v -1 1 0.5", "v 1 1 0.5", "v 1 -1 0.5", "v -1 -1 0.5", "vt 0 0", "vn 0 0 1",
            "f 1/1/1 4/1/1 3/1/1 2/1/1",
        ];

        FaceMesh mesh = MeshFile.ReadObj(lines, "quad.obj");

        Assert.Equal(new Vector3(-1, -1, -0.5f), mesh.Positions[0]);
        Assert.Equal(6, mesh.Triangles.Length);
        foreach (Vector3 normal in mesh.Normals) Assert.Equal(-1, normal.Z, 1e-6f);
    }

    [Fact]
    public void Indices_may_count_from_the_end()
    {
        FaceMesh mesh = MeshFile.ReadObj(["v 0 0 0", "v 1 0 0", "v 0 1 0", "f -3 -2 -1"], "t.obj");

        Assert.Equal([0, 1, 2], mesh.Triangles.ToArray().Order());
    }

    [Theory]
    [InlineData("v 1 2", "line 2")]
    [InlineData("v 1 2 x", "line 2")]
    [InlineData("v 1 2 nan", "line 2")]
    [InlineData("f 1 2 3", "line 2")]
    [InlineData("f 1 1", "line 2")]
    [InlineData("f 1 0 1", "line 2")]
    [InlineData("f a b c", "line 2")]
    [InlineData("", "no faces")]
    public void A_broken_obj_is_refused_with_its_name_and_line(string line, string expected)
    {
        InputException error = Assert.Throws<InputException>(() => MeshFile.ReadObj(["v 0 0 0", line], "broken.obj"));

        Assert.Contains("broken.obj", error.Message, StringComparison.Ordinal);
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/nowhere/face.obj")]
    [InlineData("/dev/null")]
    [InlineData("/proc")]
    public void A_path_without_a_mesh_is_refused_by_name(string path)
    {
        InputException error = Assert.Throws<InputException>(() => MeshFile.Load(path));

        Assert.Contains(path, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_original_mesh_loads_with_x_negated_and_faces_the_camera()
    {
        FaceMesh mesh = MeshFile.Load(SharedData.Require("reference"));

        Assert.Equal(53149, mesh.Positions.Length); // the shapes in the reference's README
        Assert.Equal(105694, mesh.Triangles.Length / 3);
        int nose = 0;
        for (int i = 0; i < mesh.Positions.Length; i++)
        {
            if (mesh.Positions[i].Z < mesh.Positions[nose].Z) nose = i;
        }
        Assert.True(mesh.Normals[nose].Z < -0.7f, "The nose does not point to the camera.");
    }

    [Fact]
    public void The_shared_obj_and_the_shared_arrays_are_the_same_face()
    {
        FaceMesh obj = MeshFile.Load(SharedData.Require("mesh", "mask_10k_view.obj")), arrays = MeshFile.Load(SharedData.Require("mesh"));

        (Vector3 low, Vector3 high) = Bounds(obj);
        (Vector3 arrayLow, Vector3 arrayHigh) = Bounds(arrays);

        // The README gives the coarser mesh's distance from the full one as at most 0.0009 units where it is seen.
        Assert.InRange(Vector3.Distance(low, arrayLow), 0, 0.01f);
        Assert.InRange(Vector3.Distance(high, arrayHigh), 0, 0.01f);
    }

    private static (Vector3 Low, Vector3 High) Bounds(FaceMesh mesh)
    {
        Vector3 low = new(float.MaxValue), high = new(float.MinValue);
        foreach (Vector3 p in mesh.Positions)
        {
            low = Vector3.Min(low, p);
            high = Vector3.Max(high, p);
        }
        return (low, high);
    }
}
