using System.Diagnostics;
using System.Text.Json;

namespace Img2Pose.EndToEnd;

/// <summary>Signals and closed pipes in the middle of a run.</summary>
public sealed class InterruptionTests : IDisposable
{
    private readonly Workspace _files = new();

    public void Dispose() => _files.Dispose();

    private string Video => _files["out.mp4"];

    private string Json => _files["out.jsonl"];

    private string PartialJson => _files["out.partial.jsonl"];

    /// <summary>A face for ever: no test waits for the end.</summary>
    private async Task<string> EndlessAsync()
    {
        string clip = _files["face.mkv"], endless = _files["endless.mkv"];
        await CommandLine.ToolAsync("ffmpeg", "-nostdin", "-v", "error", "-loop", "1", "-framerate", "20", "-i",
            await DrawnFace.SaveAsync(_files["face.png"]), "-frames:v", "100", "-c:v", "libx264", "-preset", "ultrafast", "-crf", "12",
            "-pix_fmt", "yuv420p", clip);
        await CommandLine.ToolAsync("ffmpeg", "-nostdin", "-v", "error", "-stream_loop", "1000", "-i", clip, "-c", "copy", endless);
        return endless;
    }

    private async Task<Process> StartAndWaitAsync(long jsonBytes)
    {
        Process process = CommandLine.Start("run", await EndlessAsync(), "--out", Video, "--json", Json, "--quiet");
        await CommandLine.WaitUntilAsync(process, () => File.Exists(PartialJson) && new FileInfo(PartialJson).Length > jsonBytes);
        return process;
    }

    [Theory]
    [InlineData("INT", 130)]
    [InlineData("TERM", 143)]
    [InlineData("HUP", 129)]
    public async Task A_signal_completes_the_outputs_and_tells_why(string signal, int code)
    {
        using Process process = await StartAndWaitAsync(40_000);

        await CommandLine.SignalAsync(process, signal);
        Finished run = await CommandLine.FinishAsync(process);

        Assert.True(code == run.Code, $"exit code {run.Code}: {run.Error}");
        JsonElement[] lines = Workspace.ParseLines(await File.ReadAllTextAsync(Json, TestContext.Current.CancellationToken));
        JsonElement summary = lines[^1];
        Assert.False(summary.GetProperty("complete").GetBoolean());
        Assert.Equal($"interrupted by SIG{signal}", summary.GetProperty("reason").GetString());
        Assert.Equal(lines.Length - 2, summary.GetProperty("frames").GetInt32());
        Assert.Equal(lines.Length - 2, summary.GetProperty("faces").GetInt32());
        Assert.Equal(lines.Length - 2, await Workspace.CountFramesAsync(Video));
        Assert.Empty(Directory.GetFiles(_files.Folder, "*.partial.*"));
    }

    [Fact]
    public async Task A_kill_leaves_a_partial_video_that_plays_up_to_its_last_fragment()
    {
        // Some 200 frames: several fragments of at most 2 s have been closed by then.
        using Process process = await StartAndWaitAsync(60_000);

        await CommandLine.SignalAsync(process, "KILL");
        Finished run = await CommandLine.FinishAsync(process);

        Assert.Equal(137, run.Code);
        Assert.False(File.Exists(Video));
        Assert.False(File.Exists(Json));
        Assert.True(await Workspace.CountFramesAsync(_files["out.partial.mp4"]) > 0);
    }

    [Fact]
    public async Task A_reader_of_standard_output_that_leaves_ends_the_run_with_one_line()
    {
        using Process process = CommandLine.Start("run", await EndlessAsync(), "--out", Video, "--json", "-", "--quiet");
        Assert.NotNull(await process.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken));

        process.StandardOutput.Close();
        string error = await process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);

        Assert.Equal(1, process.ExitCode);
        Assert.Contains("standard output", Assert.Single(error.Split('\n', StringSplitOptions.RemoveEmptyEntries)));
        Assert.False(File.Exists(Video));
    }
}
