using System.CommandLine;
using System.Globalization;
using Img2Pose.Cli.Benchmarking.Gpu;
using Img2Pose.Cuda;

namespace Img2Pose.Cli.Commands;

/// <summary><c>img2pose gpu</c>: whether a GPU computes what the processor does, and how much it does.</summary>
internal static class GpuCommand
{
    /// <summary>Describes the verb.</summary>
    public static Command Create()
    {
        Argument<string> source = new("CLIP") { Description = "A video that stands for a camera's picture." };
        Option<string> device = new("--device") { Description = "Where the network runs: cuda or cuda+cpu.", HelpName = "NAME", DefaultValueFactory = _ => "cuda" };
        device.AcceptOnlyFromAmong("cuda", "cuda+cpu");
        Option<string> models = new("--models") { Description = "Networks to measure, separated by commas; default is the default model's.", HelpName = "NAME|FILE,…", DefaultValueFactory = _ => "" };
        Option<string> providers = new("--providers") { Description = "Ways to compute to measure each with, separated by slashes: nhwc, tf32, search, graph.", HelpName = "NAMES/…", DefaultValueFactory = _ => "" };
        Option<string> batches = new("--batches") { Description = "Pictures of one run to measure, separated by commas.", HelpName = "N,…", DefaultValueFactory = _ => "1,2,4,8,16,32" };
        Option<string> sessions = new("--sessions") { Description = "Live sessions side by side to measure, separated by commas.", HelpName = "N,…", DefaultValueFactory = _ => "1,4,16,64" };
        Option<double> seconds = new("--seconds") { Description = "How long each measurement of a network lasts; sessions take four times as long.", HelpName = "S", DefaultValueFactory = _ => 5 };
        Option<int> rounds = new("--rounds") { Description = "Launches that a kernel's time is taken of.", HelpName = "N", DefaultValueFactory = _ => 200 };
        Option<string?> json = new("--json") { Description = "The results as JSON.", HelpName = "FILE" };
        Command command = new("gpu", "Check every kernel against the processor's code, and measure kernels, decoding, networks and live sessions on a GPU.")
        {
            source, device, models, providers, batches, sessions, seconds, rounds, json,
        };
        command.SetAction(async (parsed, stop) =>
        {
            TimeSpan length = TimeSpan.FromSeconds(parsed.GetValue(seconds) is > 0 and <= 600 and var s ? s : throw new UsageException("--seconds is between 0 and 600."));
            int[] pictures = Numbers("--batches", parsed.GetRequiredValue(batches)), counts = Numbers("--sessions", parsed.GetRequiredValue(sessions));
            if (parsed.GetValue(rounds) < 1) throw new UsageException("--rounds is at least 1.");
            GpuReport report = new(Console.Out, parsed.GetValue(json));
            using CudaDevice gpu = CudaDevice.Open();
            report.Tell("GPU", $"{gpu.Name}, driver for CUDA {gpu.DriverVersion}", ("name", gpu.Name), ("cuda", gpu.DriverVersion.ToString()), ("memory", gpu.Memory.Total));
            using (KernelCheck kernels = new(gpu, parsed.GetValue(rounds), report)) kernels.Run();
            GpuThroughput throughput = new(gpu, parsed.GetRequiredValue(device), parsed.GetRequiredValue(source), report);
            string[] names = parsed.GetRequiredValue(models).Split(','), ways = parsed.GetRequiredValue(providers).Split('/');
            Part("decode", throughput.Decode);
            // Before the networks, of which there may be more than the time suffices for.
            foreach (int count in counts)
            {
                try
                {
                    await throughput.SessionsAsync(names[0].Length == 0 ? null : names[0], ways[0], count, 4 * length, stop);
                }
                catch (Img2PoseException error)
                {
                    report.Fail($"{count} live sessions", error);
                }
            }
            // Every network one way before any the next: what the time does not suffice for is then the last way, and not the last network.
            foreach (string way in ways)
            {
                foreach (string name in names)
                {
                    if (stop.IsCancellationRequested) return ExitCode.Failed;
                    Part($"network {name} {way}", () => throughput.Network(name.Length == 0 ? null : name, way, pictures, length));
                }
            }
            return report.IsGood ? ExitCode.Done : ExitCode.Failed;

            void Part(string name, Action measure)
            {
                try
                {
                    measure();
                }
                catch (Img2PoseException error)
                {
                    report.Fail(name, error);
                }
            }
        });
        return command;
    }

    private static int[] Numbers(string option, string list)
    {
        try
        {
            int[] numbers = [.. list.Split(',', StringSplitOptions.RemoveEmptyEntries).Select(text => int.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture))];
            if (Array.TrueForAll(numbers, number => number is > 0 and <= 256)) return numbers;
        }
        catch (Exception error) when (error is FormatException or OverflowException)
        {
            // Told below.
        }
        throw new UsageException($"{option} {list}: give numbers from 1 to 256, separated by commas.");
    }
}
