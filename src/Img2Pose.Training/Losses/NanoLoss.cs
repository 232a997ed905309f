using Img2Pose.Training.Networks;
using Img2Pose.Training.Optimization;
using static TorchSharp.torch;

namespace Img2Pose.Training.Losses;

/// <summary>
/// The loss of <see cref="NanoNetwork"/>: quality focal loss on the score (Li et al. 2020, equation 3, β = 2; the quality is the
/// overlap of the predicted and the true mean box), smooth L1 on place and size and on the rotation's numbers, and L1 on calibration
/// points projected by weak perspective, in units of the face (after img2pose, section 4.2).
/// </summary>
internal sealed class NanoLoss : IDisposable
{
    private const double PlaceWeight = 2, RotationWeight = 1, PointsWeight = 4;

    // A teacher's score from which it has something to say of a face's place and pose.
    private const double LeastTaughtScore = 0.2;

    // Calibration points: outer eye corners, nose tip, mouth corners and chin of the reference face, rounded; with depth, so
    // that out-of-plane rotation moves them.
    private static readonly double[,] s_points =
    {
        { -0.45, -0.38, -0.25 }, { 0.45, -0.38, -0.25 }, { 0, 0, -0.73 }, { -0.26, 0.28, -0.42 }, { 0.26, 0.28, -0.42 }, { 0, 0.68, -0.35 },
    };

    private readonly Tensor _points;
    private readonly Tensor _scale;

    internal NanoLoss(Device device)
    {
        using IDisposable still = no_grad();
        double[] flat = new double[s_points.Length];
        Buffer.BlockCopy(s_points, 0, flat, 0, flat.Length * sizeof(double));
        _points = tensor(flat, [s_points.GetLength(0), 3]).to(float32).to(device).DetachFromDisposeScope();
        _scale = tensor(CellCode.TiltScale.ToArray(), [1, 2], device: device).DetachFromDisposeScope();
    }

    /// <summary>What <see cref="Compute"/> gives, in its order.</summary>
    internal static IReadOnlyList<string> Parts { get; } = ["loss", "score", "place", "rotation", "points"];

    /// <summary>Loss of codes [N, cells, 8] against the assigned targets, and its parts: float32 scalars.</summary>
    /// <param name="codes">Of a batch, or of a replica's share of one.</param>
    /// <param name="targets">Of the same pictures.</param>
    /// <param name="link">Ways to the other shares, whose counts are divided by too; null where there are none.</param>
    internal Tensor[] Compute(Tensor codes, CellTargets targets, ReplicaLink? link = null)
    {
        double[] whole = link.Whole(targets.Rows.Count, targets.TotalWeight, targets.TotalPoseWeight);
        (double faces, double weights, double poseWeights) = (whole[0], whole[1], whole[2]);
        Device device = codes.device;
        Tensor flat = codes.reshape(-1, CellCode.Values);
        Tensor logits = flat.select(1, 0);
        Tensor classWeights = tensor(targets.ClassWeights, [targets.ClassWeights.Length], device: device);
        int count = targets.Rows.Count;
        Tensor quality = zeros([targets.ClassWeights.Length], device: device);
        Geometric parts = Geometric.None(device);
        if (count > 0)
        {
            Tensor rows = tensor(targets.Rows.ToArray(), [count], device: device);
            Tensor wanted = tensor(targets.Values.ToArray(), [count, CellTargets.Width], device: device);
            Tensor weight = wanted.select(1, 8);
            parts = Compare(
                flat.index_select(0, rows), wanted.narrow(1, 0, 3), wanted.narrow(1, 3, CellCode.RotationValues), wanted.select(1, 9),
                (weight, weights), (weight * wanted.select(1, 7), poseWeights));
            using (no_grad()) quality = quality.index_copy(0, rows, parts.Overlap!.clamp(0.05, 1));
        }

        Tensor score = QualityFocal(logits, quality, classWeights) / Math.Max(1, faces);
        return [score + parts.Sum, score, parts.Place, parts.Rotation, parts.Points];
    }

    /// <summary>
    /// Loss of codes [N, cells, 8] against those of a teacher: its score on every cell, also where the labels are silent, and place and pose on
    /// the cells where it sees a face, weighted by its score.
    /// </summary>
    /// <param name="codes">Of a batch, or of a replica's share of one.</param>
    /// <param name="taught">The teacher's, of the same pictures, without gradients.</param>
    /// <param name="link">Ways to the other shares, whose counts are divided by too; null where there are none.</param>
    internal Tensor Distil(Tensor codes, Tensor taught, ReplicaLink? link = null)
    {
        Tensor flat = codes.reshape(-1, CellCode.Values), wanted = taught.reshape(-1, CellCode.Values);
        Tensor probability = wanted.select(1, 0).sigmoid();
        float[] scores = probability.cpu().data<float>().ToArray();
        long[] seen = [.. Enumerable.Range(0, scores.Length).Where(cell => scores[cell] > LeastTaughtScore).Select(cell => (long)cell)];
        double[] whole = link.Whole(seen.Length, seen.Sum(cell => (double)scores[cell]));
        Geometric parts = Geometric.None(codes.device);
        if (seen.Length > 0)
        {
            Tensor rows = tensor(seen, [seen.Length], device: codes.device);
            Tensor weight = probability.index_select(0, rows);
            Tensor said = wanted.index_select(0, rows);
            Tensor place = said.narrow(1, 1, 3);
            Tensor side = place.select(1, 2).clamp(-3, 3).exp();
            parts = Compare(flat.index_select(0, rows), place, said.narrow(1, 4, CellCode.RotationValues), side, (weight, whole[1]), (weight, whole[1]));
        }
        Tensor score = QualityFocal(flat.select(1, 0), probability, ones(probability.shape, device: codes.device)) / Math.Max(1, whole[0]);
        return score + parts.Sum;
    }

    /// <summary>What is said of place and pose, [count, 8], against what it should be; all weighted means.</summary>
    /// <param name="found">Codes.</param>
    /// <param name="placeWanted">Offset x, y over the unit and logarithm of the size, [count, 3].</param>
    /// <param name="turnWanted">The rotation's numbers.</param>
    /// <param name="side">Sides of the faces over the unit.</param>
    /// <param name="place">Weights of the cells, and their sum over the whole batch.</param>
    /// <param name="pose">The same of those that teach a pose.</param>
    private Geometric Compare(Tensor found, Tensor placeWanted, Tensor turnWanted, Tensor side, (Tensor Each, double Sum) place, (Tensor Each, double Sum) pose)
    {
        long count = found.shape[0];
        // Offsets count relative to the face, so that a pixel matters more on a small one.
        Tensor offset = (found.narrow(1, 1, 2) - placeWanted.narrow(1, 0, 2)) / side.unsqueeze(1);
        Tensor sizeError = found.select(1, 3) - placeWanted.select(1, 2);
        Tensor placeError = cat([offset, sizeError.unsqueeze(1)], 1);

        Tensor turned = found.narrow(1, 4, CellCode.RotationValues);
        Tensor rotationError = turned - turnWanted;

        Tensor ratio = sizeError.clamp(-1.5, 1.5).exp();
        Tensor turnedFound = RotationTensors.TurnByCode(turned, _points, _scale) * ratio.reshape(-1, 1, 1);
        Tensor turnedWanted = RotationTensors.TurnByCode(turnWanted, _points, _scale);
        Tensor pointError = (turnedFound - turnedWanted) / CellCode.MeanBoxSide;
        Tensor planar = pointError.narrow(2, 0, 2) + offset.unsqueeze(1);
        Tensor depth = pointError.narrow(2, 2, 1);
        return new Geometric(
            WeightedMean(SmoothL1(placeError, 0.05).mean([1]), place.Each, place.Sum),
            WeightedMean(SmoothL1(rotationError, 0.2).mean([1]), pose.Each, pose.Sum),
            WeightedMean(cat([planar, depth], 2).abs().reshape(count, -1).mean([1]), pose.Each, pose.Sum),
            MeanBoxOverlap(offset.detach(), ratio.detach()));
    }

    /// <summary>The sum over cells, unless their weight is 0, of the cross entropy between score and quality, times the square of their difference.</summary>
    private static Tensor QualityFocal(Tensor logits, Tensor quality, Tensor weights)
    {
        Tensor focus = (quality - logits.detach().sigmoid()).square() * weights;
        return nn.functional.binary_cross_entropy_with_logits(logits, quality, focus, nn.Reduction.Sum);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _points.Dispose();
        _scale.Dispose();
    }

    private static Tensor SmoothL1(Tensor error, double beta) =>
        nn.functional.smooth_l1_loss(error, zeros(error.shape, device: error.device), nn.Reduction.None, beta);

    private static Tensor WeightedMean(Tensor values, Tensor weights, double total) => (values * weights).sum() / (total + 1e-3);

    /// <summary>Intersection over union of two squares: sides 1 and <paramref name="ratio"/>, centres <paramref name="offset"/> apart, in sides of the first.</summary>
    private static Tensor MeanBoxOverlap(Tensor offset, Tensor ratio)
    {
        Tensor half = ratio * 0.5;
        Tensor area = ones(ratio.shape, device: ratio.device);
        for (int axis = 0; axis < 2; axis++)
        {
            Tensor center = offset.select(1, axis);
            Tensor right = minimum(center + half, full(center.shape, 0.5, device: center.device));
            Tensor left = maximum(center - half, full(center.shape, -0.5, device: center.device));
            area = area * (right - left).clamp(0, 1e6);
        }
        return area / (ratio.square() + 1 - area);
    }

    /// <summary>The parts of the loss that are about place and pose, and the overlap of the mean boxes, without gradients.</summary>
    private readonly record struct Geometric(Tensor Place, Tensor Rotation, Tensor Points, Tensor? Overlap)
    {
        internal static Geometric None(Device device)
        {
            Tensor zero = zeros([], device: device);
            return new Geometric(zero, zero, zero, null);
        }

        internal Tensor Sum => Place * PlaceWeight + Rotation * RotationWeight + Points * PointsWeight;
    }
}
