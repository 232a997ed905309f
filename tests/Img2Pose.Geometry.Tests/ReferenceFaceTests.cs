using Img2Pose.Formats;
using Img2Pose.Testing;

namespace Img2Pose.Geometry.Tests;

public sealed class ReferenceFaceTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("reference").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void The_default_face_has_the_documented_frame()
    {
        ReferenceFace face = ReferenceFace.Default;

        Assert.Equal("default", face.Id);
        Assert.Equal(68, face.Points68.Length);
        Assert.Equal(5, face.Points5.Length);
        Vector3d[] points = face.Points68.ToArray();
        Assert.InRange(points.Max(p => p.X) - points.Min(p => p.X), 1.4, 1.6);
        Assert.Equal(30, Array.IndexOf(points, points.MinBy(p => p.Z))); // ibug point 30 is the nose tip
        Assert.InRange(points[30].Z, -0.78, -0.70);
        Assert.True(points[8].Y > points[27].Y, "the chin lies below the bridge of the nose");
        Assert.True(points[0].X < points[16].X, "the jaw runs from picture left to right");
    }

    [Fact]
    public void The_default_face_is_the_one_that_the_mesh_pack_evaluates_to()
    {
        double[] vertices = Read("head_10k_verts.npy").ToDoubles();
        int[] triangles = Read("head_10k_tris.npy").ToInt32s();

        AssertEvaluates(ReferenceFace.Default.Points68, "head_10k_ref68_tri.npy", "head_10k_ref68_bary.npy");
        AssertEvaluates(ReferenceFace.Default.Points5, "head_10k_lm5_tri.npy", "head_10k_lm5_bary.npy");

        void AssertEvaluates(ReadOnlySpan<Vector3d> points, string triangleFile, string barycentricFile)
        {
            int[] triangle = Read(triangleFile).ToInt32s();
            double[] weights = Read(barycentricFile).ToDoubles();
            for (int i = 0; i < points.Length; i++)
            {
                Vector3d expected = Vector3d.Zero;
                for (int corner = 0; corner < 3; corner++)
                {
                    int vertex = triangles[3 * triangle[i] + corner];
                    expected += weights[3 * i + corner] * new Vector3d(vertices[3 * vertex], vertices[3 * vertex + 1], vertices[3 * vertex + 2]);
                }
                Assert.True(Golden.Difference(expected, points[i]) <= 1e-6, $"{triangleFile}, point {i}");
            }
        }

        static NpyArray Read(string file) => NpyArray.Read(SharedData.Require("mesh", file));
    }

    [Fact]
    public void The_official_files_load_as_the_official_face()
    {
        ReferenceFace face = Golden.OfficialReference();

        Assert.Equal("official", face.Id);
        Assert.Equal(68, face.Points68.Length);
        Assert.Equal(5, face.Points5.Length);
    }

    [Fact]
    public void Points_come_from_the_folders_two_files()
    {
        Write68([.. Enumerable.Range(0, 204).Select(i => (float)i)]);
        NpyArray.Write(Path.Combine(_folder, ReferenceFaceFiles.Points5FileName), new float[15], 5, 3);

        Assert.Equal(new Vector3d(3, 4, 5), ReferenceFaceFiles.Load(_folder).Points68[1]);
    }

    [Fact]
    public void A_missing_misshapen_or_damaged_file_is_named()
    {
        Assert.Contains(ReferenceFaceFiles.Points68FileName, Assert.Throws<InputException>(() => ReferenceFaceFiles.Load(_folder)).Message, StringComparison.Ordinal);

        float[] damaged = new float[204];
        damaged[100] = float.NaN;
        Write68(damaged);
        Assert.Contains("point 33 is not finite", Assert.Throws<InputException>(() => ReferenceFaceFiles.Load(_folder)).Message, StringComparison.Ordinal);

        NpyArray.Write(Path.Combine(_folder, ReferenceFaceFiles.Points68FileName), new float[204], 3, 68);
        Assert.Contains("(3, 68)", Assert.Throws<InputException>(() => ReferenceFaceFiles.Load(_folder)).Message, StringComparison.Ordinal);
    }

    private void Write68(float[] values) => NpyArray.Write(Path.Combine(_folder, ReferenceFaceFiles.Points68FileName), values, 68, 3);
}
