using System.Diagnostics;
using System.Globalization;

namespace Img2Pose.Fuzz;

/// <summary>
/// Attacks the program's parsers with mutated inputs: <c>Img2Pose.Fuzz [TARGET…] [--seconds S] [--seed N] [--jobs N]
/// [--corpus DIR] [--keep DIR]</c>, or <c>--replay TARGET FILE…</c>. Each target runs in a process of its own, so that a
/// crash is a finding and not the end; exit code 1 when anything was found.
/// </summary>
internal static class FuzzProgram
{
    /// <summary>Exit code of a process that hung.</summary>
    public const int Hang = 86;

    private static int Main(string[] arguments)
    {
        CultureInfo.DefaultThreadCurrentCulture = CultureInfo.InvariantCulture;
        FuzzOptions options;
        try
        {
            options = FuzzOptions.Parse(arguments);
        }
        catch (ArgumentException error)
        {
            Console.Error.WriteLine($"fuzz: {error.Message} Targets: {string.Join(", ", FuzzTargets.All.Select(target => target.Name))}");
            return 2;
        }
        return options.Replay.Count > 0 ? Replay(options) : options.Child is { } child ? RunHere(options, child) : RunChildren(options);
    }

    private static int Replay(FuzzOptions options)
    {
        FuzzTarget target = FuzzTargets.Find(options.Targets[0]);
        foreach (string file in options.Replay)
        {
            Stopwatch watch = Stopwatch.StartNew();
            long before = GC.GetTotalAllocatedBytes();
            string outcome;
            try
            {
                outcome = $"read ({target.Run(File.ReadAllBytes(file))})";
            }
            catch (Exception error)
            {
                outcome = error is Img2PoseException ? error.Message : error.ToString();
            }
            Console.WriteLine($"{file}: {watch.Elapsed.TotalSeconds:F2} s, {(GC.GetTotalAllocatedBytes() - before) >> 20} MiB: {outcome}");
        }
        Workspace.Remove();
        return 0;
    }

    private static int RunHere(FuzzOptions options, string current)
    {
        FuzzTarget target = FuzzTargets.Find(options.Targets[0]);
        using FuzzRun run = new(target, options.Seed, current, options.Keep);
        try
        {
            run.Prepare(options.Corpus);
            run.Mutate(options.Time);
        }
        catch (TargetUnavailableException error)
        {
            Console.WriteLine($"SKIP {target.Name}: {error.Message}");
            return 0;
        }
        finally
        {
            Workspace.Remove();
        }
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"DONE {target.Name}: {run.Tried} inputs, {run.Refused} refused, {run.Outcomes} kinds of outcome, {run.Findings} findings"));
        return run.Findings > 0 ? 1 : 0;
    }

    private static int RunChildren(FuzzOptions options)
    {
        object gate = new();
        long tried = 0;
        int findings = 0, skipped = 0;
        Parallel.ForEach(options.Targets, new ParallelOptions { MaxDegreeOfParallelism = options.Jobs }, name =>
        {
            (List<string> lines, int code, byte[]? input) = RunChild(options, name);
            lock (gate)
            {
                foreach (string line in lines) Console.WriteLine(line);
                string? done = lines.LastOrDefault(line => line.StartsWith("DONE ", StringComparison.Ordinal));
                if (done is not null) tried += long.Parse(done.Split(' ')[2], CultureInfo.InvariantCulture);
                if (lines.Any(line => line.StartsWith("SKIP ", StringComparison.Ordinal))) skipped++;
                if (code == 0) return;
                findings++;
                if (done is null)
                {
                    // The process died: what it was at is the finding.
                    string kind = code == Hang ? "hang" : "crash";
                    string kept = input is null ? "before its first input" : FuzzRun.Keep(options.Keep, name, kind, input);
                    Console.WriteLine($"FOUND {name} {kind} (exit code {code}): {kept}");
                }
            }
        });
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{options.Targets.Count} targets, {tried} inputs, {findings} with findings, {skipped} skipped"));
        return findings > 0 ? 1 : 0;
    }

    private static (List<string> Lines, int Code, byte[]? Input) RunChild(FuzzOptions options, string name)
    {
        string current = Path.GetTempFileName();
        try
        {
            ProcessStartInfo start = new(Environment.ProcessPath!)
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
                RedirectStandardInput = true,
                ArgumentList =
                {
                    typeof(FuzzProgram).Assembly.Location, name, "--child", current, "--seconds", options.Time.TotalSeconds.ToString(CultureInfo.InvariantCulture),
                    "--seed", options.Seed.ToString(CultureInfo.InvariantCulture), "--keep", options.Keep,
                },
            };
            // Started through its own executable rather than through "dotnet".
            if (!Path.GetFileNameWithoutExtension(Environment.ProcessPath)!.Equals("dotnet", StringComparison.Ordinal)) start.ArgumentList.RemoveAt(0);
            if (options.Corpus is { } corpus)
            {
                start.ArgumentList.Add("--corpus");
                start.ArgumentList.Add(corpus);
            }
            // A bomb that the checks of a target miss ends its process and not the machine.
            start.Environment["DOTNET_GCHeapHardLimit"] = "0x60000000";
            start.Environment["DOTNET_TieredPGO"] = "0";
            List<string> lines = [];
            using Process process = new() { StartInfo = start };
            // Native libraries speak on standard error about every damaged input; only the end of it matters.
            Queue<string> errors = [];
            process.OutputDataReceived += (_, line) =>
            {
                if (line.Data is not null) lines.Add(line.Data);
            };
            process.ErrorDataReceived += (_, line) =>
            {
                if (line.Data is null) return;
                errors.Enqueue(line.Data);
                if (errors.Count > 40) errors.Dequeue();
            };
            process.Start();
            process.StandardInput.Close();
            process.BeginOutputReadLine();
            process.BeginErrorReadLine();
            process.WaitForExit();
            if (process.ExitCode is not (0 or 1)) lines.AddRange(errors);
            return (lines, process.ExitCode, process.ExitCode is 0 or 1 ? null : FuzzRun.ReadCurrent(current));
        }
        finally
        {
            File.Delete(current);
        }
    }
}

/// <summary>Something that a target needs is not on this machine.</summary>
internal sealed class TargetUnavailableException(string message) : Exception(message);
