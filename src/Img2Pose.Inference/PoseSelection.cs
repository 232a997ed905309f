using Img2Pose.Geometry;

namespace Img2Pose.Inference;

/// <summary>A picture's sizes: what the network saw of it, and what a viewer sees.</summary>
internal readonly record struct PictureSizes(int ResizedWidth, int ResizedHeight, int DisplayWidth, int DisplayHeight);

/// <summary>
/// From the graph's proposals and box-relative poses to faces: pose in the whole picture, box around the posed face,
/// suppression of doubles, displayed pixels. Buffers are reused. Not thread-safe.
/// </summary>
internal sealed class PoseSelection(
    ReferenceFace reference, FaceBoxFactors factors, double nmsThreshold, double? nestedThreshold, int maxDetections,
    bool originalArithmetic, bool originalCoordinates, PoseVoting? voting)
{
    // Proposals thinner than this are dropped (torchvision's remove_small_boxes; golden quirk Q6).
    private const float SmallestSide = 1e-2f;

    /// <summary>Part of a face's size that may lie outside a crop before the face counts as cut: boxes are wider than faces.</summary>
    private const double CutSlack = 0.05;

    private Box[] _boxes = new Box[64];
    private double[] _scores = new double[64];
    private Pose[] _poses = new Pose[64];
    private int[] _rows = new int[64];
    private int[] _kept = new int[64];

    /// <summary>How projected points make a face's box.</summary>
    public FaceBoxFactors Factors => factors;

    /// <summary>The score from which the network must pose proposals for faces above <paramref name="threshold"/>, so that all have their vote.</summary>
    public float LeastScore(float threshold) => voting?.LeastScore(threshold) ?? threshold;

    /// <summary>Adds the faces of one picture of a batch, best first.</summary>
    /// <param name="results">What the network gave.</param>
    /// <param name="image">The picture's number in the batch.</param>
    /// <param name="threshold">Faces score above this.</param>
    /// <param name="votes">Whether voters were asked for, too.</param>
    /// <param name="sizes">The picture's sizes.</param>
    /// <param name="faces">Receives the faces.</param>
    public void Select(NetworkResults results, int image, float threshold, bool votes, in PictureSizes sizes, List<FaceDetection> faces)
    {
        ReadOnlySpan<float> scores = results.Scores, poses = results.Poses;
        ReadOnlySpan<long> pictures = results.ImageIndex, rows = results.PoseIndex;
        CameraIntrinsics camera = CameraIntrinsics.ForImage(sizes.ResizedWidth, sizes.ResizedHeight);
        NetworkView view = new(camera, Arithmetic);
        int count = 0;
        for (int i = 0; i < rows.Length; i++)
        {
            int row = (int)rows[i];
            if (pictures[row] != image || IsVoterOnly(scores[row], threshold)) continue;
            Box proposal = results.ProposalOf(row);
            // The original pools a given box as it is, but poses it as the part inside the picture (golden case given_boxes_hubble).
            if (originalArithmetic) proposal = proposal.ClipTo(sizes.ResizedWidth, sizes.ResizedHeight);
            if (!((float)proposal.Width >= SmallestSide && (float)proposal.Height >= SmallestSide)) continue;
            Pose pose = view.PoseOf(poses.Slice(6 * i, 6), proposal);
            if (!pose.IsFinite || (!originalArithmetic && pose.Translation.Z <= 0)) continue;
            Box box = FaceBox.FromPose(pose, camera, sizes.ResizedWidth, sizes.ResizedHeight, reference, factors);
            if (!originalArithmetic && box.IsEmpty) continue;
            Add(count++, row, box, scores[row], pose);
        }

        int kept = Suppress(count);
        if (votes) Vote(results, image, view, kept, camera, sizes.ResizedWidth, sizes.ResizedHeight);
        foreach (int i in _kept.AsSpan(0, kept))
            faces.Add(new FaceDetection(ToDisplay(_boxes[i], sizes), _scores[i], ToDisplay(_poses[i], camera, sizes)));
    }

    /// <summary>
    /// Adds the faces of one crop of a batch, best first. The network's pose of a face is relative to its box, and a box of the crop
    /// is seen by the crop's camera, so that poses are those of the whole picture without further ado (<see cref="CropCamera"/>).
    /// </summary>
    /// <param name="results">What the network gave.</param>
    /// <param name="image">The crop's number in the batch.</param>
    /// <param name="threshold">Faces score above this.</param>
    /// <param name="crop">The crop in the displayed picture.</param>
    /// <param name="region">The crop in displayed pixels.</param>
    /// <param name="picture">The camera that sees the displayed picture.</param>
    /// <param name="width">Width of the displayed picture.</param>
    /// <param name="height">Height of the displayed picture.</param>
    /// <param name="faces">Receives the faces.</param>
    public void SelectInCrop(
        NetworkResults results, int image, float threshold, CropCamera crop, in Box region, CameraIntrinsics picture, int width, int height, List<CropFace> faces)
    {
        ReadOnlySpan<float> scores = results.Scores, poses = results.Poses;
        ReadOnlySpan<long> pictures = results.ImageIndex, rows = results.PoseIndex;
        NetworkView view = NetworkView.Of(crop, picture);
        int count = 0;
        for (int i = 0; i < rows.Length; i++)
        {
            int row = (int)rows[i];
            if (pictures[row] != image || IsVoterOnly(scores[row], threshold)) continue;
            Box proposal = results.ProposalOf(row);
            if (!((float)proposal.Width >= SmallestSide && (float)proposal.Height >= SmallestSide)) continue;
            Pose pose = view.PoseOf(poses.Slice(6 * i, 6), proposal);
            if (!pose.IsFinite || pose.Translation.Z <= 0) continue;
            Box box = FaceBox.FromPose(pose, picture, width, height, reference, factors);
            if (box.IsEmpty) continue;
            Add(count++, row, box, scores[row], pose);
        }

        int kept = Suppress(count);
        Vote(results, image, view, kept, picture, width, height);
        foreach (int i in _kept.AsSpan(0, kept))
        {
            Box box = _boxes[i];
            double slack = CutSlack * Math.Max(box.Width, box.Height);
            // Boxes are clipped to the picture already, so at its edge nothing reaches beyond.
            bool cut = box.Left < region.Left - slack || box.Top < region.Top - slack || box.Right > region.Right + slack || box.Bottom > region.Bottom + slack;
            faces.Add(new CropFace(image, new FaceDetection(box, _scores[i], _poses[i]), cut));
        }
    }

    private BoxArithmetic Arithmetic => originalArithmetic ? BoxArithmetic.SinglePrecisionInteger : BoxArithmetic.Exact;

    /// <summary>Whether a proposal is none that the network was asked for but to vote.</summary>
    private bool IsVoterOnly(float score, float threshold) => voting is not null && !(score > threshold);

    private void Add(int index, int row, in Box box, float score, in Pose pose)
    {
        if (index == _boxes.Length) Grow();
        (_rows[index], _boxes[index], _scores[index], _poses[index]) = (row, box, score, pose);
    }

    /// <summary>Makes poses of the faces that stay, the first <paramref name="kept"/> of the list, the mean of their voters', and boxes theirs.</summary>
    private void Vote(NetworkResults results, int image, in NetworkView view, int kept, CameraIntrinsics camera, int width, int height)
    {
        if (voting is null) return;
        ReadOnlySpan<int> faces = _kept.AsSpan(0, kept);
        voting.Vote(results, image, view, faces, _rows, _poses);
        foreach (int i in faces)
        {
            Box box = FaceBox.FromPose(_poses[i], camera, width, height, reference, factors);
            if (!box.IsEmpty) _boxes[i] = box;
        }
    }

    /// <summary>Chooses among the first <paramref name="count"/> faces; the numbers of those that stay come first in the list of the kept.</summary>
    private int Suppress(int count)
    {
        int kept = NonMaximumSuppression.Apply(_boxes.AsSpan(0, count), _scores.AsSpan(0, count), nmsThreshold, _kept);
        if (nestedThreshold is { } threshold) kept = DropNested(kept, threshold);
        return Math.Min(kept, maxDetections);
    }

    /// <summary>Adds one face for each of <paramref name="count"/> given boxes, in their order, without any selection.</summary>
    /// <exception cref="NetworkOutputException">The graph gave no usable pose for a box.</exception>
    public void TakeAll(NetworkResults results, int count, in PictureSizes sizes, List<FaceDetection> faces)
    {
        ReadOnlySpan<float> scores = results.Scores, poses = results.Poses;
        ReadOnlySpan<long> rows = results.PoseIndex;
        CameraIntrinsics camera = CameraIntrinsics.ForImage(sizes.ResizedWidth, sizes.ResizedHeight);
        NetworkView view = new(camera, Arithmetic);
        if (rows.Length != count) throw new NetworkOutputException($"The model gave {rows.Length} poses for {count} boxes.");
        for (int i = 0; i < count; i++)
        {
            int row = (int)rows[i];
            if (row != i) throw new NetworkOutputException($"The model gave its poses out of order at box {i}.");
            Box given = results.ProposalOf(row);
            Pose pose = view.PoseOf(poses.Slice(6 * i, 6), given);
            if (!pose.IsFinite) throw new NetworkOutputException($"The model gave a pose that is not finite for box {i}.");
            Box box = FaceBox.FromPose(pose, camera, sizes.ResizedWidth, sizes.ResizedHeight, reference, factors);
            // A pose that projects outside the picture has no box of its own; the given one then stands for the face.
            faces.Add(new FaceDetection(ToDisplay(box.IsEmpty ? given : box, sizes), scores[row], ToDisplay(pose, camera, sizes)));
        }
    }

    /// <summary>The box around a pose in a whole picture, in displayed pixels.</summary>
    public Box BoxOf(Pose pose, int width, int height) =>
        FaceBox.FromPose(pose, CameraIntrinsics.ForImage(width, height), width, height, reference, factors);

    private Box ToDisplay(in Box box, in PictureSizes sizes)
    {
        // Single precision, as the original's ratio of sizes.
        float x = (float)sizes.DisplayWidth / sizes.ResizedWidth, y = (float)sizes.DisplayHeight / sizes.ResizedHeight;
        Box scaled = new((float)box.Left * x, (float)box.Top * y, (float)box.Right * x, (float)box.Bottom * y);
        return originalCoordinates ? scaled : scaled.ClipTo(sizes.DisplayWidth, sizes.DisplayHeight);
    }

    private Pose ToDisplay(Pose pose, CameraIntrinsics camera, in PictureSizes sizes) => originalCoordinates ? pose
        : PoseConversion.Rescale(
            pose, camera, CameraIntrinsics.ForImage(sizes.DisplayWidth, sizes.DisplayHeight),
            (double)sizes.DisplayWidth / sizes.ResizedWidth, (double)sizes.DisplayHeight / sizes.ResizedHeight);

    private int DropNested(int kept, double threshold)
    {
        int count = 0;
        for (int k = 0; k < kept; k++)
        {
            Box candidate = _boxes[_kept[k]];
            bool nested = false;
            for (int better = 0; better < count && !nested; better++)
            {
                Box other = _boxes[_kept[better]];
                nested = candidate.IntersectionArea(other) > threshold * Math.Min(candidate.Area, other.Area);
            }
            if (!nested) _kept[count++] = _kept[k];
        }
        return count;
    }

    private void Grow()
    {
        int size = 2 * _boxes.Length;
        Array.Resize(ref _rows, size);
        Array.Resize(ref _boxes, size);
        Array.Resize(ref _scores, size);
        Array.Resize(ref _poses, size);
        Array.Resize(ref _kept, size);
    }
}
