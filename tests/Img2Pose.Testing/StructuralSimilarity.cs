namespace Img2Pose.Testing;

/// <summary>Structural similarity (Wang et al. 2004) of the green channel of two RGB pictures, over windows of 8 × 8 pixels.</summary>
public static class StructuralSimilarity
{
    private const int Side = 8;

    /// <summary>The mean over the windows that lie wholly inside; 1 for equal pictures, NaN where there is no window.</summary>
    /// <param name="one">Interleaved RGB.</param>
    /// <param name="other">A picture of the same size.</param>
    /// <param name="width">Width of both, pixels.</param>
    /// <param name="isInside">Whether a pixel, counted row after row, is compared.</param>
    public static double Mean(byte[] one, byte[] other, int width, Func<int, bool> isInside)
    {
        int height = one.Length / 3 / width, count = 0;
        double sum = 0;
        for (int top = 0; top + Side <= height; top += Side / 2)
        {
            for (int left = 0; left + Side <= width; left += Side / 2)
            {
                if (OfWindow(one, other, width, left, top, isInside) is not { } similarity) continue;
                sum += similarity;
                count++;
            }
        }
        return count > 0 ? sum / count : double.NaN;
    }

    private static double? OfWindow(byte[] one, byte[] other, int width, int left, int top, Func<int, bool> isInside)
    {
        const double c1 = 0.01 * 255 * 0.01 * 255, c2 = 0.03 * 255 * 0.03 * 255, n = Side * Side;
        double a = 0, b = 0, aa = 0, bb = 0, ab = 0;
        for (int i = 0; i < Side * Side; i++)
        {
            int pixel = (top + i / Side) * width + left + i % Side;
            if (!isInside(pixel)) return null;
            double x = one[3 * pixel + 1], y = other[3 * pixel + 1];
            (a, b, aa, bb, ab) = (a + x, b + y, aa + x * x, bb + y * y, ab + x * y);
        }
        (a, b) = (a / n, b / n);
        return (2 * a * b + c1) * (2 * (ab / n - a * b) + c2) / ((a * a + b * b + c1) * (aa / n - a * a + bb / n - b * b + c2));
    }
}
