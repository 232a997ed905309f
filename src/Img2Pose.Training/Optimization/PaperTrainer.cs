using System.Globalization;
using System.Text;
using System.Text.Json;
using Img2Pose.Core;
using Img2Pose.Formats;
using Img2Pose.Geometry;
using Img2Pose.Models.Checkpoints;
using Img2Pose.Models.Packages;
using Img2Pose.Training.Data;
using Img2Pose.Training.Losses;
using Img2Pose.Training.Networks;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Img2Pose.Training.Optimization;

/// <summary>Trains the paper's network (img2pose, CVPR 2021, section 4) as the original's trainer does.</summary>
public sealed class PaperTrainer
{
    /// <summary>File in the output folder that a run resumes from: model, optimiser, progress.</summary>
    public const string CheckpointName = "checkpoint.pth";

    internal const double Momentum = 0.9;

    // torchvision 0.8.2's, which the published checkpoints were trained with (V1).
    private const double FrozenNormEpsilon = 0;
    private const ulong ValidationSeed = 0x5EED;

    private static readonly JsonSerializerOptions s_json = new() { WriteIndented = true };

    // Names of the original's losses, which its users know from TensorBoard.
    private static readonly string[] s_parts = ["loss", "loss_classifier", "loss_dof_reg", "loss_points", "loss_objectness", "loss_rpn_box_reg"];

    private readonly PaperTrainingOptions _options;
    private readonly Action<string> _report;
    private readonly ReferenceFace _reference;
    private Device[] _devices = [CPU];
    private int _leftOut;

    /// <summary>Prepares a run; <paramref name="report"/> receives its progress lines.</summary>
    /// <exception cref="UsageException">An option makes no sense.</exception>
    public PaperTrainer(PaperTrainingOptions options, Action<string> report)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        (_options, _report) = (options, report);
        _reference = options.Reference is { } folder ? ReferenceFaceFiles.Load(folder) : ReferenceFace.Default;
    }

    /// <summary>The model of the best validation so far, alone, for <c>models import</c>; its pose statistics lie beside it.</summary>
    public string ModelPath => Path.Combine(_options.Output, $"img2pose-resnet{_options.Depth}.pth");

    /// <summary>The files that a run replaces, besides an event file of its own.</summary>
    public IReadOnlyList<string> OutputFiles => [ConfigurationPath, MeanPath, DeviationPath, Path.Combine(_options.Output, CheckpointName), ModelPath];

    /// <summary>Pictures of the data that cannot be read or used, and were told and left out.</summary>
    public int LeftOut => Volatile.Read(ref _leftOut);

    private string ConfigurationPath => Path.Combine(_options.Output, "config.json");

    private string MeanPath => Path.Combine(_options.Output, "pose_mean.npy");

    private string DeviationPath => Path.Combine(_options.Output, "pose_stddev.npy");

    /// <summary>
    /// Trains until the last step, cancellation, or five validations without a smaller loss. A checkpoint is written at every
    /// validation and at cancellation, so that a run can be stopped at any moment and resumed.
    /// </summary>
    /// <returns>The step reached.</returns>
    /// <exception cref="OperationCanceledException">Cancelled while the data were opened; nothing was trained yet.</exception>
    public async Task<long> RunAsync(CancellationToken cancellation)
    {
        _devices = TrainingDevice.Open(_options.Device);
        OutputFolder.Create(_options.Output);
        AtomicFile.Write(ConfigurationPath, file => file.Write(Encoding.UTF8.GetBytes(JsonSerializer.Serialize(_options, s_json))));
        using PaperPictureSource all = PaperPictureSource.Open(_options.Data, _reference, LeaveOut, cancellation);
        using PaperPictureSource? given = _options.Validation is { } other ? PaperPictureSource.Open(other, _reference, LeaveOut, cancellation) : null;
        (PaperPictureSource training, PaperPictureSource held) = given is null ? all.Split(_options.ValidationEvery) : (all, given);
        _report($"{training.Count} training and {held.Count} validation pictures with a pose");

        int threads = _options.Threads > 0 ? _options.Threads : Environment.ProcessorCount;
        TorchThreads.Use(threads);
        manual_seed((long)_options.Seed);
        using PaperNetwork network = new PaperNetwork(_options.Depth, FrozenNormEpsilon).to(_devices[0]);
        using OptimizerHelper optimizer = CreateOptimizer(_options, network);
        (PaperProgress progress, double[] mean, double[] deviation) = Start(network, optimizer, training);
        using Replicas replicas = new(network, [.. _devices.Skip(1).Select(device => new PaperNetwork(_options.Depth, FrozenNormEpsilon).to(device))], _devices, threads);
        NpyArray.Write(MeanPath, mean, 6);
        NpyArray.Write(DeviationPath, deviation, 6);

        List<double> losses = [.. progress.ValidationLosses];
        ReduceOnPlateau schedule = new(_options.LearningRate);
        EarlyStopping stopping = new();
        foreach (double past in losses)
        {
            schedule.Observe(past);
            stopping.Observe(past);
        }
        long pass = PaperBatch.StepsPerPass(training.Count, _options.Batch);
        long last = _options.Steps ?? 100 * pass, epoch = _options.EpochSteps ?? pass;
        PaperLoader loader = new(_reference, _options.Augmentations), plain = new(_reference, new PaperAugmentations());
        using EventFile events = EventFile.Create(_options.Output);
        await using BatchSource<PaperBatch> batches = new(
            number => PaperBatch.Make(training, loader, _options.Seed, number, _options.Batch, _options.Sizes, _options.LongestSide), progress.Step, Math.Max(1, _options.Workers));

        TrainingLoop<PaperBatch> loop = new()
        {
            First = progress.Step,
            Last = last,
            Epoch = epoch,
            ReportSteps = _options.ReportSteps,
            Threads = threads,
            Rate = step => schedule.Rate * Math.Min(1, (step + 1) / (double)Math.Max(1, _options.WarmUp)),
            PicturesOf = _ => _options.Batch,
            Learn = (batch, step) => Learn(replicas, network => StepOf(network, mean, deviation, (int)_options.Seed + (int)step), optimizer, batch, step),
            Report = at =>
            {
                _report(string.Create(CultureInfo.InvariantCulture,
                    $"step {at.Step}/{last} {Describe(at.Losses)} rate {at.Rate:E1} {at.PicturesPerSecond:F2} pictures/s, {at.Left:d\\.hh\\:mm\\:ss} left at most"));
                events.Write(at.Step, [.. Scalars("train", at.Losses), ("train_learning_rate", at.Rate), ("train_pictures_per_second", at.PicturesPerSecond)]);
            },
            Validate = step =>
            {
                double[] found = Validate(network, mean, deviation, held, plain);
                if (!double.IsFinite(found[0])) throw new Img2PoseException($"the validation loss at step {step} is {found[0]}; resume an earlier checkpoint with a lower --learning-rate");
                bool best = losses.Count == 0 || found[0] < losses.Min();
                losses.Add(found[0]);
                schedule.Observe(found[0]);
                stopping.Observe(found[0]);
                _report(string.Create(CultureInfo.InvariantCulture, $"validation at {step}: {Describe(found)}{(best ? ", the best so far" : "")}"));
                events.Write(step, Scalars("val", found));
                if (best) PaperCheckpoint.Save(ModelPath, network);
                Save(step);
            },
            ShouldStop = () => stopping.ShouldStop,
        };
        long reached = await loop.RunAsync(batches, optimizer, cancellation);
        if (stopping.ShouldStop) _report($"stopped early: the validation loss has not fallen for {stopping.Count} validations");
        else if (reached % epoch != 0 && reached < last && reached > progress.Step) Save(reached);
        return reached;

        void Save(long step) => PaperCheckpoint.Save(Path.Combine(_options.Output, CheckpointName), network, optimizer, _options, new PaperProgress(step, losses, _devices.Length));
    }

    /// <summary>The optimiser that the options ask for.</summary>
    internal static OptimizerHelper CreateOptimizer(PaperTrainingOptions options, PaperNetwork network) => options.Optimizer == "sgd"
        ? optim.SGD(network.parameters(), options.LearningRate, Momentum, weight_decay: options.WeightDecay)
        : optim.Adam(network.parameters(), options.LearningRate, beta2: 0.999, weight_decay: options.WeightDecay);

    // Batches are made on threads of their own.
    private void LeaveOut(InputException error)
    {
        Interlocked.Increment(ref _leftOut);
        _report($"left out: {error.Message}");
    }

    /// <summary>Loads what the run starts from, and says with which pose statistics it goes on.</summary>
    private (PaperProgress Progress, double[] Mean, double[] Deviation) Start(PaperNetwork network, OptimizerHelper optimizer, PaperPictureSource training)
    {
        PaperProgress progress = new(0, []);
        string? path = _options.Resume ?? _options.Pretrained;
        if (path is null)
        {
            _report("starts from random weights; the paper's training starts from ImageNet's (--pretrained), so expect to need many more steps");
            return (progress, training.PoseMean, training.PoseDeviation);
        }
        if (path == ImageNetPackage.Name)
        {
            string backbone = ImageNetPackage.Find(_report);
            ImageNetBackbone.Read(backbone).Load(network.Body, FrozenNormEpsilon);
            _report($"starts from the body of {backbone}");
            return (progress, training.PoseMean, training.PoseDeviation);
        }
        StateDictionary weights = StateDictionary.FromCheckpoint(Checkpoint.Load(path), path);
        if (!PaperCheckpoint.LoadModel(weights, _options.Depth, network))
        {
            if (_options.Resume is not null) throw new InputException($"{path}: is torchvision's ResNet; start from it with --pretrained");
            _report($"starts from the body of {path}");
            return (progress, training.PoseMean, training.PoseDeviation);
        }
        PoseStatistics statistics = CheckpointBundle.Load(path).Statistics;
        if (_options.Resume is not null) progress = PaperCheckpoint.LoadRun(path, optimizer);
        // A checkpoint of the original does not say how far it got, nor on how many devices.
        if (progress.Step > 0 && progress.Replicas != _devices.Length)
            throw TrainingState.OtherReplicas(path, progress.Replicas, _devices.Length, "start a new run from it (--pretrained)");
        _report(_options.Resume is null ? $"starts from {path}" : $"resumed {path} at step {progress.Step}");
        return (progress, [.. statistics.Mean], [.. statistics.StandardDeviation]);
    }

    private PaperTrainingStep StepOf(PaperNetwork network, double[] mean, double[] deviation, int seed) =>
        new(network, _options.Selection, BalancedSampler.Random(seed), mean, deviation, _reference.Points5.ToArray());

    private double[] Learn(Replicas replicas, Func<PaperNetwork, PaperTrainingStep> stepOf, OptimizerHelper optimizer, PaperBatch batch, long step) =>
        replicas.Group.Learn(
            (rank, link) =>
            {
                _options.Entering?.Invoke(rank, step);
                (int first, int count) = replicas.Group.Share(rank, batch.Samples.Count);
                return Forward(stepOf(replicas.Networks[rank]), batch, _devices[rank], first, count, link);
            },
            optimizer, _options.GradientClip,
            what => new Img2PoseException(string.Create(CultureInfo.InvariantCulture,
                $"step {step}: {what}; resume the last checkpoint with a lower --learning-rate, or correct what it learned from: {string.Join("; ", batch.Samples.Select(sample => sample.Source))}. The last checkpoint is as it was")));

    /// <summary>
    /// Mean losses over the held pictures, not augmented, at the last size. Running statistics are used and not changed, unlike
    /// in the original (Q15).
    /// </summary>
    private double[] Validate(PaperNetwork network, double[] mean, double[] deviation, PaperPictureSource held, PaperLoader plain)
    {
        using IDisposable still = no_grad();
        PaperTrainingStep judging = StepOf(network, mean, deviation, (int)ValidationSeed);
        int count = Math.Min(_options.Batch, held.Count);
        long batches = PaperBatch.StepsPerPass(held.Count, count);
        double[] sums = new double[s_parts.Length];
        network.eval();
        for (long i = 0; i < batches; i++)
        {
            using DisposeScope scope = NewDisposeScope();
            PaperBatch batch = PaperBatch.Make(held, plain, ValidationSeed, i, count, [_options.Sizes[^1]], _options.LongestSide);
            double[] parts = Array.ConvertAll(Forward(judging, batch, _devices[0], 0, count, null), part => (double)part.item<float>());
            for (int k = 0; k < sums.Length; k++) sums[k] += parts[k] / batches;
        }
        network.train();
        return sums;
    }

    /// <summary>Losses of some of a batch's pictures, in the order of <see cref="s_parts"/>.</summary>
    private static Tensor[] Forward(PaperTrainingStep step, PaperBatch batch, Device device, int first, int count, ReplicaLink? link)
    {
        (Tensor pictures, PaperLabels[] labels, (int, int)[] sizes) = batch.ToTensors(device, first, count);
        PaperLossParts parts = step.Compute(pictures, sizes, labels, first, link);
        return [parts.Total, parts.Classifier, parts.Pose, parts.Points, parts.Objectness, parts.ProposalBoxes];
    }

    private static IEnumerable<(string Tag, double Value)> Scalars(string group, double[] parts) => s_parts.Zip(parts, (name, value) => ($"{group}_{name}", value));

    private static string Describe(double[] parts) => string.Create(CultureInfo.InvariantCulture,
        $"loss {parts[0]:F4} classifier {parts[1]:F4} pose {parts[2]:F4} points {parts[3]:F4} objectness {parts[4]:F4} boxes {parts[5]:F4}");

    /// <summary>The networks of a run, one a device; the first is its owner's, the others are its own.</summary>
    private sealed class Replicas(PaperNetwork first, PaperNetwork[] others, Device[] devices, int threads) : IDisposable
    {
        internal PaperNetwork[] Networks { get; } = [first, .. others];

        internal ReplicaGroup Group { get; } = new([first, .. others], devices, threads);

        public void Dispose()
        {
            Group.Dispose();
            foreach (PaperNetwork other in others) other.Dispose();
        }
    }
}
