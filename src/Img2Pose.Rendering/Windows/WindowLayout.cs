namespace Img2Pose.Rendering.Windows;

/// <summary>A rectangle of the window, in pixels.</summary>
internal readonly record struct WindowArea(int X, int Y, int Width, int Height);

/// <summary>Where pictures go in a window.</summary>
internal static class WindowLayout
{
    /// <summary>
    /// One picture fills the window, several share it in the grid that shows most of them. Each keeps its aspect, centred in its
    /// place, at whole pixels.
    /// </summary>
    /// <param name="width">Width that there is, pixels.</param>
    /// <param name="height">Height that there is, pixels.</param>
    /// <param name="sizes">Sizes of the pictures in square pixels; one of a picture that has not come yet is (0, 0), which gets a place of 16:9.</param>
    public static WindowArea[] Arrange(int width, int height, ReadOnlySpan<(int Width, int Height)> sizes)
    {
        WindowArea[] areas = new WindowArea[sizes.Length];
        if (width < 1 || height < 1) return areas;
        double most = -1;
        int best = 1;
        for (int columns = 1; columns <= sizes.Length; columns++)
        {
            int rows = (sizes.Length + columns - 1) / columns;
            double shown = 0;
            foreach ((int Width, int Height) size in sizes)
            {
                WindowArea area = Fit(0, 0, width / columns, height / rows, size);
                shown += (double)area.Width * area.Height;
            }
            if (shown <= most) continue;
            (most, best) = (shown, columns);
        }
        int rowCount = (sizes.Length + best - 1) / best;
        for (int i = 0; i < sizes.Length; i++)
        {
            int column = i % best, row = i / best;
            int left = width * column / best, right = width * (column + 1) / best;
            int top = height * row / rowCount, bottom = height * (row + 1) / rowCount;
            areas[i] = Fit(left, top, right - left, bottom - top, sizes[i]);
        }
        return areas;
    }

    private static WindowArea Fit(int x, int y, int width, int height, (int Width, int Height) size)
    {
        (int w, int h) = size.Width > 0 && size.Height > 0 ? size : (16, 9);
        double scale = Math.Min((double)width / w, (double)height / h);
        // A picture that fits but for a rounding is shown pixel by pixel.
        int shownWidth = Math.Clamp((int)Math.Round(w * scale), Math.Min(1, width), width);
        int shownHeight = Math.Clamp((int)Math.Round(h * scale), Math.Min(1, height), height);
        return new WindowArea(x + (width - shownWidth) / 2, y + (height - shownHeight) / 2, shownWidth, shownHeight);
    }
}
