using System.Runtime.InteropServices;

namespace Img2Pose.Training.Augmentation.Synthesis;

/// <summary>A corner of a projected triangle: pixels (continuous, pixel i covers [i, i+1)) and depth along the axis.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct ScreenVertex(float X, float Y, float Z);

/// <summary>Colours one covered pixel.</summary>
internal interface IFragmentShader
{
    /// <summary>Writes the pixel at byte offset <paramref name="at"/> from barycentric weights of the triangle's corners.</summary>
    void Shade(Span<byte> pixels, int at, int a, int b, int c, float weightA, float weightB, float weightC);
}

/// <summary>A small triangle rasteriser with a depth buffer: pixel centres, no anti-aliasing, nearest surface wins.</summary>
internal static class TriangleRasterizer
{
    /// <summary>
    /// Draws the triangles <paramref name="indices"/> (three a triangle). Those that face away by the mesh's winding
    /// (screen-space signed area not negative, y down) are left out when <paramref name="cullBack"/> is set.
    /// </summary>
    /// <param name="pixels">RGB target, row-major.</param>
    /// <param name="depth">Depth buffer, one value a pixel, larger is farther; null: later triangles cover earlier ones.</param>
    /// <param name="width">Width of the target.</param>
    /// <param name="height">Height of the target.</param>
    /// <param name="vertices">Projected vertices.</param>
    /// <param name="indices">Vertex indices.</param>
    /// <param name="cullBack">Whether faces turned away are skipped.</param>
    /// <param name="shader">Colours the pixels.</param>
    public static void Draw<TShader>(
        Span<byte> pixels, float[]? depth, int width, int height,
        ReadOnlySpan<ScreenVertex> vertices, ReadOnlySpan<int> indices, bool cullBack, TShader shader)
        where TShader : struct, IFragmentShader
    {
        for (int i = 0; i + 2 < indices.Length; i += 3)
        {
            int a = indices[i], b = indices[i + 1], c = indices[i + 2];
            ScreenVertex p = vertices[a], q = vertices[b], r = vertices[c];
            float area = (q.X - p.X) * (r.Y - p.Y) - (q.Y - p.Y) * (r.X - p.X);
            if (!float.IsFinite(area) || area == 0 || (cullBack && area > 0)) continue;

            int left = Math.Max(0, (int)MathF.Ceiling(Math.Min(p.X, Math.Min(q.X, r.X)) - 0.5f));
            int right = Math.Min(width - 1, (int)MathF.Floor(Math.Max(p.X, Math.Max(q.X, r.X)) - 0.5f));
            int top = Math.Max(0, (int)MathF.Ceiling(Math.Min(p.Y, Math.Min(q.Y, r.Y)) - 0.5f));
            int bottom = Math.Min(height - 1, (int)MathF.Floor(Math.Max(p.Y, Math.Max(q.Y, r.Y)) - 0.5f));
            float inverse = 1 / area;
            float stepA = (q.Y - r.Y) * inverse, stepB = (r.Y - p.Y) * inverse;
            for (int y = top; y <= bottom; y++)
            {
                float py = y + 0.5f, px = left + 0.5f;
                float weightA = ((q.X - px) * (r.Y - py) - (q.Y - py) * (r.X - px)) * inverse;
                float weightB = ((r.X - px) * (p.Y - py) - (r.Y - py) * (p.X - px)) * inverse;
                bool entered = false;
                for (int x = left; x <= right; x++, weightA += stepA, weightB += stepB)
                {
                    float weightC = 1 - weightA - weightB;
                    // A hair of tolerance closes the cracks that rounding leaves between neighbours.
                    if (weightA < -1e-5f || weightB < -1e-5f || weightC < -1e-5f)
                    {
                        // A triangle is convex: a row leaves it once.
                        if (entered) break;
                        continue;
                    }
                    entered = true;
                    int at = y * width + x;
                    if (depth is not null)
                    {
                        float z = weightA * p.Z + weightB * q.Z + weightC * r.Z;
                        if (z >= depth[at]) continue;
                        depth[at] = z;
                    }
                    shader.Shade(pixels, at * 3, a, b, c, weightA, weightB, weightC);
                }
            }
        }
    }
}
