using System.Runtime.Intrinsics;

namespace Img2Pose.Training.Augmentation;

/// <summary>What part of a picture a layer shows, in the picture's own pixels.</summary>
/// <param name="CenterX">Middle of the ellipse.</param>
/// <param name="CenterY">Middle of the ellipse.</param>
/// <param name="RadiusX">Half width of the ellipse; infinite for the whole picture.</param>
/// <param name="RadiusY">Half height of the ellipse.</param>
/// <param name="Feather">Soft part of the radius, 0 (hard edge) to 1.</param>
internal readonly record struct LayerShape(double CenterX, double CenterY, double RadiusX, double RadiusY, double Feather)
{
    /// <summary>How far over its count <see cref="Opacities"/> may write.</summary>
    public static int Lanes => Vector256<float>.Count;

    /// <summary>The whole picture.</summary>
    public static LayerShape Whole => new(0, 0, double.PositiveInfinity, double.PositiveInfinity, 0);

    /// <summary>Whether nothing is cut away.</summary>
    public bool IsWhole => double.IsInfinity(RadiusX);

    /// <summary>Opacity in [0, 1] at a point of the picture.</summary>
    public double Opacity(double x, double y)
    {
        if (IsWhole) return 1;
        double u = (x - CenterX) / RadiusX, v = (y - CenterY) / RadiusY;
        double distance = Math.Sqrt(u * u + v * v);
        return Feather <= 0 ? (distance <= 1 ? 1 : 0) : Math.Clamp((1 - distance) / Feather, 0, 1);
    }

    /// <summary>Opacities in 256ths of points on a line.</summary>
    /// <param name="x">Column of the first point.</param>
    /// <param name="y">Row of the first point.</param>
    /// <param name="stepX">Columns from one point to the next.</param>
    /// <param name="stepY">Rows from one point to the next.</param>
    /// <param name="opacities">Where they go; the last <see cref="Lanes"/> of them may be left out.</param>
    public void Opacities(double x, double y, double stepX, double stepY, Span<int> opacities)
    {
        Vector256<float> u = Vector256.Create((float)((x - CenterX) / RadiusX)), v = Vector256.Create((float)((y - CenterY) / RadiusY));
        float stepU = (float)(stepX / RadiusX), stepV = (float)(stepY / RadiusY);
        // A hard edge is one of a millionth of the radius.
        float slope = (float)(256 / Math.Max(Feather, 1e-6));
        for (int i = 0; i + Vector256<float>.Count <= opacities.Length; i += Vector256<float>.Count)
        {
            Vector256<float> index = Vector256.Create((float)i) + Vector256.Create(0f, 1, 2, 3, 4, 5, 6, 7);
            Vector256<float> alongU = u + index * stepU, alongV = v + index * stepV;
            Vector256<float> opacity = (Vector256<float>.One - Vector256.Sqrt(alongU * alongU + alongV * alongV)) * slope;
            opacity = Vector256.Min(Vector256.Max(opacity, Vector256<float>.Zero), Vector256.Create(256f));
            Vector256.ConvertToInt32(opacity).CopyTo(opacities[i..]);
        }
    }

    /// <summary>Reduces [begin, end) to the i for which (x + i·stepX, y + i·stepY) may lie in the ellipse.</summary>
    public void Narrow(double x, double y, double stepX, double stepY, ref int begin, ref int end)
    {
        if (IsWhole) return;
        double u = (x - CenterX) / RadiusX, v = (y - CenterY) / RadiusY;
        stepX /= RadiusX;
        stepY /= RadiusY;
        // |(u, v) + i·step|² ≤ 1
        double a = stepX * stepX + stepY * stepY, b = u * stepX + v * stepY, c = u * u + v * v - 1;
        double root = b * b - a * c;
        if (root < 0)
        {
            end = begin;
            return;
        }
        root = Math.Sqrt(root);
        begin = (int)Math.Clamp(Math.Floor((-b - root) / a), begin, end);
        end = (int)Math.Clamp(Math.Ceiling((-b + root) / a) + 1, begin, end);
    }
}
