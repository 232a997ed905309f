using System.Numerics;

namespace Img2Pose.Rendering.Views;

/// <summary>
/// Says for every pixel which triangle is nearest there, and where in it. A pixel's centre decides; where two triangles are equally
/// near the first one drawn stays. Buffers are kept and grow, so that drawing again allocates nothing.
/// </summary>
internal sealed class DepthRaster
{
    private float[] _nearness = [];
    private int[] _triangle = [];
    private float[] _second = [], _third = [];
    private float[] _near = [];

    /// <summary>Width, pixels.</summary>
    public int Width { get; private set; }

    /// <summary>Height, pixels.</summary>
    public int Height { get; private set; }

    /// <summary>1/z of the nearest surface, 0 where there is none.</summary>
    public ReadOnlySpan<float> Nearness => _nearness.AsSpan(0, Width * Height);

    /// <summary>Number of the nearest triangle in order of drawing, −1 where there is none.</summary>
    public ReadOnlySpan<int> Triangle => _triangle.AsSpan(0, Width * Height);

    /// <summary>Weights of the second and third corner of the triangle at a pixel, corrected for perspective; the first has the rest.</summary>
    /// <param name="at">Index of a pixel that a triangle covers.</param>
    public Vector2 PlaceAt(int at) => new Vector2(_second[at], _third[at]) / _nearness[at];

    /// <summary>Starts an empty picture.</summary>
    public void Clear(int width, int height)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(height);
        int count = checked(width * height);
        // As many pixels are looked at at once as fit into a register, over the end of the last row, too.
        int length = checked(count + Vector<float>.Count);
        if (_nearness.Length < length) (_nearness, _triangle, _second, _third) = (new float[length], new int[length], new float[length], new float[length]);
        (Width, Height) = (width, height);
        _nearness.AsSpan(0, count).Clear();
        _triangle.AsSpan(0, count).Fill(-1);
    }

    /// <summary>Draws triangles.</summary>
    /// <param name="vertices">Pixels (x, y) and depth z along the axis. A triangle with a corner at z ≤ 0 or not finite is left out.</param>
    /// <param name="triangles">Three indices each.</param>
    /// <param name="frontOnly">Leaves out triangles that are seen from behind: those that run clockwise on the screen, y down.</param>
    public void Draw(ReadOnlySpan<Vector3> vertices, ReadOnlySpan<int> triangles, bool frontOnly)
    {
        if (_near.Length < vertices.Length) _near = new float[vertices.Length];
        for (int i = 0; i < vertices.Length; i++) _near[i] = vertices[i].Z > 0 ? 1 / vertices[i].Z : 0;
        for (int i = 0; i + 2 < triangles.Length; i += 3)
        {
            (int a, int b, int c) = (triangles[i], triangles[i + 1], triangles[i + 2]);
            Draw(vertices[a], vertices[b], vertices[c], new Vector3(_near[a], _near[b], _near[c]), i / 3, frontOnly);
        }
    }

    private void Draw(Vector3 a, Vector3 b, Vector3 c, Vector3 near, int number, bool frontOnly)
    {
        if (!(near.X > 0 && near.Y > 0 && near.Z > 0)) return;
        float area = (b.X - a.X) * (c.Y - a.Y) - (b.Y - a.Y) * (c.X - a.X);
        if (!float.IsFinite(area) || area == 0 || (frontOnly && area > 0)) return;
        int left = Bound(MathF.Ceiling(MathF.Min(a.X, MathF.Min(b.X, c.X)) - 0.5f), Width);
        int right = Bound(MathF.Floor(MathF.Max(a.X, MathF.Max(b.X, c.X)) - 0.5f) + 1, Width);
        int top = Bound(MathF.Ceiling(MathF.Min(a.Y, MathF.Min(b.Y, c.Y)) - 0.5f), Height);
        int bottom = Bound(MathF.Floor(MathF.Max(a.Y, MathF.Max(b.Y, c.Y)) - 0.5f) + 1, Height);
        // Weights of the corners change by constant steps from pixel to pixel. Where rounding lets neither of two neighbours have a
        // pixel on their common edge a crack would show, so that each reaches a hair over it.
        const float hair = -1e-4f;
        float inverse = 1 / area, nearA = near.X, nearB = near.Y, nearC = near.Z;
        float stepB = (c.Y - a.Y) * inverse, stepC = (a.Y - b.Y) * inverse;
        int width = right - left;
        Vector<float> least = new(hair), end = new(width);
        for (int y = top; y < bottom; y++)
        {
            float px = left + 0.5f - a.X, py = y + 0.5f - a.Y;
            float firstB = (px * (c.Y - a.Y) - py * (c.X - a.X)) * inverse, firstC = ((b.X - a.X) * py - (b.Y - a.Y) * px) * inverse;
            for (int x = 0, at = y * Width + left; x < width; x += Vector<float>.Count, at += Vector<float>.Count)
            {
                Vector<float> column = Vector<float>.Indices + new Vector<float>(x);
                Vector<float> wb = new Vector<float>(firstB) + column * stepB, wc = new Vector<float>(firstC) + column * stepC, wa = Vector<float>.One - wb - wc;
                Vector<float> nearness = wa * nearA + wb * nearB + wc * nearC, nearest = new(_nearness, at);
                Vector<int> inside = Vector.GreaterThanOrEqual(wa, least) & Vector.GreaterThanOrEqual(wb, least) & Vector.GreaterThanOrEqual(wc, least)
                    & Vector.GreaterThan(nearness, nearest) & Vector.LessThan(column, end);
                if (inside == Vector<int>.Zero) continue;
                Vector.ConditionalSelect(inside, nearness, nearest).CopyTo(_nearness, at);
                Vector.ConditionalSelect(inside, new Vector<int>(number), new Vector<int>(_triangle, at)).CopyTo(_triangle, at);
                Vector.ConditionalSelect(inside, wb * nearB, new Vector<float>(_second, at)).CopyTo(_second, at);
                Vector.ConditionalSelect(inside, wc * nearC, new Vector<float>(_third, at)).CopyTo(_third, at);
            }
        }
    }

    private static int Bound(float value, int limit) => (int)Math.Clamp(value, 0, limit);
}
