using System.Diagnostics;
using Img2Pose.Testing;

namespace Img2Pose.EndToEnd;

/// <summary>A name server that never answers, in a call of the C library that nothing interrupts (<c>native/hanging-resolver</c>).</summary>
public sealed class ResolverTests : IDisposable
{
    private readonly Workspace _files = new();

    public void Dispose() => _files.Dispose();

    [Fact]
    public async Task A_stop_while_a_name_is_looked_up_is_quick()
    {
        string preload = Path.Combine(SharedData.RepositoryRoot, "build", "native", "lib", "libimg2pose_hanging_resolver.so");
        Assert.True(File.Exists(preload), $"{preload} is missing; ./test.sh builds it");
        using Process process = CommandLine.StartWith([$"LD_PRELOAD={preload}", $"IMG2POSE_RESOLVER={_files["asked"]}"],
            "run", "rtsp://hangs.invalid/a", "--open-timeout", "600", "--json", _files["poses.jsonl"], "--model", _files.Model);
        Task<Finished> ended = CommandLine.FinishAsync(process);
        await CommandLine.WaitUntilAsync(process, () => File.Exists(_files["asked"]));

        Stopwatch clock = Stopwatch.StartNew();
        await CommandLine.SignalAsync(process, "INT");
        Finished run = await ended;

        Assert.Equal(130, run.Code);
        // It would be ten minutes; a second is the rule, and a busy machine may take a few.
        Assert.InRange(clock.Elapsed.TotalSeconds, 0, 6);
    }

    [Fact]
    public async Task A_name_that_nobody_resolves_in_time_is_told_as_such()
    {
        string preload = Path.Combine(SharedData.RepositoryRoot, "build", "native", "lib", "libimg2pose_hanging_resolver.so");
        using Process process = CommandLine.StartWith([$"LD_PRELOAD={preload}", $"IMG2POSE_RESOLVER={_files["asked"]}"],
            "run", "rtsp://hangs.invalid/a", "--open-timeout", "0.5", "--no-reconnect", "--json", _files["poses.jsonl"], "--model", _files.Model);

        (await CommandLine.FinishAsync(process)).ShouldFailWith(3, "hangs.invalid");
    }
}
