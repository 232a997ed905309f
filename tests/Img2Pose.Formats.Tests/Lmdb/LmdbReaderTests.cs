using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace Img2Pose.Formats.Tests;

/// <summary>Our reader against files that liblmdb wrote, whole and damaged.</summary>
public sealed class LmdbReaderTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("img2pose-lmdb-reader").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(1, 10)]
    [InlineData(300, 40)] // some leaves below a root
    [InlineData(3000, 700)] // three levels
    [InlineData(5, 100_000)] // values on pages of their own
    [InlineData(60, 2000)] // the largest values that still lie in a leaf, and beyond
    public void Every_value_that_liblmdb_wrote_is_found_and_no_other(int count, int size)
    {
        string path = Write(count, size);

        using LmdbReader reader = LmdbReader.Open(path);

        Assert.Equal(count, reader.Entries);
        for (int i = 0; i < count; i++) Assert.Equal(Value(i, size), reader.Get(i.ToString(CultureInfo.InvariantCulture)));
        Assert.Null(reader.Get(count.ToString(CultureInfo.InvariantCulture)));
        Assert.Null(reader.Get(""));
        Assert.Null(reader.Get("zzz"));
    }

    [Fact]
    public void An_empty_data_base_holds_nothing()
    {
        using LmdbReader reader = LmdbReader.Open(Write(0, 0));

        Assert.Null(reader.Get("0"));
    }

    [Fact]
    public void Whatever_byte_is_changed_a_value_or_an_input_error_comes_back()
    {
        byte[] whole = File.ReadAllBytes(Write(300, 40));
        string path = Path.Combine(_folder, "damaged.lmdb");
        Random random = new(5);
        for (int round = 0; round < 3000; round++)
        {
            byte[] damaged = [.. whole];
            // Headers of pages and nodes, where the numbers are that lead elsewhere.
            int page = random.Next(whole.Length / 4096) * 4096;
            int at = page + (random.Next(2) == 0 ? random.Next(160) : random.Next(4096));
            BinaryPrimitives.WriteUInt16LittleEndian(damaged.AsSpan(Math.Min(at, whole.Length - 2)), (ushort)random.Next(65536));
            File.WriteAllBytes(path, damaged);
            try
            {
                using LmdbReader reader = LmdbReader.Open(path);
                for (int i = 0; i < 300; i += 37) reader.Get(i.ToString(CultureInfo.InvariantCulture));
            }
            catch (InputException error)
            {
                Assert.StartsWith(path, error.Message, StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public void A_tree_that_leads_back_into_itself_ends()
    {
        byte[] data = File.ReadAllBytes(Write(300, 40));
        int meta = BinaryPrimitives.ReadInt64LittleEndian(data.AsSpan(144)) > BinaryPrimitives.ReadInt64LittleEndian(data.AsSpan(4096 + 144)) ? 0 : 4096;
        long root = BinaryPrimitives.ReadInt64LittleEndian(data.AsSpan(meta + 128));
        // The tree claims to be deeper than it is, and its root is its own child.
        BinaryPrimitives.WriteUInt16LittleEndian(data.AsSpan(meta + 94), 32);
        int page = (int)root * 4096;
        for (int node = 16; node < BinaryPrimitives.ReadUInt16LittleEndian(data.AsSpan(page + 12)); node += 2)
        {
            int at = page + BinaryPrimitives.ReadUInt16LittleEndian(data.AsSpan(page + node));
            BinaryPrimitives.WriteUInt32LittleEndian(data.AsSpan(at), (uint)root);
        }
        string path = Path.Combine(_folder, "loop.lmdb");
        File.WriteAllBytes(path, data);

        using LmdbReader reader = LmdbReader.Open(path);

        Assert.Contains("is damaged", Assert.Throws<InputException>(() => reader.Get("7")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_shrinks_while_it_is_read_is_an_error_and_no_crash()
    {
        string path = Write(5, 100_000);
        using LmdbReader reader = LmdbReader.Open(path);
        File.WriteAllBytes(path, File.ReadAllBytes(path)[..20_000]);

        Assert.Contains("is damaged", Assert.Throws<InputException>(() => reader.Get("4")).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("../out", "begins with a dot")]
    [InlineData("a/../../out", "path separator")]
    [InlineData("/etc/x", "path separator")]
    [InlineData("a\\b", "path separator")]
    [InlineData("..", "begins with a dot")]
    [InlineData("", "is empty")]
    [InlineData("a\0b", "not printable")]
    [InlineData("\u001b[2J", "not printable")]
    public void A_key_that_is_no_plain_name_of_a_file_is_refused(string key, string reason)
    {
        InputException error = Assert.Throws<InputException>(() => PlainName.Require(key, "x.lmdb, key 1 of 2"));

        Assert.StartsWith("x.lmdb, key 1 of 2", error.Message, StringComparison.Ordinal);
        Assert.Contains(reason, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(error.Message, char.IsControl);
    }

    [Theory]
    [InlineData("0")]
    [InlineData("0_Parade_marchingband_1_849")]
    [InlineData("img 12.v2")]
    public void A_plain_key_is_the_name_of_its_file(string key) => Assert.Equal(key, PlainName.Require(key, "x"));

    [Fact]
    public void Records_that_share_their_bytes_are_not_read_over_and_over()
    {
        // One value of 80 KB under 40 keys, all but one of which were made to point at it.
        string path = Path.Combine(_folder, "shared.lmdb");
        byte[] record = [0x95, 0xc6, 0, 1, 0x38, 0x80, .. new byte[80_000], 0x90, 0x90, 0x90, 0x90];
        using (LmdbWriter writer = LmdbWriter.Create(path, 1 << 20))
        {
            PackWriter keys = new();
            keys.ArrayHeader(40);
            for (int i = 0; i < 40; i++)
            {
                string key = i.ToString(CultureInfo.InvariantCulture);
                keys.Binary(Encoding.ASCII.GetBytes(key));
                writer.Put(key, i == 0 ? record : new byte[8]);
            }
            writer.Put("__keys__", keys.ToArray());
            writer.Complete();
        }
        byte[] data = File.ReadAllBytes(path);
        Share(data);
        File.WriteAllBytes(path, data);

        InputException error = Assert.Throws<InputException>(() => PoseDatabase.ReadFile(path).Count());

        Assert.Contains("larger than the file", error.Message, StringComparison.Ordinal);
    }

    /// <summary>Makes every value of eight bytes in a leaf one on pages of its own: the page of the first that is.</summary>
    private static void Share(byte[] data)
    {
        byte[]? reference = null;
        foreach (bool finding in (bool[])[true, false])
        {
            for (int page = 2 * 4096; page < data.Length; page += 4096)
            {
                if (BinaryPrimitives.ReadUInt16LittleEndian(data.AsSpan(page + 10)) != 2) continue;
                for (int node = 16; node < BinaryPrimitives.ReadUInt16LittleEndian(data.AsSpan(page + 12)); node += 2)
                {
                    int at = page + BinaryPrimitives.ReadUInt16LittleEndian(data.AsSpan(page + node));
                    int key = BinaryPrimitives.ReadUInt16LittleEndian(data.AsSpan(at + 6));
                    bool big = BinaryPrimitives.ReadUInt16LittleEndian(data.AsSpan(at + 4)) == 1;
                    if (finding && big) reference = data.AsSpan(at + 8 + key, 8).ToArray();
                    if (finding || big || BinaryPrimitives.ReadUInt32LittleEndian(data.AsSpan(at)) != 8) continue;
                    BinaryPrimitives.WriteUInt32LittleEndian(data.AsSpan(at), 80_010);
                    BinaryPrimitives.WriteUInt16LittleEndian(data.AsSpan(at + 4), 1);
                    reference!.CopyTo(data.AsSpan(at + 8 + key));
                }
            }
        }
    }

    private string Write(int count, int size)
    {
        string path = Path.Combine(_folder, $"{count}x{size}.lmdb");
        using LmdbWriter writer = LmdbWriter.Create(path, (long)count * (size + 100));
        for (int i = 0; i < count; i++) writer.Put(i.ToString(CultureInfo.InvariantCulture), Value(i, size));
        writer.Complete();
        return path;
    }

    private static byte[] Value(int index, int size)
    {
        byte[] value = new byte[size + index % 7];
        new Random(index).NextBytes(value);
        return value;
    }
}
