using System.Numerics;
using Img2Pose.Geometry;

namespace Img2Pose.Rendering.Meshes;

/// <summary>
/// A mesh as seen along rays from a vertical axis: at each angle and height the distance of its outermost hit, on a fine
/// regular grid of the half from the midline outward. Both halves of the mesh enter, as their mean.
/// </summary>
internal sealed class CylinderField
{
    public const int Columns = 641;
    public const int Rows = 1201;
    private const float Margin = 0.02f;
    // Rays tried per ray of the grid: a head with its inside has some twenty layers, a heap of large triangles thousands.
    private const int MostLayers = 200;
    private readonly float[] _radius = new float[Columns * Rows];
    private readonly bool[] _hit = new bool[Columns * Rows];

    public CylinderField(FaceMesh mesh)
    {
        Vector3 low = new(float.MaxValue), high = new(float.MinValue);
        foreach (Vector3 p in mesh.Positions)
        {
            low = Vector3.Min(low, p);
            high = Vector3.Max(high, p);
        }
        // The closer the axis, the more squarely rays meet the sides of the nose; this close they still reach the jaw.
        AxisZ = low.Z + 0.9f * Math.Max(high.X, -low.X);
        MinimumY = low.Y - Margin;
        MaximumY = high.Y + Margin;
        float theta = 0;
        foreach (Vector3 p in mesh.Positions) theta = Math.Max(theta, Math.Abs(MathF.Atan2(p.X, AxisZ - p.Z)));
        MaximumTheta = Math.Min(theta + Margin, 0.65f * MathF.PI);

        float[] other = new float[_radius.Length];
        Cast(mesh, 1, _radius);
        Cast(mesh, -1, other);
        for (int i = 0; i < _radius.Length; i++)
        {
            _hit[i] = _radius[i] > 0 && other[i] > 0;
            _radius[i] = 0.5f * (_radius[i] + other[i]);
        }
        FillMisses();
    }

    public float AxisZ { get; }

    public float MaximumTheta { get; }

    public float MinimumY { get; }

    public float MaximumY { get; }

    public float ThetaStep => MaximumTheta / (Columns - 1);

    public float YStep => (MaximumY - MinimumY) / (Rows - 1);

    public bool Hit(int column, int row) => _hit[row * Columns + column];

    public float Radius(int column, int row) => _radius[row * Columns + Math.Abs(column)];

    /// <summary>The distance at an angle and height, interpolated between grid points.</summary>
    public float Radius(float theta, float y) => Interpolate(_radius, theta, y);

    /// <summary>Whether the nearest grid point was hit.</summary>
    public bool Hit(float theta, float y)
    {
        int column = (int)MathF.Round(Math.Clamp(theta / ThetaStep, 0, Columns - 1));
        int row = (int)MathF.Round(Math.Clamp((y - MinimumY) / YStep, 0, Rows - 1));
        return Hit(column, row);
    }

    public float Interpolate(float[] values, float theta, float y)
    {
        float u = Math.Clamp(Math.Abs(theta) / ThetaStep, 0, Columns - 1.001f), v = Math.Clamp((y - MinimumY) / YStep, 0, Rows - 1.001f);
        int column = (int)u, row = (int)v, at = row * Columns + column;
        u -= column;
        v -= row;
        return (1 - v) * ((1 - u) * values[at] + u * values[at + 1]) + v * ((1 - u) * values[at + Columns] + u * values[at + Columns + 1]);
    }

    public Vector3 Point(float theta, float y)
    {
        float r = Radius(theta, y);
        return new Vector3(r * MathF.Sin(theta), y, AxisZ - r * MathF.Cos(theta));
    }

    public Vector3 Point(int column, int row)
    {
        float theta = column * ThetaStep, r = Radius(column, row);
        return new Vector3(r * MathF.Sin(theta), MinimumY + row * YStep, AxisZ - r * MathF.Cos(theta));
    }

    /// <summary>Intersects the rays that each triangle can meet; <paramref name="side"/> −1 mirrors the mesh.</summary>
    private void Cast(FaceMesh mesh, float side, float[] radius)
    {
        ReadOnlySpan<int> triangles = mesh.Triangles;
        ReadOnlySpan<Vector3> positions = mesh.Positions;
        Span<Vector3> corner = stackalloc Vector3[3], normal = stackalloc Vector3[3];
        Span<float> angle = stackalloc float[3];
        long left = (long)MostLayers * Columns * Rows;
        for (int t = 0; t < triangles.Length; t += 3)
        {
            float lowTheta = float.MaxValue, highTheta = float.MinValue, lowY = float.MaxValue, highY = float.MinValue;
            for (int i = 0; i < 3; i++)
            {
                Vector3 p = positions[triangles[t + i]];
                corner[i] = new Vector3(side * p.X, p.Y, p.Z - AxisZ);
                Vector3 n = mesh.Normals[triangles[t + i]];
                normal[i] = new Vector3(side * n.X, n.Y, n.Z);
                angle[i] = MathF.Atan2(corner[i].X, -corner[i].Z);
                lowTheta = Math.Min(lowTheta, angle[i]);
                highTheta = Math.Max(highTheta, angle[i]);
                lowY = Math.Min(lowY, p.Y);
                highY = Math.Max(highY, p.Y);
            }
            if (highTheta - lowTheta > MathF.PI) continue; // wraps behind the head
            int firstColumn = Math.Max(0, (int)MathF.Ceiling(lowTheta / ThetaStep - 1e-3f));
            int lastColumn = Math.Min(Columns - 1, (int)MathF.Floor(highTheta / ThetaStep + 1e-3f));
            int firstRow = Math.Max(0, (int)MathF.Ceiling((lowY - MinimumY) / YStep - 1e-3f));
            int lastRow = Math.Min(Rows - 1, (int)MathF.Floor((highY - MinimumY) / YStep + 1e-3f));
            left -= Math.Max(0L, lastColumn - firstColumn + 1) * Math.Max(0, lastRow - firstRow + 1);
            if (left < 0) throw new InputException($"The mesh covers itself more than {MostLayers} times, the limit; give the outer surface of a face.");
            Vector3 edge1 = corner[1] - corner[0], edge2 = corner[2] - corner[0];
            for (int column = firstColumn; column <= lastColumn; column++)
            {
                (float sin, float cos) = MathF.SinCos(column * ThetaStep);
                Vector3 direction = new(sin, 0, -cos);
                Vector3 p = Vector3.Cross(direction, edge2);
                float determinant = Vector3.Dot(edge1, p);
                if (Math.Abs(determinant) < 1e-12f) continue;
                for (int row = firstRow; row <= lastRow; row++)
                {
                    Vector3 origin = new Vector3(0, MinimumY + row * YStep, 0) - corner[0];
                    float u = Vector3.Dot(origin, p) / determinant;
                    Vector3 q = Vector3.Cross(origin, edge1);
                    float v = Vector3.Dot(direction, q) / determinant;
                    if (u < -1e-4f || v < -1e-4f || u + v > 1 + 1e-4f) continue;
                    float r = Vector3.Dot(edge2, q) / determinant;
                    r += Bulge(corner, normal, u, v, direction);
                    ref float best = ref radius[row * Columns + column];
                    if (r > best) best = r;
                }
            }
        }
    }

    /// <summary>
    /// How far along a ray the smooth surface lies from the flat triangle: the mean of the point's projections onto the
    /// corners' tangent planes (Boubekeur and Alexa, Phong Tessellation, 2008), so that facets do not show in the field.
    /// </summary>
    private static float Bulge(ReadOnlySpan<Vector3> corner, ReadOnlySpan<Vector3> normal, float u, float v, Vector3 direction)
    {
        const float share = 0.75f, limit = 0.01f;
        float w = 1 - u - v;
        Vector3 point = w * corner[0] + u * corner[1] + v * corner[2];
        Vector3 shift = -(w * Vector3.Dot(point - corner[0], normal[0]) * normal[0]
            + u * Vector3.Dot(point - corner[1], normal[1]) * normal[1] + v * Vector3.Dot(point - corner[2], normal[2]) * normal[2]);
        Vector3 outward = Vector3.Normalize(w * normal[0] + u * normal[1] + v * normal[2]);
        float facing = Vector3.Dot(direction, outward);
        // Along a ray that grazes the surface the construction has no meaning.
        return facing < 0.35f ? 0 : Math.Clamp(share * Vector3.Dot(shift, outward) / facing, -limit, limit);
    }

    /// <summary>Continues the field smoothly past the border of the mesh: the mean of known neighbours, ring by ring.</summary>
    private void FillMisses()
    {
        Queue<int> queue = new();
        bool[] known = (bool[])_hit.Clone();
        for (int i = 0; i < known.Length; i++)
        {
            if (known[i]) queue.Enqueue(i);
        }
        while (queue.TryDequeue(out int at))
        {
            int column = at % Columns, row = at / Columns;
            foreach ((int dx, int dy) in (ReadOnlySpan<(int, int)>)[(1, 0), (-1, 0), (0, 1), (0, -1)])
            {
                int x = column + dx, y = row + dy;
                if ((uint)x >= Columns || (uint)y >= Rows || known[y * Columns + x]) continue;
                float sum = 0;
                int count = 0;
                for (int ny = Math.Max(0, y - 1); ny <= Math.Min(Rows - 1, y + 1); ny++)
                {
                    for (int nx = Math.Max(0, x - 1); nx <= Math.Min(Columns - 1, x + 1); nx++)
                    {
                        if (!known[ny * Columns + nx]) continue;
                        sum += _radius[ny * Columns + nx];
                        count++;
                    }
                }
                _radius[y * Columns + x] = sum / count;
                known[y * Columns + x] = true;
                queue.Enqueue(y * Columns + x);
            }
        }
    }
}
