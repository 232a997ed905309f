using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Img2Pose.Models.Tests.Golden;
using Img2Pose.Testing;

namespace Img2Pose.Benchmarks.Golden;

/// <summary>
/// Every golden model case end to end, against the floor measured in the same process and the recorded original:
/// <c>golden [--threads 1,2] [--calls 8] [--case PART-OF-NAME] [--packages DIR]</c>. <c>golden options [--case NAME] [--threads N]</c>
/// measures what trades accuracy for time on one case, <c>golden precision [--threads N]</c> float16 and int8 on all. Prints Markdown tables;
/// packages are kept where <c>--packages</c> names an existing folder.
/// </summary>
internal static class GoldenBenchmark
{
    public static int Run(string[] args)
    {
        if (args is ["one", string name, string package, string threads, string calls])
        {
            GoldenMeasurement taken = GoldenMeasurement.Take(name, package, Number(threads), Number(calls));
            Console.WriteLine(JsonSerializer.Serialize(taken));
            return 0;
        }
        string Option(string option, string otherwise) => Array.IndexOf(args, option) is >= 0 and int i && i + 1 < args.Length ? args[i + 1] : otherwise;
        int[] counts = [.. Option("--threads", "1,2").Split(',').Select(Number)];
        string wanted = Option("--case", ""), repeat = Option("--calls", "8");
        string? keep = Option("--packages", "") is { Length: > 0 } given ? given : null;
        string folder = keep ?? Directory.CreateTempSubdirectory("img2pose-golden").FullName;
        List<(string Case, int Threads, GoldenMeasurement Taken)> rows = [];
        try
        {
            if (args is ["precision", ..]) return GoldenOptions.RunPrecisions(Number(Option("--threads", "1")), folder);
            if (args is ["options", ..])
            {
                (string one, int on) = (wanted.Length > 0 ? wanted : "astronaut_512", Number(Option("--threads", "1")));
                return GoldenOptions.Run(one, on, folder, Originals().TryGetValue((one, on), out (double Wall, double Peak) recorded) ? recorded.Wall : null);
            }
            foreach (string path in Directory.GetDirectories(Path.Combine(SharedData.Golden, "model")).Order(StringComparer.Ordinal))
            {
                string golden = Path.GetFileName(path);
                if (!golden.Contains(wanted, StringComparison.Ordinal)) continue;
                string file = Path.Combine(folder, golden + ".onnx");
                if (!File.Exists(file)) GoldenPackage.Write(GoldenModelCase.Load(golden), file);
                foreach (int count in counts) rows.Add((golden, count, RunAlone(golden, file, count, repeat)));
                if (keep is null) File.Delete(file);
            }
        }
        finally
        {
            if (keep is null) Directory.Delete(folder, recursive: true);
        }
        Print(rows, Originals());
        return 0;
    }

    // A process of its own, so that memory is that of this case alone.
    private static GoldenMeasurement RunAlone(string golden, string package, int threads, string calls)
    {
        ProcessStartInfo start = new(Environment.ProcessPath!) { RedirectStandardOutput = true };
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet") start.ArgumentList.Add(typeof(GoldenBenchmark).Assembly.Location);
        foreach (string argument in (string[])["golden", "one", golden, package, threads.ToString(CultureInfo.InvariantCulture), calls]) start.ArgumentList.Add(argument);
        using Process child = Process.Start(start)!;
        string json = child.StandardOutput.ReadToEnd();
        child.WaitForExit();
        return child.ExitCode == 0
            ? JsonSerializer.Deserialize<GoldenMeasurement>(json)!
            : throw new InvalidOperationException($"{golden} failed with exit code {child.ExitCode}.");
    }

    private static Dictionary<(string, int), (double Wall, double Peak)> Originals()
    {
        Dictionary<(string, int), (double, double)> originals = [];
        using JsonDocument document = JsonDocument.Parse(File.ReadAllText(SharedData.RequireGolden("timings.json")));
        foreach (JsonElement row in document.RootElement.EnumerateArray())
        {
            if (row.GetProperty("blas").GetString() != "openblas") continue;
            originals[(row.GetProperty("case").GetString()!, row.GetProperty("threads").GetInt32())] =
                (1000 * row.GetProperty("best_wall_s").GetDouble(), row.GetProperty("peak_rss_mib").GetDouble());
        }
        return originals;
    }

    private static void Print(List<(string Case, int Threads, GoldenMeasurement Taken)> rows, Dictionary<(string, int), (double Wall, double Peak)> originals)
    {
        Console.WriteLine("| case | threads | faces | this, ms | CPU, ms | floor, ms | × floor | original, ms | × faster | memory before / peak, MiB | original's peak |");
        Console.WriteLine("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |");
        foreach ((string name, int threads, GoldenMeasurement m) in rows)
        {
            string original = "–", faster = "–", peak = "–";
            if (originals.TryGetValue((name, threads), out (double Wall, double Peak) recorded))
                (original, faster, peak) = (Text($"{recorded.Wall:F0}"), Text($"{recorded.Wall / m.Wall:F2}"), Text($"{recorded.Peak:F0}"));
            Console.WriteLine(Text(
                $"| {name} | {threads} | {m.Faces} | {m.Wall:F0} | {m.Cpu:F0} | {m.Floor:F0} | {m.Wall / m.Floor:F2} | {original} | {faster} | {m.MemoryBefore:F0} / {m.MemoryPeak:F0} | {peak} |"));
        }
        Console.WriteLine();
        Console.WriteLine("| case | threads | tensorise | backbone | pyramid | proposal head | rest of dense | proposals | pooling | heads: products | heads: rest | selection |");
        Console.WriteLine("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |");
        foreach ((string name, int threads, GoldenMeasurement m) in rows)
        {
            double rest = m.Dense - m.BackboneFloor - m.PyramidFloor - m.ProposalHeadFloor;
            Console.WriteLine(Text(
                $"| {name} | {threads} | {m.Tensorise:F1} | {m.BackboneFloor:F1} | {m.PyramidFloor:F1} | {m.ProposalHeadFloor:F1} | {rest:F1} | {m.Proposals:F1} | {m.Pooling:F1} | {m.HeadsFloor:F1} | {m.Heads - m.HeadsFloor:F1} | {m.Select:F1} |"));
        }
    }

    private static string Text(FormattableString text) => FormattableString.Invariant(text);

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);
}
