using System.Numerics;
using Img2Pose.Geometry;

namespace Img2Pose.Rendering.Views;

/// <summary>
/// A face as one picture shows it: where each vertex of the surface lies in the picture, and how well it is seen there. A depth
/// buffer of the posed surface and the surface's normals decide: no cheek is painted from behind a nose.
/// </summary>
internal sealed class SourceFace(FaceGrid grid, int depthSide)
{
    // Depths behind the nearest surface between which a point stops being seen, in units of the reference face. A pixel of the buffer
    // is some 0.005 units wide, so that a surface turned by 70 degrees varies by 0.014 within one.
    private const float SeenDepth = 0.015f, HiddenDepth = 0.045f;

    // Cosines between the surface's normal and the line of sight between which a point begins to count as seen. What is seen at a slant
    // has few pixels: below the upper one the mirror image shines through, which makes views more like real pictures
    // (docs/views.md has the measurement).
    private const float GrazingCosine = 0.05f, OpenCosine = 0.6f;

    // Below this (about 10 degrees) the outline is the face's soft border, and nothing is behind it to be mistaken for the face.
    private const float LeastTurned = 0.03f;

    // How far from the face's outline in the picture a profile's colours are trusted, in units of the reference face: there pose and
    // shape err by more than the nose is wide, and what lies behind would be painted on the face. A frontal face's outline is its
    // soft border.
    private const float ProfileMargin = 0.07f;

    /// <summary>Distance from the outline that counts as far: colours there are of the face for certain.</summary>
    public const float FarInside = 1;

    private readonly float[] _inside = new float[grid.Count];
    private readonly float[] _depthInside = new float[depthSide * depthSide];
    private readonly Vector3[] _points = new Vector3[grid.Count];
    private readonly Vector3[] _scaled = new Vector3[grid.Count];
    private readonly float[] _seen = new float[grid.Count];
    private readonly float[] _visible = new float[grid.Count];
    private readonly float[] _spare = new float[grid.Count];
    private readonly DepthRaster _raster = new();

    /// <summary>The surface.</summary>
    public FaceGrid Grid => grid;

    /// <summary>The picture.</summary>
    public SourcePicture Picture { get; } = new();

    /// <summary>Where each vertex lies in the picture, displayed pixels, and its depth.</summary>
    public ReadOnlySpan<Vector3> Points => _points;

    /// <summary>How far each vertex's colour can be taken from the picture, 0 to 1, soft towards what is hidden.</summary>
    public ReadOnlySpan<float> Seen => _seen;

    /// <summary>Whether each vertex is visible: 1, or 0 where it is hidden, turned away or outside the picture.</summary>
    public ReadOnlySpan<float> Visible => _visible;

    /// <summary>Distance of each vertex from the outline that the surface has in the picture, units of the reference face.</summary>
    public ReadOnlySpan<float> Inside => _inside;

    /// <summary>How far the face is turned away: the square of the sine, 0 for a frontal face to 1.</summary>
    public float Turned { get; private set; }

    /// <summary>Part of the face's opaque surface whose colours can be taken from the picture, 0 to 1.</summary>
    public float SeenShare { get; private set; }

    /// <summary>Places the face in <see cref="Picture"/>, which has been taken already.</summary>
    /// <param name="pose">Pose under <paramref name="camera"/>.</param>
    /// <param name="camera">Camera of the picture in displayed pixels.</param>
    public void Place(Pose pose, CameraIntrinsics camera)
    {
        Matrix3x3d rotation = RotationVector.ToMatrix(pose.Rotation);
        grid.Project(rotation, pose.Translation, camera, _points);
        Vector2 low = new(float.MaxValue), high = new(float.MinValue);
        foreach (Vector3 point in _points)
        {
            low = Vector2.Min(low, Flat(point));
            high = Vector2.Max(high, Flat(point));
        }
        float side = Math.Max(1, Math.Max(high.X - low.X, high.Y - low.Y)), scale = (depthSide - 1) / side;
        for (int i = 0; i < _points.Length; i++) _scaled[i] = new Vector3((_points[i].X - low.X) * scale, (_points[i].Y - low.Y) * scale, _points[i].Z);
        _raster.Clear(depthSide, depthSide);
        _raster.Draw(_scaled, grid.Triangles, frontOnly: false);
        float pixelsPerUnit = (float)(camera.FocalLength / pose.Translation.Z) * scale;
        Turned = 1 - (float)(rotation.M33 * rotation.M33);
        float margin = Turned * Turned * ProfileMargin;
        if (Turned > LeastTurned) MeasureDepthInside();

        // The camera in the axes of the face.
        Vector3d centre = rotation.Transposed * (new Vector3d(0, 0, 0) - pose.Translation);
        Vector3 eye = new((float)centre.X, (float)centre.Y, (float)centre.Z);
        ReadOnlySpan<Vector3> positions = grid.Positions, normals = grid.Normals;
        for (int i = 0; i < _seen.Length; i++)
        {
            float cosine = Vector3.Dot(normals[i], Vector3.Normalize(eye - positions[i]));
            int x = Math.Clamp((int)_scaled[i].X, 0, depthSide - 1), y = Math.Clamp((int)_scaled[i].Y, 0, depthSide - 1);
            float nearness = _raster.Nearness[y * depthSide + x], behind = nearness > 0 ? _points[i].Z - 1 / nearness : 0;
            float inside = Picture.Inside(Picture.Place(Flat(_points[i])));
            _visible[i] = cosine > 0 && behind < 0.5f * (SeenDepth + HiddenDepth) && inside > 0 ? 1 : 0;
            _spare[i] = (1 - Step(SeenDepth, HiddenDepth, behind)) * Step(GrazingCosine, OpenCosine, cosine) * Step(0, 2, inside);
            _inside[i] = Turned > LeastTurned ? _depthInside[y * depthSide + x] / pixelsPerUnit : FarInside;
            if (Turned > LeastTurned) _spare[i] *= Step(0, margin, _inside[i]);
        }
        Soften();
    }

    /// <summary>Trusts the picture less at some vertices.</summary>
    /// <param name="trust">For each vertex 1, or less.</param>
    public void Distrust(ReadOnlySpan<float> trust)
    {
        for (int i = 0; i < _seen.Length; i++) _spare[i] = _seen[i] * trust[i];
        Soften();
    }

    /// <summary>Smooth step from 0 to 1 (Hermite).</summary>
    public static float Step(float from, float to, float value)
    {
        float t = Math.Clamp((value - from) / (to - from), 0, 1);
        return t * t * (3 - 2 * t);
    }

    /// <summary>The first two of three coordinates.</summary>
    public static Vector2 Flat(Vector3 point) => new(point.X, point.Y);

    /// <summary>Distance of each covered pixel of the depth buffer to the nearest one that is not, by two passes of a 3 × 4 chamfer.</summary>
    private void MeasureDepthInside()
    {
        const float straight = 0.955f, diagonal = 1.369f;
        ReadOnlySpan<int> covered = _raster.Triangle;
        Span<float> depth = _depthInside;
        for (int y = 0; y < depthSide; y++)
        {
            for (int x = 0; x < depthSide; x++)
            {
                int at = y * depthSide + x;
                if (covered[at] < 0 || x == 0 || y == 0 || x == depthSide - 1)
                {
                    depth[at] = covered[at] < 0 ? 0 : straight;
                    continue;
                }
                float above = Math.Min(depth[at - depthSide] + straight, Math.Min(depth[at - depthSide - 1], depth[at - depthSide + 1]) + diagonal);
                depth[at] = Math.Min(depth[at - 1] + straight, above);
            }
        }
        for (int y = depthSide - 2; y >= 0; y--)
        {
            for (int x = depthSide - 2; x > 0; x--)
            {
                int at = y * depthSide + x;
                float below = Math.Min(depth[at + depthSide] + straight, Math.Min(depth[at + depthSide - 1], depth[at + depthSide + 1]) + diagonal);
                depth[at] = Math.Min(depth[at], Math.Min(depth[at + 1] + straight, below));
            }
        }
    }

    /// <summary>A vertex counts no more than the least of its neighbours, and what is seen ends softly.</summary>
    private void Soften()
    {
        Neighbours(_spare, _seen, least: true);
        Neighbours(_seen, _spare, least: false);
        Neighbours(_spare, _seen, least: false);
        float seen = 0, all = 0;
        for (int i = 0; i < _seen.Length; i++)
        {
            seen += grid.Weights[i] * _seen[i];
            all += grid.Weights[i];
        }
        SeenShare = seen / all;
    }

    private void Neighbours(float[] from, float[] to, bool least)
    {
        int rows = grid.Rows, columns = grid.Columns;
        for (int row = 0; row < rows; row++)
        {
            int above = Math.Max(0, row - 1) * columns, here = row * columns, below = Math.Min(rows - 1, row + 1) * columns;
            for (int column = 0; column < columns; column++)
            {
                int left = Math.Max(0, column - 1), right = Math.Min(columns - 1, column + 1);
                float sum = 0, minimum = 1;
                for (int x = left; x <= right; x++)
                {
                    (float a, float b, float c) = (from[above + x], from[here + x], from[below + x]);
                    sum += a + b + c;
                    minimum = Math.Min(minimum, Math.Min(a, Math.Min(b, c)));
                }
                to[here + column] = least ? minimum : sum / (3 * (right - left + 1));
            }
        }
    }
}
