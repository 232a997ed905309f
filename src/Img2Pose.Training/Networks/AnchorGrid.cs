using Img2Pose.Models.Networks;

namespace Img2Pose.Training.Networks;

/// <summary>The anchors of a two-stage network for one padded picture size: four float32 numbers each, by level, row, column, shape.</summary>
internal sealed class AnchorGrid
{
    private AnchorGrid(float[] anchors, int[] counts) => (Anchors, Counts) = (anchors, counts);

    /// <summary>All anchors, left, top, right, bottom.</summary>
    internal float[] Anchors { get; }

    /// <summary>Number of anchors of each level.</summary>
    internal int[] Counts { get; }

    /// <summary>
    /// Strides are padded size over feature size, so that the last level's of the paper's network are not 64 (Q3).
    /// </summary>
    internal static AnchorGrid Create(DetectorLayout layout, int paddedWidth, int paddedHeight, IReadOnlyList<(int Width, int Height)> features)
    {
        List<float> anchors = [];
        int[] counts = new int[features.Count];
        for (int level = 0; level < features.Count; level++)
        {
            float[] cell = layout.BaseAnchors(level);
            int strideX = paddedWidth / features[level].Width, strideY = paddedHeight / features[level].Height;
            for (int row = 0; row < features[level].Height; row++)
            {
                for (int column = 0; column < features[level].Width; column++)
                {
                    for (int i = 0; i < cell.Length; i++) anchors.Add(cell[i] + (i % 2 == 0 ? column * strideX : row * strideY));
                }
            }
            counts[level] = features[level].Width * features[level].Height * cell.Length / 4;
        }
        return new AnchorGrid([.. anchors], counts);
    }
}
