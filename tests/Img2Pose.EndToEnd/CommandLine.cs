using System.Diagnostics;
using Img2Pose.Testing;

namespace Img2Pose.EndToEnd;

/// <summary>What a finished process left behind.</summary>
internal sealed record Finished(int Code, string Output, string Error)
{
    /// <summary>Standard error's lines.</summary>
    public string[] ErrorLines => Error.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>Fails unless the exit code is <paramref name="code"/> and standard error is one line that holds <paramref name="text"/>.</summary>
    public void ShouldFailWith(int code, string text)
    {
        Assert.True(code == Code, $"exit code {Code} instead of {code}: {Error}");
        string line = Assert.Single(ErrorLines);
        Assert.StartsWith("img2pose: ", line);
        Assert.Contains(text, line);
        Assert.DoesNotContain("   at ", Error);
    }

    /// <summary>Fails unless the exit code is 0.</summary>
    public Finished ShouldSucceed()
    {
        Assert.True(Code == 0, $"exit code {Code}: {Error}");
        return this;
    }
}

/// <summary>Runs the built command line, and the tools that judge its outputs, as processes.</summary>
internal static class CommandLine
{
    /// <summary>Longer than anything takes on a busy machine; a process that hangs fails its test.</summary>
    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(10);

    /// <summary>Runs <c>img2pose</c> to its end.</summary>
    public static async Task<Finished> Img2PoseAsync(params string[] arguments)
    {
        using Process process = Start(arguments);
        return await FinishAsync(process);
    }

    /// <summary>Runs <c>img2pose</c> to its end in a working folder.</summary>
    public static async Task<Finished> Img2PoseInAsync(string folder, params string[] arguments)
    {
        using Process process = StartProcess("dotnet", [Path.Combine(AppContext.BaseDirectory, "img2pose.dll"), .. arguments], folder);
        return await FinishAsync(process);
    }

    /// <summary>Runs <c>img2pose</c> to its end in a shell that has run <paramref name="preparation"/>.</summary>
    public static async Task<Finished> Img2PoseAfterAsync(string preparation, params string[] arguments)
    {
        using Process process = StartProcess(
            "bash", ["-c", preparation + "; exec dotnet \"$@\"", "bash", Path.Combine(AppContext.BaseDirectory, "img2pose.dll"), .. arguments]);
        return await FinishAsync(process);
    }

    /// <summary>Starts <c>img2pose</c>; end it with <see cref="FinishAsync"/>.</summary>
    /// <remarks>
    /// A background job of a script ignores SIGINT, its children inherit that, and .NET leaves it so; env (coreutils) gives
    /// the program the signals of a terminal again and becomes it.
    /// </remarks>
    public static Process Start(params string[] arguments) =>
        StartProcess("env", ["--default-signal=INT,TERM,HUP", "dotnet", Path.Combine(AppContext.BaseDirectory, "img2pose.dll"), .. arguments]);

    /// <summary>Starts <c>img2pose</c> with variables of the environment, such as DISPLAY=:1; end it with <see cref="FinishAsync"/>.</summary>
    public static Process StartWith(string[] variables, params string[] arguments) =>
        StartProcess("env", ["--default-signal=INT,TERM,HUP", .. variables, "dotnet", Path.Combine(AppContext.BaseDirectory, "img2pose.dll"), .. arguments]);

    /// <summary>Runs a tool, whether it succeeds or not, and returns its standard output.</summary>
    public static async Task<string> OutputOfToolAsync(string name, params string[] arguments)
    {
        using Process process = StartProcess(name, arguments);
        return (await FinishAsync(process)).Output;
    }

    /// <summary>Runs a tool such as ffmpeg or ffprobe and returns its standard output; skips the test where the tool is missing.</summary>
    public static async Task<string> ToolAsync(string name, params string[] arguments)
    {
        Assert.SkipUnless(IsInstalled(name), $"{name} is not installed");
        using Process process = StartProcess(name, arguments);
        Finished finished = await FinishAsync(process);
        Assert.True(finished.Code == 0, $"{name} {string.Join(' ', arguments)}: {finished.Error}");
        return finished.Output;
    }

    /// <summary>Runs a tool and returns what it wrote to standard error; skips the test where the tool is missing.</summary>
    public static async Task<string> ErrorsOfToolAsync(string name, params string[] arguments)
    {
        Assert.SkipUnless(IsInstalled(name), $"{name} is not installed");
        using Process process = StartProcess(name, arguments);
        return (await FinishAsync(process)).Error;
    }

    /// <summary>Whether a program is on PATH.</summary>
    public static bool IsInstalled(string name) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(folder => File.Exists(Path.Combine(folder, name)));

    /// <summary>Waits for the end of a process; one that hangs is killed and fails the test.</summary>
    public static async Task<Finished> FinishAsync(Process process)
    {
        CancellationToken token = TestContext.Current.CancellationToken;
        Task<string> output = process.StandardOutput.ReadToEndAsync(token);
        Task<string> error = process.StandardError.ReadToEndAsync(token);
        Task all = Task.WhenAll(output, error, process.WaitForExitAsync(token));
        if (await Task.WhenAny(all, Task.Delay(s_limit, token)) != all)
        {
            process.Kill(entireProcessTree: true);
            await Task.WhenAny(all, Task.Delay(TimeSpan.FromSeconds(10), token));
            Assert.Fail($"{process.StartInfo.FileName} {string.Join(' ', process.StartInfo.ArgumentList)} hangs; it has said: {(error.IsCompletedSuccessfully ? await error : "")}");
        }
        await all;
        if (process.StartInfo.ArgumentList.Any(word => word.EndsWith("img2pose.dll", StringComparison.Ordinal))) TestOutputs.Keep(await error + await output);
        return new Finished(process.ExitCode, await output, await error);
    }

    /// <summary>Sends a signal by name (INT, TERM, KILL).</summary>
    public static async Task SignalAsync(Process process, string signal) =>
        await ToolAsync("kill", $"-{signal}", process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture));

    /// <summary>Waits until <paramref name="condition"/> holds or the process ends.</summary>
    public static async Task WaitUntilAsync(Process process, Func<bool> condition)
    {
        Stopwatch clock = Stopwatch.StartNew();
        while (!condition())
        {
            if (process.HasExited) Assert.Fail($"the program ended with {process.ExitCode}: {await process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken)}");
            Assert.True(clock.Elapsed < s_limit, "the program makes no progress");
            await Task.Delay(50, TestContext.Current.CancellationToken);
        }
    }

    private static Process StartProcess(string file, IEnumerable<string> arguments, string? folder = null)
    {
        ProcessStartInfo info = new(file)
        {
            WorkingDirectory = folder ?? "",
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (string argument in arguments) info.ArgumentList.Add(argument);
        Process process = Process.Start(info) ?? throw new InvalidOperationException($"{file} did not start.");
        process.StandardInput.Close();
        return process;
    }
}
