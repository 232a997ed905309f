using System.CommandLine;
using System.Globalization;
using Img2Pose.Training.Optimization;

namespace Img2Pose.Cli.Commands;

/// <summary><c>img2pose train</c>: trains the default model's network on an annotation pack.</summary>
internal static class TrainCommand
{
    public static Command Create()
    {
        Argument<string> data = new("data") { Description = "Folder of the training pack: annotations.jsonl and its pictures." };
        Option<string> output = new("--out") { Description = "Folder for checkpoints, models and logs.", DefaultValueFactory = _ => "out/train" };
        Option<string?> mesh = new("--mesh") { Description = "Folder of the face-mesh pack, for synthetic large poses and rendered heads." };
        Option<int> steps = new("--steps") { Description = "Optimiser steps in all.", DefaultValueFactory = _ => 9500 };
        Option<int> batch = new("--batch") { Description = "Pictures of a step at 320×320; other sizes keep the number of pixels.", DefaultValueFactory = _ => 16 };
        Option<int[]> sizes = new("--sizes") { Description = "Sides of the square training pictures, multiples of 64.", AllowMultipleArgumentsPerToken = true, DefaultValueFactory = _ => [320] };
        Option<double> rate = new("--learning-rate") { Description = "Highest learning rate.", DefaultValueFactory = _ => 1.5e-3 };
        Option<int> warmUp = new("--warm-up") { Description = "Steps over which the learning rate rises.", DefaultValueFactory = _ => 300 };
        Option<int> epoch = new("--epoch-steps") { Description = "Steps between validations.", DefaultValueFactory = _ => 500 };
        Option<string[]> sets = new("--set-weights") { Description = "How often a data set's faces are drawn: NAME=WEIGHT ...; others weigh 1.", AllowMultipleArgumentsPerToken = true };
        Option<ulong> seed = new("--seed") { Description = "Seed of weights, order and augmentation.", DefaultValueFactory = _ => 1 };
        Option<int> threads = new("--threads") { Description = "Threads of libtorch; 0: as many as processors.", DefaultValueFactory = _ => 0 };
        Option<int> workers = new("--workers") { Description = "Threads that make samples.", DefaultValueFactory = _ => 1 };
        Option<string> device = new("--device") { Description = "cpu or cuda.", DefaultValueFactory = _ => "cpu" };
        Option<string?> resume = new("--resume") { Description = "Checkpoint to go on from; 'last' is the output folder's own." };
        Option<bool> weightsOnly = new("--weights-only") { Description = "With --resume: take the weights only and start a new schedule." };
        Command command = new("train", "Trains a model on a pack of labelled pictures.")
        {
            data, output, mesh, steps, batch, sizes, rate, warmUp, epoch, sets, seed, threads, workers, device, resume, weightsOnly,
        };
        command.SetAction(async (parsed, cancellation) =>
        {
            string folder = parsed.GetValue(output)!;
            string? from = parsed.GetValue(resume);
            TrainingOptions options = new()
            {
                Data = parsed.GetValue(data)!,
                Output = folder,
                Mesh = parsed.GetValue(mesh),
                Steps = parsed.GetValue(steps),
                Batch = parsed.GetValue(batch),
                Sizes = parsed.GetValue(sizes)!,
                LearningRate = parsed.GetValue(rate),
                WarmUp = parsed.GetValue(warmUp),
                EpochSteps = parsed.GetValue(epoch),
                SetWeights = SetWeights(parsed.GetValue(sets) ?? []),
                Seed = parsed.GetValue(seed),
                Threads = parsed.GetValue(threads),
                Workers = parsed.GetValue(workers),
                Device = parsed.GetValue(device)!,
                Resume = from == "last" ? Path.Combine(folder, NanoTrainer.CheckpointName) : from,
                ResumeWeightsOnly = parsed.GetValue(weightsOnly),
            };
            long reached = await new NanoTrainer(options, Console.Error.WriteLine).RunAsync(cancellation);
            Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"stopped at step {reached} of {options.Steps}; {folder}"));
            return ExitCode.Done;
        });
        return command;
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
}
