using Img2Pose.Models.Networks;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Img2Pose.Training.Networks;

/// <summary>
/// The network of img2pose (CVPR 2021): ResNet and feature pyramid below the heads of <see cref="TwoStageNetwork"/>. State-dict
/// names are those of the published checkpoints.
/// </summary>
internal sealed class PaperNetwork : TwoStageNetwork
{
    private const int PyramidChannels = 256;

    private readonly ResNetBody _body;
    private readonly Sequential _inner, _outer;

    /// <summary>Creates the network with random weights.</summary>
    /// <param name="depth">18, 50 or 101.</param>
    /// <param name="frozenNormEpsilon">Epsilon of the frozen batch norms: 0 in torchvision 0.8.2, 1e-5 in later ones (V1).</param>
    internal PaperNetwork(int depth, double frozenNormEpsilon) : this(new ResNetBody(depth, frozenNormEpsilon, learns: false)) { }

    private PaperNetwork(ResNetBody body) : this(
        body,
        nn.Sequential([.. body.OutChannels.Select((channels, i) => ($"{i}", (nn.Module<Tensor, Tensor>)nn.Conv2d(channels, PyramidChannels, 1)))]),
        nn.Sequential([.. body.OutChannels.Select((_, i) => ($"{i}", (nn.Module<Tensor, Tensor>)nn.Conv2d(PyramidChannels, PyramidChannels, 3, 1, 1)))]))
    { }

    private PaperNetwork(ResNetBody body, Sequential inner, Sequential outer) : base(
        nameof(PaperNetwork), DetectorLayout.Official, new TwoStageWidths(PyramidChannels, PyramidChannels, 1024, 256),
        [("backbone.body", body), ("backbone.fpn.inner_blocks", inner), ("backbone.fpn.layer_blocks", outer)]) =>
        (_body, _inner, _outer) = (body, inner, outer);

    /// <summary>The ResNet.</summary>
    internal ResNetBody Body => _body;

    /// <summary>P2 to P5, and every second cell of P5.</summary>
    internal override Tensor[] Features(Tensor pictures)
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
}
