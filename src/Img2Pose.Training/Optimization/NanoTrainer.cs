using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Img2Pose.Core;
using Img2Pose.Formats;
using Img2Pose.Training.Augmentation;
using Img2Pose.Training.Data;
using Img2Pose.Training.Native;
using Img2Pose.Training.Networks;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Img2Pose.Training.Optimization;

/// <summary>Trains the default model's network, or the two-stage one that it was compared with, on an annotation pack.</summary>
public sealed class NanoTrainer
{
    /// <summary>File in the output folder that a run resumes from.</summary>
    public const string CheckpointName = "checkpoint.safetensors";

    /// <summary>File in the output folder with the averaged weights in half precision: small enough to keep, and a start for another run.</summary>
    public const string AverageName = "average.safetensors";

    private const string Remedy = "resume the last checkpoint with a lower --learning-rate";

    // Batches over which a start measures its batch norms.
    private const int StartBatches = 12;

    internal static ReadOnlySpan<float> Mean => [0.485f, 0.456f, 0.406f];

    internal static ReadOnlySpan<float> Stddev => [0.229f, 0.224f, 0.225f];

    private static readonly JsonSerializerOptions s_json = new() { WriteIndented = true };

    private readonly TrainingOptions _options;
    private readonly Action<string> _report;
    private readonly Stopwatch _clock = new();
    private double _earlierHours;

    /// <summary>Prepares a run; <paramref name="report"/> receives its progress lines.</summary>
    /// <exception cref="UsageException">An option makes no sense.</exception>
    public NanoTrainer(TrainingOptions options, Action<string> report)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        (_options, _report) = (options, report);
    }

    /// <summary>The averaged model after the last validation.</summary>
    public string ModelPath => Path.Combine(_options.Output, $"img2pose-{_options.Network}.onnx");

    /// <summary>The files that a run replaces, besides an event file of its own.</summary>
    public IReadOnlyList<string> OutputFiles =>
        [ConfigurationPath, Path.Combine(_options.Output, CheckpointName), Path.Combine(_options.Output, AverageName), ModelPath];

    /// <summary>Pictures of the data set that cannot be read, and were told and left out.</summary>
    public int LeftOut { get; private set; }

    private double Hours => _earlierHours + _clock.Elapsed.TotalHours;

    private string ConfigurationPath => Path.Combine(_options.Output, "config.json");

    /// <summary>
    /// Trains until the last step or cancellation. A checkpoint is written at every validation and at cancellation, so that a
    /// run can be stopped at any moment and resumed.
    /// </summary>
    /// <returns>The step reached.</returns>
    /// <exception cref="OperationCanceledException">Cancelled while the pictures were read; nothing was trained yet.</exception>
    public async Task<long> RunAsync(CancellationToken cancellation)
    {
        Device[] devices = TrainingDevice.Open(_options.Device);
        Device device = devices[0];
        OutputFolder.Create(_options.Output);
        string configuration = JsonSerializer.Serialize(_options, s_json);
        AtomicFile.Write(ConfigurationPath, file => file.Write(Encoding.UTF8.GetBytes(configuration)));
        AnnotatedImage[] all = NominalPan.Restore(AnnotationPack.Load(_options.Data), _options.NominalFrom);
        all = [.. all.Where(image => !_options.Without.Any(part => image.Image.Contains(part, StringComparison.Ordinal)))];
        AnnotatedImage[] training = [.. all.Where((_, i) => i % _options.ValidationEvery != 0)];
        AnnotatedImage[] validation = [.. all.Where((_, i) => i % _options.ValidationEvery == 0)];
        Stopwatch clock = Stopwatch.StartNew();
        SampleGenerator generator = SampleGenerator.Create(training, new SampleGeneratorOptions { MeshFolder = _options.Mesh, SetWeights = _options.SetWeights, AnyRollShare = _options.AnyRoll }, leftOut: LeaveOut, stop: cancellation);
        SampleGenerator held = SampleGenerator.Create(validation, new SampleGeneratorOptions { VaryAppearance = false, OccluderChance = 0, AnyRollShare = _options.AnyRoll }, leftOut: LeaveOut, stop: cancellation);
        _report(string.Create(CultureInfo.InvariantCulture, $"{training.Length} training and {validation.Length} validation pictures in memory after {clock.Elapsed.TotalSeconds:F1} s"));

        int threads = _options.Threads > 0 ? _options.Threads : Environment.ProcessorCount;
        TorchThreads.Use(threads);
        manual_seed((long)_options.Seed);
        using NanoModel model = NanoModel.Create(_options.Network, device);
        nn.Module network = model.Network;
        // A checkpoint replaces everything that a start gives.
        if (_options.Start == ImageNetPackage.Name && _options.Resume is null)
        {
            string backbone = ImageNetPackage.Find(_report);
            model.Start(ImageNetBackbone.Read(backbone));
            _report($"backbone of {backbone}");
        }
        else if (_options.Start is { } start && _options.Resume is null)
        {
            model.Start(start, StartBatches, i => Pictures(TrainingBatch.Make(generator, _options.Seed, -1 - i, _options.Batch, 320), device));
            _report($"weights of {start}, batch norms measured on {StartBatches * _options.Batch} samples");
        }
        if (_options is { Network: NanoModel.R18, Start: null, Resume: null })
            _report($"starts from random weights, of which the stem and the first stage stay; --init {ImageNetPackage.Name} gives it ImageNet's");
        if (_options.FreezeBackbone)
        {
            foreach ((string name, Parameter parameter) in network.named_parameters()) parameter.requires_grad &= IsAboveBackbone(name);
        }
        using AdamW optimizer = optim.AdamW(network.parameters(), _options.LearningRate, beta2: 0.999, weight_decay: _options.WeightDecay);
        using WeightAverage average = new(network, _options.AverageDecay);
        long first = 0, momentsSince = 0;
        if (_options.Resume is { } resume)
        {
            (first, long moments) = TrainingState.Load(resume, network, average, _options.ResumeWeightsOnly ? null : optimizer, _options.ResumeWeightsOnly ? null : devices.Length);
            _report($"resumed {resume} at step {first}{(moments > 0 || first == 0 || _options.ResumeWeightsOnly ? "" : " without the optimiser's moments: the rate rises anew")}");
            if (_options.ResumeWeightsOnly) first = 0;
            else _earlierHours = TrainingState.Hours(resume);
            momentsSince = first - moments;
        }
        NanoModel[] others = [.. devices.Skip(1).Select(other => NanoModel.Create(_options.Network, other))];
        if (_options.FreezeNorms)
        {
            foreach (NanoModel each in (NanoModel[])[model, .. others]) NormedConvolution.KeepStatistics(each.Network);
        }
        if (_options.Teacher is { } teacher)
        {
            foreach ((NanoModel each, Device where) in ((NanoModel[])[model, .. others]).Zip(devices)) each.LearnFrom(teacher, _options.TeacherWeight, where);
            _report($"learns from {teacher} besides the labels");
        }
        using Replicas replicas = new(model, others, devices, threads);
        string checkpoint = Path.Combine(_options.Output, CheckpointName);
        using EventFile events = EventFile.Create(_options.Output);

        await using BatchSource<TrainingBatch> batches = new(
            number => TrainingBatch.MakeNumbered(generator, _options.Seed, number, _options.Batch, _options.Sizes), first, Math.Max(1, _options.Workers));
        TrainingLoop<TrainingBatch> loop = new()
        {
            First = first,
            Last = _options.Steps,
            Epoch = _options.EpochSteps,
            ReportSteps = 25,
            Threads = threads,
            Rate = new WarmCosine(_options.LearningRate, _options.WarmUp, _options.Steps, momentsSince).Rate,
            PicturesOf = batch => batch.Samples.Count,
            Learn = (batch, step) =>
            {
                double[] parts = Learn(replicas, optimizer, average, batch, step);
                average.Update(step);
                return parts;
            },
            Report = at =>
            {
                _report(string.Create(CultureInfo.InvariantCulture,
                    $"step {at.Step}/{_options.Steps} {Describe(model, at.Losses)} rate {at.Rate:E1} {at.PicturesPerSecond:F1} pictures/s, {at.Left:h\\:mm\\:ss} left"));
                events.Write(at.Step, [.. Scalars("train", model, at.Losses), ("train/learning_rate", at.Rate), ("train/pictures_per_second", at.PicturesPerSecond)]);
            },
            Validate = step =>
            {
                double[] found = Validate(model, average, held, device, step);
                if (!double.IsFinite(found[0])) throw new Img2PoseException(string.Create(CultureInfo.InvariantCulture, $"the validation loss at step {step} is {found[0]}; {Remedy}"));
                events.Write(step, Scalars("validation", model, found));
                TrainingState.Save(checkpoint, step, configuration, network, average, optimizer, replicas: devices.Length, hours: Hours);
                Export(model, average, step, configuration);
            },
        };
        _clock.Start();
        long reached = await loop.RunAsync(batches, optimizer, cancellation);
        // A finished run that is resumed only writes its model again.
        if (reached == first && reached >= _options.Steps) Export(model, average, reached, configuration);
        if (reached % _options.EpochSteps != 0 && reached < _options.Steps)
        {
            TrainingState.Save(checkpoint, reached, configuration, network, average, optimizer, replicas: devices.Length, hours: Hours);
            SaveAverage(network, average, reached, configuration);
        }
        return reached;
    }

    private static bool IsAboveBackbone(string name) => name.StartsWith("lateral", StringComparison.Ordinal) || name.StartsWith("head", StringComparison.Ordinal);

    private void LeaveOut(InputException error)
    {
        LeftOut++;
        _report($"left out: {error.Message}");
    }

    private void Export(NanoModel model, WeightAverage average, long step, string configuration)
    {
        model.Export(average.ToArrays(), ModelPath, _options, new TrainedSoFar(step, Hours));
        SaveAverage(model.Network, average, step, configuration);
    }

    /// <summary>The small state, which goes on elsewhere: beside every checkpoint, so that none has gone further.</summary>
    private void SaveAverage(nn.Module network, WeightAverage average, long step, string configuration) =>
        TrainingState.Save(Path.Combine(_options.Output, AverageName), step, configuration, network, average, optimizer: null, averageOnly: true, hours: Hours);

    private double[] Learn(Replicas replicas, AdamW optimizer, WeightAverage average, TrainingBatch batch, long step)
    {
        if (_options.Altering is { } alter) batch = alter(batch);
        return replicas.Group.Learn(
            (rank, link) =>
            {
                _options.Entering?.Invoke(rank, step);
                (int first, int count) = replicas.Group.Share(rank, batch.Samples.Count);
                TrainingBatch share = count == batch.Samples.Count ? batch : batch.Slice(first, count);
                return Forward(replicas.Models[rank], share, replicas.Devices[rank], link);
            },
            optimizer, _options.GradientClip, what => Diverged(replicas, average, batch, step, what));
    }

    /// <summary>
    /// The error for a step without numbers. Which samples are to blame, the averaged network says, which nothing of this step has
    /// touched: where it has no number for some pictures, it is these; else the weights themselves have run away.
    /// </summary>
    private Img2PoseException Diverged(Replicas replicas, WeightAverage average, TrainingBatch batch, long step, string what)
    {
        NanoModel model = replicas.Models[0];
        int[] all = [.. Enumerable.Range(0, batch.Samples.Count)];
        using IDisposable still = no_grad();
        average.Swap();
        model.Network.eval();
        int[] blamed = [.. all.Where(i =>
        {
            using DisposeScope scope = NewDisposeScope();
            return !double.IsFinite(Numbers(Forward(model, batch.Slice(i, 1), replicas.Devices[0]))[0]);
        })];
        bool some = blamed.Length > 0 && blamed.Length < all.Length;
        string samples = string.Join("; ", (some ? blamed : all).Select(batch.Describe));
        return new Img2PoseException(string.Create(CultureInfo.InvariantCulture,
            $"step {step}: {what}; {(some ? "correct or leave out what is wrong in" : $"{Remedy}. It learned from")} {samples}. The last checkpoint is as it was"));
    }

    private Tensor[] Forward(NanoModel model, TrainingBatch batch, Device device, ReplicaLink? link = null)
    {
        Tensor pictures = Pictures(batch, device);
        if (!_options.ChannelsLast) pictures = pictures.contiguous();
        return model.Compute(_options.Precision == "bfloat16" ? pictures.to(bfloat16) : pictures, batch, link);
    }

    /// <summary>A batch's pictures, normalised, [N,3,H,W], channels last in memory; convolutions give what they compute the layout of what they are given.</summary>
    internal static Tensor Pictures(TrainingBatch batch, Device device)
    {
        Tensor bytes = tensor(batch.Pictures, [batch.Samples.Count, batch.Size, batch.Size, 3], device: device);
        return TorchOperators.NormalizePictures(bytes, Mean, Stddev);
    }

    /// <summary>Mean losses of the averaged network on the same generated pictures each time.</summary>
    private double[] Validate(NanoModel model, WeightAverage average, SampleGenerator held, Device device, long step)
    {
        using IDisposable still = no_grad();
        average.Swap();
        model.Network.eval();
        double[] sums = new double[model.LossParts.Count];
        const int batches = 8;
        for (int i = 0; i < batches; i++)
        {
            using DisposeScope scope = NewDisposeScope();
            double[] parts = Numbers(Forward(model, TrainingBatch.Make(held, 0x5EED, i, _options.Batch, 320), device));
            if (i == 0) Array.Resize(ref sums, parts.Length);
            for (int k = 0; k < sums.Length; k++) sums[k] += parts[k] / batches;
        }
        model.Network.train();
        average.Swap();
        _report($"validation at {step}: {Describe(model, sums)}");
        return sums;
    }

    private static double[] Numbers(Tensor[] parts) => Array.ConvertAll(parts, part => (double)part.item<float>());

    private static string Describe(NanoModel model, double[] parts) =>
        string.Join(' ', model.LossParts.Zip(parts, (name, value) => string.Create(CultureInfo.InvariantCulture, $"{name} {value:F4}")));

    private static IEnumerable<(string Tag, double Value)> Scalars(string group, NanoModel model, double[] parts) =>
        model.LossParts.Zip(parts, (name, value) => ($"{group}/{name}", value));

    /// <summary>The models of a run, one a device; the first is its owner's, the others' are its own.</summary>
    private sealed class Replicas(NanoModel first, NanoModel[] others, Device[] devices, int threads) : IDisposable
    {
        internal NanoModel[] Models { get; } = [first, .. others];

        internal Device[] Devices => devices;

        internal ReplicaGroup Group { get; } = new([first.Network, .. others.Select(other => other.Network)], devices, threads);

        public void Dispose()
        {
            Group.Dispose();
            foreach (NanoModel other in others) other.Dispose();
        }
    }
}
