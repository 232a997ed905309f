using System.Text.Json.Serialization;
using Img2Pose.Training.Data;
using Img2Pose.Training.Networks;

namespace Img2Pose.Training.Optimization;

/// <summary>What a training run of the paper's network is told; defaults are the original's where it has them.</summary>
public sealed record PaperTrainingOptions
{
    /// <summary>Folder of an annotation pack, or an LMDB file of the original or of <c>dataset convert</c>.</summary>
    public required string Data { get; init; }

    /// <summary>As <see cref="Data"/>, for validation; null: one picture in <see cref="ValidationEvery"/> of the data.</summary>
    public string? Validation { get; init; }

    /// <summary>Folder for checkpoints and logs.</summary>
    public required string Output { get; init; }

    /// <summary>Folder of the original's reference points, or null for the default reference face.</summary>
    public string? Reference { get; init; }

    /// <summary>Layers of the ResNet: 18, 50 or 101.</summary>
    public int Depth { get; init; } = 18;

    /// <summary>Most optimiser steps, or null for 100 passes over the data; a validation loss that no longer falls ends training earlier.</summary>
    public int? Steps { get; init; }

    /// <summary>Pictures of a step, of all devices together, at least 2.</summary>
    public int Batch { get; init; } = 2;

    /// <summary>Shorter sides of the resized pictures, at least 64; each picture draws one. The last one validates.</summary>
    public IReadOnlyList<int> Sizes { get; init; } = [640, 672, 704, 736, 768, 800];

    /// <summary>Longest side of the resized pictures.</summary>
    public int LongestSide { get; init; } = 1400;

    /// <summary>"sgd" (momentum 0.9) or "adam".</summary>
    public string Optimizer { get; init; } = "sgd";

    /// <summary>Learning rate; a tenth of it whenever the validation loss has stopped falling.</summary>
    public double LearningRate { get; init; } = 1e-3;

    /// <summary>Weight decay.</summary>
    public double WeightDecay { get; init; } = 5e-4;

    /// <summary>Steps over which the learning rate rises; the original has none.</summary>
    public int WarmUp { get; init; }

    /// <summary>Largest norm of the gradient.</summary>
    public double GradientClip { get; init; } = 10;

    /// <summary>Steps between validations, each of which writes a checkpoint; null for one pass over the data.</summary>
    public int? EpochSteps { get; init; }

    /// <summary>Without <see cref="Validation"/>: one picture in so many is kept out of training.</summary>
    public int ValidationEvery { get; init; } = 40;

    /// <summary>Whether samples are augmented as the original's (mirror, crop, noise, contrast).</summary>
    public bool Augment { get; init; } = true;

    /// <summary>Seed of weights, order and augmentation.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>Threads of libtorch; 0: as many as processors.</summary>
    public int Threads { get; init; }

    /// <summary>Threads that make samples.</summary>
    public int Workers { get; init; } = 1;

    /// <summary>"cpu", "cuda" or "cuda:1"; several of a kind, separated by commas, share every batch.</summary>
    public string Device { get; init; } = "cpu";

    /// <summary>
    /// A checkpoint (.pth) to start from: a published or own model with its two .npy files beside it, or torchvision's weights of
    /// the ResNet, or <see cref="ImageNetPackage.Name"/>; null for random weights.
    /// </summary>
    public string? Pretrained { get; init; }

    /// <summary>A checkpoint to go on from, of <see cref="PaperTrainer"/> or of the original's trainer with its two .npy files beside it; or null.</summary>
    public string? Resume { get; init; }

    /// <summary>Steps between progress lines.</summary>
    [JsonIgnore]
    internal int ReportSteps { get; init; } = 10;

    /// <summary>How proposals and samples are chosen.</summary>
    [JsonIgnore]
    internal PaperStepSettings Selection { get; init; } = new();

    /// <summary>Called by each replica with its number and the step, before it computes.</summary>
    [JsonIgnore]
    internal Action<int, long>? Entering { get; init; }

    /// <summary>What is done to training pictures.</summary>
    [JsonIgnore]
    internal PaperAugmentations Augmentations => Augment ? new(Flip: true, Crop: true, Noise: true, Contrast: true) : new();

    /// <exception cref="UsageException">A value makes no sense.</exception>
    internal void Validate()
    {
        if (Depth is not (18 or 50 or 101)) throw new UsageException($"resnet{Depth} is not one of resnet18, resnet50, resnet101");
        if (Steps <= 0 || EpochSteps <= 0 || WarmUp < 0 || ValidationEvery < 2)
            throw new UsageException("steps and epoch steps must be positive, warm-up not negative, and validation must leave at least one picture in two for training");
        // The pose head's batch norm has no variance to learn from a single face.
        if (Batch < 2) throw new UsageException("the paper's network needs batches of at least 2 pictures");
        if (Sizes.Count == 0 || Sizes.Any(size => size < 64) || LongestSide < Sizes.Max()) throw new UsageException("sizes must be at least 64, and the longest side not below them");
        if (!(LearningRate > 0) || !(WeightDecay >= 0) || !(GradientClip > 0))
            throw new UsageException("learning rate and gradient clip must be positive, weight decay not negative");
        if (Pretrained == ImageNetPackage.Name && Depth != 18) throw new UsageException($"{Pretrained} is a ResNet-18 and starts no resnet{Depth}");
        if (Optimizer is not ("sgd" or "adam")) throw new UsageException($"optimizer '{Optimizer}' is neither sgd nor adam");
        if (Pretrained is not null && Resume is not null) throw new UsageException("--pretrained starts a run and --resume goes on with one; give one of them");
        int replicas = TrainingDevice.Count(Device);
        if (Batch < replicas) throw new UsageException($"a batch of {Batch} pictures cannot be shared among {replicas} devices; --batch counts the pictures of all devices");
    }
}
