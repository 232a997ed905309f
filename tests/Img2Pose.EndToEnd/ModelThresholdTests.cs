using System.Text.Json;

namespace Img2Pose.EndToEnd;

/// <summary>From which score a face counts is said by the model, whatever is done with it.</summary>
public sealed class ModelThresholdTests : IDisposable
{
    private readonly Workspace _files = new();

    public void Dispose() => _files.Dispose();

    [Fact]
    public async Task Every_verb_takes_the_default_threshold_from_the_models_metadata()
    {
        // Of two faces, which score 0.90 and 0.89, the threshold lets one through; a fixed one would take both or none.
        const double threshold = 0.895;
        await CommandLine.ToolAsync("ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=320x240", "-frames:v", "1", _files["a.png"]);
        ConstantModel.Save(_files.Model, threshold, null, ([40, 60, 120, 160], [0, 0, 0, 0, 0, 3.3f]), ([200, 60, 280, 160], [0, 0, 0, 0, 0, 3.3f]));
        string[] model = ["--model", _files.Model];

        Finished run = (await CommandLine.Img2PoseAsync(["run", _files["a.png"], "--json", "-", "--device", "cpu", .. model])).ShouldSucceed();
        Finished annotate = (await CommandLine.Img2PoseAsync(["dataset", "annotate", _files.Folder, .. model])).ShouldSucceed();
        Finished eval = (await CommandLine.Img2PoseAsync(["eval", "pack", _files.Folder, "--json", "-", "--device", "cpu", .. model])).ShouldSucceed();
        // Last: its crops are pictures in the folder.
        Finished align = (await CommandLine.Img2PoseAsync(["align", _files["a.png"], "--out", _files["crops"], "--max-faces", "9", "--device", "cpu", .. model])).ShouldSucceed();

        JsonElement frame = Workspace.ParseLines(run.Output).Single(line => line.GetProperty("type").GetString() == "frame");
        Assert.Equal(0.9, Assert.Single(frame.GetProperty("faces").EnumerateArray()).GetProperty("score").GetDouble(), 1e-6);
        Assert.Contains("1 faces of 1 pictures", align.Error, StringComparison.Ordinal);
        // Labels: both faces were possible, one was sure.
        Assert.Contains("1 pictures, 2 faces", annotate.Error, StringComparison.Ordinal);
        JsonElement[] labels = [.. Workspace.ParseLines(await File.ReadAllTextAsync(_files["annotations.jsonl"], TestContext.Current.CancellationToken))
            .Single().GetProperty("faces").EnumerateArray()];
        Assert.Equal([false, true], labels.Select(face => face.GetProperty("ignore").GetBoolean()));
        JsonElement report = JsonDocument.Parse(eval.Output).RootElement;
        Assert.Equal(threshold, report.GetProperty("threshold").GetDouble());
        Assert.Equal((1, 1), (report.GetProperty("faces").GetInt32(), report.GetProperty("ignored_faces").GetInt32()));
    }
}
