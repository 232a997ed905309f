using System.Security.Cryptography;
using System.Text.Json;
using Img2Pose.Formats;
using Img2Pose.Geometry;
using Img2Pose.Testing;
using Img2Pose.Training.Data;
using Img2Pose.Training.Data.Lmdb;

namespace Img2Pose.Training.Tests.Data;

/// <summary>Against the data set that the original converter wrote (golden/dataset).</summary>
public sealed class LmdbDatasetTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("img2pose-lmdb").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Records_read_from_the_originals_file_encode_to_the_same_bytes()
    {
        string file = SharedData.RequireGolden("dataset", "lmdb", "toy_train.lmdb");
        using LmdbReader reader = LmdbReader.Open(file);
        using JsonDocument golden = Golden();
        foreach (JsonElement entry in golden.RootElement.GetProperty("entries").EnumerateArray())
        {
            string key = entry.GetProperty("key").GetString()!;
            byte[] stored = reader.Get(key)!;

            byte[] encoded = PoseRecord.Decode(stored, key).Encode();

            Assert.Equal(stored, encoded);
            Assert.Equal(entry.GetProperty("msgpack_sha256").GetString(), Convert.ToHexStringLower(SHA256.HashData(encoded)));
        }
    }

    [Fact]
    public void Converting_the_list_gives_the_originals_entries_and_statistics_byte_for_byte()
    {
        Gtk.Require();
        string dataset = SharedData.RequireGolden("dataset");
        string output = Path.Combine(_folder, "toy_train.lmdb");

        LmdbConversion conversion = LmdbDataset.Convert(
            Path.Combine(dataset, "toy_train.txt"), Path.Combine(dataset, "images"), output, ReferenceFaceFiles.Load(SharedData.Require("reference")), stop: TestContext.Current.CancellationToken);

        Assert.Equal((4, 1), (conversion.Pictures, conversion.Skipped));
        using LmdbReader ours = LmdbReader.Open(output), theirs = LmdbReader.Open(Path.Combine(dataset, "lmdb", "toy_train.lmdb"));
        Assert.Equal(theirs.Get("__keys__"), ours.Get("__keys__"));
        Assert.Equal(theirs.Get("__len__"), ours.Get("__len__"));
        using JsonDocument golden = Golden();
        JsonElement[] entries = [.. golden.RootElement.GetProperty("entries").EnumerateArray()];
        Assert.Equal(4, entries.Length);
        foreach (JsonElement entry in entries)
        {
            byte[] written = ours.Get(entry.GetProperty("key").GetString()!)!;
            Assert.Equal(entry.GetProperty("msgpack_sha256").GetString(), Convert.ToHexStringLower(SHA256.HashData(written)));
        }
        foreach (string statistic in (string[])["toy_train_pose_mean.npy", "toy_train_pose_stddev.npy"])
            Assert.Equal(File.ReadAllBytes(Path.Combine(dataset, "lmdb", statistic)), File.ReadAllBytes(Path.Combine(_folder, statistic)));
    }

    [Fact]
    public void Statistics_of_the_originals_own_poses_are_its_statistics()
    {
        string dataset = SharedData.RequireGolden("dataset", "lmdb");
        Pose[] poses = [.. PoseDatabase.ReadFile(Path.Combine(dataset, "toy_train.lmdb")).SelectMany(r => r.Record.Faces).Select(f => f.LocalPose).OfType<Pose>()];

        (double[] mean, double[] deviation) = PoseStatistics.Of(poses);

        Assert.Equal(NpyArray.Read(Path.Combine(dataset, "toy_train_pose_mean.npy")).ToDoubles(), mean);
        Assert.Equal(NpyArray.Read(Path.Combine(dataset, "toy_train_pose_stddev.npy")).ToDoubles(), deviation);
    }

    [Fact]
    public void The_originals_file_unpacks_to_a_pack_that_reads_back()
    {
        string file = SharedData.RequireGolden("dataset", "lmdb", "toy_train.lmdb");

        LmdbDataset.Unpack(file, _folder, stop: TestContext.Current.CancellationToken);
        AnnotatedImage[] images = AnnotationPack.Load(_folder);

        Assert.Equal(4, images.Length);
        Assert.Equal(9, images.Sum(i => i.Faces.Count));
        Assert.Equal(new Box(80, 51, 163, 148), images[0].Faces[0].Box);
        // lmdb_decoded.json, entry 0, face 0.
        Assert.Equal(8.085199244938368, images[0].Faces[0].Pose!.Value.Translation.Z, 1e-6);
        Assert.True(images[1].Faces[2].Ignore);
        Assert.All(images, image => Assert.Equal(image.Width, PictureLoader.Load(image).Width));
    }

    [Fact]
    public void A_picture_that_EXIF_turns_is_unpacked_as_its_annotations_count_it()
    {
        string lmdb = Path.Combine(_folder, "turned.lmdb"), pack = Path.Combine(_folder, "pack");
        byte[] file = File.ReadAllBytes(SharedData.RequireGolden("dataset", "images", "img_3.png"));
        PngPicture plain = PngPicture.Read(SharedData.RequireGolden("dataset", "images", "img_3.png"));
        // "eXIf" with orientation 6 after the header chunk; a wrong checksum of an ancillary chunk is forgiven.
        byte[] exif = [(byte)'I', (byte)'I', 42, 0, 8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0];
        PoseRecord record = new()
        {
            Picture = [.. file[..33], 0, 0, 0, (byte)exif.Length, .. "eXIf"u8, .. exif, 0, 0, 0, 0, .. file[33..]],
            Faces = [new PoseRecordFace(new Pose(default, new Vector3d(0, 0, 9)), new Box(10, 20, 60, 80), new Pose(default, new Vector3d(0, 0, 3)), [])],
        };
        using (LmdbWriter writer = LmdbWriter.Create(lmdb, 1 << 20))
        {
            writer.Put("__keys__", [0x91, 0xc4, 0x01, (byte)'0']);
            writer.Put("0", record.Encode());
            writer.Complete();
        }

        LmdbDataset.Unpack(lmdb, pack, stop: TestContext.Current.CancellationToken);
        AnnotatedImage image = Assert.Single(AnnotationPack.Load(pack));
        RgbPicture loaded = PictureLoader.Load(image);

        Assert.Equal((plain.Width, plain.Height), (loaded.Width, loaded.Height));
        Assert.Equal(plain.Rgb, loaded.Pixels.AsSpan(0, plain.Rgb.Length).ToArray());
    }

    [Fact]
    public void One_damaged_record_and_one_damaged_picture_are_told_and_the_others_unpacked()
    {
        string lmdb = Path.Combine(_folder, "part.lmdb"), pack = Path.Combine(_folder, "pack");
        PoseRecord whole = PoseDatabase.ReadFile(SharedData.RequireGolden("dataset", "lmdb", "toy_train.lmdb")).First().Record;
        using (LmdbWriter writer = LmdbWriter.Create(lmdb, 1 << 22))
        {
            writer.Put("__keys__", [0x94, .. "abcd"u8.ToArray().SelectMany(key => (byte[])[0xc4, 1, key])]);
            writer.Put("a", [0x95, 0xc4, 0x20, 1, 2, 3]);
            writer.Put("b", (whole with { Picture = [1, 2, 3] }).Encode());
            writer.Put("d", whole.Encode());
            writer.Complete();
        }
        List<string> told = [];

        IReadOnlyList<AnnotatedImage> images = LmdbDataset.Unpack(lmdb, pack, error => told.Add(error.Message), TestContext.Current.CancellationToken);

        Assert.StartsWith("images/d", Assert.Single(images).Image, StringComparison.Ordinal);
        Assert.Equal(images[0].Faces.Count, Assert.Single(AnnotationPack.Load(pack)).Faces.Count);
        // The third key has no record.
        Assert.Equal(3, told.Count);
        Assert.All("abc", (key, i) => Assert.Contains($"{lmdb}, key {key}".Replace(", key c", ": key c", StringComparison.Ordinal), told[i], StringComparison.Ordinal));
        Assert.Contains("key a", Assert.Throws<InputException>(() => LmdbDataset.Unpack(lmdb, Path.Combine(_folder, "other"), stop: TestContext.Current.CancellationToken)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_cannot_be_used_of_a_list_is_told_and_the_rest_converted()
    {
        Gtk.Require();
        string dataset = SharedData.RequireGolden("dataset"), list = Path.Combine(_folder, "list.txt"), output = Path.Combine(_folder, "out.lmdb");
        string images = Path.Combine(dataset, "images");
        string[] lines = [.. File.ReadLines(Path.Combine(dataset, "toy_train.txt")).Select(line => Path.GetFullPath(Path.Combine(dataset, line.Trim())))];
        File.WriteAllText(Path.Combine(_folder, "none.png"), "no picture");
        string Json(string name, string text)
        {
            File.WriteAllText(Path.Combine(_folder, name), text);
            return Path.Combine(_folder, name);
        }
        const string Face = "\"bboxes\":[[0,0,5,5]],\"landmarks\":[[[1,1],[2,1],[1.5,2],[1,3],[2,3]]]";
        File.WriteAllLines(list,
        [
            "absent.json", Json("malformed.json", "{"), Json("undecodable.json", $$"""{"image_path":"{{_folder}}/none.png",{{Face}}}"""),
            Json("missing.json", $$"""{"image_path":"{{_folder}}/gone.png",{{Face}}}"""), .. lines,
        ]);
        List<string> told = [];

        LmdbConversion done = LmdbDataset.Convert(list, images, output, ReferenceFace.Default, error => told.Add(error.Message), TestContext.Current.CancellationToken);

        Assert.Equal((4, 1), (done.Pictures, done.Skipped));
        Assert.Equal(4, PoseDatabase.ReadFile(output).Count());
        Assert.Collection(told,
            one => Assert.Contains("absent.json", one, StringComparison.Ordinal), one => Assert.Contains("malformed.json", one, StringComparison.Ordinal),
            one => Assert.Contains("none.png", one, StringComparison.Ordinal), one => Assert.Contains("gone.png", one, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(100, "is no LMDB file or is cut short")]
    [InlineData(5000, "cut short")]
    [InlineData(200_000, "is cut short: 200000 bytes of")]
    public void A_file_cut_short_is_refused_before_it_is_mapped(int length, string reason)
    {
        byte[] whole = File.ReadAllBytes(SharedData.RequireGolden("dataset", "lmdb", "toy_train.lmdb"));
        string path = Path.Combine(_folder, "short.lmdb");
        File.WriteAllBytes(path, whole[..length]);

        InputException error = Assert.Throws<InputException>(() => LmdbReader.Open(path));

        Assert.Contains(path, error.Message, StringComparison.Ordinal);
        Assert.Contains(reason, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_of_something_else_is_refused()
    {
        string path = Path.Combine(_folder, "other.lmdb");
        File.WriteAllBytes(path, new byte[20_000]);
        Assert.Contains("is no LMDB file", Assert.Throws<InputException>(() => LmdbReader.Open(path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_damaged_record_names_file_and_key()
    {
        string path = Path.Combine(_folder, "damaged.lmdb");
        using (LmdbWriter writer = LmdbWriter.Create(path, 1000))
        {
            writer.Put("__keys__", [0x91, 0xc4, 0x01, (byte)'0']);
            writer.Put("0", [0x95, 0xc4, 0x20, 1, 2, 3]);
            writer.Complete();
        }

        InputException error = Assert.Throws<InputException>(() => PoseDatabase.ReadFile(path).ToList());

        Assert.Contains($"{path}, key 0", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_conversion_that_fails_leaves_no_file()
    {
        string list = Path.Combine(_folder, "list.txt"), json = Path.Combine(_folder, "a.json"), output = Path.Combine(_folder, "out.lmdb");
        File.WriteAllText(list, "a.json\n");
        File.WriteAllText(json, """{"image_path":"a.png","bboxes":[[0,0,5,5]],"landmarks":[[[-1,-1],[-1,-1],[-1,-1],[-1,-1],[-1,-1]]]}""");
        File.WriteAllText(Path.Combine(_folder, "a.png"), "no picture");

        InputException error = Assert.Throws<InputException>(() => LmdbDataset.Convert(list, _folder, output, ReferenceFace.Default, stop: TestContext.Current.CancellationToken));

        Assert.Contains("a.png", error.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(_folder, "out.lmdb*"));
    }

    [Theory]
    [InlineData("""{"bboxes":[],"landmarks":[]}""", "the key 'image_path' is missing")]
    [InlineData("""{"image_path":"a.png","bboxes":[[1,2,3,4]],"landmarks":[]}""", "1 boxes and 0 sets of landmarks")]
    [InlineData("""{"image_path":"a.png","bboxes":[[1,2,3]],"landmarks":[[[1,2]]]}""", "a box has 3 numbers")]
    [InlineData("{", "not valid JSON")]
    public void A_malformed_annotation_names_its_file(string json, string reason)
    {
        string list = Path.Combine(_folder, "list.txt"), file = Path.Combine(_folder, "a.json");
        File.WriteAllText(list, "a.json\n");
        File.WriteAllText(file, json);

        InputException error = Assert.Throws<InputException>(() => JsonListReader.Read(list, _folder).ToList());

        Assert.Contains(file, error.Message, StringComparison.Ordinal);
        Assert.Contains(reason, error.Message, StringComparison.Ordinal);
    }

    private static JsonDocument Golden() => JsonDocument.Parse(File.ReadAllBytes(SharedData.RequireGolden("dataset", "lmdb_decoded.json")));
}
