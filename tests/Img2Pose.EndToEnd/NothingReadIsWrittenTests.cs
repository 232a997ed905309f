using System.Text.Json;

namespace Img2Pose.EndToEnd;

/// <summary>
/// One rule for every verb: what it reads it never writes, whatever the option is called and whether the output's name is given or
/// made; and one file among many that cannot be read or written does not keep the others from being done.
/// </summary>
public sealed class NothingReadIsWrittenTests : IDisposable
{
    private readonly Workspace _files = new();

    public void Dispose() => _files.Dispose();

    [Fact]
    public async Task No_verb_that_evaluates_trains_or_prepares_data_replaces_what_it_reads()
    {
        string pack = await PackAsync("misses-1.png"), picture = Path.Combine(pack, "misses-1.png"), annotations = Path.Combine(pack, "annotations.jsonl");
        string predictions = _files["found.jsonl"];
        (await CommandLine.Img2PoseAsync("eval", "pack", pack, "--save-predictions", predictions, "--model", _files.Model, "--device", "cpu")).ShouldSucceed();
        // What a run into the same folder would call its model.
        string start = _files["train/img2pose-nano.onnx"];
        Directory.CreateDirectory(_files["train"]);
        File.Copy(_files.Model, start);
        Directory.CreateDirectory(_files["lists"]);
        string list = _files["lists/list.txt"], json = _files["lists/a.json"], data = _files["lists/data.lmdb"];
        await File.WriteAllTextAsync(list, "a.json\n", TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(json, """{"image_path":"misses-1.png","bboxes":[[100,60,180,160]],"landmarks":[[[-1,-1]]]}""", TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(data, "no data set", TestContext.Current.CancellationToken);
        string[] inputs = [picture, annotations, predictions, start, list, json, _files.Model];
        byte[][] before = [.. inputs.Select(File.ReadAllBytes)];
        string[] model = ["--model", _files.Model, "--device", "cpu"];
        string[][] commands =
        [
            ["eval", "pack", pack, "--json", picture, .. model],
            ["eval", "pack", pack, "--json", annotations, .. model],
            ["eval", "pack", pack, "--save-predictions", annotations, .. model],
            ["eval", "pack", pack, "--json", _files.Model, .. model],
            ["eval", "pack", pack, "--predictions", predictions, "--json", predictions],
            // Sheets have names of their own, and earlier ones are removed.
            ["eval", "pack", pack, "--predictions", predictions, "--sheets", pack],
            ["dataset", "view", pack, "--out", picture],
            ["dataset", "convert", list, "--images", pack, "--out", json],
            ["dataset", "convert", list, "--images", pack, "--out", list],
            ["train", pack, "--out", _files["train"], "--init", start],
            ["train", pack, "--out", _files["train"], "--teacher", start],
            ["train", pack, "--out", _files["train"], "--resume", _files["found.jsonl"], "--mesh", _files["train"]],
        ];

        foreach (string[] command in commands)
        {
            Finished run = await CommandLine.Img2PoseAsync(command);
            Assert.True(run.Code == 2 && run.Error.Contains("would replace", StringComparison.Ordinal), $"{string.Join(' ', command)}: exit code {run.Code}: {run.Error}");
        }

        Assert.Equal(before, inputs.Select(File.ReadAllBytes));
    }

    [Fact]
    public async Task One_picture_that_cannot_be_written_is_named_and_the_others_are_there()
    {
        Directory.CreateDirectory(_files["in"]);
        Directory.CreateDirectory(_files["out/b.png"]);
        foreach (string name in (string[])["a", "b", "c"]) await DrawnFace.SaveAsync(_files[$"in/{name}.png"]);

        Finished run = await CommandLine.Img2PoseAsync(
            "run", _files["in"], "--out", _files["out"], "--json", _files["j.jsonl"], "--quiet", "--model", _files.Model, "--device", "cpu");

        Assert.Equal(1, run.Code);
        Assert.Contains("b.png", Assert.Single(run.ErrorLines), StringComparison.Ordinal);
        Assert.Equal(["a.png", "c.png"], Directory.GetFiles(_files["out"]).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        JsonElement[] lines = Workspace.ParseLines(await File.ReadAllTextAsync(_files["j.jsonl"], TestContext.Current.CancellationToken));
        Assert.Equal(3, lines.Count(line => line.GetProperty("type").GetString() == "frame"));
    }

    [Fact]
    public async Task One_picture_that_cannot_be_read_is_named_and_the_others_are_labelled_and_measured()
    {
        string pack = await PackAsync("a.png");
        await File.WriteAllTextAsync(Path.Combine(pack, "b.png"), "no picture", TestContext.Current.CancellationToken);
        File.AppendAllText(Path.Combine(pack, "annotations.jsonl"), Line("b.png"));

        Finished eval = await CommandLine.Img2PoseAsync("eval", "pack", pack, "--model", _files.Model, "--device", "cpu");
        Finished annotate = await CommandLine.Img2PoseAsync("dataset", "annotate", pack, "--replace", "--model", _files.Model);

        foreach (Finished run in (Finished[])[eval, annotate])
        {
            Assert.Equal(1, run.Code);
            Assert.Contains(run.ErrorLines, line => line.Contains("left out", StringComparison.Ordinal) && line.Contains("b.png", StringComparison.Ordinal));
        }
        Assert.Contains("\"a.png\"", Assert.Single(await File.ReadAllLinesAsync(Path.Combine(pack, "annotations.jsonl"), TestContext.Current.CancellationToken)), StringComparison.Ordinal);
    }

    private async Task<string> PackAsync(string name)
    {
        string folder = Directory.CreateDirectory(_files["pack"]).FullName;
        await DrawnFace.SaveAsync(Path.Combine(folder, name));
        await File.WriteAllTextAsync(Path.Combine(folder, "annotations.jsonl"), Line(name), TestContext.Current.CancellationToken);
        return folder;
    }

    private static string Line(string name) =>
        $$"""{"image":"{{name}}","width":320,"height":240,"set":"toy","complete":true,"faces":[{"box":[100,60,180,160],"pose":[0,0.698,0,0,0,6],"label":"gt68","ignore":false}]}""" + "\n";
}
