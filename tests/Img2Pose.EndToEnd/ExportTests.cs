using System.Text.Json;
using Img2Pose.Testing;

namespace Img2Pose.EndToEnd;

/// <summary><c>img2pose models export</c> of the shipped models in fewer bits, and <c>run</c> with what comes out.</summary>
public sealed class ExportTests : IDisposable
{
    private readonly Workspace _files = new();

    public void Dispose() => _files.Dispose();

    [Theory]
    [InlineData("img2pose-nano")]
    [InlineData("img2pose-r18")]
    public async Task A_shipped_model_in_fewer_bits_finds_the_same_face(string model)
    {
        string astronaut = SharedData.RequireGolden("geometry", "astronaut.png");
        string folder = Directory.CreateDirectory(_files["calibration/inner"]).Parent!.FullName;
        File.Copy(astronaut, Path.Combine(folder, "a.png"));
        foreach (string name in (string[])["chelsea.png", "coffee_360x240.png"])
            File.Copy(SharedData.RequireGolden("geometry", name), Path.Combine(folder, "inner", name));
        await File.WriteAllTextAsync(Path.Combine(folder, "broken.jpg"), "no picture", TestContext.Current.CancellationToken);

        Finished int8 = (await CommandLine.Img2PoseAsync("models", "export", model, "--int8", "--calibrate", folder, "--name", "other-int8", "--out", _files["int8.onnx"])).ShouldSucceed();
        (await CommandLine.Img2PoseAsync("models", "export", model, "--fp16", "--out", _files["fp16.onnx"])).ShouldSucceed();

        Assert.Contains("calibrated on 3 of 4 pictures", int8.Error, StringComparison.Ordinal);
        Assert.Contains("broken.jpg", int8.Error, StringComparison.Ordinal);
        Assert.Contains("sound", (await CommandLine.Img2PoseAsync("models", "verify", _files["int8.onnx"])).ShouldSucceed().Output, StringComparison.Ordinal);
        string info = (await CommandLine.Img2PoseAsync("models", "info", _files["int8.onnx"])).ShouldSucceed().Output;
        Assert.Matches(@"name\s+other-int8", info);
        Assert.Matches(@"precision\s+int8", info);

        JsonElement exact = await OnlyFaceAsync(astronaut, model);
        AssertClose(exact, await OnlyFaceAsync(astronaut, _files["int8.onnx"]), score: 0.06, pixels: 6, degrees: 6);
        AssertClose(exact, await OnlyFaceAsync(astronaut, _files["fp16.onnx"]), score: 0.005, pixels: 1, degrees: 0.5);
    }

    [Fact]
    public async Task The_default_model_gives_its_scores_as_trained_when_asked_to()
    {
        string picture = await DrawnFace.SaveAsync(_files["a.png"]);

        (await CommandLine.Img2PoseAsync("models", "export", "img2pose-nano", "--uncalibrated", "--out", _files["trained.onnx"])).ShouldSucceed();

        string calibrated = (await CommandLine.Img2PoseAsync("models", "info", "img2pose-nano")).ShouldSucceed().Output;
        string trained = (await CommandLine.Img2PoseAsync("models", "info", _files["trained.onnx"])).ShouldSucceed().Output;
        Assert.Matches(@"scores\s+calibrated: 0\.4 as trained is 0\.\d+", calibrated);
        Assert.Matches(@"scores\s+as trained", trained);
        Assert.Matches(@"score threshold\s+0\.52", trained);
        JsonElement sure = await OnlyFaceAsync(picture, "img2pose-nano"), face = await OnlyFaceAsync(picture, _files["trained.onnx"]);
        Assert.True(sure.GetProperty("score").GetDouble() > face.GetProperty("score").GetDouble());
        // Votes weigh scores that were calibrated and brought back: equal up to two units of the last printed digit.
        foreach ((JsonElement one, JsonElement other) in sure.GetProperty("rotvec").EnumerateArray().Zip(face.GetProperty("rotvec").EnumerateArray()))
            Assert.Equal(one.GetDouble(), other.GetDouble(), 2e-6);
        (await CommandLine.Img2PoseAsync("models", "export", _files["trained.onnx"], "--uncalibrated", "--out", _files["again.onnx"])).ShouldFailWith(4, "as they were trained");
    }

    [Fact]
    public async Task The_mean_of_a_model_with_itself_is_that_model()
    {
        string picture = await DrawnFace.SaveAsync(_files["a.png"]);

        Finished average = (await CommandLine.Img2PoseAsync("models", "average", "img2pose-nano", "img2pose-nano", "--out", _files["mean.onnx"])).ShouldSucceed();

        Assert.Contains("the mean of 2", average.Error, StringComparison.Ordinal);
        Assert.Equal((await OnlyFaceAsync(picture, "img2pose-nano")).GetProperty("rotvec").GetRawText(), (await OnlyFaceAsync(picture, _files["mean.onnx"])).GetProperty("rotvec").GetRawText());
        (await CommandLine.Img2PoseAsync("models", "average", "img2pose-nano", "--out", _files["one.onnx"])).ShouldFailWith(2, "two packages or more");
    }

    private static async Task<JsonElement> OnlyFaceAsync(string picture, string model)
    {
        Finished run = (await CommandLine.Img2PoseAsync("run", picture, "--json", "-", "--model", model, "--quiet", "--device", "cpu")).ShouldSucceed();
        return Assert.Single(Workspace.ParseLines(run.Output)[1].GetProperty("faces").EnumerateArray());
    }

    private static void AssertClose(JsonElement exact, JsonElement actual, double score, double pixels, double degrees)
    {
        Assert.Equal(exact.GetProperty("score").GetDouble(), actual.GetProperty("score").GetDouble(), score);
        for (int i = 0; i < 4; i++) Assert.Equal(exact.GetProperty("box")[i].GetDouble(), actual.GetProperty("box")[i].GetDouble(), pixels);
        foreach (string angle in (string[])["yaw", "pitch", "roll"])
            Assert.Equal(exact.GetProperty("euler").GetProperty(angle).GetDouble(), actual.GetProperty("euler").GetProperty(angle).GetDouble(), degrees);
    }
}
