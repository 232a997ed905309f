using Img2Pose.Geometry;
using Img2Pose.Training.Optimization;
using static TorchSharp.torch;

namespace Img2Pose.Training.Losses;

/// <summary>The five losses of a step of the paper's network, float32 scalars.</summary>
internal sealed record PaperLossParts(Tensor Classifier, Tensor Pose, Tensor Points, Tensor Objectness, Tensor ProposalBoxes)
{
    internal Tensor Total => Classifier + Pose + Points + Objectness + ProposalBoxes;
}

/// <summary>A positive proposal: its box and the pose that it should regress, under the intrinsics of its resized picture.</summary>
internal readonly record struct PoseTarget(Box Proposal, Pose Global, int ImageWidth, int ImageHeight);

/// <summary>The losses of img2pose (section 4.2) as its code computes them (Q12, Q14).</summary>
internal static class PaperLoss
{
    /// <summary>
    /// Objectness (binary cross-entropy over the sampled anchors) and box loss (smooth L1 with β = 1/9, summed over the positive
    /// ones, divided by the number of all sampled anchors).
    /// </summary>
    /// <param name="objectness">Logits [anchors of the batch].</param>
    /// <param name="deltas">Box deltas [anchors of the batch, 4].</param>
    /// <param name="labels">1 for a positive anchor, else 0.</param>
    /// <param name="targets">Wanted deltas of the positive anchors, in the order of <paramref name="positive"/>, [positive, 4].</param>
    /// <param name="positive">Rows of the positive sampled anchors.</param>
    /// <param name="negative">Rows of the negative sampled anchors.</param>
    /// <param name="link">Ways to the other shares of the batch, whose counts are divided by too; null where there are none.</param>
    internal static (Tensor Objectness, Tensor Boxes) Proposals(
        Tensor objectness, Tensor deltas, float[] labels, float[] targets, long[] positive, long[] negative, ReplicaLink? link = null)
    {
        Device device = objectness.device;
        long[] sampled = [.. positive, .. negative];
        double whole = link.Whole(sampled.Length)[0];
        // Where every anchor is doubtful there is nothing to learn, and the mean of nothing is no number.
        if (sampled.Length == 0) return ((objectness * 0).sum(), (deltas * 0).sum());
        Tensor rows = tensor(sampled, [sampled.Length], device: device);
        float[] wanted = [.. sampled.Select(row => labels[row])];
        Tensor score = nn.functional.binary_cross_entropy_with_logits(objectness.index_select(0, rows), tensor(wanted, [wanted.Length], device: device), reduction: nn.Reduction.Sum) / whole;
        if (positive.Length == 0) return (score, (deltas * 0).sum());
        Tensor found = deltas.index_select(0, tensor(positive, [positive.Length], device: device));
        Tensor boxes = nn.functional.smooth_l1_loss(found, tensor(targets, [positive.Length, 4], device: device), nn.Reduction.Sum, 1.0 / 9);
        return (score, boxes / whole);
    }

    /// <summary>
    /// Class, pose and calibration-point losses.
    /// </summary>
    /// <param name="logits">[sampled, 2].</param>
    /// <param name="labels">0 or 1 for each sampled proposal.</param>
    /// <param name="poses">[positives, 12]; the last six numbers are the normalised box-relative pose.</param>
    /// <param name="targets">What each positive should regress.</param>
    /// <param name="mean">Mean of box-relative poses, six numbers.</param>
    /// <param name="stddev">Their standard deviation.</param>
    /// <param name="calibration">Calibration points on the reference face.</param>
    /// <param name="pointsWeight">As <see cref="Optimization.PaperStepSettings.PointsWeight"/>.</param>
    /// <param name="link">Ways to the other shares of the batch, whose counts are divided by too; null where there are none.</param>
    internal static (Tensor Classifier, Tensor Pose, Tensor Points) Regions(
        Tensor logits, long[] labels, Tensor poses, IReadOnlyList<PoseTarget> targets,
        ReadOnlySpan<double> mean, ReadOnlySpan<double> stddev, ReadOnlySpan<Vector3d> calibration, double? pointsWeight = null, ReplicaLink? link = null)
    {
        Device device = logits.device;
        int count = targets.Count;
        double[] whole = link.Whole(labels.Length, count);
        Tensor classifier = labels.Length == 0
            ? (logits * 0).sum()
            : nn.functional.cross_entropy(logits, tensor(labels, [labels.Length], device: device), reduction: nn.Reduction.Sum) / whole[0];
        if (count == 0) return (classifier, (poses * 0).sum(), (poses * 0).sum());

        float[] wanted = new float[6 * count], local = new float[6 * count], cameras = new float[3 * count];
        for (int i = 0; i < count; i++)
        {
            PoseTarget target = targets[i];
            Pose pose = PoseConversion.FullToBox(target.Global, CameraIntrinsics.ForImage(target.ImageWidth, target.ImageHeight), target.Proposal);
            ReadOnlySpan<double> numbers = [pose.Rotation.X, pose.Rotation.Y, pose.Rotation.Z, pose.Translation.X, pose.Translation.Y, pose.Translation.Z];
            for (int k = 0; k < 6; k++)
            {
                local[6 * i + k] = (float)numbers[k];
                wanted[6 * i + k] = (float)((numbers[k] - mean[k]) / stddev[k]);
            }
            // The crop's camera as if the proposal began at 0, 0 (Q12).
            cameras[3 * i] = (float)(target.Proposal.Width + target.Proposal.Height);
            cameras[3 * i + 1] = (float)Math.Floor(target.Proposal.Width / 2);
            cameras[3 * i + 2] = (float)Math.Floor(target.Proposal.Height / 2);
        }
        Tensor found = poses.narrow(1, 6, 6);
        Tensor squares = nn.functional.mse_loss(found, tensor(wanted, [count, 6], device: device), nn.Reduction.Sum) / whole[1];

        Tensor scale = tensor(ToSingles(stddev), [1, 6], device: device), offset = tensor(ToSingles(mean), [1, 6], device: device);
        Tensor camera = tensor(cameras, [count, 3], device: device);
        float[] flat = new float[3 * calibration.Length];
        for (int i = 0; i < calibration.Length; i++)
            (flat[3 * i], flat[3 * i + 1], flat[3 * i + 2]) = ((float)calibration[i].X, (float)calibration[i].Y, (float)calibration[i].Z);
        Tensor points = tensor(flat, [calibration.Length, 3], device: device);
        Tensor expected = Project(tensor(local, [count, 6], device: device), camera, points);
        Tensor actual = Project(found * scale + offset, camera, points);
        if (pointsWeight is { } weight)
        {
            Tensor unit = camera.narrow(1, 0, 1).unsqueeze(1) / (2 * weight);
            (actual, expected) = (actual / unit, expected / unit);
        }
        return (classifier, squares, nn.functional.l1_loss(actual, expected, nn.Reduction.Sum) / (whole[1] * calibration.Length * 2));
    }

    /// <summary>Pixels of reference points [p,3] under poses [n,6] and cameras [n,3] (focal length, centre): [n, p, 2].</summary>
    internal static Tensor Project(Tensor poses, Tensor cameras, Tensor points)
    {
        Tensor turned = RotationTensors.Turn(poses.narrow(1, 0, 3), points) + poses.narrow(1, 3, 3).unsqueeze(1);
        Tensor depth = turned.narrow(2, 2, 1);
        Tensor focal = cameras.narrow(1, 0, 1).unsqueeze(1);
        return turned.narrow(2, 0, 2) * focal / depth + cameras.narrow(1, 1, 2).unsqueeze(1);
    }

    private static float[] ToSingles(ReadOnlySpan<double> values)
    {
        float[] result = new float[values.Length];
        for (int i = 0; i < result.Length; i++) result[i] = (float)values[i];
        return result;
    }
}
