using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Img2Pose.Core;
using Img2Pose.Formats;
using Img2Pose.Training.Augmentation;
using Img2Pose.Training.Data;
using Img2Pose.Training.Native;
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

    // Batches over which a start measures its batch norms.
    private const int StartBatches = 12;

    internal static ReadOnlySpan<float> Mean => [0.485f, 0.456f, 0.406f];

    internal static ReadOnlySpan<float> Stddev => [0.229f, 0.224f, 0.225f];

    private static readonly JsonSerializerOptions s_json = new() { WriteIndented = true };

    private readonly TrainingOptions _options;
    private readonly Action<string> _report;

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

    private string ConfigurationPath => Path.Combine(_options.Output, "config.json");

    /// <summary>
    /// Trains until the last step or cancellation. A checkpoint is written at every validation and at cancellation, so that a
    /// run can be stopped at any moment and resumed.
    /// </summary>
    /// <returns>The step reached.</returns>
    /// <exception cref="OperationCanceledException">Cancelled while the pictures were read; nothing was trained yet.</exception>
    public async Task<long> RunAsync(CancellationToken cancellation)
    {
        OutputFolder.Create(_options.Output);
        string configuration = JsonSerializer.Serialize(_options, s_json);
        AtomicFile.Write(ConfigurationPath, file => file.Write(Encoding.UTF8.GetBytes(configuration)));
        AnnotatedImage[] all = NominalPan.Restore(AnnotationPack.Load(_options.Data));
        AnnotatedImage[] training = [.. all.Where((_, i) => i % _options.ValidationEvery != 0)];
        AnnotatedImage[] validation = [.. all.Where((_, i) => i % _options.ValidationEvery == 0)];
        Stopwatch clock = Stopwatch.StartNew();
        SampleGenerator generator = SampleGenerator.Create(training, new SampleGeneratorOptions { MeshFolder = _options.Mesh, SetWeights = _options.SetWeights }, leftOut: LeaveOut, stop: cancellation);
        SampleGenerator held = SampleGenerator.Create(validation, new SampleGeneratorOptions { VaryAppearance = false, OccluderChance = 0 }, leftOut: LeaveOut, stop: cancellation);
        _report(string.Create(CultureInfo.InvariantCulture, $"{training.Length} training and {validation.Length} validation pictures in memory after {clock.Elapsed.TotalSeconds:F1} s"));

        int threads = _options.Threads > 0 ? _options.Threads : Environment.ProcessorCount;
        set_num_threads(threads);
        manual_seed((long)_options.Seed);
        Device device = TrainingDevice.Open(_options.Device);
        using NanoModel model = NanoModel.Create(_options.Network, device);
        nn.Module network = model.Network;
        // A checkpoint replaces everything that a start gives.
        if (_options.Start is { } start && _options.Resume is null)
        {
            model.Start(start, StartBatches, i => Pictures(TrainingBatch.Make(generator, _options.Seed, -1 - i, _options.Batch, 320), device));
            _report($"weights of {start}, batch norms measured on {StartBatches * _options.Batch} samples");
        }
        using AdamW optimizer = optim.AdamW(network.parameters(), _options.LearningRate, beta2: 0.999, weight_decay: _options.WeightDecay);
        using WeightAverage average = new(network, _options.AverageDecay);
        long first = 0;
        if (_options.Resume is { } resume)
        {
            first = TrainingState.Load(resume, network, average, _options.ResumeWeightsOnly ? null : optimizer);
            _report($"resumed {resume} at step {first}");
            if (_options.ResumeWeightsOnly) first = 0;
        }
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
            Rate = Rate,
            PicturesOf = batch => batch.Samples.Count,
            Learn = (batch, step) =>
            {
                double[] parts = Step(model, optimizer, batch, device);
                if (double.IsFinite(parts[0])) average.Update(step);
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
                events.Write(step, Scalars("validation", model, Validate(model, average, held, device, step)));
                TrainingState.Save(checkpoint, step, configuration, network, average, optimizer);
                Export(model, average, step, configuration);
            },
        };
        long reached = await loop.RunAsync(batches, optimizer, cancellation);
        // A finished run that is resumed only writes its model again.
        if (reached == first && reached >= _options.Steps) Export(model, average, reached, configuration);
        if (reached % _options.EpochSteps != 0 && reached < _options.Steps)
            TrainingState.Save(checkpoint, reached, configuration, network, average, optimizer);
        return reached;
    }

    private void LeaveOut(InputException error)
    {
        LeftOut++;
        _report($"left out: {error.Message}");
    }

    private void Export(NanoModel model, WeightAverage average, long step, string configuration)
    {
        model.Export(average.ToArrays(), ModelPath, _options, step);
        TrainingState.Save(Path.Combine(_options.Output, AverageName), step, configuration, model.Network, average, optimizer: null, averageOnly: true);
    }

    /// <summary>Linear warm-up, then a half cosine to zero.</summary>
    private double Rate(long step)
    {
        if (step < _options.WarmUp) return _options.LearningRate * (step + 1) / _options.WarmUp;
        double progress = (step - _options.WarmUp) / (double)Math.Max(1, _options.Steps - _options.WarmUp);
        return _options.LearningRate * Math.Max(0.002, 0.5 * (1 + Math.Cos(Math.PI * progress)));
    }

    private double[] Step(NanoModel model, AdamW optimizer, TrainingBatch batch, Device device)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor[] parts = Forward(model, batch, device);
        optimizer.zero_grad();
        parts[0].backward();
        nn.utils.clip_grad_norm_(model.Network.parameters(), _options.GradientClip);
        optimizer.step();
        return Numbers(parts);
    }

    private static Tensor[] Forward(NanoModel model, TrainingBatch batch, Device device) => model.Compute(Pictures(batch, device), batch);

    private static Tensor Pictures(TrainingBatch batch, Device device)
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
}
