namespace Img2Pose.Models.Networks;

/// <summary>
/// Where a two-stage detector of the img2pose family looks: the strides of its feature pyramid, its anchors, and how it
/// pools regions. Channel counts come from the weights.
/// </summary>
public sealed record DetectorLayout
{
    /// <summary>
    /// The layout of the paper's networks: pyramid levels P2 to P5, plus a level for proposals alone that is every second
    /// cell of P5. Six anchor sizes are configured in the original; with five levels the sixth (512) is never used.
    /// </summary>
    public static DetectorLayout Official { get; } = new();

    /// <summary>Pixels per cell of each pyramid level, finest first.</summary>
    public IReadOnlyList<int> Strides { get; init; } = [4, 8, 16, 32];

    /// <summary>Side of the square anchor of each proposal level: one more than the pyramid has, for the subsampled last level.</summary>
    public IReadOnlyList<int> AnchorSizes { get; init; } = [16, 32, 64, 128, 256];

    /// <summary>Height over width of the anchors at every cell.</summary>
    public IReadOnlyList<double> AnchorRatios { get; init; } = [0.5, 1.0, 2.0];

    /// <summary>Cells of a pooled region along each axis.</summary>
    public int PooledSize { get; init; } = 7;

    /// <summary>Samples per pooled cell along each axis.</summary>
    public int PoolSamples { get; init; } = 2;

    /// <summary>Side of the region that is pooled from the level with stride 16 (Feature Pyramid Networks, equation 1).</summary>
    public double CanonicalSize { get; init; } = 224;

    /// <summary>
    /// Anchors around a cell's corner, four numbers each (x1, y1, x2, y2), rounded half to even as torch rounds them.
    /// </summary>
    public float[] BaseAnchors(int level)
    {
        float[] anchors = new float[4 * AnchorRatios.Count];
        for (int i = 0; i < AnchorRatios.Count; i++)
        {
            // float32 throughout, as torchvision's generator computes them.
            float heightRatio = MathF.Sqrt((float)AnchorRatios[i]);
            float halfWidth = 1 / heightRatio * AnchorSizes[level] / 2;
            float halfHeight = heightRatio * AnchorSizes[level] / 2;
            anchors[4 * i] = MathF.Round(-halfWidth);
            anchors[4 * i + 1] = MathF.Round(-halfHeight);
            anchors[4 * i + 2] = MathF.Round(halfWidth);
            anchors[4 * i + 3] = MathF.Round(halfHeight);
        }
        return anchors;
    }

    /// <summary>
    /// For each level after the first, the smallest value of √area / <see cref="CanonicalSize"/> in float32 at which a
    /// region is pooled from it: where ⌊4 + log₂(value) + 10⁻⁶⌋, each step rounded to float32 as the original does,
    /// reaches the level's log₂ stride.
    /// </summary>
    public float[] LevelThresholds()
    {
        float[] thresholds = new float[Strides.Count - 1];
        for (int i = 0; i < thresholds.Length; i++)
        {
            int level = int.Log2(Strides[i + 1]);
            // Positive floats order like their bits: bisect over the bits.
            int below = BitConverter.SingleToInt32Bits(MathF.ScaleB(1, level - 6));
            int above = BitConverter.SingleToInt32Bits(MathF.ScaleB(1, level - 2));
            while (above - below > 1)
            {
                int middle = below + (above - below) / 2;
                if (Level(BitConverter.Int32BitsToSingle(middle)) >= level) above = middle;
                else below = middle;
            }
            thresholds[i] = BitConverter.Int32BitsToSingle(above);
        }
        return thresholds;

        static float Level(float ratio) => MathF.Floor(4f + (float)Math.Log2(ratio) + 1e-6f);
    }
}
