using System.Numerics;
using System.Runtime.InteropServices;
using Img2Pose.Geometry;
using Veldrid;

namespace Img2Pose.Rendering.Overlay;

/// <summary>The levels of detail of a mesh in the device's memory, and the points that bound it.</summary>
internal sealed class MeshLibrary : IDisposable
{
    /// <summary>Of meshes that do not say for which scales they are: pixels that a triangle's side may take at most; chosen by looking.
    /// Smaller triangles cost much and show little: a software rasteriser shades whole blocks of 4 × 4 pixels for each.</summary>
    private const float PixelsPerEdge = 13;

    /// <summary>Longest side, in units of the mesh, that still draws eyelids and nostrils; chosen by looking.</summary>
    private const float DetailedEdge = 0.045f;

    /// <summary>Pixels of a triangle's side below which nobody sees such detail.</summary>
    private const float UnseenPixels = 3.5f;

    private readonly Level[] _levels;
    private readonly Vector3[] _hull;

    public MeshLibrary(GraphicsDevice device, IReadOnlyList<FaceMesh> meshes)
    {
        _levels = new Level[meshes.Count];
        Vertex[] vertices = new Vertex[meshes.Sum(mesh => mesh.Positions.Length)];
        int[] indices = new int[meshes.Sum(mesh => mesh.Triangles.Length)];
        int firstVertex = 0, firstIndex = 0;
        for (int i = 0; i < meshes.Count; i++)
        {
            FaceMesh mesh = meshes[i];
            _levels[i] = new Level(firstVertex, firstIndex, mesh.Triangles.Length, mesh.LargestScale ?? LargestScale(MeanEdge(mesh)));
            for (int v = 0; v < mesh.Positions.Length; v++)
                vertices[firstVertex + v] = new Vertex(mesh.Positions[v], mesh.Normals[v], mesh.Weights[v], mesh.Openness[v]);
            mesh.Triangles.CopyTo(indices.AsSpan(firstIndex));
            firstVertex += mesh.Positions.Length;
            firstIndex += mesh.Triangles.Length;
        }
        _hull = Extremes(meshes[0]);
        Vertices = device.ResourceFactory.CreateBuffer(new BufferDescription(checked((uint)((long)vertices.Length * Marshal.SizeOf<Vertex>())), BufferUsage.VertexBuffer));
        Indices = device.ResourceFactory.CreateBuffer(new BufferDescription(checked((uint)((long)indices.Length * sizeof(uint))), BufferUsage.IndexBuffer));
        device.UpdateBuffer(Vertices, 0, vertices);
        device.UpdateBuffer(Indices, 0, indices);
    }

    /// <summary>Layout of <see cref="Vertices"/>.</summary>
    public static VertexLayoutDescription Layout { get; } = new(
        (uint)Marshal.SizeOf<Vertex>(),
        new VertexElementDescription("Position", VertexElementSemantic.TextureCoordinate, VertexElementFormat.Float3),
        new VertexElementDescription("Normal", VertexElementSemantic.TextureCoordinate, VertexElementFormat.Float3),
        new VertexElementDescription("Shade", VertexElementSemantic.TextureCoordinate, VertexElementFormat.Float2));

    public DeviceBuffer Vertices { get; }

    public DeviceBuffer Indices { get; }

    /// <summary>Points of the mesh, the outermost in many directions: their picture bounds the mesh's picture.</summary>
    public ReadOnlySpan<Vector3> Hull => _hull;

    /// <summary>The level of fewest triangles that shows the face at this scale.</summary>
    /// <param name="pixelsPerUnit">Pixels that a unit of the mesh takes in the picture.</param>
    public Level Choose(float pixelsPerUnit)
    {
        Level chosen = _levels[0];
        foreach (Level level in _levels)
        {
            if (pixelsPerUnit <= level.LargestScale && level.IndexCount < chosen.IndexCount) chosen = level;
        }
        return chosen;
    }

    public void Dispose()
    {
        Vertices.Dispose();
        Indices.Dispose();
    }

    // A mesh without extent shows nothing at any scale.
    private static float LargestScale(float edge) => edge > 0 ? (edge <= DetailedEdge ? PixelsPerEdge : UnseenPixels) / edge : 0;

    private static float MeanEdge(FaceMesh mesh)
    {
        double sum = 0;
        ReadOnlySpan<int> triangles = mesh.Triangles;
        for (int i = 0; i < triangles.Length; i += 3)
            sum += Vector3.Distance(mesh.Positions[triangles[i]], mesh.Positions[triangles[i + 1]]);
        return (float)(3 * sum / Math.Max(3, triangles.Length));
    }

    /// <summary>The outermost vertices in 400 directions spread evenly over the sphere by a golden spiral.</summary>
    private static Vector3[] Extremes(FaceMesh mesh)
    {
        const int directions = 400;
        HashSet<int> found = [];
        for (int i = 0; i < directions; i++)
        {
            float z = 1 - (2 * i + 1) / (float)directions, r = MathF.Sqrt(1 - z * z);
            (float sin, float cos) = MathF.SinCos(i * 2.3999632f);
            Vector3 direction = new(r * cos, r * sin, z);
            int best = 0;
            float reach = float.MinValue;
            for (int v = 0; v < mesh.Positions.Length; v++)
            {
                float along = Vector3.Dot(mesh.Positions[v], direction);
                if (along <= reach) continue;
                reach = along;
                best = v;
            }
            found.Add(best);
        }
        return [.. found.Select(i => mesh.Positions[i])];
    }

    /// <summary>One level of detail.</summary>
    /// <param name="FirstVertex">Where its vertices begin.</param>
    /// <param name="FirstIndex">Where its indices begin.</param>
    /// <param name="IndexCount">How many there are.</param>
    /// <param name="LargestScale">Pixels that a unit may take at most where it is drawn.</param>
    public readonly record struct Level(int FirstVertex, int FirstIndex, int IndexCount, float LargestScale);

    [StructLayout(LayoutKind.Sequential)]
    private readonly record struct Vertex(Vector3 Position, Vector3 Normal, float Weight, float Openness);
}
