using System.Numerics;
using Img2Pose.Geometry;
using Img2Pose.Rendering.Meshes;

namespace Img2Pose.Rendering.Views;

/// <summary>The face surface as a grid of vertices, with the mirror image of each. Immutable.</summary>
internal sealed class FaceGrid
{
    private readonly Vector3[] _positions;
    private readonly Vector3[] _normals;
    private readonly float[] _weights;
    private readonly int[] _triangles;

    /// <summary>Takes every <paramref name="step"/>-th row and column of a surface.</summary>
    /// <param name="surface">The face.</param>
    /// <param name="step">Every how manieth row and column is taken; divides the grid.</param>
    public FaceGrid(FaceSurface surface, int step)
    {
        int columns = 2 * surface.HalfColumns - 1;
        (Rows, Columns) = ((surface.Rows - 1) / step + 1, (columns - 1) / step + 1);
        int count = Rows * Columns;
        (_positions, _normals, _weights) = (new Vector3[count], new Vector3[count], new float[count]);
        for (int row = 0; row < Rows; row++)
        {
            for (int column = 0; column < Columns; column++)
            {
                int from = row * step * columns + column * step, to = row * Columns + column;
                (_positions[to], _normals[to], _weights[to]) = (surface.GridPositions[from], surface.GridNormals[from], surface.GridWeights[from]);
            }
        }
        // Cells that are transparent in all corners are not drawn; the diagonals mirror at the midline, so that the mesh does too.
        List<int> triangles = [];
        for (int row = 0; row + 1 < Rows; row++)
        {
            for (int column = 0; column + 1 < Columns; column++)
            {
                int a = row * Columns + column, b = a + 1, c = a + Columns, d = c + 1;
                if (_weights[a] == 0 && _weights[b] == 0 && _weights[c] == 0 && _weights[d] == 0) continue;
                if (column < Columns / 2) triangles.AddRange([a, d, b, a, c, d]);
                else triangles.AddRange([a, c, b, b, c, d]);
            }
        }
        _triangles = [.. triangles];
    }

    /// <summary>Rows, forehead first.</summary>
    public int Rows { get; }

    /// <summary>Columns, from the picture's left side of the face to its right; an odd number.</summary>
    public int Columns { get; }

    /// <summary>Number of vertices.</summary>
    public int Count => _positions.Length;

    /// <summary>In the axes of the reference face, row after row.</summary>
    public ReadOnlySpan<Vector3> Positions => _positions;

    /// <summary>Unit normals, outward.</summary>
    public ReadOnlySpan<Vector3> Normals => _normals;

    /// <summary>Opacity in [0, 1], falling to 0 towards the border of the face.</summary>
    public ReadOnlySpan<float> Weights => _weights;

    /// <summary>Three vertices each, running counter-clockwise as seen from outside.</summary>
    public ReadOnlySpan<int> Triangles => _triangles;

    /// <summary>The vertex at the same place of the other half: u → −u.</summary>
    public int Mirror(int vertex) => vertex - 2 * (vertex % Columns) + Columns - 1;

    /// <summary>Places every vertex in a picture: pixels, and depth along the axis.</summary>
    /// <param name="rotation">Rotation of the pose.</param>
    /// <param name="translation">Translation of the pose.</param>
    /// <param name="camera">The picture's camera.</param>
    /// <param name="places">Receives <see cref="Count"/> points.</param>
    public void Project(in Matrix3x3d rotation, Vector3d translation, CameraIntrinsics camera, Span<Vector3> places)
    {
        for (int i = 0; i < _positions.Length; i++) places[i] = Project(_positions[i], rotation, translation, camera);
    }

    /// <summary>Places one point of the reference face in a picture.</summary>
    public static Vector3 Project(Vector3 point, in Matrix3x3d rotation, Vector3d translation, CameraIntrinsics camera)
    {
        Vector3d seen = rotation * new Vector3d(point.X, point.Y, point.Z) + translation;
        (double x, double y) = camera.Project(seen);
        return new Vector3((float)x, (float)y, (float)seen.Z);
    }
}
