using System.Globalization;
using System.IO.Compression;
using System.Text.Json;
using Img2Pose.Formats;
using Img2Pose.Geometry;
using Img2Pose.Models.Checkpoints;
using Img2Pose.Models.Tests.Golden;
using Img2Pose.Testing;

namespace Img2Pose.EndToEnd;

/// <summary>
/// README's "Use the official model" as a user walks through it, on an archive like the authors' that this project's own
/// writer made from golden weights; and the settings of such networks as options of <c>run</c>.
/// </summary>
public sealed class OfficialModelTests : IDisposable
{
    private readonly Workspace _files = new();

    public void Dispose() => _files.Dispose();

    [Fact]
    public async Task An_archive_becomes_a_model_that_gives_the_originals_faces()
    {
        GoldenModelCase golden = GoldenModelCase.Load("astro_crop_300_pre500_post10");
        string archive = WriteArchive(golden), model = _files["img2pose_v1.onnx"], picture = golden.ImagePath(0);

        Finished import = (await CommandLine.Img2PoseAsync("models", "import", archive, "--out", model, "--torchvision", "0.14")).ShouldSucceed();
        Finished verify = (await CommandLine.Img2PoseAsync("models", "verify", model)).ShouldSucceed();
        Finished info = (await CommandLine.Img2PoseAsync("models", "info", model)).ShouldSucceed();
        string[] run = ["run", picture, "--model", model, "--json", "-", "--quiet", "--device", "cpu", "--reference", SharedData.Require("reference")];
        string[] few = [.. run, "--proposals-before", "500", "--proposals-after", "10"];
        JsonElement[] faces = await FacesAsync([.. few, "--out", _files["posed.jpg"]]);

        Assert.Contains("CC BY-NC 4.0", import.Error, StringComparison.Ordinal);
        Assert.Contains("sound", verify.Output, StringComparison.Ordinal);
        Assert.Contains("short side 400, long side at most 1400", info.Output, StringComparison.Ordinal);
        Assert.True(File.Exists(_files["posed.jpg"]));
        AssertOriginals(golden, faces);

        // The same faces as a table.
        (await CommandLine.Img2PoseAsync(["run", picture, "--model", model, "--json", _files["faces.csv"], "--quiet", "--device", "cpu", "--proposals-before", "500", "--proposals-after", "10"])).ShouldSucceed();
        Assert.Equal(1 + faces.Length, (await File.ReadAllLinesAsync(_files["faces.csv"], TestContext.Current.CancellationToken)).Length);

        // With the original's 1000 proposals there are more faces; without faces below 0.5 fewer.
        int all = (await FacesAsync(run)).Length, sure = (await FacesAsync([.. few, "--score", "0.5"])).Length;
        Assert.True(all > faces.Length, $"{all} faces of 1000 proposals, {faces.Length} of 10");
        Assert.Equal(golden.Doubles("det_scores", 0).Count(score => score > 0.5), sure);

        // One size and no mirror is the plain look with boxes in whole pixels (golden quirk Q24).
        JsonElement[] scaled = await FacesAsync([.. few, "--scales", "400"]);
        Assert.Equal(faces.Length, scaled.Length);
        for (int i = 0; i < faces.Length; i++)
            Assert.Equal(Numbers(faces[i], "box").Select(Math.Truncate), Numbers(scaled[i], "box"));

        // A box without enlargement lies within the enlarged one.
        JsonElement[] tight = await FacesAsync([.. few, "--factors", "1,1,0"]);
        double[] outer = Numbers(faces[0], "box"), inner = Numbers(tight[0], "box");
        Assert.True(outer[0] <= inner[0] && outer[1] <= inner[1] && outer[2] >= inner[2] && outer[3] >= inner[3], $"[{string.Join(", ", inner)}] is not in [{string.Join(", ", outer)}]");
        Assert.True((inner[2] - inner[0]) * (inner[3] - inner[1]) < (outer[2] - outer[0]) * (outer[3] - outer[1]));

        // A smaller picture for the network is another picture to it.
        JsonElement[] limited = await FacesAsync([.. few, "--min-size", "300", "--max-size", "300"]);
        Assert.NotEqual(faces.Select(face => face.GetProperty("score").GetDouble()), limited.Select(face => face.GetProperty("score").GetDouble()));

        string people = Directory.CreateDirectory(_files["people"]).FullName;
        File.Copy(picture, Path.Combine(people, "a.png"));
        (await CommandLine.Img2PoseAsync("align", people, "--out", _files["crops"], "--model", model, "--size", "112", "--max-faces", "3", "--order", "confidence", "--score", "0.5", "--device", "cpu")).ShouldSucceed();
        Assert.Equal(["a_0.png", "a_1.png", "a_2.png"], Directory.GetFiles(_files["crops/people"]).Select(Path.GetFileName).Order());
    }

    [Fact]
    public async Task README_s_commands_do_what_they_say_as_they_stand()
    {
        GoldenModelCase golden = GoldenModelCase.Load("legacy082_chelsea_451x300");
        WriteArchive(golden);
        string photos = Directory.CreateDirectory(_files["photos"]).FullName;
        await CommandLine.ToolAsync("ffmpeg", "-nostdin", "-v", "error", "-i", golden.ImagePath(0), "-q:v", "1", _files["photo.jpg"]);
        File.Copy(_files["photo.jpg"], Path.Combine(photos, "photo.jpg"));
        Directory.CreateSymbolicLink(_files["reference"], SharedData.Require("reference"));

        // Line by line from README, in a folder with img2pose_v1.zip, photo.jpg and photos/.
        string[] lines = [.. File.ReadAllLines(Path.Combine(SharedData.RepositoryRoot, "README.md"))
            .SkipWhile(line => line != "## Use the official model").TakeWhile(line => !line.StartsWith("## Building", StringComparison.Ordinal))
            .Where(line => line.StartsWith("img2pose ", StringComparison.Ordinal)).Select(line => line.Split('#')[0].Trim())];
        Assert.Contains("img2pose models import img2pose_v1.zip", lines);
        Assert.True(lines.Length >= 4, $"{lines.Length} commands");
        foreach (string line in lines) (await CommandLine.Img2PoseInAsync(_files.Folder, line.Split(' ')[1..])).ShouldSucceed();

        Assert.True(File.Exists(_files["models/img2pose_v1.onnx"]));
        Assert.True(File.Exists(_files["posed.jpg"]));
        Assert.Equal(["photo_0.jpg", "photo_1.jpg", "photo_2.jpg"], Directory.GetFiles(_files["faces/photos"]).Select(Path.GetFileName).Order());

        // The default rule is torchvision 0.8.2's, whose numbers this case records, at a short side of 316.
        Finished run = (await CommandLine.Img2PoseInAsync(
            _files.Folder, "run", golden.ImagePath(0), "--model", "img2pose_v1", "--min-size", "316", "--json", "-", "--quiet", "--device", "cpu", "--reference", "reference")).ShouldSucceed();
        AssertOriginals(golden, [.. Workspace.ParseLines(run.Output)[1].GetProperty("faces").EnumerateArray()]);
    }

    [Fact]
    public async Task A_mirrored_look_adds_the_mirrored_face()
    {
        await CommandLine.ToolAsync("ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=320x240", "-frames:v", "1", _files["a.png"]);
        string[] run = ["run", _files["a.png"], "--json", "-", "--model", _files.Model, "--quiet", "--device", "cpu", "--scales", "240"];

        double[] one = Numbers(Assert.Single(await FacesAsync(run)), "box");
        JsonElement[] two = await FacesAsync([.. run, "--flip"]);
        JsonElement merged = Assert.Single(await FacesAsync([.. run, "--flip", "--voting", "0.1"]));

        // The mirrored picture's face is at the same place in it.
        Assert.Equal(2, two.Length);
        double[] mirrored = Numbers(two.Single(face => !Numbers(face, "box").SequenceEqual(one)), "box");
        Assert.Equal([320 - one[2], one[1], 320 - one[0], one[3]], mirrored);
        // Each counts as much as it overlaps the better one (the original's box voting).
        double weight = BoxVoting.InclusiveIntersectionOverUnion(ToBox(one), ToBox(mirrored));
        for (int c = 0; c < 4; c++) Assert.Equal((one[c] + weight * mirrored[c]) / (1 + weight), Numbers(merged, "box")[c], 0.01);
    }

    [Theory]
    [InlineData("the model's rule", "--min-size and --max-size belong to the original's networks", "--min-size", "300")]
    [InlineData("the device's network", "numbers of proposals of constant are fixed", "--proposals-after", "10")]
    [InlineData("a range", "--proposals-before 0 is out of range", "--proposals-before", "0")]
    [InlineData("three factors", "--factors 1.1,1.1: three numbers", "--factors", "1.1,1.1")]
    [InlineData("sizes", "--scales 300,x: short sides", "--scales", "300,x")]
    [InlineData("sizes to mirror", "--flip needs --scales", "--flip")]
    [InlineData("one size", "--size and --min-size both", "--size", "300", "--min-size", "300")]
    public async Task A_setting_that_makes_no_sense_is_refused_by_name(string breach, string message, params string[] options)
    {
        Assert.NotEmpty(breach);
        await CommandLine.ToolAsync("ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=320x240", "-frames:v", "1", _files["a.png"]);

        Finished run = await CommandLine.Img2PoseAsync(["run", _files["a.png"], "--json", "-", "--model", _files.Model, "--quiet", "--device", "cpu", .. options]);

        run.ShouldFailWith(2, message);
    }

    private static async Task<JsonElement[]> FacesAsync(string[] arguments)
    {
        Finished run = (await CommandLine.Img2PoseAsync(arguments)).ShouldSucceed();
        return [.. Workspace.ParseLines(run.Output)[1].GetProperty("faces").EnumerateArray()];
    }

    private static double[] Numbers(JsonElement face, string name) => [.. face.GetProperty(name).EnumerateArray().Select(v => v.GetDouble())];

    private static Box ToBox(double[] sides) => new(sides[0], sides[1], sides[2], sides[3]);

    // Each face of the original is there, in the displayed picture's coordinates and rounded for JSON.
    private static void AssertOriginals(GoldenModelCase golden, JsonElement[] faces)
    {
        double[] scores = golden.Doubles("det_scores", 0), boxes = golden.Doubles("det_boxes", 0), poses = golden.Doubles("det_dofs", 0);
        JsonElement image = golden.Case.GetProperty("images")[0];
        int width = image.GetProperty("width").GetInt32(), height = image.GetProperty("height").GetInt32();
        (int resizedHeight, int resizedWidth) = golden.Resized[0];
        Assert.Equal(scores.Length, faces.Length);
        for (int i = 0; i < scores.Length; i++)
        {
            Assert.Equal(scores[i], faces[i].GetProperty("score").GetDouble(), 1e-3);
            double[] box = Numbers(faces[i], "box"), rotation = Numbers(faces[i], "rotvec"), translation = Numbers(faces[i], "translation");
            // One pixel of the network's input, where int() falls on the other side; clipped to the picture.
            for (int c = 0; c < 4; c++) Assert.Equal(Math.Clamp(boxes[4 * i + c], 0, c % 2 == 0 ? width : height), box[c], 1.01 * width / resizedWidth);
            Pose expected = PoseConversion.Rescale(
                new Pose(new Vector3d(poses[6 * i], poses[6 * i + 1], poses[6 * i + 2]), new Vector3d(poses[6 * i + 3], poses[6 * i + 4], poses[6 * i + 5])),
                CameraIntrinsics.ForImage(resizedWidth, resizedHeight), CameraIntrinsics.ForImage(width, height),
                (double)width / resizedWidth, (double)height / resizedHeight);
            Assert.True(RotationVector.GeodesicDistance(expected.Rotation, new Vector3d(rotation[0], rotation[1], rotation[2])) < 1e-3, $"rotation of face {i}");
            Assert.True((expected.Translation - new Vector3d(translation[0], translation[1], translation[2])).Length < 1e-3 * expected.Translation.Length, $"translation of face {i}");
        }
    }

    // As the authors pack theirs: the training state's dictionary with the prefix of data-parallel training, and the statistics.
    private string WriteArchive(GoldenModelCase golden)
    {
        StateDictionary weights = golden.Weights();
        CheckpointDictionary state = new(isOrdered: true), root = new();
        foreach (string name in weights.Names)
        {
            Assert.True(weights.TryGet(name, out CheckpointTensor? tensor));
            state.Set("module." + name, tensor);
        }
        root.Set("fpn_model", state);
        CheckpointWriter.Save(root, _files["img2pose_v1.pth"]);
        foreach (string statistic in (string[])["mean", "stddev"])
        {
            double[] numbers = [.. golden.Settings.GetProperty("pose_" + statistic).EnumerateArray().Select(v => v.GetDouble())];
            NpyArray.Write(_files[$"WIDER_train_pose_{statistic}_v1.npy"], numbers, 6);
        }
        string path = _files["img2pose_v1.zip"];
        using ZipArchive archive = ZipFile.Open(path, ZipArchiveMode.Create);
        foreach (string file in (string[])["img2pose_v1.pth", "WIDER_train_pose_mean_v1.npy", "WIDER_train_pose_stddev_v1.npy"])
        {
            archive.CreateEntryFromFile(_files[file], string.Create(CultureInfo.InvariantCulture, $"models/{file}"), CompressionLevel.NoCompression);
            // As a Mac packs them: a twin with attributes beside each file.
            using Stream twin = archive.CreateEntry(string.Create(CultureInfo.InvariantCulture, $"__MACOSX/models/._{file}")).Open();
            twin.Write([0, 5, 22, 7]);
        }
        foreach (string file in (string[])["img2pose_v1.pth", "WIDER_train_pose_mean_v1.npy", "WIDER_train_pose_stddev_v1.npy"]) File.Delete(_files[file]);
        return path;
    }
}
