using System.Numerics;

namespace Img2Pose.Rendering.Tests.Views;

/// <summary>Structural similarity (Wang et al. 2004) of the green channel, over windows of 8 × 8 pixels.</summary>
internal static class Similarity
{
    private const int Side = 8;

    /// <summary>The mean over the windows that lie wholly in a painted face.</summary>
    public static double OfFace(byte[] one, byte[] other, SyntheticHead.Painting face, int width)
    {
        double sum = 0;
        int count = 0;
        for (int top = 0; top + Side <= face.Height; top += 4)
        {
            for (int left = 0; left + Side <= width; left += 4)
            {
                if (!IsInside(face.Points, width, left, top)) continue;
                sum += OfWindow(one, other, width, left, top);
                count++;
            }
        }
        return count > 0 ? sum / count : double.NaN;
    }

    private static bool IsInside(Vector3?[] points, int width, int left, int top)
    {
        for (int i = 0; i < Side * Side; i++)
        {
            if (points[(top + i / Side) * width + left + i % Side] is null) return false;
        }
        return true;
    }

    private static double OfWindow(byte[] one, byte[] other, int width, int left, int top)
    {
        const double c1 = 0.01 * 255 * 0.01 * 255, c2 = 0.03 * 255 * 0.03 * 255, n = Side * Side;
        double a = 0, b = 0, aa = 0, bb = 0, ab = 0;
        for (int i = 0; i < Side * Side; i++)
        {
            int at = 3 * ((top + i / Side) * width + left + i % Side) + 1;
            double x = one[at], y = other[at];
            (a, b, aa, bb, ab) = (a + x, b + y, aa + x * x, bb + y * y, ab + x * y);
        }
        (a, b) = (a / n, b / n);
        double va = aa / n - a * a, vb = bb / n - b * b, cov = ab / n - a * b;
        return (2 * a * b + c1) * (2 * cov + c2) / ((a * a + b * b + c1) * (va + vb + c2));
    }
}
