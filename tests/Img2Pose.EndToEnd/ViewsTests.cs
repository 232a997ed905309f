using System.Text.Json;
using Img2Pose.Media;
using Img2Pose.Testing;

namespace Img2Pose.EndToEnd;

/// <summary><c>img2pose views</c> through the command line.</summary>
public sealed class ViewsTests : IDisposable
{
    private readonly Workspace _files = new();

    public void Dispose() => _files.Dispose();

    [Fact]
    public async Task A_face_that_is_found_is_drawn_from_every_direction()
    {
        string picture = await DrawnFace.SaveAsync(_files["someone.png"]);
        (await CommandLine.Img2PoseAsync("views", picture, "--out", _files["out"], "--yaws=-40,0,40", "--pitches", "0,10", "--size", "96", "--contact-sheet", "--device", "cpu")).ShouldSucceed();

        string[] files = [.. Directory.GetFiles(_files["out/someone"]).Select(Path.GetFileName).Order(StringComparer.Ordinal)!];
        Assert.Equal(["yaw+0_pitch+0.png", "yaw+0_pitch+10.png", "yaw+40_pitch+0.png", "yaw+40_pitch+10.png", "yaw-40_pitch+0.png", "yaw-40_pitch+10.png"], files);
        Assert.Equal((96, 96), SizeOf(_files["out/someone/yaw+0_pitch+0.png"]));
        Assert.Equal((96 * 7, 96), SizeOf(_files["out/contact-sheet.jpg"]));
        JsonElement[] lines = await LinesAsync("out/views.jsonl");
        Assert.Equal(6, lines.Length);
        foreach (JsonElement line in lines)
        {
            Assert.Equal("view", line.GetProperty("type").GetString());
            Assert.True(File.Exists(Path.Combine(_files["out"], line.GetProperty("file").GetString()!)));
            Assert.InRange(line.GetProperty("visible").GetDouble(), 0.3, 1);
            Assert.Equal(4, line.GetProperty("box").GetArrayLength());
            Assert.Equal(1, line.GetProperty("visible").GetDouble() + line.GetProperty("symmetric").GetDouble() + line.GetProperty("invented").GetDouble(), 0.001);
        }
    }

    [Fact]
    public async Task A_table_with_the_originals_header_gives_the_originals_names_and_tells_what_is_wrong_in_it()
    {
        await DrawnFace.SaveAsync(_files["a b.png"]);
        string box = FormattableString.Invariant($"{DrawnFace.Box.Left},{DrawnFace.Box.Top},{DrawnFace.Box.Width},{DrawnFace.Box.Height}");
        await File.WriteAllLinesAsync(_files["input.csv"],
        [
            "ID,FILE,FACE_X,FACE_Y,FACE_WIDTH,FACE_HEIGHT",
            $"one,\"a b.png\",{box}",
            $"one,a b.png,{box}",
            $"two,absent.png,{box}",
            "three,a b.png,10,10,-5,20",
            "four,a b.png,900,900,50,50",
            "five,a b.png,1,2",
        ], TestContext.Current.CancellationToken);

        Finished run = await CommandLine.Img2PoseAsync("views", _files["input.csv"], "--out", _files["out"], "--mode", "fpn", "--names", "original", "--device", "cpu");

        Assert.Equal(1, run.Code);
        // Slightly turned: all five views; the same key again keeps both.
        foreach (string yaw in (string[])["00", "22", "40", "55", "75"])
        {
            Assert.Equal((224, 224), SizeOf(_files[$"out/one/one_rendered_aug_-{yaw}_00_10.jpg"]));
            Assert.True(File.Exists(_files[$"out/one_2/one_2_rendered_aug_-{yaw}_00_10.jpg"]));
        }
        foreach (string said in (string[])["absent.png", "input.csv:5", "line 6", "input.csv:7"]) Assert.Contains(run.ErrorLines, line => line.Contains(said, StringComparison.Ordinal));
        Assert.Equal(2, Directory.GetDirectories(_files["out"]).Length);
    }

    [Fact]
    public async Task Boxes_of_our_own_table_are_taken_and_rows_of_absent_pictures_told()
    {
        Directory.CreateDirectory(_files["in"]);
        await DrawnFace.SaveAsync(_files["in/x.png"]);
        string box = FormattableString.Invariant($"{DrawnFace.Box.Left},{DrawnFace.Box.Top},{DrawnFace.Box.Right},{DrawnFace.Box.Bottom}");
        await File.WriteAllLinesAsync(_files["boxes.csv"], ["file,l,t,r,b", $"x.png,{box}", $"y.png,{box}"], TestContext.Current.CancellationToken);

        Finished run = await CommandLine.Img2PoseAsync("views", _files["in"], "--boxes", _files["boxes.csv"], "--out", _files["out"], "--frontal", "--format", "jpg", "--device", "cpu");

        Assert.Equal(1, run.Code);
        Assert.Contains(run.ErrorLines, line => line.Contains("y.png", StringComparison.Ordinal));
        Assert.Equal((224, 224), SizeOf(_files["out/x.jpg"]));
        Assert.Single(await LinesAsync("out/views.jsonl"));
    }

    [Fact]
    public async Task A_video_gives_the_best_view_of_each_of_its_faces()
    {
        string picture = await DrawnFace.SaveAsync(_files["p.png"]);
        await CommandLine.ToolAsync("ffmpeg", "-nostdin", "-v", "error", "-loop", "1", "-i", picture, "-t", "0.6", "-r", "10", "-pix_fmt", "yuv420p", _files["v.mp4"]);

        (await CommandLine.Img2PoseAsync("run", _files["v.mp4"], "--views", _files["best"], "--out", _files["o.mp4"], "--overlay", "mesh,frontal", "--device", "cpu", "--quiet")).ShouldSucceed();
        (await CommandLine.Img2PoseAsync("views", _files["v.mp4"], "--out", _files["views"], "--yaws", "0,30", "--device", "cpu")).ShouldSucceed();

        Assert.Equal((224, 224), SizeOf(_files["best/face-0001.png"]));
        JsonElement line = Assert.Single(await LinesAsync("best/views.jsonl"));
        Assert.Equal(1, line.GetProperty("id").GetInt32());
        Assert.Equal(2, Directory.GetFiles(_files["views/face-0001"]).Length);
        Assert.True(File.Exists(_files["o.mp4"]));
    }

    [Fact]
    public async Task Pictures_of_every_kind_give_the_views_of_what_they_show()
    {
        Directory.CreateDirectory(_files["in"]);
        string plain = await DrawnFace.SaveAsync(_files["in/plain.png"]);
        await ConvertAsync("deep.png", "format=rgb48be");
        await ConvertAsync("clear.png", "format=rgba");
        await ConvertAsync("grey.png", "format=gray");
        // Stored lying, with an EXIF chunk after the header that says so ("row 0 is the right side"); a wrong checksum of such a chunk is forgiven.
        await ConvertAsync("turned.png", "transpose=2");
        byte[] lying = await File.ReadAllBytesAsync(_files["in/turned.png"], TestContext.Current.CancellationToken);
        byte[] exif = [(byte)'I', (byte)'I', 42, 0, 8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0];
        byte[] turned = [.. lying[..33], 0, 0, 0, (byte)exif.Length, .. "eXIf"u8, .. exif, 0, 0, 0, 0, .. lying[33..]];
        await File.WriteAllBytesAsync(_files["in/turned.png"], turned, TestContext.Current.CancellationToken);
        // In printing colours only flat blocks can be written here, so that their view is compared with that of the same blocks.
        await ConvertAsync("blocks.png", "scale=40:30:flags=area,scale=320:240:flags=neighbor,format=rgb24");
        PngPicture blocks = PngPicture.Read(_files["in/blocks.png"]);
        await File.WriteAllBytesAsync(_files["in/inks.jpg"], CmykJpeg.Encode(40, 30, (column, row) =>
        {
            int at = 3 * (8 * row * 320 + 8 * column);
            return (blocks.Rgb[at], blocks.Rgb[at + 1], blocks.Rgb[at + 2], 255);
        }), TestContext.Current.CancellationToken);
        string[] names = ["plain.png", "deep.png", "clear.png", "grey.png", "turned.png", "blocks.png", "inks.jpg"];
        string box = FormattableString.Invariant($"{DrawnFace.Box.Left},{DrawnFace.Box.Top},{DrawnFace.Box.Right},{DrawnFace.Box.Bottom}");
        await File.WriteAllLinesAsync(_files["boxes.csv"], ["file,l,t,r,b", .. names.Select(name => $"{name},{box}")], TestContext.Current.CancellationToken);

        (await CommandLine.Img2PoseAsync("views", _files["in"], "--boxes", _files["boxes.csv"], "--out", _files["out"], "--frontal", "--size", "96", "--device", "cpu")).ShouldSucceed();

        // Levels: rounding, the colours' own distance from grey, and the conversion of inks (A_picture_in_printing_colours…).
        foreach ((string one, string other, double apart) in ((string, string, double)[])[("plain", "deep", 0.5), ("plain", "clear", 0), ("plain", "grey", 8), ("plain", "turned", 0), ("blocks", "inks", 2)])
        {
            byte[] expected = PngPicture.Read(_files[$"out/{one}.png"]).Rgb, drawn = PngPicture.Read(_files[$"out/{other}.png"]).Rgb;
            Assert.InRange(expected.Zip(drawn, (a, b) => Math.Abs(a - b)).Average(), 0, apart);
        }

        Task ConvertAsync(string name, string filter) => CommandLine.ToolAsync("ffmpeg", "-nostdin", "-v", "error", "-i", plain, "-vf", filter, _files[$"in/{name}"]);
    }

    [Theory]
    [InlineData("--yaws 100", "--yaws")]
    [InlineData("--pitches 70", "--pitches")]
    [InlineData("--yaws 10,10", "twice")]
    [InlineData("--size 4", "--size")]
    [InlineData("--frontal --yaws 10", "--frontal")]
    [InlineData("--mode fpn --size 112", "--mode fpn")]
    [InlineData("--mode fpn --yaws=-10", "--mode fpn")]
    public async Task Senseless_options_are_refused_in_one_line(string options, string said)
    {
        string picture = await DrawnFace.SaveAsync(_files["a.png"]);
        (await CommandLine.Img2PoseAsync(["views", picture, "--out", _files["out"], .. options.Split(' ')])).ShouldFailWith(2, said);
    }

    [Fact]
    public async Task What_the_run_reads_is_never_written()
    {
        Directory.CreateDirectory(_files["d"]);
        await DrawnFace.SaveAsync(_files["d/a.png"]);
        byte[] before = await File.ReadAllBytesAsync(_files["d/a.png"], TestContext.Current.CancellationToken);
        (await CommandLine.Img2PoseAsync("views", _files["d/a.png"], "--out", _files["d"], "--frontal", "--device", "cpu")).ShouldSucceed();
        Assert.Equal(before, await File.ReadAllBytesAsync(_files["d/a.png"], TestContext.Current.CancellationToken));
        Assert.True(File.Exists(_files["d/a_2.png"]));
    }

    private static (int Width, int Height) SizeOf(string path)
    {
        using Frames.VideoFrame frame = ImageFile.Read(path);
        return (frame.Width, frame.Height);
    }

    private async Task<JsonElement[]> LinesAsync(string name) =>
        [.. (await File.ReadAllLinesAsync(_files[name], TestContext.Current.CancellationToken)).Select(line => JsonDocument.Parse(line).RootElement)];
}
