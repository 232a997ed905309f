using Img2Pose.Geometry;
using Img2Pose.Training.Losses;
using Img2Pose.Training.Native;
using Img2Pose.Training.Networks;
using static TorchSharp.torch;

namespace Img2Pose.Training.Optimization;

/// <summary>
/// A picture's labels in pixels of the resized picture: boxes (four numbers a face) and poses under its intrinsics, null where
/// unknown: such a face is found without being posed.
/// </summary>
internal sealed record PaperLabels(float[] Boxes, Pose?[] Poses)
{
    /// <summary>Whether there may be an unlisted face at a point, so that boxes around it are no examples of background; null: nowhere.</summary>
    internal Func<double, double, bool>? IsUncertain { get; init; }

    /// <summary>1 for a box with a match, 0 for background, −1 for neither.</summary>
    internal int Kind(int match, ReadOnlySpan<float> box) =>
        match >= 0 ? 1
        : match != BoxMatching.Background || IsUncertain?.Invoke(0.5 * (box[0] + box[2]), 0.5 * (box[1] + box[3])) == true ? -1
        : 0;
}

/// <summary>How proposals and samples are chosen in training; defaults are the original's.</summary>
internal sealed record PaperStepSettings
{
    public int ProposalsBeforeSuppression { get; init; } = 6000;

    public int ProposalsAfterSuppression { get; init; } = 2000;

    public double SuppressionOverlap { get; init; } = 0.4;

    public float AnchorHigh { get; init; } = 0.5f;

    public float AnchorLow { get; init; } = 0.3f;

    public int AnchorSamples { get; init; } = 256;

    public double AnchorPositiveShare { get; init; } = 0.5;

    public float RegionOverlap { get; init; } = 0.5f;

    public int RegionSamples { get; init; } = 512;

    public double RegionPositiveShare { get; init; } = 0.25;

    /// <summary>Weight of the calibration points' error in mean sides of the proposal; null, as the original: in pixels, unweighted.</summary>
    public double? PointsWeight { get; init; }
}

/// <summary>Computes the losses of one batch of a two-stage network as the paper does: proposals, matching, sampling, heads.</summary>
internal sealed class PaperTrainingStep(
    TwoStageNetwork network, PaperStepSettings settings, BalancedSampler sampler, double[] poseMean, double[] poseStddev, Vector3d[] calibration)
{
    private static readonly float[] s_unitWeights = [1, 1, 1, 1];

    /// <summary>What the last call sampled: proposals, samples and positives of each picture.</summary>
    internal List<(int Proposals, int Sampled, int Positive)> Counts { get; } = [];

    /// <summary>Losses of normalised, padded pictures [N,3,H,W], each with its own size before padding and its labels.</summary>
    /// <param name="pictures">Of a batch, or of a replica's share of one.</param>
    /// <param name="sizes">Sizes before padding.</param>
    /// <param name="labels">Labels, in pixels of these sizes.</param>
    /// <param name="first">Place of the first picture in the batch, with which the samples' draws are numbered.</param>
    /// <param name="link">Ways to the other shares of the batch; null where there are none.</param>
    internal PaperLossParts Compute(Tensor pictures, IReadOnlyList<(int Width, int Height)> sizes, IReadOnlyList<PaperLabels> labels, int first = 0, ReplicaLink? link = null)
    {
        Device device = pictures.device;
        Tensor[] features = network.Features(pictures);
        (Tensor objectness, Tensor deltas) = network.Propose(features);
        AnchorGrid anchors = Anchors(pictures, features);

        (Tensor score, Tensor boxes) = ProposalLosses(objectness, deltas, anchors, labels, first, link);
        float[][] proposals = Proposals(objectness, deltas, anchors, sizes);

        List<float> regions = [];
        List<long> classes = [], posed = [];
        List<PoseTarget> targets = [];
        Counts.Clear();
        for (int picture = 0; picture < labels.Count; picture++)
        {
            PaperLabels truth = labels[picture];
            float[] candidates = [.. proposals[picture], .. truth.Boxes];
            int[] matches = BoxMatching.Match(BoxMatching.Overlaps(truth.Boxes, candidates), candidates.Length / 4, settings.RegionOverlap, settings.RegionOverlap, allowLowQuality: false);
            int[] kinds = [.. matches.Select((match, i) => truth.Kind(match, candidates.AsSpan(4 * i, 4)))];
            (int[] positive, int[] negative) = sampler.Of(2L * (first + picture) + 1).Sample(kinds, settings.RegionSamples, settings.RegionPositiveShare);
            int[] sampled = [.. positive, .. negative];
            Array.Sort(sampled);
            foreach (int index in sampled)
            {
                ReadOnlySpan<float> box = candidates.AsSpan(4 * index, 4);
                regions.Add(picture);
                regions.AddRange(box);
                classes.Add(kinds[index]);
                if (kinds[index] == 0 || truth.Poses[matches[index]] is not { } pose) continue;
                posed.Add(classes.Count - 1);
                targets.Add(new PoseTarget(new Box(box[0], box[1], box[2], box[3]), pose, sizes[picture].Width, sizes[picture].Height));
            }
            Counts.Add((proposals[picture].Length / 4, sampled.Length, positive.Length));
        }
        // The pose head's batch norm has no variance of a single row.
        if (network.training && link.Whole(posed.Count)[0] == 1)
        {
            posed.Clear();
            targets.Clear();
        }
        Tensor pooled = network.Pool(features, [.. regions]);
        Tensor logits = network.Classify(pooled);
        Tensor poses = network.RegressPose(pooled.index_select(0, tensor(posed.ToArray(), [posed.Count], device: device)));
        (Tensor classifier, Tensor poseLoss, Tensor points) = PaperLoss.Regions(logits, [.. classes], poses, targets, poseMean, poseStddev, calibration, settings.PointsWeight, link);
        return new PaperLossParts(classifier, poseLoss, points, score, boxes);
    }

    /// <summary>The proposals of each picture, four numbers each, best first.</summary>
    internal float[][] Propose(Tensor pictures, IReadOnlyList<(int Width, int Height)> sizes)
    {
        Tensor[] features = network.Features(pictures);
        (Tensor objectness, Tensor deltas) = network.Propose(features);
        return Proposals(objectness, deltas, Anchors(pictures, features), sizes);
    }

    private AnchorGrid Anchors(Tensor pictures, Tensor[] features) =>
        AnchorGrid.Create(network.Layout, (int)pictures.shape[3], (int)pictures.shape[2], [.. features.Select(feature => ((int)feature.shape[3], (int)feature.shape[2]))]);

    private (Tensor Score, Tensor Boxes) ProposalLosses(Tensor objectness, Tensor deltas, AnchorGrid anchors, IReadOnlyList<PaperLabels> labels, int firstPicture, ReplicaLink? link)
    {
        int count = anchors.Anchors.Length / 4;
        List<long> positives = [], negatives = [];
        List<float> targets = [];
        float[] kinds = new float[count * labels.Count];
        float[] encoded = new float[4];
        for (int picture = 0; picture < labels.Count; picture++)
        {
            float[] truth = labels[picture].Boxes;
            int[] matches = BoxMatching.Match(BoxMatching.Overlaps(truth, anchors.Anchors), count, settings.AnchorHigh, settings.AnchorLow, allowLowQuality: true);
            int[] own = [.. matches.Select((match, i) => labels[picture].Kind(match, anchors.Anchors.AsSpan(4 * i, 4)))];
            (int[] positive, int[] negative) = sampler.Of(2L * (firstPicture + picture)).Sample(own, settings.AnchorSamples, settings.AnchorPositiveShare);
            long first = (long)picture * count;
            foreach (int index in positive)
            {
                positives.Add(first + index);
                kinds[first + index] = 1;
                BoxMatching.Encode(truth.AsSpan(4 * matches[index], 4), anchors.Anchors.AsSpan(4 * index, 4), s_unitWeights, encoded);
                targets.AddRange(encoded);
            }
            negatives.AddRange(negative.Select(index => first + index));
        }
        return PaperLoss.Proposals(objectness.reshape(-1), deltas.reshape(-1, 4), kinds, [.. targets], [.. positives], [.. negatives], link);
    }

    /// <summary>Boxes of the best anchors, clipped, without tiny ones, suppressed level by level; best first (Q4).</summary>
    private float[][] Proposals(Tensor objectness, Tensor deltas, AnchorGrid anchors, IReadOnlyList<(int Width, int Height)> sizes)
    {
        float[] scores = objectness.detach().cpu().contiguous().data<float>().ToArray();
        float[] all = deltas.detach().cpu().contiguous().data<float>().ToArray();
        int count = anchors.Anchors.Length / 4;
        float[][] result = new float[sizes.Count][];
        for (int picture = 0; picture < sizes.Count; picture++)
        {
            List<(float Score, float[] Box)> kept = [];
            int first = 0;
            foreach (int level in anchors.Counts)
            {
                int start = picture * count + first;
                IEnumerable<int> best = Enumerable.Range(0, level).OrderByDescending(i => scores[start + i]).Take(settings.ProposalsBeforeSuppression);
                kept.AddRange(Suppressed(best, start, first, scores, all, anchors.Anchors, sizes[picture]));
                first += level;
            }
            result[picture] = [.. kept.OrderByDescending(entry => entry.Score).Take(settings.ProposalsAfterSuppression).SelectMany(entry => entry.Box)];
        }
        return result;
    }

    private List<(float Score, float[] Box)> Suppressed(
        IEnumerable<int> best, int start, int first, float[] scores, float[] deltas, float[] anchors, (int Width, int Height) size)
    {
        const float smallestSide = 1e-3f;
        List<float> boxes = [], own = [];
        float[] box = new float[4];
        foreach (int i in best)
        {
            BoxMatching.Decode(deltas.AsSpan(4 * (start + i), 4), anchors.AsSpan(4 * (first + i), 4), s_unitWeights, box);
            for (int k = 0; k < 4; k++) box[k] = Math.Clamp(box[k], 0, k % 2 == 0 ? size.Width : size.Height);
            // Also what is no number, of weights that have run away: the loss tells.
            if (!(box[2] - box[0] >= smallestSide && box[3] - box[1] >= smallestSide)) continue;
            boxes.AddRange(box);
            own.Add(scores[start + i]);
        }
        if (own.Count == 0) return [];
        float[] flat = [.. boxes];
        using Tensor corners = tensor(flat, [own.Count, 4]);
        using Tensor ranks = tensor([.. own], [own.Count]);
        using Tensor survivors = TorchOperators.NonMaximumSuppression(corners, ranks, settings.SuppressionOverlap);
        return [.. survivors.data<long>().ToArray().Select(i => (own[(int)i], flat.AsSpan(4 * (int)i, 4).ToArray()))];
    }
}
