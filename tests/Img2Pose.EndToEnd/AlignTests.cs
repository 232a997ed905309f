using System.Text.Json;
using Img2Pose.Testing;

namespace Img2Pose.EndToEnd;

/// <summary><c>img2pose align</c> through the command line.</summary>
public sealed class AlignTests : IDisposable
{
    private readonly Workspace _files = new();

    public void Dispose() => _files.Dispose();

    [Fact]
    public async Task Crops_are_the_originals_under_the_originals_names()
    {
        string golden = SharedData.RequireGolden("geometry", "align_faces.json"), reference = SharedData.Require("reference");
        using JsonDocument document = JsonDocument.Parse(await File.ReadAllTextAsync(golden, TestContext.Current.CancellationToken));
        int number = 0;
        foreach (JsonElement one in document.RootElement.GetProperty("cases").EnumerateArray())
        {
            string folder = Directory.CreateDirectory(_files[$"people{number}"]).FullName, model = _files[$"m{number++}.onnx"], output = _files["crops"];
            string source = SharedData.RequireGolden("geometry", one.GetProperty("image").GetString()!);
            PngPicture picture = PngPicture.Read(source);
            string name = Path.GetFileNameWithoutExtension(source);
            File.Copy(source, Path.Combine(folder, name + ".png"));
            // A pose relative to a box that is the whole picture is the pose in the picture.
            (float[], float[])[] faces =
            [
                .. one.GetProperty("poses").EnumerateArray().Select(pose =>
                    ((float[])[0, 0, picture.Width, picture.Height], pose.EnumerateArray().Select(v => (float)v.GetDouble()).ToArray())),
            ];
            ConstantModel.Save(model, null, faces);

            (await CommandLine.Img2PoseAsync(
                "align", folder, "--out", output, "--model", model, "--size", one.GetProperty("size").GetInt32().ToString(System.Globalization.CultureInfo.InvariantCulture),
                "--max-faces", "9", "--order", "confidence", "--reference", reference, "--device", "cpu", "--roll", "upright")).ShouldSucceed();

            JsonElement[] expected = [.. one.GetProperty("files").EnumerateArray()];
            for (int i = 0; i < expected.Length; i++)
            {
                string crop = Path.Combine(output, Path.GetFileName(folder), expected.Length > 1 ? $"{name}_{i}.png" : name + ".png");
                AssertLooksLike(SharedData.RequireGolden("geometry", expected[i].GetString()!), crop);
            }
        }
    }

    [Fact]
    public async Task An_unreadable_picture_is_named_the_rest_is_done_and_the_exit_code_is_1()
    {
        string folder = Directory.CreateDirectory(_files["people"]).FullName;
        await CommandLine.ToolAsync("ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=320x240", "-frames:v", "1", Path.Combine(folder, "a.png"));
        await File.WriteAllTextAsync(Path.Combine(folder, "b.jpg"), "no picture", TestContext.Current.CancellationToken);
        await CommandLine.ToolAsync("ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=320x240", "-frames:v", "1", Path.Combine(folder, "c.jpg"));
        await CommandLine.ToolAsync("ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=320x240", "-frames:v", "1", Path.Combine(folder, "d.bmp"));

        Finished run = await CommandLine.Img2PoseAsync("align", folder, "--out", _files["crops"], "--model", _files.Model, "--size", "112", "--device", "cpu", "--roll", "upright");

        Assert.Equal(1, run.Code);
        Assert.Contains(run.ErrorLines, line => line.Contains("b.jpg", StringComparison.Ordinal));
        Assert.Equal(["a.png", "c.jpg", "d.png"], Directory.GetFiles(_files["crops/people"]).Select(Path.GetFileName).Order());
    }

    [Fact]
    public async Task The_default_surface_is_posed_where_no_other_mesh_is_named()
    {
        string folder = Directory.CreateDirectory(_files["people"]).FullName;
        await CommandLine.ToolAsync("ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=320x240", "-frames:v", "1", Path.Combine(folder, "a.png"));

        (await CommandLine.Img2PoseAsync("align", folder, "--out", _files["crops"], "--model", _files.Model, "--obj", "--device", "cpu", "--roll", "upright")).ShouldSucceed();

        string[] lines = await File.ReadAllLinesAsync(_files["crops/people/a.obj"], TestContext.Current.CancellationToken);
        double[][] vertices = [.. lines.Where(line => line.StartsWith("v ", StringComparison.Ordinal))
            .Select(line => line.Split(' ').Skip(1).Select(v => double.Parse(v, System.Globalization.CultureInfo.InvariantCulture)).ToArray())];
        Assert.True(vertices.Length > 1000, $"{vertices.Length} vertices");
        Assert.Contains(lines, line => line.StartsWith("f ", StringComparison.Ordinal));
        // The face at (80, 60)–(180, 180); y counts from the lower edge of 240 pixels.
        Assert.InRange(vertices.Average(v => v[0]), 110, 150);
        Assert.InRange(vertices.Average(v => v[1]), 90, 150);
    }

    [Fact]
    public async Task Faces_count_from_the_models_own_threshold_unless_another_is_asked_for()
    {
        await CommandLine.ToolAsync("ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=320x240", "-frames:v", "1", _files["a.png"]);
        (float[], float[]) face = ([80, 60, 180, 180], [0, 0, 0, 0, 0, 3.3f]), far = ([-9000, 0, -8900, 100], [0, 0, 0, 0, 0, 3.3f]);
        // The 22nd face scores 0.69.
        ConstantModel.Save(_files["low.onnx"], null, [.. Enumerable.Repeat(far, 21), face]);

        Finished own = (await CommandLine.Img2PoseAsync("align", _files["a.png"], "--out", _files["one"], "--model", _files["low.onnx"], "--device", "cpu", "--roll", "upright")).ShouldSucceed();
        Finished asked = (await CommandLine.Img2PoseAsync("align", _files["a.png"], "--out", _files["none"], "--model", _files["low.onnx"], "--device", "cpu", "--roll", "upright", "--score", "0.7")).ShouldSucceed();

        Assert.Contains("1 faces of 1 pictures", own.Error, StringComparison.Ordinal);
        Assert.Contains("no face above the threshold", asked.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_picture_in_printing_colours_is_read_in_its_own()
    {
        // Fractions of light that get through each ink, in blocks: all mixtures of six steps of three inks, under six of black.
        (int C, int M, int Y, int K) Ink(int column, int row) => (51 * (column % 6), 51 * (column / 6), 51 * (row % 6), 51 * (row / 6));
        await File.WriteAllBytesAsync(_files["cmyk.jpg"], CmykJpeg.Encode(36, 36, Ink), TestContext.Current.CancellationToken);

        (await CommandLine.Img2PoseAsync("run", _files["cmyk.jpg"], "--out", _files["o.png"], "--model", _files.Model, "--overlay", "none", "--quiet", "--device", "cpu")).ShouldSucceed();

        PngPicture picture = PngPicture.Read(_files["o.png"]);
        Assert.Equal((288, 288), (picture.Width, picture.Height));
        for (int y = 0; y < picture.Height; y++)
        {
            for (int x = 0; x < picture.Width; x++)
            {
                (int c, int m, int y0, int k) = Ink(x / 8, y / 8);
                int at = 3 * (y * picture.Width + x);
                // A roundings' level; a wrong conversion of inks is off by tens.
                Assert.True(Near(c * k, picture.Rgb[at]) && Near(m * k, picture.Rgb[at + 1]) && Near(y0 * k, picture.Rgb[at + 2]),
                    $"{string.Join(' ', picture.Rgb[at..(at + 3)])} at {x},{y} for the inks {(c, m, y0, k)}");
            }
        }

        static bool Near(int product, byte level) => Math.Abs(product / 255.0 - level) <= 2;
    }

    /// <summary>Bounds of the golden README: mean below 0.5, 99 % of samples within 2 levels.</summary>
    private static void AssertLooksLike(string golden, string file)
    {
        byte[] expected = PngPicture.Read(golden).Rgb, actual = PngPicture.Read(file).Rgb;
        Assert.Equal(expected.Length, actual.Length);
        int[] differences = [.. expected.Zip(actual, (a, b) => Math.Abs(a - b))];
        Assert.True(differences.Average() < 0.5, $"{file}: mean difference {differences.Average()}");
        Assert.True(differences.Count(d => d > 2) <= 0.01 * differences.Length, $"{file}: {differences.Count(d => d > 2)} samples differ by more than 2");
    }
}
