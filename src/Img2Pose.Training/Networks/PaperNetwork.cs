using Img2Pose.Training.Native;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Img2Pose.Training.Networks;

/// <summary>
/// The network of img2pose (CVPR 2021): ResNet, feature pyramid, region proposals, and two heads on pooled regions, one for
/// the class and one for the pose. State-dict names are those of the published checkpoints.
/// </summary>
internal sealed class PaperNetwork : nn.Module
{
    private const long PyramidChannels = 256;
    private const int PooledSize = 7, PoolSamples = 2;

    private readonly ResNetBody _body;
    private readonly Sequential _inner, _outer;
    private readonly Conv2d _rpnConvolution, _rpnScores, _rpnBoxes;
    private readonly RegionMlp _poseMlp, _classMlp;
    private readonly Linear _classScore;
    private readonly Sequential _posePredictor;

    /// <summary>Creates the network with random weights.</summary>
    /// <param name="depth">18, 50 or 101.</param>
    /// <param name="frozenNormEpsilon">Epsilon of the frozen batch norms: 0 in torchvision 0.8.2, 1e-5 in later ones (V1).</param>
    internal PaperNetwork(int depth, double frozenNormEpsilon) : base(nameof(PaperNetwork))
    {
        _body = new ResNetBody(depth, frozenNormEpsilon);
        _inner = nn.Sequential([.. _body.OutChannels.Select((channels, i) => ($"{i}", (nn.Module<Tensor, Tensor>)nn.Conv2d(channels, PyramidChannels, 1)))]);
        _outer = nn.Sequential([.. _body.OutChannels.Select((_, i) => ($"{i}", (nn.Module<Tensor, Tensor>)nn.Conv2d(PyramidChannels, PyramidChannels, 3, 1, 1)))]);
        _rpnConvolution = nn.Conv2d(PyramidChannels, PyramidChannels, 3, 1, 1);
        _rpnScores = nn.Conv2d(PyramidChannels, 3, 1);
        _rpnBoxes = nn.Conv2d(PyramidChannels, 12, 1);
        const long pooled = PyramidChannels * PooledSize * PooledSize;
        _poseMlp = new RegionMlp(pooled, 1024);
        _classMlp = new RegionMlp(pooled, 1024);
        _classScore = nn.Linear(1024, 2);
        _posePredictor = nn.Sequential(("0", nn.Linear(1024, 256)), ("1", nn.BatchNorm1d(256)), ("2", new Rectifier()), ("3", nn.Linear(256, 12)));

        register_module("backbone.body", _body);
        register_module("backbone.fpn.inner_blocks", _inner);
        register_module("backbone.fpn.layer_blocks", _outer);
        register_module("rpn.head.conv", _rpnConvolution);
        register_module("rpn.head.cls_logits", _rpnScores);
        register_module("rpn.head.bbox_pred", _rpnBoxes);
        register_module("roi_heads.box_head", _poseMlp);
        register_module("roi_heads.box_predictor.dof_pred", _posePredictor);
        register_module("roi_heads.class_head", _classMlp);
        register_module("roi_heads.class_predictor.cls_score", _classScore);
    }

    /// <summary>Parameters that training changes.</summary>
    internal IEnumerable<Parameter> TrainableParameters => parameters().Where(parameter => parameter.requires_grad);

    /// <summary>Pyramid features of normalised, padded pictures [N,3,H,W]: P2 to P5, and every second cell of P5.</summary>
    internal Tensor[] Features(Tensor pictures)
    {
        Tensor[] stages = _body.call(pictures);
        nn.Module<Tensor, Tensor>[] inner = [.. _inner.named_children().Select(child => (nn.Module<Tensor, Tensor>)child.module)];
        nn.Module<Tensor, Tensor>[] outer = [.. _outer.named_children().Select(child => (nn.Module<Tensor, Tensor>)child.module)];
        Tensor[] features = new Tensor[5];
        Tensor above = inner[3].call(stages[3]);
        features[3] = outer[3].call(above);
        for (int level = 2; level >= 0; level--)
        {
            Tensor lateral = inner[level].call(stages[level]);
            long[] shape = lateral.shape;
            above = lateral + nn.functional.upsample_nearest2d(above, [shape[2], shape[3]]);
            features[level] = outer[level].call(above);
        }
        features[4] = nn.functional.max_pool2d(features[3], [1], [2]);
        return features;
    }

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
    /// equation 1; Q5): [K, 256·7·7].
    /// </summary>
    internal static Tensor Pool(Tensor[] features, float[] regions, Device device)
    {
        int count = regions.Length / 5;
        List<long>[] members = [[], [], [], []];
        for (int i = 0; i < count; i++) members[Level(regions.AsSpan(5 * i, 5))].Add(i);
        Tensor pooled = zeros([count, PyramidChannels * PooledSize * PooledSize], device: device);
        for (int level = 0; level < 4; level++)
        {
            if (members[level].Count == 0) continue;
            float[] own = new float[5 * members[level].Count];
            for (int i = 0; i < members[level].Count; i++) regions.AsSpan(5 * (int)members[level][i], 5).CopyTo(own.AsSpan(5 * i));
            Tensor boxes = tensor(own, [members[level].Count, 5], device: device);
            Tensor part = TorchOperators.RoiAlign(features[level], boxes, 1.0 / (4 << level), PooledSize, PoolSamples);
            Tensor rows = tensor(members[level].ToArray(), [members[level].Count], device: device);
            pooled = pooled.index_copy(0, rows, part.reshape(members[level].Count, -1));
        }
        return pooled;
    }

    /// <summary>Class logits [K,2] (no face, face) of pooled regions.</summary>
    internal Tensor Classify(Tensor pooled) => _classScore.call(_classMlp.call(pooled));

    /// <summary>Poses [K,12] of pooled regions: six unused numbers of the class "no face", then the normalised pose.</summary>
    internal Tensor RegressPose(Tensor pooled) => _posePredictor.call(_poseMlp.call(pooled));

    internal static int Level(ReadOnlySpan<float> region)
    {
        float side = MathF.Sqrt((region[3] - region[1]) * (region[4] - region[2]));
        float level = MathF.Floor(4f + MathF.Log2(side / 224f) + 1e-6f);
        return (int)Math.Clamp(level, 2f, 5f) - 2;
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
