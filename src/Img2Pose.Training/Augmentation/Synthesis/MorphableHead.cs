using Img2Pose.Geometry;

namespace Img2Pose.Training.Augmentation.Synthesis;

/// <summary>
/// The morphable head of the face-mesh pack (ICT-FaceKit, MIT): a neutral shape, 30 identity modes and 32 expression
/// modes. Immutable; one instance serves all threads.
/// </summary>
internal sealed class MorphableHead
{
    /// <summary>Landmarks that the rigid frame of an identity is taken from: those inside the face, not the jaw line.</summary>
    private const int FirstInnerLandmark = 17;

    private readonly Vector3d[] _neutral;
    private readonly float[] _identityModes;
    private readonly float[] _expressionModes;
    private readonly int[] _landmarks;
    private readonly int[] _weld;

    private MorphableHead(string folder)
    {
        _neutral = MeshFiles.Points(folder, "head_10k_verts");
        int count = _neutral.Length;
        Triangles = MeshFiles.Indices(folder, "head_10k_tris", count);
        Groups = MeshFiles.Indices(folder, "head_10k_tri_group", 4);
        _landmarks = MeshFiles.Indices(folder, "head_10k_lm68_vidx", count);
        _weld = MeshFiles.Indices(folder, "head_10k_weld", count);
        Maps = MeshFiles.Singles(folder, "head_10k_vmaps", out int[] maps);
        _identityModes = MeshFiles.Singles(folder, "head_10k_id_modes", out int[] identity);
        _expressionModes = MeshFiles.Singles(folder, "head_10k_expr_modes", out int[] expression);
        MeshFiles.Require(folder, "head_10k_vmaps", maps.SequenceEqual([count, MapCount]), $"[{count},{MapCount}]");
        MeshFiles.Require(folder, "head_10k_id_modes", identity.Length == 3 && identity[1] == count, $"[modes,{count},3]");
        MeshFiles.Require(folder, "head_10k_expr_modes", expression.Length == 3 && expression[1] == count, $"[modes,{count},3]");
        MeshFiles.Require(folder, "head_10k_lm68_vidx", _landmarks.Length == 68, "68 indices");
        MeshFiles.Require(folder, "head_10k_tri_group", Groups.Length * 3 == Triangles.Length, "one group a triangle");
        MeshFiles.Require(folder, "head_10k_weld", _weld.Length == count, "one base vertex a vertex");
        IdentityCount = identity[0];
        ExpressionCount = expression[0];
    }

    /// <summary>Columns of <see cref="Maps"/>: hair, ear, neck, ambient occlusion, lips, brow.</summary>
    public const int MapCount = 6;

    /// <summary>Vertex indices, three a triangle, outward by (v1−v0)×(v2−v0).</summary>
    public int[] Triangles { get; }

    /// <summary>Group of each triangle: 0 skin, 1 and 2 eyes, 3 mouth.</summary>
    public int[] Groups { get; }

    /// <summary>Soft maps, <see cref="MapCount"/> numbers a vertex.</summary>
    public float[] Maps { get; }

    /// <summary>Number of identity modes.</summary>
    public int IdentityCount { get; }

    /// <summary>Number of expression modes.</summary>
    public int ExpressionCount { get; }

    /// <summary>Number of vertices.</summary>
    public int VertexCount => _neutral.Length;

    /// <summary>Reads the head of a mesh pack.</summary>
    /// <exception cref="InputException">A file is missing or malformed.</exception>
    public static MorphableHead Load(string folder) => new(folder);

    /// <summary>Neutral plus the modes times their coefficients, per vertex.</summary>
    public Vector3d[] Shape(ReadOnlySpan<float> identity, ReadOnlySpan<float> expression)
    {
        float[] sum = new float[3 * VertexCount];
        Add(sum, _identityModes, identity);
        Add(sum, _expressionModes, expression);
        Vector3d[] shape = new Vector3d[VertexCount];
        for (int i = 0; i < shape.Length; i++) shape[i] = _neutral[i] + new Vector3d(sum[3 * i], sum[3 * i + 1], sum[3 * i + 2]);
        return shape;
    }

    /// <summary>Area-weighted unit normals, continuous over the texture seam.</summary>
    public Vector3d[] Normals(ReadOnlySpan<Vector3d> shape)
    {
        Vector3d[] normals = new Vector3d[shape.Length];
        for (int i = 0; i < Triangles.Length; i += 3)
        {
            int a = Triangles[i], b = Triangles[i + 1], c = Triangles[i + 2];
            Vector3d normal = Vector3d.Cross(shape[b] - shape[a], shape[c] - shape[a]);
            normals[_weld[a]] += normal;
            normals[_weld[b]] += normal;
            normals[_weld[c]] += normal;
        }
        for (int i = 0; i < normals.Length; i++)
        {
            Vector3d n = normals[_weld[i]];
            if (_weld[i] == i && n.Length > 0) normals[i] = n / n.Length;
        }
        for (int i = 0; i < normals.Length; i++) normals[i] = normals[_weld[i]];
        return normals;
    }

    /// <summary>
    /// The label of the fixed-size reference face for an individual head drawn with (R, t): with the similarity
    /// x' = s·Rs·x + ts from the neutral inner landmarks to the identity's, R·Rs and (R·ts + t)/s. Without it the label
    /// would carry the individual's size and pitch.
    /// </summary>
    /// <param name="identityShape">The identity at zero expression.</param>
    /// <param name="drawn">The pose that the head is drawn with.</param>
    public Pose CorrectLabel(ReadOnlySpan<Vector3d> identityShape, Pose drawn)
    {
        int count = _landmarks.Length - FirstInnerLandmark;
        Vector3d[] from = new Vector3d[count], to = new Vector3d[count];
        for (int i = 0; i < count; i++)
        {
            from[i] = _neutral[_landmarks[FirstInnerLandmark + i]];
            to[i] = identityShape[_landmarks[FirstInnerLandmark + i]];
        }
        (double scale, Pose identity) = RigidAlignment.EstimateSimilarity(from, to);
        Matrix3x3d drawnRotation = RotationVector.ToMatrix(drawn.Rotation);
        return new Pose(
            RotationVector.FromMatrix(drawnRotation * RotationVector.ToMatrix(identity.Rotation)),
            (drawnRotation * identity.Translation + drawn.Translation) / scale);
    }

    private static void Add(Span<float> sum, float[] modes, ReadOnlySpan<float> coefficients)
    {
        for (int m = 0; m < coefficients.Length; m++)
        {
            if (coefficients[m] == 0) continue;
            System.Numerics.Tensors.TensorPrimitives.MultiplyAdd(modes.AsSpan(m * sum.Length, sum.Length), coefficients[m], sum, sum);
        }
    }
}
