using System.Numerics;

namespace Img2Pose.Geometry;

/// <summary>
/// A triangle mesh of a face in the axes and units of the reference face: x right, y down, z away from the camera, about 1.5
/// units wide. Triangles run so that (v1 − v0) × (v2 − v0) points outward.
/// </summary>
public sealed class FaceMesh
{
    private readonly Vector3[] _positions;
    private readonly Vector3[] _normals;
    private readonly float[] _weights;
    private readonly float[] _openness;
    private readonly int[] _triangles;

    /// <summary>Creates a mesh; missing normals are computed, missing weights and openness are 1.</summary>
    /// <param name="positions">Vertex positions.</param>
    /// <param name="triangles">Three vertex indices for each triangle.</param>
    /// <param name="normals">Unit normals, one for each vertex, or null.</param>
    /// <param name="weights">Opacity in [0, 1] for each vertex, falling to 0 towards a soft border, or null.</param>
    /// <param name="openness">Ambient light reaching each vertex in [0, 1], 1 in the open, or null.</param>
    /// <exception cref="ArgumentException">The arrays differ in length, or an index points outside.</exception>
    public FaceMesh(Vector3[] positions, int[] triangles, Vector3[]? normals = null, float[]? weights = null, float[]? openness = null)
    {
        ArgumentNullException.ThrowIfNull(positions);
        ArgumentNullException.ThrowIfNull(triangles);
        if (triangles.Length % 3 != 0) throw new ArgumentException("A triangle has three indices.", nameof(triangles));
        if ((normals ?? positions).Length != positions.Length
            || (weights?.Length ?? positions.Length) != positions.Length || (openness?.Length ?? positions.Length) != positions.Length)
            throw new ArgumentException("Every vertex needs one of each attribute.");
        foreach (int index in triangles)
        {
            if ((uint)index >= (uint)positions.Length) throw new ArgumentException("A triangle names a vertex that is not there.", nameof(triangles));
        }
        _positions = positions;
        _triangles = triangles;
        _normals = normals ?? ComputeNormals(positions, triangles);
        _weights = weights ?? Ones(positions.Length);
        _openness = openness ?? Ones(positions.Length);
    }

    /// <summary>Vertex positions.</summary>
    public ReadOnlySpan<Vector3> Positions => _positions;

    /// <summary>Unit normals, outward.</summary>
    public ReadOnlySpan<Vector3> Normals => _normals;

    /// <summary>Opacity of each vertex in [0, 1].</summary>
    public ReadOnlySpan<float> Weights => _weights;

    /// <summary>Ambient light reaching each vertex in [0, 1].</summary>
    public ReadOnlySpan<float> Openness => _openness;

    /// <summary>Three vertex indices for each triangle.</summary>
    public ReadOnlySpan<int> Triangles => _triangles;

    /// <summary>
    /// Of a level of detail: how many pixels a unit may take at most in a picture where it is drawn instead of a finer one. Null: what
    /// draws it decides by the length of its triangles' sides.
    /// </summary>
    public float? LargestScale { get; init; }

    /// <summary>Smooth vertex normals: the sum of the adjoining triangles' normals, weighted by their area.</summary>
    public static Vector3[] ComputeNormals(ReadOnlySpan<Vector3> positions, ReadOnlySpan<int> triangles)
    {
        Vector3[] normals = new Vector3[positions.Length];
        for (int i = 0; i < triangles.Length; i += 3)
        {
            (int a, int b, int c) = (triangles[i], triangles[i + 1], triangles[i + 2]);
            Vector3 normal = Vector3.Cross(positions[b] - positions[a], positions[c] - positions[a]);
            normals[a] += normal;
            normals[b] += normal;
            normals[c] += normal;
        }
        for (int i = 0; i < normals.Length; i++)
        {
            float length = normals[i].Length();
            normals[i] = length > 0 ? normals[i] / length : -Vector3.UnitZ;
        }
        return normals;
    }

    /// <summary>
    /// This mesh with its triangles turned so that most of them face away from the middle of the mesh, as a face seen from
    /// outside does; files differ in their winding.
    /// </summary>
    public FaceMesh TurnedOutward()
    {
        Vector3 centre = Vector3.Zero;
        foreach (Vector3 position in _positions) centre += position;
        centre /= Math.Max(1, _positions.Length);
        // A face is open at the back, so "outside" is measured from behind its middle.
        centre.Z += 0.5f;
        double outward = 0;
        for (int i = 0; i < _triangles.Length; i += 3)
        {
            Vector3 a = _positions[_triangles[i]];
            outward += Vector3.Dot(Vector3.Cross(_positions[_triangles[i + 1]] - a, _positions[_triangles[i + 2]] - a), a - centre);
        }
        if (outward >= 0) return this;
        int[] turned = new int[_triangles.Length];
        for (int i = 0; i < turned.Length; i += 3)
            (turned[i], turned[i + 1], turned[i + 2]) = (_triangles[i], _triangles[i + 2], _triangles[i + 1]);
        return new FaceMesh(_positions, turned, null, _weights, _openness);
    }

    private static float[] Ones(int count)
    {
        float[] values = new float[count];
        Array.Fill(values, 1f);
        return values;
    }
}
