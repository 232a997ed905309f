using System.Buffers.Binary;
using System.Text;

namespace Img2Pose.Training.Data.Lmdb;

/// <summary>Reads a single-file LMDB data base. One reading transaction lasts as long as the reader; not thread-safe.</summary>
internal sealed unsafe class LmdbReader : IDisposable
{
    private const uint Magic = 0xBEEFC0DE;

    private readonly string _path;
    private readonly LmdbEnvironmentHandle _environment;
    private readonly LmdbTransactionHandle _transaction;
    private readonly uint _database;

    private LmdbReader(string path, LmdbEnvironmentHandle environment, LmdbTransactionHandle transaction, uint database)
    {
        _path = path;
        _environment = environment;
        _transaction = transaction;
        _database = database;
    }

    /// <summary>Opens a file.</summary>
    /// <exception cref="InputException">It is absent, no LMDB file, or cut short.</exception>
    /// <exception cref="ModelException">liblmdb is not installed.</exception>
    public static LmdbReader Open(string path)
    {
        // liblmdb maps the file and would die of a bus error where pages are missing: look first.
        RequireWhole(path);
        LmdbNative.Check(LmdbNative.CreateEnvironment(out LmdbEnvironmentHandle environment), path, writing: false);
        LmdbTransactionHandle? transaction = null;
        try
        {
            const uint flags = LmdbNative.NoSubdirectory | LmdbNative.ReadOnly | LmdbNative.NoLock;
            LmdbNative.Check(LmdbNative.mdb_env_open(environment, path, flags, 0), path, writing: false);
            LmdbNative.Check(LmdbNative.mdb_txn_begin(environment, 0, LmdbNative.ReadOnly, out transaction), path, writing: false);
            LmdbNative.Check(LmdbNative.mdb_dbi_open(transaction, 0, 0, out uint database), path, writing: false);
            return new LmdbReader(path, environment, transaction, database);
        }
        catch
        {
            transaction?.Dispose();
            environment.Dispose();
            throw;
        }
    }

    /// <summary>A copy of the value of <paramref name="key"/>, or null.</summary>
    /// <exception cref="InputException">The file is damaged.</exception>
    public byte[]? Get(string key)
    {
        byte[] keyBytes = Encoding.ASCII.GetBytes(key);
        fixed (byte* keyData = keyBytes)
        {
            LmdbNative.Value name = new() { Length = (nuint)keyBytes.Length, Data = keyData };
            LmdbNative.Value value = default;
            int status = LmdbNative.mdb_get(_transaction, _database, &name, &value);
            if (status == LmdbNative.NotFound) return null;
            LmdbNative.Check(status, _path, writing: false);
            return new ReadOnlySpan<byte>(value.Data, checked((int)value.Length)).ToArray();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _transaction.Dispose();
        _environment.Dispose();
    }

    /// <summary>
    /// Compares the file's length with the last page that its newer meta page speaks of (layout of MDB_page and MDB_meta,
    /// format version 1: a 16-byte page header, magic, version, address, map size, two trees of 48 bytes whose first
    /// number is the page size, last page, transaction).
    /// </summary>
    private static void RequireWhole(string path)
    {
        if (!File.Exists(path)) throw new InputException($"{path}: no such LMDB file");
        try
        {
            using FileStream file = File.OpenRead(path);
            Span<byte> meta = stackalloc byte[152];
            (long lastPage, long transaction) = (-1, -1);
            long pageSize = 0;
            for (int page = 0; page < 2; page++)
            {
                file.Position = page * pageSize;
                if (file.ReadAtLeast(meta, meta.Length, throwOnEndOfStream: false) < meta.Length)
                    throw new InputException($"{path}: is no LMDB file or is cut short ({file.Length} bytes)");
                if (BinaryPrimitives.ReadUInt32LittleEndian(meta[16..]) != Magic || BinaryPrimitives.ReadUInt32LittleEndian(meta[20..]) != 1)
                    throw new InputException($"{path}: is no LMDB file of format version 1");
                pageSize = BinaryPrimitives.ReadUInt32LittleEndian(meta[40..]);
                long number = BinaryPrimitives.ReadInt64LittleEndian(meta[144..]);
                if (number > transaction) (lastPage, transaction) = (BinaryPrimitives.ReadInt64LittleEndian(meta[136..]), number);
            }
            if (pageSize is < 512 or > 65536) throw new InputException($"{path}: is damaged (page size {pageSize})");
            long needed = (lastPage + 1) * pageSize;
            if (lastPage < 0 || file.Length < needed)
                throw new InputException($"{path}: is cut short: {file.Length} bytes of {needed}; copy or convert it again");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{path}: cannot be read: {e.Message}", e);
        }
    }
}
