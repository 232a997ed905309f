using System.Buffers.Binary;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Img2Pose.Formats;

// By hand: packages bring an LMDB library that wants a newer glibc than Debian 12's, and map the file, which ends the process when it is cut.
/// <summary>
/// Reads the main data base of a single-file LMDB (format version 1, little endian, as liblmdb 0.9 writes it on 64-bit
/// machines) without liblmdb, which trusts what it maps: every page number, offset, length and depth is checked against
/// the file before it is used, a file that shrinks is an error and not a bus error, and the memory taken is that of one
/// page and of the value that is asked for, which is never more than the file holds. Thread-safe.
/// </summary>
internal sealed class LmdbReader : IDisposable
{
    private const uint Magic = 0xBEEFC0DE;
    private const int PageHeader = 16, NodeHeader = 8, MetaBytes = 152;
    private const int BranchPage = 1, LeafPage = 2, OverflowPage = 4;
    private const int BigValue = 1;
    // liblmdb's own limit of a cursor.
    private const int DeepestTree = 32;

    private readonly string _path;
    private readonly SafeFileHandle _file;
    private readonly int _pageSize;
    private readonly long _pages;
    private readonly int _depth;
    private readonly long _root;

    private LmdbReader(string path, SafeFileHandle file, int pageSize, long pages, int depth, long root, long entries)
    {
        _path = path;
        _file = file;
        _pageSize = pageSize;
        _pages = pages;
        _depth = depth;
        _root = root;
        Entries = entries;
    }

    /// <summary>The number of entries that the file announces.</summary>
    public long Entries { get; }

    /// <summary>The bytes of the pages in use: no set of values of distinct keys can be larger.</summary>
    public long Length => _pages * _pageSize;

    /// <summary>Opens a file.</summary>
    /// <exception cref="InputException">It is absent, no LMDB file, cut short, or of a kind that is not read.</exception>
    public static LmdbReader Open(string path)
    {
        SafeFileHandle? file = null;
        try
        {
            if (!File.Exists(path)) throw new InputException($"{path}: no such LMDB file");
            file = File.OpenHandle(path);
            return Open(path, file);
        }
        catch (Exception e)
        {
            file?.Dispose();
            if (e is IOException or UnauthorizedAccessException or NotSupportedException) throw new InputException($"{path}: cannot be read: {e.Message}", e);
            throw;
        }
    }

    /// <summary>A copy of the value of <paramref name="key"/>, whose characters stand for bytes (Latin-1), or null.</summary>
    /// <exception cref="InputException">The file is damaged.</exception>
    public byte[]? Get(string key)
    {
        if (_root < 0) return null;
        ReadOnlySpan<byte> wanted = Encoding.Latin1.GetBytes(key);
        byte[] page = new byte[_pageSize];
        try
        {
            long number = _root;
            for (int level = 1; ; level++)
            {
                bool leaf = level == _depth;
                int nodes = ReadTreePage(number, leaf, page);
                (int at, bool exact) = Search(page, nodes, wanted, leaf);
                if (leaf) return exact ? ReadValue(page, at) : null;
                ReadOnlySpan<byte> node = page.AsSpan(NodeAt(page, at));
                number = BinaryPrimitives.ReadUInt16LittleEndian(node) | (long)BinaryPrimitives.ReadUInt16LittleEndian(node[2..]) << 16
                    | (long)BinaryPrimitives.ReadUInt16LittleEndian(node[4..]) << 32;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{_path}: cannot be read: {e.Message}", e);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    // Two meta pages; the one of the later transaction counts. After the page header: magic, version, address, map size,
    // the free list's tree (whose first number is the page size), the main tree, last page, transaction.
    private static LmdbReader Open(string path, SafeFileHandle file)
    {
        long length = RandomAccess.GetLength(file);
        byte[] meta = new byte[MetaBytes], newer = [];
        long pageSize = 0;
        for (int page = 0; page < 2; page++)
        {
            if (RandomAccess.Read(file, meta, page * pageSize) < MetaBytes) throw new InputException($"{path}: is no LMDB file or is cut short ({length} bytes)");
            if (BinaryPrimitives.ReadUInt32LittleEndian(meta.AsSpan(16)) != Magic || BinaryPrimitives.ReadUInt32LittleEndian(meta.AsSpan(20)) != 1)
                throw new InputException($"{path}: is no LMDB file of format version 1");
            uint size = BinaryPrimitives.ReadUInt32LittleEndian(meta.AsSpan(40));
            if (size is < 512 or > 65536 || (size & (size - 1)) != 0 || (page == 1 && size != pageSize))
                throw new InputException($"{path}: is damaged (page size {size})");
            pageSize = size;
            if (newer.Length == 0 || Int64(meta, 144) > Int64(newer, 144)) newer = [.. meta];
        }
        long pages = Int64(newer, 136);
        if (pages is < 1 or > long.MaxValue / 65536 - 1) throw new InputException($"{path}: is damaged (last page {pages})");
        pages++;
        if (length < pages * pageSize) throw new InputException($"{path}: is cut short: {length} bytes of {pages * pageSize}; copy or convert it again");
        int flags = BinaryPrimitives.ReadUInt16LittleEndian(newer.AsSpan(92)), depth = BinaryPrimitives.ReadUInt16LittleEndian(newer.AsSpan(94));
        long entries = Int64(newer, 120), root = Int64(newer, 128);
        // Reversed or integer keys and several values to a key: not what a data set has.
        if ((flags & 0x7fff) != 0) throw new InputException($"{path}: its data base has the flags 0x{flags:x}; only plain keys are read");
        if (depth > DeepestTree) throw new InputException($"{path}: is damaged (its tree is {depth} deep, above the limit of {DeepestTree})");
        if (root == -1 || depth == 0) (root, depth) = (-1, 0);
        // An entry takes at least its place in a page and its header.
        if (entries < 0 || entries > pages * pageSize / (NodeHeader + 2)) throw new InputException($"{path}: is damaged ({entries} entries in {length} bytes)");
        return new LmdbReader(path, file, (int)pageSize, pages, depth, root, entries);
    }

    private static long Int64(byte[] data, int at) => BinaryPrimitives.ReadInt64LittleEndian(data.AsSpan(at));

    private void ReadPage(long number, Span<byte> page)
    {
        if (number < 2 || number >= _pages) throw Damaged($"page {number} of {_pages} is named");
        if (RandomAccess.Read(_file, page, number * _pageSize) < page.Length) throw Damaged($"page {number} is cut short");
    }

    /// <summary>Reads a page of the tree and checks every node of it; returns how many there are, at least one.</summary>
    private int ReadTreePage(long number, bool leaf, byte[] page)
    {
        ReadPage(number, page);
        int flags = BinaryPrimitives.ReadUInt16LittleEndian(page.AsSpan(10));
        if ((flags & 0x6f) != (leaf ? LeafPage : BranchPage)) throw Damaged($"page {number} is of kind 0x{flags:x} where a {(leaf ? "leaf" : "branch")} belongs");
        int lower = BinaryPrimitives.ReadUInt16LittleEndian(page.AsSpan(12));
        int nodes = (lower - PageHeader) / 2;
        if (lower < PageHeader || lower > page.Length || nodes < 1) throw Damaged($"page {number} has {nodes} entries");
        for (int i = 0; i < nodes; i++)
        {
            int at = NodeAt(page, i);
            if (at < lower || at > page.Length - NodeHeader) throw Damaged($"an entry of page {number} lies outside it");
            int keyLength = BinaryPrimitives.ReadUInt16LittleEndian(page.AsSpan(at + 6));
            if (keyLength > page.Length - at - NodeHeader) throw Damaged($"a key of page {number} reaches out of it");
        }
        return nodes;
    }

    private static int NodeAt(byte[] page, int index) => BinaryPrimitives.ReadUInt16LittleEndian(page.AsSpan(PageHeader + 2 * index));

    private static ReadOnlySpan<byte> KeyAt(byte[] page, int index)
    {
        int at = NodeAt(page, index);
        return page.AsSpan(at + NodeHeader, BinaryPrimitives.ReadUInt16LittleEndian(page.AsSpan(at + 6)));
    }

    /// <summary>In a leaf the first key not below the wanted one; in a branch the last not above it, whose first key counts as lowest.</summary>
    private static (int At, bool Exact) Search(byte[] page, int nodes, ReadOnlySpan<byte> wanted, bool leaf)
    {
        int low = leaf ? 0 : 1, high = nodes;
        while (low < high)
        {
            int middle = (low + high) / 2, order = wanted.SequenceCompareTo(KeyAt(page, middle));
            if (order == 0) return (middle, true);
            if (order < 0) high = middle;
            else low = middle + 1;
        }
        return leaf ? (low, false) : (low - 1, false);
    }

    private byte[] ReadValue(byte[] page, int index)
    {
        int at = NodeAt(page, index);
        ReadOnlySpan<byte> node = page.AsSpan(at);
        long length = BinaryPrimitives.ReadUInt32LittleEndian(node);
        int flags = BinaryPrimitives.ReadUInt16LittleEndian(node[4..]);
        ReadOnlySpan<byte> data = node[(NodeHeader + BinaryPrimitives.ReadUInt16LittleEndian(node[6..]))..];
        if (flags == 0) return length <= data.Length ? data[..(int)length].ToArray() : throw Damaged("a value reaches out of its page");
        if (flags != BigValue) throw Damaged($"a value is of kind 0x{flags:x}");
        // A value on pages of its own: a header, then the bytes.
        if (data.Length < 8) throw Damaged("a value reaches out of its page");
        long first = BinaryPrimitives.ReadInt64LittleEndian(data);
        if (first < 2 || first >= _pages || length > (_pages - first) * _pageSize - PageHeader || length > Array.MaxLength)
            throw Damaged($"a value of {length} bytes begins at page {first} of {_pages}");
        Span<byte> header = stackalloc byte[PageHeader];
        ReadPage(first, header);
        long pages = BinaryPrimitives.ReadUInt32LittleEndian(header[12..]);
        if ((BinaryPrimitives.ReadUInt16LittleEndian(header[10..]) & OverflowPage) == 0 || pages < (length + PageHeader + _pageSize - 1) / _pageSize)
            throw Damaged($"page {first} does not hold the value of {length} bytes that it should");
        byte[] value = new byte[length];
        for (int done = 0; done < value.Length;)
        {
            int read = RandomAccess.Read(_file, value.AsSpan(done), first * _pageSize + PageHeader + done);
            if (read == 0) throw Damaged($"page {first} is cut short");
            done += read;
        }
        return value;
    }

    private InputException Damaged(string reason) => new($"{_path}: is damaged: {reason}; copy or convert it again");
}
