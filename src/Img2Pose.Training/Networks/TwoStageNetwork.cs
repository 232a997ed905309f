using Img2Pose.Models.Networks;
using Img2Pose.Training.Native;
using Img2Pose.Training.Optimization;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Img2Pose.Training.Networks;

/// <summary>Widths of what stands on the pyramid of a two-stage network.</summary>
/// <param name="Pyramid">Channels of the pyramid.</param>
/// <param name="Proposals">Channels of the proposal head's 3×3 convolution.</param>
/// <param name="Regions">Outputs of each of the four fully connected layers on pooled regions.</param>
/// <param name="Pose">Outputs of the pose head's normalised layer.</param>
internal sealed record TwoStageWidths(int Pyramid, int Proposals, int Regions, int Pose);

/// <summary>
/// A network of img2pose's kind (CVPR 2021) on any pyramid: region proposals, and two heads on pooled regions, one for the class
/// and one for the pose. State-dict names of those parts are the published checkpoints'.
/// </summary>
internal abstract class TwoStageNetwork : nn.Module, IJoined
{
    // PyTorch's own.
    private const double NormEpsilon = 1e-5, NormMomentum = 0.1;

    private readonly Conv2d _rpnConvolution, _rpnScores, _rpnBoxes;
    private readonly RegionMlp _poseMlp, _classMlp;
    private readonly Linear _classScore;
    private readonly Sequential _posePredictor;
    private readonly Linear _poseHidden, _poseOutput;
    private readonly BatchNorm1d _poseNorm;

    /// <summary>Registers the modules of a pyramid under their names, then creates the heads under their published ones.</summary>
    protected TwoStageNetwork(string name, DetectorLayout layout, TwoStageWidths widths, IEnumerable<(string Name, nn.Module Module)> pyramid) : base(name)
    {
        Layout = layout;
        foreach ((string own, nn.Module module) in pyramid) this.Register(own, module);
        int shapes = layout.AnchorRatios.Count;
        _rpnConvolution = nn.Conv2d(widths.Pyramid, widths.Proposals, 3, 1, 1);
        _rpnScores = nn.Conv2d(widths.Proposals, shapes, 1);
        _rpnBoxes = nn.Conv2d(widths.Proposals, 4 * shapes, 1);
        long pooled = widths.Pyramid * layout.PooledSize * layout.PooledSize;
        _poseMlp = new RegionMlp(pooled, widths.Regions);
        _classMlp = new RegionMlp(pooled, widths.Regions);
        _classScore = nn.Linear(widths.Regions, 2);
        (_poseHidden, _poseNorm, _poseOutput) = (nn.Linear(widths.Regions, widths.Pose), nn.BatchNorm1d(widths.Pose, NormEpsilon, NormMomentum), nn.Linear(widths.Pose, 12));
        _posePredictor = nn.Sequential(("0", _poseHidden), ("1", _poseNorm), ("2", new Rectifier()), ("3", _poseOutput));
        this.Register("rpn.head.conv", _rpnConvolution);
        this.Register("rpn.head.cls_logits", _rpnScores);
        this.Register("rpn.head.bbox_pred", _rpnBoxes);
        this.Register("roi_heads.box_head", _poseMlp);
        this.Register("roi_heads.box_predictor.dof_pred", _posePredictor);
        this.Register("roi_heads.class_head", _classMlp);
        this.Register("roi_heads.class_predictor.cls_score", _classScore);
    }

    /// <inheritdoc/>
    public ReplicaLink? Link { get; set; }

    /// <inheritdoc/>
    public bool NeedsOthers => true;

    /// <summary>Strides, anchors and pooling.</summary>
    internal DetectorLayout Layout { get; }

    /// <summary>Parameters that training changes.</summary>
    internal IEnumerable<Parameter> TrainableParameters => parameters().Where(parameter => parameter.requires_grad);

    /// <summary>Features of normalised, padded pictures [N,3,H,W] at each level that proposals come from, finest first.</summary>
    internal abstract Tensor[] Features(Tensor pictures);

    /// <summary>Objectness [N, anchors, 1] and box deltas [N, anchors, 4]; anchors by level, row, column, shape.</summary>
    internal (Tensor Objectness, Tensor Deltas) Propose(Tensor[] features)
    {
        Tensor[] scores = new Tensor[features.Length], deltas = new Tensor[features.Length];
        for (int level = 0; level < features.Length; level++)
        {
            Tensor hidden = _rpnConvolution.call(features[level]).relu();
            scores[level] = Flatten(_rpnScores.call(hidden), 1);
            deltas[level] = Flatten(_rpnBoxes.call(hidden), 4);
        }
        return (cat(scores, 1), cat(deltas, 1));
    }

    /// <summary>
    /// Pools regions [K,5] (picture, left, top, right, bottom) from the level that suits their size (Feature Pyramid Networks,
    /// equation 1; Q5): [K, channels · side²].
    /// </summary>
    internal Tensor Pool(Tensor[] features, float[] regions)
    {
        Device device = features[0].device;
        int count = regions.Length / 5, side = Layout.PooledSize;
        List<long>[] members = [.. Layout.Strides.Select(_ => new List<long>())];
        for (int i = 0; i < count; i++) members[Level(regions.AsSpan(5 * i, 5))].Add(i);
        Tensor pooled = zeros([count, features[0].shape[1] * side * side], device: device);
        for (int level = 0; level < members.Length; level++)
        {
            if (members[level].Count == 0) continue;
            float[] own = new float[5 * members[level].Count];
            for (int i = 0; i < members[level].Count; i++) regions.AsSpan(5 * (int)members[level][i], 5).CopyTo(own.AsSpan(5 * i));
            Tensor boxes = tensor(own, [members[level].Count, 5], device: device);
            Tensor part = TorchOperators.RoiAlign(features[level], boxes, 1.0 / Layout.Strides[level], side, Layout.PoolSamples);
            Tensor rows = tensor(members[level].ToArray(), [members[level].Count], device: device);
            pooled = pooled.index_copy(0, rows, part.reshape(members[level].Count, -1));
        }
        return pooled;
    }

    /// <summary>Class logits [K,2] (no face, face) of pooled regions.</summary>
    internal Tensor Classify(Tensor pooled) => _classScore.call(_classMlp.call(pooled));

    /// <summary>Poses [K,12] of pooled regions: six unused numbers of the class "no face", then the normalised pose.</summary>
    internal Tensor RegressPose(Tensor pooled)
    {
        Tensor hidden = _poseMlp.call(pooled);
        return training && Link is { } link
            ? _poseOutput.call(JoinedNorm.Apply(_poseNorm, _poseHidden.call(hidden), NormEpsilon, NormMomentum, link).relu())
            : _posePredictor.call(hidden);
    }

    /// <summary>The pyramid level that a region is pooled from.</summary>
    private int Level(ReadOnlySpan<float> region)
    {
        float side = MathF.Sqrt((region[3] - region[1]) * (region[4] - region[2]));
        float octave = MathF.Floor(4f + MathF.Log2(side / (float)Layout.CanonicalSize) + 1e-6f);
        int finest = int.Log2(Layout.Strides[0]);
        return (int)Math.Clamp(octave, finest, int.Log2(Layout.Strides[^1])) - finest;
    }

    private static Tensor Flatten(Tensor map, long each)
    {
        long[] shape = map.shape;
        return map.reshape(shape[0], -1, each, shape[2], shape[3]).permute(0, 3, 4, 1, 2).reshape(shape[0], -1, each);
    }

    /// <summary>Two fully connected layers with ReLU.</summary>
    private sealed class RegionMlp : nn.Module<Tensor, Tensor>
    {
        private readonly Linear fc6;
        private readonly Linear fc7;

        internal RegionMlp(long inputs, long outputs) : base(nameof(RegionMlp))
        {
            fc6 = nn.Linear(inputs, outputs);
            fc7 = nn.Linear(outputs, outputs);
            RegisterComponents();
        }

        public override Tensor forward(Tensor input) => fc7.call(fc6.call(input).relu()).relu();
    }

    private sealed class Rectifier : nn.Module<Tensor, Tensor>
    {
        internal Rectifier() : base(nameof(Rectifier)) { }

        public override Tensor forward(Tensor input) => input.relu();
    }
}
