using System.Numerics;
using Img2Pose.Geometry;

namespace Img2Pose.Rendering.Views;

/// <summary>
/// What is around a face, as a mesh: rings from just inside the face's outline in the picture outward to far beyond it. Depth goes
/// from the outline's own to a plane behind the head, so that hair and ears turn with the face and the scene stays behind.
/// </summary>
internal sealed class SurroundingRing
{
    private const int Spokes = 64;

    /// <summary>Depth of the plane behind the face's middle, in units of the reference face: about the back of the head.</summary>
    private const double PlaneDepth = 1.1;

    private static ReadOnlySpan<float> Factors => [0.86f, 0.96f, 1.06f, 1.2f, 1.4f, 1.7f, 2.2f, 3.2f, 6f];

    /// <summary>Vertices of the rings.</summary>
    public static int VertexCount => Factors.Length * Spokes;

    private readonly float[] _radius = new float[Spokes];
    private readonly double[] _depth = new double[Spokes];
    private readonly Vector2[] _source = new Vector2[Factors.Length * Spokes];
    private readonly Vector3[] _model = new Vector3[Factors.Length * Spokes];

    /// <summary>Triangles over the vertices: a band of two for every spoke between neighbouring rings.</summary>
    public static int[] Triangles { get; } = MakeTriangles();

    /// <summary>Where each vertex is in the picture that <see cref="Build"/> was given, pixels.</summary>
    public ReadOnlySpan<Vector2> Source => _source;

    /// <summary>Where each vertex is in the axes of the reference face.</summary>
    public ReadOnlySpan<Vector3> Model => _model;

    /// <summary>How much a vertex belongs to the face's close surroundings, hair and ears: 1, falling to 0 outward.</summary>
    public static float Closeness(int vertex) => 1 - SourceFace.Step(1.15f, 1.7f, Factors[vertex / Spokes]);

    /// <summary>Places every vertex in a picture: pixels, and depth along the axis.</summary>
    /// <param name="rotation">Rotation of the pose.</param>
    /// <param name="translation">Translation of the pose.</param>
    /// <param name="camera">The picture's camera.</param>
    /// <param name="places">Receives <see cref="VertexCount"/> points.</param>
    public void Project(in Matrix3x3d rotation, Vector3d translation, CameraIntrinsics camera, Span<Vector3> places)
    {
        for (int i = 0; i < _model.Length; i++) places[i] = FaceGrid.Project(_model[i], rotation, translation, camera);
    }

    /// <summary>Builds the rings around a posed face.</summary>
    /// <param name="vertices">The face in the picture: pixels and depth.</param>
    /// <param name="used">Which vertices belong to it: weights above 0.</param>
    /// <param name="pose">Its pose under <paramref name="camera"/>.</param>
    /// <param name="camera">Camera of the picture that the pixels count in.</param>
    /// <returns>False where the face has no extent.</returns>
    public bool Build(ReadOnlySpan<Vector3> vertices, ReadOnlySpan<float> used, Pose pose, CameraIntrinsics camera)
    {
        (double x, double y) = camera.Project(pose.Translation);
        Vector2 centre = new((float)x, (float)y);
        Array.Clear(_radius);
        Array.Fill(_depth, pose.Translation.Z);
        for (int i = 0; i < vertices.Length; i++)
        {
            if (used[i] <= 0 || !(vertices[i].Z > 0)) continue;
            Vector2 arm = new Vector2(vertices[i].X, vertices[i].Y) - centre;
            int spoke = (int)MathF.Floor(MathF.Atan2(arm.Y, arm.X) / MathF.Tau * Spokes + Spokes) % Spokes;
            if (!(arm.Length() > _radius[spoke])) continue;
            _radius[spoke] = arm.Length();
            _depth[spoke] = vertices[i].Z;
        }
        if (!Smooth()) return false;

        Matrix3x3d back = RotationVector.ToMatrix(pose.Rotation).Transposed;
        double plane = pose.Translation.Z + PlaneDepth;
        for (int ring = 0; ring < Factors.Length; ring++)
        {
            float factor = Factors[ring];
            // From the outline's depth to the plane's between 1 and 2.2 times the radius; smoothly, so that no edge shows.
            double share = Math.Clamp((factor - 1) / 1.2, 0, 1);
            share *= share * (3 - 2 * share);
            for (int spoke = 0; spoke < Spokes; spoke++)
            {
                (float sin, float cos) = MathF.SinCos((spoke + 0.5f) / Spokes * MathF.Tau);
                Vector2 pixel = centre + factor * _radius[spoke] * new Vector2(cos, sin);
                double z = _depth[spoke] + share * (Math.Max(plane, _depth[spoke]) - _depth[spoke]);
                Vector3d point = new((pixel.X - camera.CenterX) / camera.FocalLength * z, (pixel.Y - camera.CenterY) / camera.FocalLength * z, z);
                _source[ring * Spokes + spoke] = pixel;
                Vector3d model = back * (point - pose.Translation);
                _model[ring * Spokes + spoke] = new Vector3((float)model.X, (float)model.Y, (float)model.Z);
            }
        }
        return true;
    }

    /// <summary>Spokes that no vertex met take their neighbours' outline; then both are averaged along the outline.</summary>
    private bool Smooth()
    {
        if (!_radius.AsSpan().ContainsAnyInRange(1e-3f, float.MaxValue)) return false;
        for (int pass = 0; pass < Spokes && _radius.AsSpan().Contains(0); pass++)
        {
            for (int i = 0; i < Spokes; i++)
            {
                int before = (i + Spokes - 1) % Spokes;
                if (_radius[i] == 0 && _radius[before] > 0) (_radius[i], _depth[i]) = (_radius[before], _depth[before]);
            }
        }
        for (int pass = 0; pass < 3; pass++)
        {
            float firstRadius = _radius[0], lastRadius = _radius[^1];
            double firstDepth = _depth[0], lastDepth = _depth[^1];
            for (int i = 0; i < Spokes; i++)
            {
                float nextRadius = i + 1 < Spokes ? _radius[i + 1] : firstRadius;
                double nextDepth = i + 1 < Spokes ? _depth[i + 1] : firstDepth;
                float own = _radius[i];
                double ownDepth = _depth[i];
                _radius[i] = 0.25f * (lastRadius + 2 * own + nextRadius);
                _depth[i] = 0.25 * (lastDepth + 2 * ownDepth + nextDepth);
                (lastRadius, lastDepth) = (own, ownDepth);
            }
        }
        return true;
    }

    private static int[] MakeTriangles()
    {
        List<int> triangles = [];
        for (int ring = 0; ring + 1 < Factors.Length; ring++)
        {
            for (int spoke = 0; spoke < Spokes; spoke++)
            {
                int a = ring * Spokes + spoke, b = ring * Spokes + (spoke + 1) % Spokes;
                triangles.AddRange([a, b, a + Spokes, b, b + Spokes, a + Spokes]);
            }
        }
        return [.. triangles];
    }
}
