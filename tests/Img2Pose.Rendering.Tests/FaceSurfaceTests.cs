using System.Numerics;
using Img2Pose.Formats;
using Img2Pose.Geometry;
using Img2Pose.Rendering.Meshes;
using Img2Pose.Testing;

namespace Img2Pose.Rendering.Tests;

public sealed class FaceSurfaceTests
{
    private static readonly string s_asset = Path.Combine(SharedData.RepositoryRoot, FaceSurface.DefaultRelativePath);
    private static readonly Lazy<IReadOnlyList<FaceMesh>> s_levels = new(() => FaceSurface.Load(s_asset).Levels());

    public static TheoryData<int> LevelNumbers => [.. Enumerable.Range(0, s_levels.Value.Count)];

    [Theory]
    [MemberData(nameof(LevelNumbers))]
    public void Every_level_of_the_asset_is_its_own_mirror_image(int level)
    {
        FaceMesh mesh = s_levels.Value[level];
        HashSet<(Vector3, float, float)> vertices = [];
        HashSet<(Vector3, Vector3, Vector3)> triangles = [];
        for (int i = 0; i < mesh.Positions.Length; i++) vertices.Add((mesh.Positions[i], mesh.Weights[i], mesh.Openness[i]));
        for (int i = 0; i < mesh.Triangles.Length; i += 3)
            triangles.Add(Canonical(mesh.Positions[mesh.Triangles[i]], mesh.Positions[mesh.Triangles[i + 1]], mesh.Positions[mesh.Triangles[i + 2]]));

        foreach ((Vector3 p, float weight, float openness) in vertices) Assert.Contains((Mirror(p), weight, openness), vertices);
        // A mirrored triangle turns the other way, so two of its corners change places.
        foreach ((Vector3 a, Vector3 b, Vector3 c) in triangles) Assert.Contains(Canonical(Mirror(a), Mirror(c), Mirror(b)), triangles);
    }

    [Fact]
    public void The_asset_is_small_faces_outward_and_holds_the_reference_points()
    {
        FaceSurface surface = FaceSurface.Load(s_asset);
        FaceMesh mesh = surface.Tessellate(1);

        Assert.InRange(new FileInfo(s_asset).Length, 1, 99_999);
        Assert.Same(mesh, mesh.TurnedOutward());
        Assert.Equal(68, surface.Points68.Count);
        Assert.Equal(5, surface.Points5.Count);
        for (int i = 0; i < 68; i++)
        {
            Vector3d expected = ReferenceFace.Default.Points68[i];
            Assert.Equal(new Vector3((float)expected.X, (float)expected.Y, (float)expected.Z), surface.Points68[i]);
        }
    }

    [Fact]
    public void Levels_take_fewer_triangles_for_smaller_faces_and_the_first_all()
    {
        IReadOnlyList<FaceMesh> levels = s_levels.Value;

        Assert.Equal(FaceSurface.Load(s_asset).Tessellate(1).Triangles, levels[0].Triangles);
        Assert.Equal(float.PositiveInfinity, levels[0].LargestScale);
        for (int i = 1; i < levels.Count; i++)
        {
            Assert.True(levels[i].LargestScale < levels[i - 1].LargestScale);
            Assert.InRange(levels[i].Triangles.Length, 1, levels[i - 1].Triangles.Length * 9 / 10);
        }
    }

    [Theory]
    [MemberData(nameof(LevelNumbers))]
    public void No_level_has_holes_or_triangles_that_face_inward_or_lie_twice(int level)
    {
        FaceMesh mesh = s_levels.Value[level];
        HashSet<(int, int)> directed = [];
        for (int i = 0; i < mesh.Triangles.Length; i += 3)
        {
            (int a, int b, int c) = (mesh.Triangles[i], mesh.Triangles[i + 1], mesh.Triangles[i + 2]);
            // Each side once in each direction: neighbours face the same way and nothing lies twice.
            Assert.True(directed.Add((a, b)) && directed.Add((b, c)) && directed.Add((c, a)));
        }

        foreach ((int a, int b) in directed)
        {
            if (!directed.Contains((b, a))) Assert.Equal(0, mesh.Weights[a] + mesh.Weights[b]);
        }
        Assert.Same(mesh, mesh.TurnedOutward());
    }

    [Theory]
    [MemberData(nameof(LevelNumbers))]
    public void Opacity_is_full_in_the_middle_and_ends_at_the_border(int level)
    {
        FaceMesh mesh = s_levels.Value[level];
        Dictionary<(int, int), int> uses = [];
        for (int i = 0; i < mesh.Triangles.Length; i += 3)
        {
            for (int c = 0; c < 3; c++)
            {
                int a = mesh.Triangles[i + c], b = mesh.Triangles[i + (c + 1) % 3];
                (int, int) edge = (Math.Min(a, b), Math.Max(a, b));
                uses[edge] = uses.GetValueOrDefault(edge) + 1;
            }
        }

        foreach (((int a, int b), int count) in uses)
        {
            Assert.InRange(count, 1, 2);
            if (count == 1) Assert.Equal(0, mesh.Weights[a] + mesh.Weights[b]);
        }
        for (int i = 0; i < mesh.Positions.Length; i++)
        {
            // Half a unit around the nose tip is far inside the face.
            if (Vector3.Distance(mesh.Positions[i], new Vector3(0, 0, -0.72f)) < 0.5f) Assert.Equal(1, mesh.Weights[i]);
        }
    }

    [Fact]
    public void The_surface_lies_on_the_mask_that_it_was_made_of()
    {
        string folder = SharedData.Require("mesh");
        FaceMesh mask = MeshFile.Load(folder), surface = FaceSurface.Load(s_asset).Tessellate(1);
        float[] openness = Column(NpyArray.Read(Path.Combine(folder, "mask_full_vmaps.npy")), 2);
        List<float> distances = [];
        for (int i = 0; i < mask.Positions.Length; i += 4)
        {
            if (openness[i] < 0.4f) continue; // the mask's README: below this, nostrils and the inside of the lips
            Vector3 point = mask.Positions[i];
            int nearest = 0;
            float best = float.MaxValue;
            for (int v = 0; v < surface.Positions.Length; v++)
            {
                float distance = Vector3.DistanceSquared(surface.Positions[v], point);
                if (distance >= best) continue;
                best = distance;
                nearest = v;
            }
            distances.Add(Math.Abs(Vector3.Dot(point - surface.Positions[nearest], surface.Normals[nearest])));
        }
        distances.Sort();

        // Of a face 1.47 units wide: 0.1 % at the median, 1 % for nineteen in twenty.
        Assert.InRange(distances[distances.Count / 2], 0, 0.0015f);
        Assert.InRange(distances[distances.Count * 95 / 100], 0, 0.015f);
    }

    [Fact]
    public void The_fit_of_the_shared_mask_is_the_checked_in_asset()
    {
        FaceMesh mask = MeshFile.Load(SharedData.Require("mesh"));
        FaceSurfaceSamples expected = FaceSurface.Load(s_asset).Samples;

        FaceSurfaceSamples fitted = FaceSurfaceFitter.Fit(mask, ReferenceFace.Default).Samples;

        Assert.Equal(expected.AxisZ, fitted.AxisZ, 1e-6);
        Assert.Equal(expected.MaximumTheta, fitted.MaximumTheta, 1e-5);
        // Another processor's sines may differ in the last bit, which a sample beside a fold can magnify.
        int different = 0;
        for (int i = 0; i < expected.Radius.Length; i++)
        {
            if (Math.Abs(expected.Radius[i] - fitted.Radius[i]) > 8 || Math.Abs(expected.Theta[i] - fitted.Theta[i]) > 8
                || Math.Abs(expected.Y[i] - fitted.Y[i]) > 8 || Math.Abs(expected.Weight[i] - fitted.Weight[i]) > 1
                || Math.Abs(expected.Openness[i] - fitted.Openness[i]) > 2) different++;
        }
        Assert.InRange(different, 0, expected.Radius.Length / 200);
    }

    [Fact]
    public void A_surface_survives_writing_and_reading()
    {
        FaceSurface surface = FaceSurface.Load(s_asset);

        Assert.Equal(File.ReadAllBytes(s_asset), surface.Encode());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(10)]
    [InlineData(5000)]
    [InlineData(-1)]
    public void A_surface_cut_short_is_refused_by_name(int length)
    {
        byte[] data = File.ReadAllBytes(s_asset);

        InputException error = Assert.Throws<InputException>(() => FaceSurface.Decode(data.AsSpan(0, length < 0 ? data.Length - 1 : length), "broken.bin"));

        Assert.Contains("broken.bin", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Steps_that_do_not_divide_the_grid_are_refused()
    {
        FaceSurface surface = FaceSurface.Load(s_asset);

        Assert.Throws<ArgumentOutOfRangeException>(() => surface.Tessellate(5 + 2));
        Assert.Throws<ArgumentOutOfRangeException>(() => surface.Tessellate(0));
    }

    [Fact]
    public void A_mesh_that_is_no_face_is_refused() =>
        Assert.Throws<InputException>(() => FaceSurfaceFitter.Fit(Scenes.Squares(0.05f, new Vector3(0.4f, -0.8f, 0), new Vector3(-0.4f, 0.8f, 0)), ReferenceFace.Default));

    [Fact]
    public void A_heap_of_triangles_that_cover_one_another_is_refused_early()
    {
        Vector3[] corners = [new(-0.9f, -0.9f, -0.7f), new(0.9f, -0.9f, -0.7f), new(0, 0.9f, -0.7f)];
        int[] heap = [.. Enumerable.Repeat<int[]>([0, 1, 2], 2000).SelectMany(triangle => triangle)];

        InputException error = Assert.Throws<InputException>(() => FaceSurfaceFitter.Fit(new FaceMesh(corners, heap), ReferenceFace.Default));

        Assert.Contains("covers itself more than 200 times", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    // 2¹⁵ × 2¹⁴ samples of eight bytes are 2³²: nothing, in 32 bits.
    [InlineData(0x8000, 0x4000, 912)]
    [InlineData(14, 13, 912 + 14 * 13 * 8)]
    public void A_surface_whose_numbers_do_not_fit_is_refused_by_name(int halfColumns, int rows, int length)
    {
        byte[] data = new byte[length];
        "I2PF"u8.CopyTo(data);
        data[4] = 1;
        BitConverter.TryWriteBytes(data.AsSpan(8), (ushort)halfColumns);
        BitConverter.TryWriteBytes(data.AsSpan(10), (ushort)rows);

        InputException error = Assert.Throws<InputException>(() => FaceSurface.Decode(data, "x.bin"));

        Assert.StartsWith("x.bin is ", error.Message, StringComparison.Ordinal);
    }

    private static Vector3 Mirror(Vector3 p) => new(0 - p.X, p.Y, p.Z);

    private static (Vector3, Vector3, Vector3) Canonical(Vector3 a, Vector3 b, Vector3 c)
    {
        // The same triangle whichever corner it is told from.
        (Vector3, Vector3, Vector3)[] turns = [(a, b, c), (b, c, a), (c, a, b)];
        return turns.MinBy(turn => (turn.Item1.X, turn.Item1.Y, turn.Item1.Z));
    }

    private static float[] Column(NpyArray array, int column)
    {
        float[] values = array.ToSingles();
        int width = array.Shape[1];
        return [.. Enumerable.Range(0, array.Shape[0]).Select(row => values[row * width + column])];
    }
}
