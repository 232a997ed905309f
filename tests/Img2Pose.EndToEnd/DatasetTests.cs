using Img2Pose.Testing;

namespace Img2Pose.EndToEnd;

/// <summary><c>img2pose dataset</c>.</summary>
public sealed class DatasetTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("img2pose-dataset").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_disk_without_room_leaves_neither_data_set_nor_statistics()
    {
        Gtk.Require();
        string picture = Path.Combine(_folder, "a.png"), list = Path.Combine(_folder, "list.txt");
        await CommandLine.ToolAsync("ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi", "-i", "color=gray:size=320x240,noise=alls=90", "-frames:v", "1", picture);
        Assert.InRange(new FileInfo(picture).Length, 80 << 10, long.MaxValue);
        File.WriteAllText(list, "a.json\n");
        File.WriteAllText(Path.Combine(_folder, "a.json"),
            """{"image_path":"a.png","bboxes":[[10,10,50,50]],"landmarks":[[[20,25],[40,25],[30,33],[23,42],[37,42]]]}""");

        // No file may grow beyond 64 KiB, as on a disk with so much room. The runtime's own mapped file would not fit either.
        Finished run = await CommandLine.Img2PoseAfterAsync(
            "trap '' XFSZ; ulimit -f 64; export DOTNET_EnableWriteXorExecute=0",
            "dataset", "convert", list, "--images", _folder, "--out", Path.Combine(_folder, "out.lmdb"));

        run.ShouldFailWith(1, "out.lmdb");
        Assert.Empty(Directory.GetFiles(_folder, "out*"));
    }

    [Fact]
    public async Task One_damaged_picture_is_named_and_the_rest_of_the_set_done()
    {
        Gtk.Require();
        string picture = Path.Combine(_folder, "a.png"), list = Path.Combine(_folder, "list.txt"), lmdb = Path.Combine(_folder, "out.lmdb"), pack = Path.Combine(_folder, "pack");
        await CommandLine.ToolAsync("ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi", "-i", "color=gray:size=64x64", "-frames:v", "1", picture);
        File.WriteAllText(list, "a.json\nmissing.json\na.json\n");
        File.WriteAllText(Path.Combine(_folder, "a.json"),
            """{"image_path":"a.png","bboxes":[[10,10,50,50]],"landmarks":[[[20,25],[40,25],[30,33],[23,42],[37,42]]]}""");

        Finished convert = await CommandLine.Img2PoseAsync("dataset", "convert", list, "--images", _folder, "--out", lmdb);
        byte[] bytes = File.ReadAllBytes(lmdb);
        int first = bytes.AsSpan().IndexOf((ReadOnlySpan<byte>)[0x89, (byte)'P', (byte)'N', (byte)'G']);
        bytes.AsSpan(first, 4).Clear();
        File.WriteAllBytes(lmdb, bytes);
        Finished unpack = await CommandLine.Img2PoseAsync("dataset", "unpack", lmdb, "--out", pack);
        string annotations = Path.Combine(pack, "annotations.jsonl"), line = Assert.Single(File.ReadAllLines(annotations)), good = Directory.GetFiles(Path.Combine(pack, "images")).Single();
        File.WriteAllText(Path.Combine(pack, "images", "bad.png"), "none");
        File.AppendAllText(annotations, line.Replace(Path.GetFileName(good), "bad.png", StringComparison.Ordinal) + "\n");
        Finished view = await CommandLine.Img2PoseAsync("dataset", "view", pack, "--out", Path.Combine(_folder, "sheet.png"));

        foreach ((Finished run, string told) in new[] { (convert, "missing.json not found"), (unpack, "out.lmdb, key "), (view, "bad.png") })
        {
            Assert.True(run.Code == 1, $"exit code {run.Code}: {run.Error}");
            Assert.Contains(run.ErrorLines, line => line.StartsWith("img2pose: left out: ", StringComparison.Ordinal) && line.Contains(told, StringComparison.Ordinal));
            Assert.DoesNotContain("   at ", run.Error, StringComparison.Ordinal);
        }
        Assert.True(File.Exists(Path.Combine(_folder, "sheet.png")));
    }

    [Fact]
    public async Task Stats_count_and_view_draws_what_a_pack_holds()
    {
        await CommandLine.ToolAsync("ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi", "-i", "color=gray:size=320x240", "-frames:v", "1", Path.Combine(_folder, "a.png"));
        // One face turned by 40 degrees, one without a pose.
        File.WriteAllText(Path.Combine(_folder, "annotations.jsonl"),
            """{"image":"a.png","width":320,"height":240,"set":"toy","complete":true,"faces":[{"box":[100,60,180,160],"pose":[0,0.698,0,0,0,6],"label":"gt68","ignore":false},{"box":[10,10,30,36],"pose":null,"label":"gtbox","ignore":true}]}""" + "\n");
        string sheet = Path.Combine(_folder, "sheet.png");

        Finished stats = (await CommandLine.Img2PoseAsync("dataset", "stats", _folder)).ShouldSucceed();
        (await CommandLine.Img2PoseAsync("dataset", "view", _folder, "--out", sheet, "--cell", "120")).ShouldSucceed();
        string size = await CommandLine.ToolAsync("ffprobe", "-v", "error", "-show_entries", "stream=width,height", "-of", "csv=p=0", sheet);

        Assert.StartsWith("1 pictures, 2 faces, 1 with a pose, 1 ignored", stats.Output);
        Assert.Contains("30–45: 1", stats.Output);
        Assert.Contains("96–128: 1", stats.Output);
        Assert.Equal("120,120", size.Trim());
        (await CommandLine.Img2PoseAsync("dataset", "view", _folder, "--out", sheet, "--count", "0")).ShouldFailWith(2, "--count");
        (await CommandLine.Img2PoseAsync("dataset", "view", _folder, "--out", sheet, "--min-yaw", "80")).ShouldFailWith(3, "no picture fits");
        File.AppendAllText(Path.Combine(_folder, "annotations.jsonl"), """{"image":"a.png","width":320,"height":240,"set":"toy","complete":true,"faces":[{"box":[1,2,3,4],"pose":[NaN,0,0,0,0,6],"label":"gt68","ignore":false}]}""" + "\n");
        (await CommandLine.Img2PoseAsync("dataset", "stats", _folder)).ShouldFailWith(3, "annotations.jsonl, line 2");
    }
}
