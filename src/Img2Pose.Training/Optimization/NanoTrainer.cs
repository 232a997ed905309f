using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Img2Pose.Geometry.Annotations;
using Img2Pose.Training.Augmentation;
using Img2Pose.Training.Data;
using Img2Pose.Training.Losses;
using Img2Pose.Training.Native;
using Img2Pose.Training.Networks;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Img2Pose.Training.Optimization;

/// <summary>Trains the default model's network on an annotation pack.</summary>
public sealed class NanoTrainer
{
    /// <summary>File in the output folder that a run resumes from.</summary>
    public const string CheckpointName = "checkpoint.safetensors";

    /// <summary>File in the output folder with the averaged model after the last validation.</summary>
    public const string ModelName = "img2pose-nano.onnx";

    /// <summary>File in the output folder with the averaged weights in half precision: small enough to keep, and a start for another run.</summary>
    public const string AverageName = "average.safetensors";

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

    /// <summary>
    /// Trains until the last step or cancellation. A checkpoint is written at every validation and at cancellation, so that a
    /// run can be stopped at any moment and resumed.
    /// </summary>
    /// <returns>The step reached.</returns>
    public async Task<long> RunAsync(CancellationToken cancellation)
    {
        Directory.CreateDirectory(_options.Output);
        string configuration = JsonSerializer.Serialize(_options, s_json);
        await File.WriteAllTextAsync(Path.Combine(_options.Output, "config.json"), configuration, cancellation);
        AnnotatedImage[] all = NominalPan.Restore(AnnotationPack.Load(_options.Data));
        AnnotatedImage[] training = [.. all.Where((_, i) => i % _options.ValidationEvery != 0)];
        AnnotatedImage[] validation = [.. all.Where((_, i) => i % _options.ValidationEvery == 0)];
        Stopwatch clock = Stopwatch.StartNew();
        SampleGenerator generator = SampleGenerator.Create(training, new SampleGeneratorOptions { MeshFolder = _options.Mesh, SetWeights = _options.SetWeights });
        SampleGenerator held = SampleGenerator.Create(validation, new SampleGeneratorOptions { VaryAppearance = false, OccluderChance = 0 });
        _report(string.Create(CultureInfo.InvariantCulture, $"{training.Length} training and {validation.Length} validation pictures in memory after {clock.Elapsed.TotalSeconds:F1} s"));

        set_num_threads(_options.Threads > 0 ? _options.Threads : Environment.ProcessorCount);
        manual_seed((long)_options.Seed);
        Device device = TrainingDevice.Open(_options.Device);
        using NanoNetwork network = new NanoNetwork().to(device);
        using AdamW optimizer = optim.AdamW(network.parameters(), _options.LearningRate, beta2: 0.999, weight_decay: _options.WeightDecay);
        using WeightAverage average = new(network, _options.AverageDecay);
        using NanoLoss loss = new(device);
        long step = 0;
        if (_options.Resume is { } resume)
        {
            step = Checkpoint.Load(resume, network, average, _options.ResumeWeightsOnly ? null : optimizer);
            _report($"resumed {resume} at step {step}");
            if (_options.ResumeWeightsOnly) step = 0;
        }
        string checkpoint = Path.Combine(_options.Output, CheckpointName);
        using EventFile events = EventFile.Create(_options.Output);

        await using BatchSource<TrainingBatch> batches = new(
            number => TrainingBatch.MakeNumbered(generator, _options.Seed, number, _options.Batch, _options.Sizes), step, Math.Max(1, _options.Workers));
        double[] sums = new double[5];
        int summed = 0;
        long pictures = 0, clockedSteps = 0;
        clock.Restart();
        while (step < _options.Steps && !cancellation.IsCancellationRequested)
        {
            TrainingBatch batch;
            try
            {
                batch = await batches.NextAsync(cancellation);
            }
            catch (OperationCanceledException)
            {
                break;
            }
            double rate = Rate(step);
            foreach (optim.ILearningRateController group in optimizer.ParamGroups) group.LearningRate = rate;
            double[] parts = Step(network, loss, optimizer, batch, device);
            if (!double.IsFinite(parts[0])) throw new Img2PoseException($"the loss at step {step} is {parts[0]}; lower --learning-rate or resume an earlier checkpoint");
            average.Update(step);
            step++;
            clockedSteps++;
            pictures += batch.Count;
            for (int i = 0; i < sums.Length; i++) sums[i] += parts[i];
            summed++;
            if (step % 25 == 0)
            {
                double speed = pictures / clock.Elapsed.TotalSeconds;
                double left = (_options.Steps - step) * (double)pictures / summed / speed;
                _report(string.Create(CultureInfo.InvariantCulture,
                    $"step {step}/{_options.Steps} loss {sums[0] / summed:F3} score {sums[1] / summed:F3} place {sums[2] / summed:F4} rotation {sums[3] / summed:F4} points {sums[4] / summed:F4} rate {rate:E1} {speed:F1} pictures/s, {TimeSpan.FromSeconds(left):h\\:mm\\:ss} left"));
                events.Write(step, [.. Scalars("train", sums, 1.0 / summed), ("train/learning_rate", rate), ("train/pictures_per_second", speed)]);
                Array.Clear(sums);
                (summed, pictures) = (0, 0);
                clock.Restart();
            }
            if (step % _options.EpochSteps == 0 || step == _options.Steps)
            {
                events.Write(step, Scalars("validation", Validate(network, average, loss, held, device, step), 1));
                Checkpoint.Save(checkpoint, step, configuration, network, average, optimizer);
                Export(network, average, step, configuration);
                clock.Restart();
                pictures = 0;
            }
        }
        // A finished run that is resumed only writes its model again.
        if (clockedSteps == 0 && step >= _options.Steps) Export(network, average, step, configuration);
        if (step % _options.EpochSteps != 0 && step < _options.Steps)
            Checkpoint.Save(checkpoint, step, configuration, network, average, optimizer);
        return step;
    }

    private void Export(NanoNetwork network, WeightAverage average, long step, string configuration)
    {
        NanoExporter.Export(network.Architecture, average.ToArrays(), Path.Combine(_options.Output, ModelName), NanoExporter.DefaultMetadata(_options, step));
        Checkpoint.Save(Path.Combine(_options.Output, AverageName), step, configuration, network, average, optimizer: null, averageOnly: true);
    }

    /// <summary>Linear warm-up, then a half cosine to zero.</summary>
    private double Rate(long step)
    {
        if (step < _options.WarmUp) return _options.LearningRate * (step + 1) / _options.WarmUp;
        double progress = (step - _options.WarmUp) / (double)Math.Max(1, _options.Steps - _options.WarmUp);
        return _options.LearningRate * Math.Max(0.002, 0.5 * (1 + Math.Cos(Math.PI * progress)));
    }

    private double[] Step(NanoNetwork network, NanoLoss loss, AdamW optimizer, TrainingBatch batch, Device device)
    {
        using DisposeScope scope = NewDisposeScope();
        LossParts parts = Forward(network, loss, batch, device);
        optimizer.zero_grad();
        parts.Total.backward();
        nn.utils.clip_grad_norm_(network.parameters(), _options.GradientClip);
        optimizer.step();
        return parts.ToNumbers();
    }

    private static LossParts Forward(NanoNetwork network, NanoLoss loss, TrainingBatch batch, Device device)
    {
        Tensor bytes = tensor(batch.Pictures, [batch.Count, batch.Size, batch.Size, 3], device: device);
        return loss.Compute(network.call(TorchOperators.NormalizePictures(bytes, Mean, Stddev)), batch.Targets);
    }

    /// <summary>Mean losses of the averaged network on the same generated pictures each time.</summary>
    private double[] Validate(NanoNetwork network, WeightAverage average, NanoLoss loss, SampleGenerator held, Device device, long step)
    {
        using IDisposable still = no_grad();
        average.Swap();
        network.eval();
        double[] sums = new double[5];
        const int batches = 8;
        for (int i = 0; i < batches; i++)
        {
            using DisposeScope scope = NewDisposeScope();
            TrainingBatch batch = TrainingBatch.Make(held, 0x5EED, i, _options.Batch, 320);
            double[] parts = Forward(network, loss, batch, device).ToNumbers();
            for (int k = 0; k < sums.Length; k++) sums[k] += parts[k] / batches;
        }
        network.train();
        average.Swap();
        _report(string.Create(CultureInfo.InvariantCulture,
            $"validation at {step}: loss {sums[0]:F3} score {sums[1]:F3} place {sums[2]:F4} rotation {sums[3]:F4} points {sums[4]:F4}"));
        return sums;
    }

    /// <summary>Names for the parts of a loss, in the order of <see cref="LossParts.ToNumbers"/>.</summary>
    private static IEnumerable<(string Tag, double Value)> Scalars(string group, double[] parts, double scale) =>
    [
        ($"{group}/loss", parts[0] * scale), ($"{group}/score", parts[1] * scale), ($"{group}/place", parts[2] * scale),
        ($"{group}/rotation", parts[3] * scale), ($"{group}/points", parts[4] * scale),
    ];
}
