using System.Buffers;
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

    /// <summary>Number of landmarks inside the face.</summary>
    public int InnerLandmarkCount => _landmarks.Length - FirstInnerLandmark;

    /// <summary>Number of vertices.</summary>
    public int VertexCount => _neutral.Length;

    /// <summary>Reads the head of a mesh pack.</summary>
    /// <exception cref="InputException">A file is missing or malformed.</exception>
    public static MorphableHead Load(string folder) => new(folder);

    /// <summary>Neutral plus the modes times their coefficients, per vertex.</summary>
    public Vector3d[] Shape(ReadOnlySpan<float> identity, ReadOnlySpan<float> expression)
    {
        Vector3d[] shape = new Vector3d[VertexCount];
        Shape(identity, expression, shape, []);
        return shape;
    }

    /// <summary>Neutral plus the modes times their coefficients, and where the inner landmarks lie without the expression.</summary>
    /// <param name="identity">Coefficients of the identity modes.</param>
    /// <param name="expression">Coefficients of the expression modes.</param>
    /// <param name="shape"><see cref="VertexCount"/> vertices.</param>
    /// <param name="inner"><see cref="InnerLandmarkCount"/> landmarks of the identity, or none.</param>
    public void Shape(ReadOnlySpan<float> identity, ReadOnlySpan<float> expression, Span<Vector3d> shape, Span<Vector3d> inner)
    {
        float[] buffer = ArrayPool<float>.Shared.Rent(3 * VertexCount);
        Span<float> sum = buffer.AsSpan(0, 3 * VertexCount);
        sum.Clear();
        Add(sum, _identityModes, identity);
        for (int i = 0; i < inner.Length; i++) inner[i] = At(sum, _landmarks[FirstInnerLandmark + i]);
        Add(sum, _expressionModes, expression);
        for (int i = 0; i < VertexCount; i++) shape[i] = At(sum, i);
        ArrayPool<float>.Shared.Return(buffer);

        Vector3d At(ReadOnlySpan<float> sum, int i) => _neutral[i] + new Vector3d(sum[3 * i], sum[3 * i + 1], sum[3 * i + 2]);
    }

    /// <summary>Area-weighted unit normals, continuous over the texture seam.</summary>
    /// <param name="shape">The vertices.</param>
    /// <param name="normals">As many normals.</param>
    public void Normals(ReadOnlySpan<Vector3d> shape, Span<Vector3d> normals)
    {
        normals.Clear();
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
        Vector3d[] inner = new Vector3d[InnerLandmarkCount];
        for (int i = 0; i < inner.Length; i++) inner[i] = identityShape[_landmarks[FirstInnerLandmark + i]];
        return CorrectLabelOf(inner, drawn);
    }

    /// <summary>The same, of the identity's inner landmarks alone.</summary>
    public Pose CorrectLabelOf(Vector3d[] inner, Pose drawn)
    {
        Vector3d[] from = new Vector3d[inner.Length];
        for (int i = 0; i < inner.Length; i++) from[i] = _neutral[_landmarks[FirstInnerLandmark + i]];
        (double scale, Pose identity) = RigidAlignment.EstimateSimilarity(from, inner);
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
