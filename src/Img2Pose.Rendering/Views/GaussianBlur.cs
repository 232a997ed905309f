namespace Img2Pose.Rendering.Views;

/// <summary>A Gaussian over a plane of floats, its edges repeated outward.</summary>
internal static class GaussianBlur
{
    /// <summary>Smooths a plane in place.</summary>
    /// <param name="plane">Rows of <paramref name="width"/> values.</param>
    /// <param name="spare">As large; overwritten.</param>
    /// <param name="width">Width of the plane.</param>
    /// <param name="height">Height of the plane.</param>
    /// <param name="side">Taps of the kernel, an odd number; its weights sum to 1.</param>
    /// <param name="deviation">Its standard deviation, pixels.</param>
    public static void Apply(Span<float> plane, Span<float> spare, int width, int height, int side, double deviation)
    {
        double[] kernel = new double[side];
        for (int i = 0; i < side; i++) kernel[i] = Math.Exp(-(i - side / 2) * (i - side / 2) / (2 * deviation * deviation));
        double all = kernel.Sum();
        for (int y = 0; y < height; y++)
        {
            for (int x = 0; x < width; x++)
            {
                double sum = 0;
                for (int i = 0; i < side; i++) sum += kernel[i] * plane[y * width + Math.Clamp(x + i - side / 2, 0, width - 1)];
                spare[y * width + x] = (float)(sum / all);
            }
        }
        for (int y = 0; y < height; y++)
        {
            for (int x = 0; x < width; x++)
            {
                double sum = 0;
                for (int i = 0; i < side; i++) sum += kernel[i] * spare[Math.Clamp(y + i - side / 2, 0, height - 1) * width + x];
                plane[y * width + x] = (float)(sum / all);
            }
        }
    }
}
