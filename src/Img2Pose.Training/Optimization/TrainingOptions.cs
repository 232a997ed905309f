using System.Text.Json.Serialization;
using Img2Pose.Training.Data;
using Img2Pose.Training.Networks;

namespace Img2Pose.Training.Optimization;

/// <summary>What a training run is told. Saved beside the weights as <c>config.json</c>.</summary>
public sealed record TrainingOptions
{
    /// <summary>Folder of the training pack (annotations.jsonl and pictures).</summary>
    public required string Data { get; init; }

    /// <summary>Folder of the face-mesh pack for synthetic large poses and heads, or null for none.</summary>
    public string? Mesh { get; init; }

    /// <summary>Folder for checkpoints, models and logs.</summary>
    public required string Output { get; init; }

    /// <summary>"nano", the default model's network, "r18", the accurate one on ResNet-18, or "nano-two-stage".</summary>
    public string Network { get; init; } = NanoModel.SingleStage;

    /// <summary>Optimiser steps in all; the learning rate falls to zero over them.</summary>
    public int Steps { get; init; } = 9500;

    /// <summary>Pictures of a step at the size 320×320; larger sizes take fewer, smaller ones more.</summary>
    public int Batch { get; init; } = 16;

    /// <summary>Sides of the square pictures, multiples of 64; each step draws one.</summary>
    public IReadOnlyList<int> Sizes { get; init; } = [320];

    /// <summary>Highest learning rate.</summary>
    public double LearningRate { get; init; } = 1.5e-3;

    /// <summary>Decoupled weight decay.</summary>
    public double WeightDecay { get; init; } = 0.02;

    /// <summary>Steps over which the learning rate rises.</summary>
    public int WarmUp { get; init; } = 300;

    /// <summary>Decay of the weight average per step.</summary>
    public double AverageDecay { get; init; } = 0.998;

    /// <summary>Largest norm of the gradient.</summary>
    public double GradientClip { get; init; } = 10;

    /// <summary>Steps between validations; each writes a checkpoint and a model.</summary>
    public int EpochSteps { get; init; } = 500;

    /// <summary>One picture in so many is kept out of training, for validation.</summary>
    public int ValidationEvery { get; init; } = 40;

    /// <summary>How often faces of a data set are drawn, by its name in the annotations; sets that are not named weigh 1.</summary>
    public IReadOnlyDictionary<string, double> SetWeights { get; init; } = new Dictionary<string, double>();

    /// <summary>Pictures whose name in the annotations contains one of these stay out of the run: persons that another run measures.</summary>
    public IReadOnlyList<string> Without { get; init; } = [];

    /// <summary>From this pan on, degrees, side views that were recorded at a known pan are turned all the way to it; beyond 90 none is.</summary>
    public double NominalFrom { get; init; } = NominalPan.SmallestPan;

    /// <summary>Part of the samples that are turned by any angle, in [0, 1].</summary>
    public double AnyRoll { get; init; }

    /// <summary>Whether only what stands on the backbone learns: pyramid and heads.</summary>
    public bool FreezeBackbone { get; init; }

    /// <summary>
    /// Whether batch norms keep the statistics that they start from, as the paper's do; scale and shift learn. Several devices then
    /// have nothing to tell each other before their gradients.
    /// </summary>
    public bool FreezeNorms { get; init; }

    /// <summary>Seed of weights, order and augmentation.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>Threads of libtorch; 0: as many as processors.</summary>
    public int Threads { get; init; }

    /// <summary>Threads that make samples.</summary>
    public int Workers { get; init; } = 1;

    /// <summary>"cpu", "cuda" or "cuda:1"; several of a kind, separated by commas, share every batch.</summary>
    public string Device { get; init; } = "cpu";

    /// <summary>"float32", or "bfloat16" for mixed precision: convolutions in 16 bits, weights, norms, the last layer and losses in 32.</summary>
    public string Precision { get; init; } = "float32";

    /// <summary>Whether pictures, and with them all feature maps, lie channels last in memory, as GPUs and oneDNN like it; else row after row of each channel.</summary>
    public bool ChannelsLast { get; init; } = true;

    /// <summary>Model package (.onnx) of the same network, nano or r18, whose weights the run starts from, or <see cref="ImageNetPackage.Name"/> for r18's backbone, or null for random ones.</summary>
    public string? Start { get; init; }

    /// <summary>
    /// Model package (.onnx) of a one-stage network, nano or r18, whose answers to each batch are learnt besides the labels (knowledge
    /// distillation), or null for none.
    /// </summary>
    public string? Teacher { get; init; }

    /// <summary>Weight of what the teacher says; labels have 1.</summary>
    public double TeacherWeight { get; init; } = 1;

    /// <summary>Checkpoint to go on from, or null.</summary>
    public string? Resume { get; init; }

    /// <summary>With <see cref="Resume"/>: take the weights only, and start a new schedule at step 0.</summary>
    public bool ResumeWeightsOnly { get; init; }

    /// <summary>Called by each replica with its number and the step, before it computes.</summary>
    [JsonIgnore]
    internal Action<int, long>? Entering { get; init; }

    /// <summary>Changes a batch on its way to the network.</summary>
    [JsonIgnore]
    internal Func<TrainingBatch, TrainingBatch>? Altering { get; init; }

    /// <exception cref="UsageException">A value makes no sense.</exception>
    internal void Validate()
    {
        if (Network is not (NanoModel.SingleStage or NanoModel.TwoStage or NanoModel.R18))
            throw new UsageException($"network '{Network}' is none of {NanoModel.SingleStage}, {NanoModel.R18}, {NanoModel.TwoStage}, resnet18, resnet50, resnet101");
        if (Steps <= 0 || Batch <= 0 || EpochSteps <= 0 || WarmUp < 0 || ValidationEvery < 2)
            throw new UsageException("steps, batch and epoch steps must be positive, warm-up not negative, and validation must leave at least one picture in two for training");
        if (!(LearningRate > 0) || !(AverageDecay is >= 0 and < 1) || !(WeightDecay >= 0) || !(GradientClip > 0))
            throw new UsageException("learning rate and gradient clip must be positive, weight decay not negative, the average's decay in [0, 1)");
        if (Sizes.Count == 0 || Sizes.Any(size => size < 64 || size % 64 != 0))
            throw new UsageException("sizes must be multiples of 64");
        if (Start == ImageNetPackage.Name && Network != NanoModel.R18) throw new UsageException($"{Start} starts the networks {NanoModel.R18} and resnet18 only, not {Network}");
        if (Start is not null and not ImageNetPackage.Name && Network == NanoModel.TwoStage) throw new UsageException($"a package can start the networks {NanoModel.SingleStage} and {NanoModel.R18} only, not {Network}");
        if (Precision is not ("float32" or "bfloat16")) throw new UsageException($"precision '{Precision}' is neither float32 nor bfloat16");
        if (Precision == "bfloat16" && Network == NanoModel.TwoStage) throw new UsageException($"{NanoModel.TwoStage} trains in float32 only: its regions are pooled in it");
        if (Start is not null && Resume is not null && ResumeWeightsOnly) throw new UsageException("weights come from a package or from a checkpoint, not from both");
        if (!(NominalFrom is >= 0 and <= 180)) throw new UsageException("the pan from which side views are turned is in [0, 180] degrees");
        if (Without.Any(string.IsNullOrEmpty)) throw new UsageException("an empty part of a name would leave every picture out");
        if (FreezeBackbone && Network == NanoModel.TwoStage) throw new UsageException($"{Network} has no frozen backbone; {NanoModel.SingleStage} and {NanoModel.R18} can have");
        if (Teacher is not null && Network == NanoModel.TwoStage) throw new UsageException($"cells teach cells: only {NanoModel.SingleStage} and {NanoModel.R18} can have a teacher, not {Network}");
        if (!(TeacherWeight > 0 && double.IsFinite(TeacherWeight))) throw new UsageException("the teacher's weight must be positive");
        if (!(AnyRoll is >= 0 and <= 1)) throw new UsageException("the part of samples turned by any angle is in [0, 1]");
        if (FreezeNorms && Network == NanoModel.TwoStage) throw new UsageException($"{Network} trains with its batches' statistics only; {NanoModel.SingleStage} and {NanoModel.R18} can keep them");
        if (FreezeNorms && Start is null && Resume is null) throw new UsageException("random weights have no statistics that norms could keep; --freeze-norms goes with --init or --resume");
        if (SetWeights.Values.Any(weight => !(weight >= 0) || !double.IsFinite(weight)))
            throw new UsageException("weights of data sets must be finite and not negative");
        int replicas = TrainingDevice.Count(Device), least = Sizes.Min(size => TrainingBatch.PicturesAt(size, Batch));
        if (least < replicas) throw new UsageException($"batches of {least} pictures cannot be shared among {replicas} devices; --batch {Batch} counts the pictures of all devices at 320×320");
    }
}
