using System.Text.Json.Nodes;
using Img2Pose.Testing;

namespace Img2Pose.EndToEnd;

/// <summary>
/// The command line on the emulated GPU: what a user of <c>--device cuda+cpu</c> gets, and what becomes of a GPU that is not shown,
/// too old, full or lost.
/// </summary>
public sealed class GpuTests : IDisposable
{
    private static readonly string s_emulator = Path.Combine(SharedData.RepositoryRoot, "build", "native", "cuda-emulator");

    private readonly Workspace _files = new();

    public void Dispose() => _files.Dispose();

    [Fact]
    public async Task Run_gives_the_processors_poses_and_a_whole_video()
    {
        string clip = await ClipAsync();
        string cpu = _files["cpu.jsonl"], gpu = _files["gpu.jsonl"], video = _files["out.mp4"];
        (await RunAsync([], "run", clip, "--device", "cpu", "--json", cpu)).ShouldSucceed();

        Finished run = (await RunAsync([Pictures(clip)], "run", clip, "--device", "cuda+cpu", "--json", gpu, "--out", video)).ShouldSucceed();

        Assert.Equal(Frames(cpu), Frames(gpu));
        Assert.Equal(12, await Workspace.CountFramesAsync(video));
        Assert.DoesNotContain("processor", run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("CUDA_VISIBLE_DEVICES=", "CUDA_ERROR_NO_DEVICE")]
    [InlineData("CUDA_VISIBLE_DEVICES=7", "CUDA_ERROR_NO_DEVICE")]
    [InlineData("CUDA_EMULATOR_REFUSE=cuModuleLoadData:222", "CUDA_ERROR_UNSUPPORTED_PTX_VERSION")]
    [InlineData("CUDA_EMULATOR_REFUSE=cuModuleLoadData:218", "CUDA_ERROR_INVALID_PTX")]
    [InlineData("CUDA_EMULATOR_LOST_AFTER=900", "The device is lost to this process")]
    public async Task What_is_wrong_with_the_gpu_is_one_line(string setting, string reason)
    {
        string clip = await ClipAsync();

        Finished run = await RunAsync([setting, Pictures(clip)], "run", clip, "--device", "cuda+cpu", "--json", _files["out.jsonl"]);

        run.ShouldFailWith(4, reason);
    }

    [Fact]
    public async Task Where_the_gpu_is_not_asked_for_by_name_what_is_wrong_with_it_ends_no_job()
    {
        string clip = await ClipAsync();

        (await RunAsync(["CUDA_VISIBLE_DEVICES="], "run", clip, "--device", "auto", "--json", _files["out.jsonl"])).ShouldSucceed();
    }

    [Fact]
    public async Task A_picture_beyond_the_decoders_limit_is_decoded_by_the_processor_and_that_is_said()
    {
        string clip = await ClipAsync();

        Finished run = (await RunAsync(["CUDA_EMULATOR_NVDEC_SIDE=128"], "run", clip, "--device", "cuda+cpu", "--json", _files["out.jsonl"])).ShouldSucceed();

        Assert.Contains("decoded by the processor: the GPU's decoder takes h264 of 48x48 to 128x128, not 320x240", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Doctor_tells_what_the_gpu_is_and_decodes()
    {
        Finished doctor = await RunAsync([], "doctor");

        Assert.Contains("Emulated CUDA device, compute capability 8.0, driver for CUDA 13.0", doctor.Output, StringComparison.Ordinal);
        Assert.Contains("h264 8 bits to 8192x8192, hevc 8 bits", doctor.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Bench_measures_on_the_gpu()
    {
        string clip = await ClipAsync();

        Finished bench = (await RunAsync([Pictures(clip)], "bench", clip, "--device", "cuda+cpu", "--frames", "6", "--no-video")).ShouldSucceed();

        Assert.Contains("pictures on Emulated CUDA device", bench.Output, StringComparison.Ordinal);
        Assert.Contains("6 frames", bench.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Bench_on_a_gpu_that_the_network_cannot_run_on_says_why_and_measures_the_rest_there()
    {
        string clip = await ClipAsync();

        Finished bench = (await RunAsync([Pictures(clip)], "bench", clip, "--device", "cuda", "--frames", "6", "--no-video")).ShouldSucceed();

        // Which of the two depends on ONNX Runtime's package that the program is built with.
        Assert.Matches("ONNX Runtime's package for processors|missing are ", bench.Output);
        Assert.Contains("Measured is --device cuda+cpu", bench.Output, StringComparison.Ordinal);
        Assert.Contains("pictures on Emulated CUDA device", bench.Output, StringComparison.Ordinal);
        Assert.Contains("6 frames", bench.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Bench_on_a_gpu_that_is_not_there_says_so_in_one_line()
    {
        Finished bench = await RunAsync(["CUDA_VISIBLE_DEVICES="], "bench", await ClipAsync(), "--device", "cuda", "--frames", "6", "--no-video");

        bench.ShouldFailWith(4, "--device cpu");
    }

    private Task<string> ClipAsync() => _files.FaceClipAsync(
        "face.mp4", 12, "-c:v", "libx264", "-preset", "ultrafast", "-bf", "0", "-pix_fmt", "yuv420p", "-c:a", "aac");

    /// <summary>Lets the emulated decoder give the clip's own pictures.</summary>
    private static string Pictures(string clip)
    {
        string raw = clip + ".nv12";
        if (!File.Exists(raw)) CommandLine.ToolAsync("ffmpeg", "-nostdin", "-v", "error", "-y", "-i", clip, "-map", "0:v", "-f", "rawvideo", "-pix_fmt", "nv12", raw).GetAwaiter().GetResult();
        return $"CUDA_EMULATOR_NVDEC_PICTURES=320x240:{raw}";
    }

    private static string[] Frames(string path) =>
        [.. File.ReadLines(path).Where(line => JsonNode.Parse(line)!["type"]!.GetValue<string>() == "frame")];

    private static Task<Finished> RunAsync(string[] settings, params string[] arguments)
    {
        Assert.SkipUnless(File.Exists(Path.Combine(s_emulator, "libcuda.so.1")), $"{s_emulator} is not built");
        return CommandLine.FinishAsync(CommandLine.StartWith([$"LD_LIBRARY_PATH={s_emulator}", .. settings], arguments));
    }
}
