using System.Text.Json;

namespace Img2Pose.EndToEnd;

/// <summary><c>img2pose eval</c>.</summary>
public sealed class EvalTests : IDisposable
{
    private readonly Workspace _files = new();

    public void Dispose() => _files.Dispose();

    [Fact]
    public async Task Biwi_in_miniature_at_one_size_and_averaged_over_two()
    {
        // Two frames of a head turned by 10 degrees; the model sees a frontal face in the middle of a 320x240 picture.
        foreach (string frame in (string[])["01/frame_00003", "02/frame_00010"])
        {
            string stem = _files[frame];
            Directory.CreateDirectory(Path.GetDirectoryName(stem)!);
            await CommandLine.ToolAsync("ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi", "-i", "color=gray:size=320x240", "-frames:v", "1", stem + "_rgb.png");
            File.WriteAllText(stem + "_pose.txt", "0.9848 0 0.1736 \n0 1 0 \n-0.1736 0 0.9848 \n\n0 0 900 \n");
        }
        ConstantModel.Save(_files.Model, null, ([110, 70, 210, 170], [0, 0, 0, 0, 0, 3.3f]));

        JsonElement own = await BiwiAsync(), native = await BiwiAsync("--scales", "240"), doubled = await BiwiAsync("--scales", "480");
        JsonElement averaged = await BiwiAsync("--scales", "240,480"), zxy = await BiwiAsync("--angles", "zxy");

        Assert.Equal((2, 2, 0), (own.GetProperty("pictures").GetInt32(), own.GetProperty("faces").GetInt32(), own.GetProperty("failed").GetInt32()));
        Assert.Equal(10, Yaw(own), 0.01);
        Assert.Equal(Yaw(own), Yaw(native));
        Assert.Equal(10, Yaw(zxy), 0.01);
        Assert.Contains("z-x-y", zxy.GetProperty("convention").GetString());
        // In the doubled picture the same place is not the middle, and the head seems turned: away from 10 degrees.
        Assert.NotEqual(Yaw(native), Yaw(doubled), 0.5);
        Assert.Equal((Yaw(native) + Yaw(doubled)) / 2, Yaw(averaged), 0.05);
    }

    [Fact]
    public async Task A_size_that_no_picture_can_have_is_a_usage_error()
    {
        Directory.CreateDirectory(_files["01"]);
        File.WriteAllText(_files["01/frame_00003_pose.txt"], "1 0 0\n0 1 0\n0 0 1\n");
        File.WriteAllBytes(_files["01/frame_00003_rgb.png"], []);

        Finished run = await CommandLine.Img2PoseAsync("eval", "biwi", _files.Folder, "--model", _files.Model, "--scales", "600,7");

        run.ShouldFailWith(2, "'7'");
    }

    [Fact]
    public async Task A_pose_is_the_mean_of_what_cells_say_or_that_of_the_best_one()
    {
        await CommandLine.ToolAsync("ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=320x240", "-frames:v", "1", _files["a.png"]);
        await File.WriteAllTextAsync(_files["annotations.jsonl"], """{"image":"a.png","width":320,"height":240,"set":"toy","complete":true,"faces":[]}""" + "\n", TestContext.Current.CancellationToken);
        // Two cells in the middle of the picture that say the same of a face but for its turn, with scores of 0.90 and 0.89.
        ConstantModel.Save(_files.Model, null, ([110, 70, 210, 170], [0, 0, 0, 0, 0, 3.3f]), ([110, 70, 210, 170], [0, 0.2f, 0, 0, 0, 3.3f]));

        double mean = await YawAsync(), best = await YawAsync("--best-cell");

        Assert.Equal(0, best, 1e-6);
        Assert.Equal(0.2 * 0.89 / (0.89 + 0.9), mean, 1e-6);
        (await CommandLine.Img2PoseAsync("eval", "pack", _files.Folder, "--predictions", _files["found.jsonl"], "--best-cell")).ShouldFailWith(2, "--best-cell");

        async Task<double> YawAsync(params string[] more)
        {
            (await CommandLine.Img2PoseAsync(["eval", "pack", _files.Folder, "--model", _files.Model, "--device", "cpu", "--save-predictions", _files["found.jsonl"], .. more])).ShouldSucceed();
            JsonElement picture = Workspace.ParseLines(await File.ReadAllTextAsync(_files["found.jsonl"], TestContext.Current.CancellationToken)).Last();
            return Assert.Single(picture.GetProperty("faces").EnumerateArray()).GetProperty("rotvec")[1].GetDouble();
        }
    }

    private async Task<JsonElement> BiwiAsync(params string[] more)
    {
        Finished run = (await CommandLine.Img2PoseAsync(["eval", "biwi", _files.Folder, "--model", _files.Model, "--device", "cpu", "--json", "-", .. more])).ShouldSucceed();
        return JsonDocument.Parse(run.Output).RootElement;
    }

    private static double Yaw(JsonElement report) => report.GetProperty("yaw_mae").GetDouble();
}
