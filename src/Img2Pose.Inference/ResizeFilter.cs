namespace Img2Pose.Inference;

/// <summary>Where the samples of a plane lie relative to those of the picture.</summary>
public enum SampleSiting
{
    /// <summary>One sample a pixel: luma, and RGB.</summary>
    Full,

    /// <summary>Half as many samples, each in the middle of its two pixels: chroma of 4:2:0, vertically.</summary>
    HalvedCentred,

    /// <summary>Half as many samples, each on the first of its two pixels: chroma of 4:2:0, horizontally (MPEG-2, H.264).</summary>
    HalvedOnFirst,
}

/// <summary>
/// How a picture is brought to the network's size. This is the one definition of it: the program's tensoriser and the
/// trainer both sample along the axes made here, so that a network sees in use what it saw in training.
/// </summary>
/// <remarks>
/// Target pixel d lies at (d + ½)·source/target in the source (half-pixel centres; the ratio is rounded to single precision
/// and nothing after it, which is what torch's fused arithmetic comes to); the two nearest samples are mixed linearly and the border is repeated. That is torch's
/// <c>interpolate(mode="bilinear", align_corners=False)</c> without antialiasing, which the original's checkpoints were
/// trained with. Such sampling skips pixels when it shrinks by more than 2, so with <c>prefilter</c> an axis that shrinks
/// by more than 2 first takes the mean over blocks of ⌊source/target⌋ samples (the last block may be shorter) and then
/// samples the blocks linearly at the same positions.
/// </remarks>
public static class ResizeFilter
{
    /// <summary>Computes the sampling along one axis.</summary>
    /// <param name="source">Pixels of the picture along the axis (not samples of a halved plane).</param>
    /// <param name="target">Pixels wanted.</param>
    /// <param name="prefilter">Whether blocks are averaged when the axis shrinks by more than 2.</param>
    /// <param name="siting">Where the plane's samples lie.</param>
    /// <param name="mirror">Whether the axis runs backwards.</param>
    /// <exception cref="ArgumentOutOfRangeException">A length is not positive.</exception>
    public static ResizeAxis CreateAxis(
        int source, int target, bool prefilter, SampleSiting siting = SampleSiting.Full, bool mirror = false)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(source);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(target);
        bool halved = siting != SampleSiting.Full;
        int samples = halved ? (source + 1) / 2 : source;
        float scale = (float)source / target;
        float planeScale = halved ? scale / 2 : scale;
        int block = prefilter && planeScale > 2 ? (int)planeScale : 1;
        int blocks = (samples + block - 1) / block;

        // In the source, target pixel d lies at scale·(d + ½), measured from the near edge of the first pixel, or at that
        // distance from the far edge of the last. A halved plane has half the distances; its first sample lies as far
        // from the edge as any other (½ of its own unit) or half a picture's pixel nearer.
        double slope = (mirror ? -planeScale : planeScale) / (double)block;
        double start = mirror ? (halved ? source / 2.0 : source) : 0;
        if (siting == SampleSiting.HalvedOnFirst) start += 0.25;
        double offset = start / block - 0.5;
        int[] first = new int[target], second = new int[target];
        float[] weights = new float[target];
        for (int d = 0; d < target; d++)
        {
            double index = Math.Max(0, slope * (d + 0.5) + offset);
            int near = Math.Min((int)index, blocks - 1);
            first[d] = near;
            second[d] = Math.Min(near + 1, blocks - 1);
            weights[d] = (float)Math.Clamp(index - near, 0, 1);
        }
        return new ResizeAxis(samples, block, first, second, weights);
    }
}

/// <summary>
/// The sampling along one axis: target d is (1 − <see cref="Weights"/>[d])·block[<see cref="First"/>[d]] +
/// <see cref="Weights"/>[d]·block[<see cref="Second"/>[d]], where a block is the mean of <see cref="Block"/> samples.
/// </summary>
public sealed class ResizeAxis
{
    private readonly int[] _first;
    private readonly int[] _second;
    private readonly float[] _weights;

    internal ResizeAxis(int samples, int block, int[] first, int[] second, float[] weights)
    {
        Samples = samples;
        Block = block;
        _first = first;
        _second = second;
        _weights = weights;
        HalvesEvenly = Enumerable.Range(0, first.Length).All(d => first[d] == 2 * d && second[d] == 2 * d + 1 && weights[d] == 0.5f);
        IsIdentity = Enumerable.Range(0, first.Length).All(d => first[d] == d && weights[d] == 0);
    }

    /// <summary>Samples of the plane along the axis.</summary>
    public int Samples { get; }

    /// <summary>Samples averaged before sampling; 1 without prefilter.</summary>
    public int Block { get; }

    /// <summary>Number of blocks; the last may hold fewer samples.</summary>
    public int Blocks => (Samples + Block - 1) / Block;

    /// <summary>Target length.</summary>
    public int Length => _first.Length;

    /// <summary>Nearer block of each target pixel.</summary>
    public ReadOnlySpan<int> First => _first;

    /// <summary>Farther block of each target pixel.</summary>
    public ReadOnlySpan<int> Second => _second;

    /// <summary>Share of the farther block, in [0, 1].</summary>
    public ReadOnlySpan<float> Weights => _weights;

    /// <summary>Whether each target pixel is the mean of two neighbouring blocks of its own.</summary>
    internal bool HalvesEvenly { get; }

    /// <summary>Whether each target pixel is one block.</summary>
    internal bool IsIdentity { get; }

    /// <summary>Samples in a block.</summary>
    public int BlockLength(int block) => Math.Min(Block, Samples - block * Block);
}
