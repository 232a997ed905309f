using System.IO.Compression;
using System.Text;

namespace Img2Pose.Formats.Tests;

public sealed class HostileCheckpointTests
{
    private const string Storage = "(X\u0007\0\0\0storagectorch\nFloatStorage\nX\u0001\0\0\00X\u0003\0\0\0cpuK\u0006tQ";

    [Fact]
    public void A_checkpoint_whose_members_a_packer_compressed_is_read()
    {
        using MemoryStream archive = Archive(Pickle($"ctorch._utils\n_rebuild_tensor_v2\n({Storage}K\0K\u0002K\u0003\u0086K\u0003K\u0001\u0086\u0089NtR."), compressed: true);

        CheckpointTensor tensor = Assert.IsType<CheckpointTensor>(Checkpoint.Load(archive, "x.pth").Root);

        Assert.Equal([2, 3], tensor.Shape);
    }

    [Fact]
    public void A_file_that_unpacks_to_many_times_itself_is_refused_by_its_limit()
    {
        // 8 MB of the same small integer: 8 KB once compressed.
        byte[] pickle = Pickle("(" + string.Concat(Enumerable.Repeat("K\u0001", 4_000_000)) + "t.");
        using MemoryStream archive = Archive(pickle, compressed: true);

        long taken = Allocated(() => AssertRefused(archive, "limit of 4 times"));

        Assert.InRange(taken, 0, 4 << 20);
    }

    [Theory]
    // A thousand dictionaries, each made of one list of five thousand pairs.
    [InlineData("](", "K\u0001K\u0002\u0086", 5000, "eq\u0001", "ccollections\nOrderedDict\nh\u0001\u0085R", 1000)]
    // A tuple of a million numbers that is the shape of tensor after tensor.
    [InlineData("(", "K\u0001", 300_000, "tq\u0001", "ctorch\nSize\nh\u0001\u0085Rctorch\nSize\nh\u0001\u0085R", 2000)]
    // Empty dictionaries, a byte each.
    [InlineData("(", "}", 1_000_000, "tq\u0001", "N", 1)]
    public void A_pickle_that_makes_much_of_little_is_refused_by_its_limit(string start, string item, int items, string end, string again, int times)
    {
        byte[] pickle = Pickle(start + string.Concat(Enumerable.Repeat(item, items)) + end + string.Concat(Enumerable.Repeat(again, times)) + ".");
        using MemoryStream archive = Archive(pickle, compressed: false);

        long taken = Allocated(() => AssertRefused(archive, "of memory, the limit"));

        Assert.InRange(taken, 0, 256 << 20);
    }

    [Theory]
    [InlineData("K\0(K\u0001K\u0001K\u0001K\u0001K\u0001K\u0001K\u0007t(K\0K\0K\0K\0K\0K\0K\0t", "larger than its storage")]
    [InlineData("\u008a\u0008\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u007fK\u0002\u0085K\u0001\u0085", "begins at element 9223372036854775807")]
    [InlineData("K\u0005K\u0002\u0085K\u0001\u0085", "reaches beyond its storage")]
    public void A_tensor_that_does_not_fit_its_storage_is_refused(string view, string reason)
    {
        using MemoryStream archive = Archive(Pickle($"ctorch._utils\n_rebuild_tensor_v2\n({Storage}{view}\u0089NtR."), compressed: false);

        AssertRefused(archive, reason);
    }

    [Fact]
    public void Keys_that_collide_in_dotnets_own_hash_take_no_quadratic_time()
    {
        CheckpointDictionary dictionary = new();
        HashSet<int> hashes = [];
        for (long i = 0; i < 1000; i++)
        {
            long key = (i << 32) | i;
            Assert.Equal(0, key.GetHashCode());
            hashes.Add(CheckpointDictionary.HashOf(key));
            dictionary.Set(key, i);
        }

        Assert.InRange(hashes.Count, 990, 1000);
        Assert.True(dictionary.TryGet((7L << 32) | 7, out object? value));
        Assert.Equal(7L, value);
    }

    private static void AssertRefused(MemoryStream archive, string reason)
    {
        ModelException error = Assert.Throws<ModelException>(() => Checkpoint.Load(archive, "x.pth"));
        Assert.StartsWith("x.pth: ", error.Message, StringComparison.Ordinal);
        Assert.Contains(reason, error.Message, StringComparison.Ordinal);
    }

    private static long Allocated(Action action)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        action();
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }

    private static byte[] Pickle(string operations) => Encoding.Latin1.GetBytes("\u0080\u0002" + operations);

    private static MemoryStream Archive(byte[] pickle, bool compressed)
    {
        MemoryStream stream = new();
        using (ZipArchive zip = new(stream, ZipArchiveMode.Create, leaveOpen: true))
        {
            Add("a/data.pkl", pickle);
            Add("a/data/0", new byte[24]);

            void Add(string name, byte[] bytes)
            {
                using Stream member = zip.CreateEntry(name, compressed ? CompressionLevel.Optimal : CompressionLevel.NoCompression).Open();
                member.Write(bytes);
            }
        }
        stream.Position = 0;
        return stream;
    }
}
