using System.CommandLine;
using System.Globalization;
using Img2Pose.Cli.Running;
using Img2Pose.Core;
using Img2Pose.Training.Networks;
using Img2Pose.Training.Optimization;

namespace Img2Pose.Cli.Commands;

/// <summary><c>img2pose train</c>: trains the default model's network or the paper's on labelled pictures.</summary>
internal static class TrainCommand
{
    private const string PaperPrefix = "resnet";

    private static readonly TimeSpan s_closing = TimeSpan.FromSeconds(60);

    // What both networks are told.
    private static readonly Argument<string> s_data = new("data") { Description = "Training pack (a folder with annotations.jsonl); for a resnet also an LMDB file." };
    private static readonly Option<string> s_network = new("--network") { Description = "nano (the default model's), r18 (accurate: one stage on ResNet-18), nano-two-stage (the paper's stages on its backbone; options as nano), or the paper's: resnet18, resnet50, resnet101.", DefaultValueFactory = _ => "nano" };
    private static readonly Option<string> s_output = new("--out") { Description = "Folder for checkpoints, models and logs.", DefaultValueFactory = _ => "out/train" };
    private static readonly Option<int?> s_steps = new("--steps") { Description = "Optimiser steps in all. [nano: 9500; resnet: 100 passes over the data, or until the validation loss stops falling]" };
    private static readonly Option<int?> s_batch = new("--batch") { Description = "Pictures of a step, of all devices together; nano: at 320×320, other sizes keep the number of pixels. [nano: 16; resnet: 2]" };
    private static readonly Option<int[]?> s_sizes = new("--sizes")
    {
        Description = "nano: sides of the square pictures, multiples of 64 [320]; resnet: shorter sides of the resized pictures [640 672 704 736 768 800].",
        AllowMultipleArgumentsPerToken = true,
    };
    private static readonly Option<double?> s_rate = new("--learning-rate") { Description = "Highest learning rate. [nano: 1.5e-3; resnet: 1e-3]" };
    private static readonly Option<int?> s_warmUp = new("--warm-up") { Description = "Steps over which the learning rate rises. [nano: 300; resnet: 0]" };
    private static readonly Option<int?> s_epoch = new("--epoch-steps") { Description = "Steps between validations. [nano: 500; resnet: one pass over the data]" };
    private static readonly Option<ulong> s_seed = new("--seed") { Description = "Seed of weights, order and augmentation.", DefaultValueFactory = _ => 1 };
    private static readonly Option<int> s_threads = new("--threads") { Description = "Threads of libtorch; 0: as many as processors.", DefaultValueFactory = _ => 0 };
    private static readonly Option<int> s_workers = new("--workers") { Description = "Threads that make samples.", DefaultValueFactory = _ => 1 };
    private static readonly Option<string> s_device = new("--devices", "--device") { Description = "cpu, cuda or cuda:1; several (cuda:0,cuda:1 or cpu,cpu) share every batch.", DefaultValueFactory = _ => "cpu" };
    private static readonly Option<string?> s_resume = new("--resume") { Description = "Checkpoint to go on from; 'last' is the output folder's own." };

    // nano alone.
    private static readonly Option<string?> s_mesh = new("--mesh") { Description = "nano: folder of the face-mesh pack, for synthetic large poses and rendered heads." };
    private static readonly Option<string[]> s_sets = new("--set-weights") { Description = "nano: how often a data set's faces are drawn: NAME=WEIGHT ...; others weigh 1.", AllowMultipleArgumentsPerToken = true };
    private static readonly Option<string?> s_start = new("--init") { Description = "What to start from: nano, r18: a model package (.onnx) of this network, such as the default model's; r18, resnet18: resnet18-imagenet, the backbone of a NuGet package, fetched when it is not there." };
    private static readonly Option<string> s_precision = new("--precision") { Description = "nano, r18: float32 or bfloat16 (mixed precision).", DefaultValueFactory = _ => "float32" };
    private static readonly Option<bool> s_channelsFirst = new("--channels-first") { Description = "nano, r18: feature maps lie channels first in memory, not last; the same numbers up to rounding, mostly slower." };
    private static readonly Option<string[]> s_without = new("--without") { Description = "nano, r18: leave pictures out whose name in the annotations contains one of these, such as persons to be measured on.", AllowMultipleArgumentsPerToken = true };
    private static readonly Option<double> s_nominal = new("--nominal-from") { Description = "nano, r18: side views recorded at a known pan (label nominal) are turned all the way to it from so many degrees on; 91: none.", DefaultValueFactory = _ => new TrainingOptions { Data = "", Output = "" }.NominalFrom };
    private static readonly Option<double> s_roll = new("--any-roll") { Description = "nano, r18: part of the samples, 0 to 1, that are turned by any angle; the others stay within 45 degrees." };
    private static readonly Option<string?> s_teacher = new("--teacher") { Description = "nano, r18: model package (.onnx) of one of them whose answers are learnt besides the labels, such as the accurate model's." };
    private static readonly Option<double> s_teacherWeight = new("--teacher-weight") { Description = "With --teacher: weight of its answers; labels have 1.", DefaultValueFactory = _ => 1 };
    private static readonly Option<bool> s_freeze = new("--freeze-backbone") { Description = "nano, r18: only the pyramid and the heads learn." };
    private static readonly Option<bool> s_norms = new("--freeze-norms") { Description = "nano, r18, with --init or --resume: batch norms keep their statistics, as the paper's; several devices then share a batch at hardly any cost." };
    private static readonly Option<bool> s_weightsOnly = new("--weights-only") { Description = "nano, with --resume: take the weights only and start a new schedule." };

    // The paper's alone.
    private static readonly Option<string?> s_pretrained = new("--pretrained") { Description = "resnet: .pth to start from: a model with its two .npy files beside it, or torchvision's ImageNet weights." };
    private static readonly Option<string?> s_validation = new("--validation") { Description = "resnet: pack or LMDB file to validate on; without, one picture in 40 is kept." };
    private static readonly Option<string> s_optimizer = new("--optimizer") { Description = "resnet: sgd (momentum 0.9) or adam.", DefaultValueFactory = _ => "sgd" };
    private static readonly Option<int> s_longest = new("--longest-side") { Description = "resnet: longest side of the resized pictures.", DefaultValueFactory = _ => 1400 };
    private static readonly Option<bool> s_plain = new("--no-augmentation") { Description = "resnet: no mirror, crop, noise and contrast." };
    private static readonly Option<string?> s_reference = new("--reference") { Description = "resnet: folder of the original's reference points, for its own LMDB files." };

    public static Command Create()
    {
        Command command = new("train", "Trains a model on labelled pictures.")
        {
            s_data, s_network, s_output, s_steps, s_batch, s_sizes, s_rate, s_warmUp, s_epoch, s_seed, s_threads, s_workers, s_device, s_resume,
            s_mesh, s_sets, s_start, s_precision, s_channelsFirst, s_without, s_nominal, s_roll, s_teacher, s_teacherWeight, s_freeze, s_norms, s_weightsOnly, s_pretrained, s_validation, s_optimizer, s_longest, s_plain, s_reference,
        };
        command.SetAction(async (parsed, cancellation) =>
        {
            string network = parsed.GetValue(s_network)!;
            bool paper = network.StartsWith(PaperPrefix, StringComparison.Ordinal);
            RequireMeaning(parsed, network, paper ? [s_mesh, s_sets, s_precision, s_channelsFirst, s_without, s_nominal, s_roll, s_teacher, s_teacherWeight, s_freeze, s_norms, s_weightsOnly] : [s_pretrained, s_validation, s_optimizer, s_longest, s_plain, s_reference]);
            FileRoles roles = new();
            RunFiles.AddData(roles, parsed.GetValue(s_data));
            RunFiles.AddData(roles, parsed.GetValue(s_validation));
            roles.Reads(parsed.GetValue(s_mesh), "a file of the meshes (--mesh)");
            string? start = parsed.GetValue(s_start);
            if (paper && start is not null and not ImageNetPackage.Name) throw new UsageException($"--init of {network} is {ImageNetPackage.Name}; a checkpoint is given with --pretrained");
            if (paper && start is not null && parsed.GetValue(s_pretrained) is not null) throw new UsageException("--init and --pretrained are two starts; give one of them");
            if (start is not ImageNetPackage.Name) roles.Reads(start, "the package of --init");
            roles.Reads(parsed.GetValue(s_teacher), "the package of --teacher");
            if (parsed.GetValue(s_teacher) is null && parsed.GetResult(s_teacherWeight) is { Implicit: false }) throw new UsageException("--teacher-weight is for --teacher");
            roles.Reads(parsed.GetValue(s_pretrained), "the checkpoint of --pretrained");
            roles.Reads(parsed.GetValue(s_reference), "a file of the reference points (--reference)");
            // What is resumed may be the output's own checkpoint, which the next one follows; another's is kept.
            string own = Path.Combine(parsed.GetValue(s_output)!, paper ? PaperTrainer.CheckpointName : NanoTrainer.CheckpointName);
            if (parsed.GetValue(s_resume) is { } resume and not "last" && !FileRoles.AreSame(resume, own)) roles.Reads(resume, "the checkpoint of --resume");
            if (parsed.GetValue(s_pretrained) is { } checkpoint)
            {
                // Its pose statistics lie beside it.
                foreach (string name in (string[])["pose_mean.npy", "pose_stddev.npy"])
                    roles.Reads(Path.Combine(Path.GetDirectoryName(Path.GetFullPath(checkpoint)) ?? "/", name), "the pose statistics of --pretrained");
            }
            using IDisposable guard = roles.Guard();
            // The step under way and the checkpoint after it: on a processor that takes longer than other verbs have.
            if (Interruption.Current is { } interruption) interruption.Closing = s_closing;
            using CancellationTokenRegistration saying = cancellation.Register(
                () => Console.Error.WriteLine("stopping: the step under way is finished and its checkpoint written; a second signal ends at once"));
            long reached;
            int left;
            if (paper)
            {
                PaperTrainer trainer = new(PaperOptions(parsed, network), Console.Error.WriteLine);
                foreach (string file in trainer.OutputFiles) roles.Writes(file, "--out");
                reached = await trainer.RunAsync(cancellation);
                left = trainer.LeftOut;
            }
            else
            {
                NanoTrainer trainer = new(NanoOptions(parsed, network), Console.Error.WriteLine);
                foreach (string file in trainer.OutputFiles) roles.Writes(file, "--out");
                reached = await trainer.RunAsync(cancellation);
                left = trainer.LeftOut;
            }
            Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"ended at step {reached}; {parsed.GetValue(s_output)}"));
            return left > 0 ? ExitCode.Failed : ExitCode.Done;
        });
        return command;
    }

    private static void RequireMeaning(ParseResult parsed, string network, Option[] others)
    {
        foreach (Option option in others)
        {
            if (parsed.GetResult(option) is { Implicit: false }) throw new UsageException($"{option.Name} means nothing with --network {network}");
        }
    }

    private static string? Resume(ParseResult parsed, string own) =>
        parsed.GetValue(s_resume) is "last" ? Path.Combine(parsed.GetValue(s_output)!, own) : parsed.GetValue(s_resume);

    private static TrainingOptions NanoOptions(ParseResult parsed, string network)
    {
        TrainingOptions options = new() { Data = parsed.GetValue(s_data)!, Output = parsed.GetValue(s_output)! };
        return options with
        {
            Network = network,
            Mesh = parsed.GetValue(s_mesh),
            Steps = parsed.GetValue(s_steps) ?? options.Steps,
            Batch = parsed.GetValue(s_batch) ?? options.Batch,
            Sizes = Sizes(parsed) ?? options.Sizes,
            LearningRate = parsed.GetValue(s_rate) ?? options.LearningRate,
            WarmUp = parsed.GetValue(s_warmUp) ?? options.WarmUp,
            EpochSteps = parsed.GetValue(s_epoch) ?? options.EpochSteps,
            SetWeights = SetWeights(parsed.GetValue(s_sets) ?? []),
            Seed = parsed.GetValue(s_seed),
            Threads = parsed.GetValue(s_threads),
            Workers = parsed.GetValue(s_workers),
            Device = parsed.GetValue(s_device)!,
            Start = parsed.GetValue(s_start),
            Precision = parsed.GetValue(s_precision)!,
            ChannelsLast = !parsed.GetValue(s_channelsFirst),
            Without = parsed.GetValue(s_without) ?? [],
            NominalFrom = parsed.GetValue(s_nominal),
            AnyRoll = parsed.GetValue(s_roll),
            Teacher = parsed.GetValue(s_teacher),
            TeacherWeight = parsed.GetValue(s_teacherWeight),
            FreezeBackbone = parsed.GetValue(s_freeze),
            FreezeNorms = parsed.GetValue(s_norms),
            Resume = Resume(parsed, NanoTrainer.CheckpointName),
            ResumeWeightsOnly = parsed.GetValue(s_weightsOnly),
        };
    }

    private static PaperTrainingOptions PaperOptions(ParseResult parsed, string network)
    {
        PaperTrainingOptions options = new() { Data = parsed.GetValue(s_data)!, Output = parsed.GetValue(s_output)! };
        return options with
        {
            Depth = int.TryParse(network.AsSpan(PaperPrefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out int depth) ? depth : 0,
            Validation = parsed.GetValue(s_validation),
            Reference = parsed.GetValue(s_reference),
            Steps = parsed.GetValue(s_steps),
            Batch = parsed.GetValue(s_batch) ?? options.Batch,
            Sizes = Sizes(parsed) ?? options.Sizes,
            LongestSide = parsed.GetValue(s_longest),
            Optimizer = parsed.GetValue(s_optimizer)!,
            LearningRate = parsed.GetValue(s_rate) ?? options.LearningRate,
            WarmUp = parsed.GetValue(s_warmUp) ?? options.WarmUp,
            EpochSteps = parsed.GetValue(s_epoch),
            Augment = !parsed.GetValue(s_plain),
            Seed = parsed.GetValue(s_seed),
            Threads = parsed.GetValue(s_threads),
            Workers = parsed.GetValue(s_workers),
            Device = parsed.GetValue(s_device)!,
            Pretrained = parsed.GetValue(s_pretrained) ?? parsed.GetValue(s_start),
            Resume = Resume(parsed, PaperTrainer.CheckpointName),
        };
    }

    /// <exception cref="UsageException">An argument is not NAME=NUMBER.</exception>
    private static Dictionary<string, double> SetWeights(string[] arguments)
    {
        Dictionary<string, double> weights = [];
        foreach (string argument in arguments)
        {
            int at = argument.IndexOf('=', StringComparison.Ordinal);
            if (at <= 0 || !double.TryParse(argument.AsSpan(at + 1), NumberStyles.Float, CultureInfo.InvariantCulture, out double weight))
                throw new UsageException($"--set-weights: '{argument}' is not NAME=WEIGHT");
            weights[argument[..at]] = weight;
        }
        return weights;
    }

    private static int[]? Sizes(ParseResult parsed) => parsed.GetValue(s_sizes) is { Length: > 0 } sizes ? sizes : null;
}
