using Img2Pose.Formats;
using Img2Pose.Geometry;
using Img2Pose.Training.Augmentation;
using Img2Pose.Training.Losses;
using Img2Pose.Training.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace Img2Pose.Training.Optimization;

/// <summary>How far a run got.</summary>
/// <param name="Step">Steps done.</param>
/// <param name="Hours">Time that they took, those before a resumption included.</param>
internal readonly record struct TrainedSoFar(long Step, double Hours);

/// <summary>What <see cref="NanoTrainer"/> trains: a network, its loss, and how it becomes a model package.</summary>
internal abstract class NanoModel : IDisposable
{
    /// <summary>Name of the default model's network, of one stage.</summary>
    internal const string SingleStage = "nano";

    /// <summary>Name of the accurate network of one stage, on ResNet-18.</summary>
    internal const string R18 = "r18";

    /// <summary>Name of the two-stage network that it was compared with.</summary>
    internal const string TwoStage = "nano-two-stage";

    /// <summary>The network.</summary>
    internal abstract nn.Module Network { get; }

    /// <summary>Names of what <see cref="Compute"/> gives, in its order.</summary>
    internal abstract IReadOnlyList<string> LossParts { get; }

    /// <summary>The loss of normalised pictures [N,3,H,W] and its parts, float32 scalars.</summary>
    /// <param name="pictures">Those of <paramref name="batch"/>.</param>
    /// <param name="batch">A batch, or a replica's share of one.</param>
    /// <param name="link">Ways to the other shares, with which the losses are parts of the whole batch's; null where there are none.</param>
    /// <returns>Parts in the order of <see cref="LossParts"/>; the last ones may be missing where nothing learns.</returns>
    internal abstract Tensor[] Compute(Tensor pictures, TrainingBatch batch, ReplicaLink? link = null);

    /// <summary>Writes a package of the given weights, named as in the network's state dictionary.</summary>
    internal abstract void Export(IEnumerable<NamedArray> state, string path, TrainingOptions options, TrainedSoFar trained);

    /// <summary>
    /// Lets a package of a one-stage network teach besides the labels: each step's loss, from here on, has one more part (<see cref="NanoLoss.Distil"/>).
    /// </summary>
    /// <exception cref="InputException">The package is of no such network.</exception>
    internal virtual void LearnFrom(string package, double weight, Device device) => throw new NotSupportedException("This network has no teacher.");

    /// <summary>Takes ImageNet's weights for the backbone.</summary>
    internal virtual void Start(ImageNetBackbone backbone) => throw new NotSupportedException("This network has no such backbone.");

    /// <summary>Takes the weights of a package of this network, and statistics of so many batches of normalised pictures for its batch norms.</summary>
    /// <exception cref="InputException">The package is of another network.</exception>
    internal virtual void Start(string package, int batches, Func<int, Tensor> pictures) => throw new NotSupportedException("This network starts from random weights.");

    /// <inheritdoc/>
    public virtual void Dispose() => Network.Dispose();

    /// <summary>Creates the model of a name that <see cref="TrainingOptions.Validate"/> has accepted, with random weights.</summary>
    internal static NanoModel Create(string name, Device device) => name switch
    {
        TwoStage => new TwoStageModel(device),
        R18 => new R18Model(device),
        _ => new SingleStageModel(device),
    };

    /// <summary>A network whose cells are <see cref="CellCode"/>'s.</summary>
    private abstract class OneStageModel(nn.Module<Tensor, Tensor> network, OneStageGraph graph, Device device) : NanoModel
    {
        private const double ScoreThreshold = 0.5;

        // Of the training labels in their own boxes; the graph's poses need no scaling (CellCode).
        private static readonly double[] s_poseMean = [-0.02517, 0.00105, -0.00479, 0.02651, 0.20845, 3.51133];
        private static readonly double[] s_poseStddev = [0.19343, 0.40285, 0.12811, 0.08542, 0.06979, 0.08787];

        private readonly NanoLoss _loss = new(device);
        private nn.Module<Tensor, Tensor>? _teacher;
        private double _teacherWeight;

        internal override nn.Module Network => network;

        internal override IReadOnlyList<string> LossParts => _teacher is null ? NanoLoss.Parts : [.. NanoLoss.Parts, "teacher"];

        // A validation, in which nothing is taught, gives the loss of the labels alone: comparable with runs without a teacher.
        internal override Tensor[] Compute(Tensor pictures, TrainingBatch batch, ReplicaLink? link = null)
        {
            Tensor codes = network.call(pictures);
            Tensor[] parts = _loss.Compute(codes, CellTargets.Assign(batch.Samples), link);
            if (_teacher is null || !network.training) return parts;
            Tensor taught;
            using (no_grad()) taught = _teacher.call(pictures);
            Tensor apart = _loss.Distil(codes, taught, link);
            return [parts[0] + apart * _teacherWeight, .. parts.Skip(1), apart];
        }

        internal override void LearnFrom(string package, double weight, Device device)
        {
            _teacher?.Dispose();
            _teacher = NanoStart.Teacher(package).to(device);
            _teacherWeight = weight;
        }

        internal override void Export(IEnumerable<NamedArray> state, string path, TrainingOptions options, TrainedSoFar trained) =>
            NanoExporter.Export(graph, state, path, NanoPackage.Metadata(options, trained, ScoreThreshold, s_poseMean, s_poseStddev));

        public override void Dispose()
        {
            base.Dispose();
            _teacher?.Dispose();
            _loss.Dispose();
        }
    }

    private sealed class SingleStageModel : OneStageModel
    {
        private readonly NanoNetwork _network;

        internal SingleStageModel(Device device) : this(new NanoNetwork().to(device), device) { }

        private SingleStageModel(NanoNetwork network, Device device) : base(network, network.Graph, device) => _network = network;

        internal override void Start(string package, int batches, Func<int, Tensor> pictures)
        {
            NanoStart.Load(package, _network);
            NanoStart.Measure(_network, batches, pictures);
        }
    }

    private sealed class R18Model : OneStageModel
    {
        private readonly R18Network _network;

        internal R18Model(Device device) : this(new R18Network().to(device), device) { }

        private R18Model(R18Network network, Device device) : base(network, R18Network.Graph, device) => _network = network;

        internal override void Start(ImageNetBackbone backbone) => backbone.Load(_network.Body, R18Network.NormEpsilon);

        internal override void Start(string package, int batches, Func<int, Tensor> pictures)
        {
            NanoStart.Load(package, _network);
            NanoStart.Measure(_network, batches, pictures);
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

        internal override Tensor[] Compute(Tensor pictures, TrainingBatch batch, ReplicaLink? link = null)
        {
            PaperTrainingStep step = new(
                _network, s_settings, BalancedSampler.Random((int)batch.Number), NanoTwoStageNetwork.PoseMean, NanoTwoStageNetwork.PoseStddev, ReferenceFace.Default.Points5.ToArray());
            PaperLossParts parts = step.Compute(pictures, [.. batch.Samples.Select(sample => (sample.Width, sample.Height))], [.. batch.Samples.Select(Labels)], batch.First, link);
            return [parts.Total, parts.Classifier, parts.Pose, parts.Points, parts.Objectness, parts.ProposalBoxes];
        }

        internal override void Export(IEnumerable<NamedArray> state, string path, TrainingOptions options, TrainedSoFar trained) =>
            NanoTwoStageExporter.Export(state, path, NanoPackage.Metadata(options, trained, ScoreThreshold, NanoTwoStageNetwork.PoseMean, NanoTwoStageNetwork.PoseStddev));

        private static PaperLabels Labels(TrainingSample sample)
        {
            TrainingFace[] faces = [.. sample.Faces.Where(face => !face.Ignore)];
            float[] boxes = [.. faces.SelectMany(face => new[] { (float)face.Box.Left, (float)face.Box.Top, (float)face.Box.Right, (float)face.Box.Bottom })];
            return new PaperLabels(boxes, [.. faces.Select(face => face.Pose)]) { IsUncertain = sample.HasUncertain ? sample.IsUncertain : null };
        }
    }
}
