using System.Numerics;

namespace Img2Pose.Rendering.Views;

/// <summary>
/// Smooth completion of values that are known on part of a grid: pull and push (Gortler et al. 1996, "The Lumigraph", section
/// 3.4.2), which comes close to the membrane that solves Laplace's equation between what is known (Farbman et al. 2011,
/// "Convolution pyramids") in time linear in the grid.
/// </summary>
internal sealed class GridField
{
    private readonly List<Level> _levels = [];

    /// <summary>Makes a grid.</summary>
    public GridField(int rows, int columns)
    {
        for (; ; rows = (rows + 1) / 2, columns = (columns + 1) / 2)
        {
            _levels.Add(new Level(rows, columns));
            if (rows == 1 && columns == 1) break;
        }
    }

    /// <summary>Values of the grid, row after row.</summary>
    public Span<Vector4> Values => _levels[0].Values;

    /// <summary>How far a value is known, 0 to 1.</summary>
    public Span<float> Weights => _levels[0].Weights;

    /// <summary>
    /// Completes the values: where the weight is 1 they stay, elsewhere the coarser grid shows through.
    /// </summary>
    /// <param name="smooth">Finest levels whose own values are not used at all: everything finer than 2^smooth cells goes.</param>
    /// <returns>False where nothing is known; nothing changes then.</returns>
    public bool Complete(int smooth = 0)
    {
        for (int i = 1; i < _levels.Count; i++) Pull(_levels[i - 1], _levels[i]);
        if (!(_levels[^1].Weights[0] > 0)) return false;
        for (int i = _levels.Count - 2; i >= 0; i--) Push(_levels[i + 1], _levels[i], keepOwn: i >= smooth);
        return true;
    }

    private static void Pull(Level fine, Level coarse)
    {
        for (int row = 0; row < coarse.Rows; row++)
        {
            for (int column = 0; column < coarse.Columns; column++)
            {
                Vector4 sum = Vector4.Zero;
                float weight = 0;
                for (int y = 2 * row; y < Math.Min(2 * row + 2, fine.Rows); y++)
                {
                    for (int x = 2 * column; x < Math.Min(2 * column + 2, fine.Columns); x++)
                    {
                        float w = fine.Weights[y * fine.Columns + x];
                        sum += w * fine.Values[y * fine.Columns + x];
                        weight += w;
                    }
                }
                int at = row * coarse.Columns + column;
                coarse.Values[at] = weight > 0 ? sum / weight : Vector4.Zero;
                coarse.Weights[at] = Math.Min(1, weight);
            }
        }
    }

    private static void Push(Level coarse, Level fine, bool keepOwn)
    {
        for (int row = 0; row < fine.Rows; row++)
        {
            float y = Math.Clamp((row - 0.5f) / 2, 0, coarse.Rows - 1);
            int top = (int)y, below = Math.Min(top + 1, coarse.Rows - 1);
            for (int column = 0; column < fine.Columns; column++)
            {
                int at = row * fine.Columns + column;
                float own = keepOwn ? Math.Min(1, fine.Weights[at]) : 0;
                if (own == 1) continue;
                float x = Math.Clamp((column - 0.5f) / 2, 0, coarse.Columns - 1);
                int left = (int)x, right = Math.Min(left + 1, coarse.Columns - 1);
                Vector4 upper = Vector4.Lerp(coarse.Values[top * coarse.Columns + left], coarse.Values[top * coarse.Columns + right], x - left);
                Vector4 lower = Vector4.Lerp(coarse.Values[below * coarse.Columns + left], coarse.Values[below * coarse.Columns + right], x - left);
                fine.Values[at] = Vector4.Lerp(Vector4.Lerp(upper, lower, y - top), fine.Values[at], own);
            }
        }
    }

    private sealed class Level(int rows, int columns)
    {
        public readonly int Rows = rows, Columns = columns;
        public readonly Vector4[] Values = new Vector4[rows * columns];
        public readonly float[] Weights = new float[rows * columns];
    }
}
