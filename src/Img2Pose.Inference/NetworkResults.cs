using Img2Pose.Geometry;

namespace Img2Pose.Inference;

/// <summary>What a run of a network gave, in memory of its own that is used again. Whatever indexes anything was checked.</summary>
internal sealed class NetworkResults
{
    /// <summary>Most poses that a run may give: selection compares each with each.</summary>
    public const int PoseLimit = 50_000;

    private float[] _proposals = [];
    private long[] _pictures = [];
    private float[] _scores = [];
    private long[] _rows = [];
    private float[] _poses = [];

    /// <summary>Number of proposals.</summary>
    public int Count { get; private set; }

    /// <summary>Number of poses.</summary>
    public int PoseCount { get; private set; }

    /// <summary>Left, top, right, bottom of each proposal, pixels of the resized picture; a GPU may give those alone that have poses, the others as 0.</summary>
    public ReadOnlySpan<float> Proposals => _proposals.AsSpan(0, 4 * Count);

    /// <summary>One proposal as a box.</summary>
    public Box ProposalOf(int row) => new(_proposals[4 * row], _proposals[4 * row + 1], _proposals[4 * row + 2], _proposals[4 * row + 3]);

    /// <summary>Picture of each proposal.</summary>
    public ReadOnlySpan<long> ImageIndex => _pictures.AsSpan(0, Count);

    /// <summary>Face score of each proposal.</summary>
    public ReadOnlySpan<float> Scores => _scores.AsSpan(0, Count);

    /// <summary>The proposals that have poses, each in [0, <see cref="Count"/>).</summary>
    public ReadOnlySpan<long> PoseIndex => _rows.AsSpan(0, PoseCount);

    /// <summary>Six box-relative pose numbers each.</summary>
    public ReadOnlySpan<float> Poses => _poses.AsSpan(0, 6 * PoseCount);

    /// <summary>Nothing was found.</summary>
    public void Clear() => (Count, PoseCount) = (0, 0);

    /// <summary>Checks that the parts fit together and copies them.</summary>
    /// <exception cref="NetworkOutputException">They do not.</exception>
    public void Set(
        ReadOnlySpan<float> proposals, ReadOnlySpan<long> pictures, ReadOnlySpan<float> scores, ReadOnlySpan<long> rows, ReadOnlySpan<float> poses)
    {
        Clear();
        int count = scores.Length;
        if (proposals.Length != 4L * count || pictures.Length != count)
            throw new NetworkOutputException($"the network gave {proposals.Length} box numbers and {pictures.Length} picture numbers for {count} scores");
        if (poses.Length != 6L * rows.Length)
            throw new NetworkOutputException($"the network gave {poses.Length} pose numbers for {rows.Length} faces");
        if (rows.Length > PoseLimit)
            throw new NetworkOutputException($"the network gave {rows.Length} poses, above the limit of {PoseLimit}; raise the score threshold");
        foreach (long row in rows)
        {
            if (row < 0 || row >= count) throw new NetworkOutputException($"the network gave a pose for proposal {row} of {count}");
        }
        Copy(proposals, ref _proposals);
        Copy(pictures, ref _pictures);
        Copy(scores, ref _scores);
        Copy(rows, ref _rows);
        Copy(poses, ref _poses);
        (Count, PoseCount) = (count, rows.Length);
    }

    private static void Copy<T>(ReadOnlySpan<T> from, ref T[] to)
    {
        if (to.Length < from.Length) to = new T[Math.Max(from.Length, 2 * to.Length)];
        from.CopyTo(to);
    }
}
