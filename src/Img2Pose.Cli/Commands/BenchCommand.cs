using System.CommandLine;
using Img2Pose.Cli.Benchmarking;
using Img2Pose.Cli.Running;
using Img2Pose.Inference;

namespace Img2Pose.Cli.Commands;

/// <summary><c>img2pose bench</c>: where the time goes.</summary>
internal static class BenchCommand
{
    /// <summary>Describes the verb.</summary>
    public static Command Create()
    {
        Argument<string> source = new("SOURCE") { Description = "A video file or lavfi:GRAPH." };
        Option<string?> model = new("--model") { Description = "Model to use instead of the default one.", HelpName = "NAME|FILE" };
        Option<string> device = new("--device") { Description = "Where the network runs: auto, cpu, cuda, or cuda+cpu for pictures on the GPU and the network on the processor.", HelpName = "NAME", DefaultValueFactory = _ => "auto" };
        Option<string?> provider = new("--provider") { Description = "How it computes on a GPU: nhwc, tf32, search, graph, separated by commas.", HelpName = "NAMES" };
        Option<long> frames = new("--frames") { Description = "Frames to take at most.", HelpName = "N", DefaultValueFactory = _ => 300 };
        Option<int?> size = new("--size") { Description = "Long side of the network's input.", HelpName = "N" };
        Option<int?> threads = new("--threads") { Description = "Threads of the network.", HelpName = "N" };
        Option<int?> workers = new("--workers") { Description = "Frames that the network looks at at the same time, sharing its threads.", HelpName = "N" };
        LookOption look = new();
        Option<string?> preset = new("--preset") { Description = "Speed preset of the encoder.", HelpName = "NAME" };
        Option<bool> noVideo = new("--no-video") { Description = "Poses only: nothing is drawn or encoded." };
        Command command = new("bench", "Measure each stage alone and all of them together: time, queues, allocation, cores, memory.")
        {
            source, model, device, provider, frames, size, threads, workers, preset, noVideo,
        };
        foreach (Option option in look.All) command.Options.Add(option);
        command.SetAction(async (parsed, stop) =>
        {
            (int every, bool? follow) = look.Read(parsed);
            RunSettings settings = new RunSettings
            {
                Source = parsed.GetRequiredValue(source),
                Model = parsed.GetValue(model),
                Device = parsed.GetRequiredValue(device),
                Provider = CudaProviderOptions.Parse(parsed.GetValue(provider) ?? ""),
                Frames = parsed.GetValue(frames),
                Size = parsed.GetValue(size),
                Threads = parsed.GetValue(threads),
                Workers = parsed.GetValue(workers),
                Every = every,
                Follow = follow,
                Preset = parsed.GetValue(preset),
                // Where the outputs go is the benchmark's own affair; these say only which there are.
                Output = parsed.GetValue(noVideo) ? null : "bench.mp4",
                Json = "-",
            }.Validate();
            await using RunBenchmark benchmark = new(settings, Console.Out);
            await benchmark.RunAsync(stop);
            return ExitCode.Done;
        });
        return command;
    }
}
