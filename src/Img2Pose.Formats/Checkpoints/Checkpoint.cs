using System.Buffers.Binary;
using System.Globalization;
using System.IO.Compression;
using System.Numerics;

namespace Img2Pose.Formats;

/// <summary>
/// A PyTorch checkpoint (<c>torch.save</c>), read without Python and without running anything that is in it. Both
/// containers are read: the zip archive of torch 1.6 and later, and the stream of pickles before it.
/// </summary>
public sealed class Checkpoint
{
    // Limits named in the errors; the largest official checkpoint (ResNet-101 with optimiser) is below 1 GiB.
    private const long StorageBytesLimit = 4L << 30;
    private const long PickleBytesLimit = 64L << 20;
    private const int EntryLimit = 65_536;
    // torch stores members as they are. A packer may have compressed them since; weights hardly get smaller.
    private const int UnpackedLimit = 4;
    private const long UnpackedFree = 1L << 20;

    private static readonly BigInteger LegacyMagic = BigInteger.Parse("119547037146038801333356", CultureInfo.InvariantCulture);

    private Checkpoint(object? root) => Root = root;

    /// <summary>What was saved: see <see cref="CheckpointDictionary"/> for the types that may occur.</summary>
    public object? Root { get; }

    /// <summary>Reads a checkpoint file.</summary>
    /// <exception cref="ModelException">The file is not a checkpoint, is damaged, above a limit, or refers to anything but tensors.</exception>
    /// <exception cref="InputException">The file cannot be opened.</exception>
    public static Checkpoint Load(string path)
    {
        FileStream stream;
        try
        {
            stream = File.OpenRead(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{path}: cannot be opened: {e.Message}", e);
        }
        using (stream) return Load(stream, path);
    }

    /// <summary>Reads a checkpoint from a seekable stream.</summary>
    /// <param name="stream">The bytes; not disposed.</param>
    /// <param name="name">What errors call it.</param>
    /// <exception cref="ModelException">As for the other overload.</exception>
    public static Checkpoint Load(Stream stream, string name)
    {
        try
        {
            Span<byte> head = stackalloc byte[4];
            int read = stream.ReadAtLeast(head, head.Length, throwOnEndOfStream: false);
            stream.Position = 0;
            if (read == 0) throw new InvalidDataException("the file is empty");
            return new Checkpoint(read == 4 && head.SequenceEqual("PK\x03\x04"u8) ? ReadZip(stream) : ReadLegacy(stream));
        }
        catch (EndOfStreamException e)
        {
            throw new ModelException($"{name}: not a complete PyTorch checkpoint: it ends early; fetch the file again.", e);
        }
        catch (Exception e) when (e is InvalidDataException or IOException or OverflowException)
        {
            throw new ModelException($"{name}: not a usable PyTorch checkpoint: {e.Message}.", e);
        }
    }

    private static object? ReadZip(Stream stream)
    {
        using ZipArchive archive = new(stream, ZipArchiveMode.Read, leaveOpen: true);
        if (archive.Entries.Count > EntryLimit) throw new InvalidDataException($"the archive has more than {EntryLimit} members");
        ZipArchiveEntry? pickle = archive.Entries.FirstOrDefault(e => e.FullName.EndsWith("/data.pkl", StringComparison.Ordinal))
            ?? throw new InvalidDataException("the archive has no data.pkl");
        string prefix = pickle.FullName[..^"data.pkl".Length];
        bool bigEndian = archive.GetEntry(prefix + "byteorder") is { } order && ReadMember(order, 16).AsSpan().SequenceEqual("big"u8);

        Dictionary<string, CheckpointStorage> storages = new(StringComparer.Ordinal);
        long total = pickle.Length, most = UnpackedFree + UnpackedLimit * stream.Length;
        void RequireProportion()
        {
            if (total > most) throw new InvalidDataException($"its members unpack to more than {most} bytes, the limit of {UnpackedLimit} times its {stream.Length}; save it uncompressed, as torch does");
        }
        RequireProportion();
        CheckpointStorage LoadStorage(object?[] description)
        {
            CheckpointStorage storage = Describe(description);
            if (storages.TryGetValue(storage.Key, out CheckpointStorage? known))
            {
                if (known.Element != storage.Element) throw new InvalidDataException($"storage {storage.Key} has two element types");
                return known;
            }
            long bytes = checked(storage.Count * storage.Element.Size());
            total = checked(total + bytes);
            if (total > StorageBytesLimit) throw new InvalidDataException($"its tensors are above the limit of {StorageBytesLimit >> 30} GiB");
            RequireProportion();
            ZipArchiveEntry entry = archive.GetEntry(prefix + "data/" + storage.Key)
                ?? throw new InvalidDataException($"the archive lacks the storage {storage.Key} that the tensors refer to");
            if (entry.Length < bytes)
                throw new InvalidDataException($"storage {storage.Key} has {entry.Length} bytes where {bytes} are needed");
            using Stream data = entry.Open();
            storage.Bytes = ReadStorage(data, bytes, storage.Element, bigEndian);
            storages.Add(storage.Key, storage);
            return storage;
        }
        using MemoryStream text = new(ReadMember(pickle, PickleBytesLimit));
        return new PickleReader(text, LoadStorage).Read();
    }

    // magic, protocol version, system description, the object, the storage keys: five pickles; then, for each key, an
    // int64 element count and the raw elements.
    private static object? ReadLegacy(Stream stream)
    {
        using BufferedStream buffered = new(new NonClosingStream(stream), 1 << 16);
        Dictionary<string, CheckpointStorage> storages = new(StringComparer.Ordinal);
        static CheckpointStorage NoStorage(object?[] description) => throw new InvalidDataException("its header refers to tensors");
        if (TryRead(buffered, NoStorage) is not BigInteger magic || magic != LegacyMagic)
            throw new InvalidDataException("neither a zip archive nor a stream that torch.save wrote");
        if (new PickleReader(buffered, NoStorage).Read() is not 1001L) throw new InvalidDataException("its stream version is not 1001");
        bool littleEndian = new PickleReader(buffered, NoStorage).Read() is not CheckpointDictionary system
            || !system.TryGet("little_endian", out object? little) || little is not false;

        object? root = new PickleReader(buffered, description =>
        {
            CheckpointStorage storage = Describe(description);
            if (description.Length > 5 && description[5] is not null)
                throw new InvalidDataException("it has storage views as torch before 0.4 wrote them; save it again with a newer torch");
            if (!storages.TryGetValue(storage.Key, out CheckpointStorage? known)) storages.Add(storage.Key, known = storage);
            return known;
        }).Read();

        if (new PickleReader(buffered, NoStorage).Read() is not List<object?> keys) throw new InvalidDataException("it has no list of storages");
        long total = 0;
        byte[] count = new byte[8];
        foreach (object? key in keys)
        {
            if (key is not string text || !storages.TryGetValue(text, out CheckpointStorage? storage))
                throw new InvalidDataException("its list of storages names one that no tensor uses");
            buffered.ReadExactly(count);
            long elements = littleEndian ? BinaryPrimitives.ReadInt64LittleEndian(count) : BinaryPrimitives.ReadInt64BigEndian(count);
            if (elements != storage.Count) throw new InvalidDataException($"storage {text} has {elements} elements where {storage.Count} are announced");
            long bytes = checked(elements * storage.Element.Size());
            total += bytes;
            if (total > StorageBytesLimit) throw new InvalidDataException($"its tensors are above the limit of {StorageBytesLimit >> 30} GiB");
            if (stream.CanSeek && bytes > stream.Length) throw new EndOfStreamException();
            storage.Bytes = ReadStorage(buffered, bytes, storage.Element, !littleEndian);
        }
        foreach (CheckpointStorage storage in storages.Values)
        {
            if (storage.Bytes is null) throw new InvalidDataException($"it lacks the storage {storage.Key} that the tensors refer to");
        }
        return root;
    }

    // Random bytes are a pickle that fails at its first opcode: say what the file is not, rather than which opcode.
    private static object? TryRead(Stream stream, Func<object?[], CheckpointStorage> load)
    {
        try
        {
            return new PickleReader(stream, load).Read();
        }
        catch (InvalidDataException)
        {
            return null;
        }
    }

    // ("storage", class, key, device, element count[, view])
    private static CheckpointStorage Describe(object?[] description)
    {
        if (description is not ["storage", PickleGlobal { StorageElement: { } element }, string key, string, long count, ..] || count < 0)
            throw new InvalidDataException("a storage is described in an unknown way");
        return new CheckpointStorage(key, element, count);
    }

    private static byte[] ReadStorage(Stream stream, long bytes, TensorElement element, bool bigEndian)
    {
        if (bytes > Array.MaxLength) throw new InvalidDataException($"a storage of {bytes} bytes is above the limit of 2 GiB");
        byte[] data = new byte[bytes];
        stream.ReadExactly(data);
        int size = element.Size();
        if (bigEndian && size > 1)
        {
            for (int i = 0; i < data.Length; i += size) data.AsSpan(i, size).Reverse();
        }
        return data;
    }

    private static byte[] ReadMember(ZipArchiveEntry entry, long limit)
    {
        if (entry.Length > limit) throw new InvalidDataException($"member {entry.FullName} is above the limit of {limit} bytes");
        // The length in a zip's directory is only a claim: read that much and no more.
        byte[] bytes = new byte[entry.Length];
        using Stream stream = entry.Open();
        stream.ReadExactly(bytes);
        return bytes;
    }

    /// <summary>Keeps a buffering wrapper from closing the caller's stream.</summary>
    private sealed class NonClosingStream(Stream inner) : Stream
    {
        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override void Flush() { }

        public override int Read(byte[] buffer, int offset, int count) => inner.Read(buffer, offset, count);

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
