using Img2Pose.Geometry;

namespace Img2Pose.Inference;

/// <summary>
/// Makes each face's pose the mean of what several cells of a one-stage network say of it: all that answer for a face are trained to say the
/// same, and part of their errors is their own. Box voting (Gidaris and Komodakis, ICCV 2015) does so with boxes. What it gave is in
/// docs/performance.md. Buffers are reused. Not thread-safe.
/// </summary>
/// <param name="model">The model, whose calibration, where it has one, changes nothing of a vote.</param>
internal sealed class PoseVoting(ModelMetadata model)
{
    /// <summary>Part of a face's score, as the network was trained to give it, from which a cell has a vote.</summary>
    private const double ScorePart = 0.6;

    /// <summary>Intersection over union of its proposal with the face's from which a cell has a vote.</summary>
    private const double LeastOverlap = 0.5;

    /// <summary>A cell that says another pose than the best one by more than this, radians, is wrong or sees another face.</summary>
    private const double MostTurn = 20 * Math.PI / 180;

    private PoseMean[] _means = new PoseMean[16];

    /// <summary>The score from which the network must pose cells for faces above <paramref name="threshold"/>, so that all have their vote.</summary>
    public float LeastScore(float threshold) => threshold > 0 ? (float)model.PartOf(threshold, ScorePart) : threshold;

    /// <summary>Replaces the poses of the faces of one picture.</summary>
    /// <param name="results">What the network gave.</param>
    /// <param name="image">The picture's number in the batch.</param>
    /// <param name="view">How the network saw the picture.</param>
    /// <param name="faces">Numbers of the faces in the two lists below, best first.</param>
    /// <param name="proposals">For each number the proposal that became the face.</param>
    /// <param name="poses">For each number the pose, which the mean takes the place of.</param>
    public void Vote(NetworkResults results, int image, in NetworkView view, ReadOnlySpan<int> faces, ReadOnlySpan<int> proposals, Span<Pose> poses)
    {
        ReadOnlySpan<float> scores = results.Scores;
        ReadOnlySpan<long> pictures = results.ImageIndex, rows = results.PoseIndex;
        if (_means.Length < faces.Length) _means = new PoseMean[Math.Max(faces.Length, 2 * _means.Length)];
        for (int k = 0; k < faces.Length; k++) _means[k] = new PoseMean(poses[faces[k]], Trained(scores[proposals[faces[k]]]));
        for (int i = 0; i < rows.Length; i++)
        {
            int row = (int)rows[i];
            if (pictures[row] != image) continue;
            Box proposal = results.ProposalOf(row);
            int k = MostOverlapping(results, proposal, faces, proposals);
            if (k < 0) continue;
            int best = proposals[faces[k]];
            if (row == best) continue;
            double score = Trained(scores[row]);
            if (score >= ScorePart * Trained(scores[best])) _means[k].TryAdd(view.PoseOf(results.Poses.Slice(6 * i, 6), proposal), score, MostTurn);
        }
        for (int k = 0; k < faces.Length; k++) poses[faces[k]] = _means[k].Value;
    }

    // Never 0, whatever a model gives as scores.
    private double Trained(float score) => Math.Max(model.Calibration?.Undo(score) ?? score, 1e-6);

    private static int MostOverlapping(NetworkResults results, in Box proposal, ReadOnlySpan<int> faces, ReadOnlySpan<int> proposals)
    {
        (int most, double overlap) = (-1, LeastOverlap);
        for (int k = 0; k < faces.Length; k++)
        {
            double iou = results.ProposalOf(proposals[faces[k]]).IntersectionOverUnion(proposal);
            if (iou > overlap) (most, overlap) = (k, iou);
        }
        return most;
    }
}
