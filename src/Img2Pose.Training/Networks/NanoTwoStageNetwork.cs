using Img2Pose.Models.Networks;
using static TorchSharp.torch;

namespace Img2Pose.Training.Networks;

/// <summary>
/// The paper's two stages on the default model's backbone and pyramid, with narrow heads: made to be compared with
/// <see cref="NanoNetwork"/> at equal time (models/img2pose-nano.md).
/// </summary>
internal sealed class NanoTwoStageNetwork : TwoStageNetwork
{
    /// <summary>Proposals of a picture that are classified.</summary>
    internal const int ProposalsPerPicture = 64;

    /// <summary>Best anchors kept per level before suppression.</summary>
    internal const int ProposalsBeforeSuppression = 300;

    /// <summary>
    /// One anchor a cell: boxes of faces are projected from poses, so that their heights are 1.0 to 1.4 times their widths (first
    /// and 99th percentile of the training labels; median 1.29), and one shape fits them. A region that is pooled to 7×7 spans 7 to
    /// 14 cells of its level, but for the smallest and the largest.
    /// </summary>
    internal static DetectorLayout Anchors { get; } = new()
    {
        Strides = CellCode.Strides.ToArray(),
        AnchorSizes = [24, 48, 96, 192],
        AnchorRatios = [1.3],
        CanonicalSize = 112,
    };

    /// <summary>
    /// Mean of box-relative poses (rotation vector, translation) in the proposals that training makes, rounded from 1,800 of them.
    /// In the faces' own boxes translations scatter a quarter to a half as much, because those boxes are projected from the poses.
    /// </summary>
    internal static double[] PoseMean => [-0.015, 0, -0.01, 0.05, 0.24, 3.52];

    /// <summary>Standard deviation of the same.</summary>
    internal static double[] PoseStddev => [0.265, 0.63, 0.22, 0.155, 0.155, 0.34];

    /// <summary>The backbone as in the default model; with these widths both networks take the same time (docs/performance.md).</summary>
    internal static PyramidArchitecture Architecture { get; } = new() { Pyramid = 64 };

    private readonly NanoPyramid _pyramid;

    internal NanoTwoStageNetwork() : this(new NanoPyramid(Architecture)) { }

    private NanoTwoStageNetwork(NanoPyramid pyramid) : base(
        nameof(NanoTwoStageNetwork), Anchors, new TwoStageWidths(Architecture.Pyramid, 32, 128, 64), pyramid.named_children()) =>
        _pyramid = pyramid;

    /// <summary>The pyramid's four levels.</summary>
    internal override Tensor[] Features(Tensor pictures) => _pyramid.call(pictures);
}
