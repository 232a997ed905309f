using Img2Pose.Formats;
using Img2Pose.Geometry;
using Img2Pose.Training.Augmentation;
using Img2Pose.Training.Losses;
using Img2Pose.Training.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace Img2Pose.Training.Optimization;

/// <summary>What <see cref="NanoTrainer"/> trains: a network, its loss, and how it becomes a model package.</summary>
internal abstract class NanoModel : IDisposable
{
    /// <summary>Name of the default model's network, of one stage.</summary>
    internal const string SingleStage = "nano";

    /// <summary>Name of the two-stage network that it was compared with.</summary>
    internal const string TwoStage = "nano-two-stage";

    /// <summary>The network.</summary>
    internal abstract nn.Module Network { get; }

    /// <summary>Names of what <see cref="Compute"/> gives, in its order.</summary>
    internal abstract IReadOnlyList<string> LossParts { get; }

    /// <summary>The loss of normalised pictures [N,3,H,W] and its parts, float32 scalars.</summary>
    internal abstract Tensor[] Compute(Tensor pictures, TrainingBatch batch);

    /// <summary>Writes a package of the given weights, named as in the network's state dictionary.</summary>
    internal abstract void Export(IEnumerable<NamedArray> state, string path, TrainingOptions options, long step);

    /// <summary>Takes the weights of a package of this network, and statistics of so many batches of normalised pictures for its batch norms.</summary>
    /// <exception cref="InputException">The package is of another network.</exception>
    internal virtual void Start(string package, int batches, Func<int, Tensor> pictures) => throw new NotSupportedException("This network starts from random weights.");

    /// <inheritdoc/>
    public virtual void Dispose() => Network.Dispose();

    /// <summary>Creates the model of a name that <see cref="TrainingOptions.Validate"/> has accepted, with random weights.</summary>
    internal static NanoModel Create(string name, Device device) => name == TwoStage ? new TwoStageModel(device) : new SingleStageModel(device);

    private sealed class SingleStageModel(Device device) : NanoModel
    {
        private const double ScoreThreshold = 0.46;

        // Of the training labels in their own boxes; the graph's poses need no scaling (CellCode).
        private static readonly double[] s_poseMean = [-0.02517, 0.00105, -0.00479, 0.02651, 0.20845, 3.51133];
        private static readonly double[] s_poseStddev = [0.19343, 0.40285, 0.12811, 0.08542, 0.06979, 0.08787];

        private readonly NanoNetwork _network = new NanoNetwork().to(device);
        private readonly NanoLoss _loss = new(device);

        internal override nn.Module Network => _network;

        internal override IReadOnlyList<string> LossParts => NanoLoss.Parts;

        internal override Tensor[] Compute(Tensor pictures, TrainingBatch batch) => _loss.Compute(_network.call(pictures), CellTargets.Assign(batch.Samples));

        internal override void Start(string package, int batches, Func<int, Tensor> pictures)
        {
            NanoStart.Load(package, _network);
            NanoStart.Measure(_network, batches, pictures);
        }

        internal override void Export(IEnumerable<NamedArray> state, string path, TrainingOptions options, long step) =>
            NanoExporter.Export(_network.Architecture, state, path, NanoPackage.Metadata(options, step, ScoreThreshold, s_poseMean, s_poseStddev));

        public override void Dispose()
        {
            base.Dispose();
            _loss.Dispose();
        }
    }

    private sealed class TwoStageModel(Device device) : NanoModel
    {
        private const double ScoreThreshold = 0.5;

        // Fewer samples than the paper's: pictures are a tenth of the size, and sixteen make a step. In pixels the points' loss is 20
        // times the classifier's, and large faces make most of it: without ImageNet's weights the other parts fell more slowly.
        private static readonly PaperStepSettings s_settings = new()
        {
            ProposalsBeforeSuppression = NanoTwoStageNetwork.ProposalsBeforeSuppression,
            ProposalsAfterSuppression = 256,
            AnchorSamples = 128,
            RegionSamples = 64,
            PointsWeight = 4,
        };

        private readonly NanoTwoStageNetwork _network = new NanoTwoStageNetwork().to(device);

        internal override nn.Module Network => _network;

        internal override IReadOnlyList<string> LossParts { get; } = ["loss", "classifier", "pose", "points", "objectness", "boxes"];

        internal override Tensor[] Compute(Tensor pictures, TrainingBatch batch)
        {
            PaperTrainingStep step = new(
                _network, s_settings, BalancedSampler.Random((int)batch.Number), NanoTwoStageNetwork.PoseMean, NanoTwoStageNetwork.PoseStddev, ReferenceFace.Default.Points5.ToArray());
            PaperLossParts parts = step.Compute(pictures, [.. batch.Samples.Select(sample => (sample.Width, sample.Height))], [.. batch.Samples.Select(Labels)]);
            return [parts.Total, parts.Classifier, parts.Pose, parts.Points, parts.Objectness, parts.ProposalBoxes];
        }

        internal override void Export(IEnumerable<NamedArray> state, string path, TrainingOptions options, long step) =>
            NanoTwoStageExporter.Export(state, path, NanoPackage.Metadata(options, step, ScoreThreshold, NanoTwoStageNetwork.PoseMean, NanoTwoStageNetwork.PoseStddev));

        private static PaperLabels Labels(TrainingSample sample)
        {
            TrainingFace[] faces = [.. sample.Faces.Where(face => !face.Ignore)];
            float[] boxes = [.. faces.SelectMany(face => new[] { (float)face.Box.Left, (float)face.Box.Top, (float)face.Box.Right, (float)face.Box.Bottom })];
            return new PaperLabels(boxes, [.. faces.Select(face => face.Pose)]) { IsUncertain = sample.HasUncertain ? sample.IsUncertain : null };
        }
    }
}
