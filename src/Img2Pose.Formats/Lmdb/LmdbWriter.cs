using System.Text;
using Img2Pose.Core;

namespace Img2Pose.Formats;

/// <summary>
/// Writes a single-file LMDB data base in one transaction. The file appears under its name only when
/// <see cref="Complete"/> has succeeded.
/// </summary>
internal sealed unsafe class LmdbWriter : IDisposable
{
    private readonly AtomicFile _file;
    private readonly LmdbEnvironmentHandle _environment;
    private readonly LmdbTransactionHandle _transaction;
    private readonly uint _database;

    private LmdbWriter(AtomicFile file, LmdbEnvironmentHandle environment, LmdbTransactionHandle transaction, uint database)
    {
        _file = file;
        _environment = environment;
        _transaction = transaction;
        _database = database;
    }

    /// <summary>Starts a file.</summary>
    /// <param name="path">Final name.</param>
    /// <param name="capacity">Bytes of keys and values at most; address space only, the file grows as needed.</param>
    /// <exception cref="OutputException">The file cannot be created.</exception>
    /// <exception cref="ModelException">liblmdb is not installed.</exception>
    public static LmdbWriter Create(string path, long capacity)
    {
        // LMDB opens it by its name and takes an empty file for a new one.
        AtomicFile file = AtomicFile.Create(path, createFolder: true);
        string partial = file.TemporaryPath;
        LmdbEnvironmentHandle? environment = null;
        LmdbTransactionHandle? transaction = null;
        try
        {
            LmdbNative.Check(LmdbNative.CreateEnvironment(out environment), partial, writing: true);
            // Values end on whole pages, and tree pages come on top.
            nuint size = (nuint)((capacity + capacity / 4 + (64L << 20) + 4095) & ~4095L);
            LmdbNative.Check(LmdbNative.mdb_env_set_mapsize(environment, size), partial, writing: true);
            const uint flags = LmdbNative.NoSubdirectory | LmdbNative.NoLock | LmdbNative.NoSync;
            LmdbNative.Check(LmdbNative.mdb_env_open(environment, partial, flags, 0x1B4 /* 0664 */), partial, writing: true);
            LmdbNative.Check(LmdbNative.mdb_txn_begin(environment, 0, 0, out transaction), partial, writing: true);
            LmdbNative.Check(LmdbNative.mdb_dbi_open(transaction, 0, 0, out uint database), partial, writing: true);
            return new LmdbWriter(file, environment, transaction, database);
        }
        catch
        {
            transaction?.Dispose();
            environment?.Dispose();
            file.Dispose();
            throw;
        }
    }

    /// <summary>Stores one value.</summary>
    /// <exception cref="OutputException">The disk is full or the file cannot be written.</exception>
    public void Put(string key, ReadOnlySpan<byte> value)
    {
        byte[] keyBytes = Encoding.ASCII.GetBytes(key);
        fixed (byte* keyData = keyBytes)
        fixed (byte* valueData = value)
        {
            LmdbNative.Value name = new() { Length = (nuint)keyBytes.Length, Data = keyData };
            LmdbNative.Value data = new() { Length = (nuint)value.Length, Data = valueData };
            LmdbNative.Check(LmdbNative.mdb_put(_transaction, _database, &name, &data, 0), _file.TemporaryPath, writing: true);
        }
    }

    /// <summary>Commits and flushes to the disk: where room is short, this is where it shows. Nothing can be stored after it.</summary>
    /// <exception cref="OutputException">It cannot be written.</exception>
    public void Commit()
    {
        LmdbNative.Check(_transaction.Commit(), _file.TemporaryPath, writing: true);
        LmdbNative.Check(LmdbNative.mdb_env_sync(_environment, 1), _file.TemporaryPath, writing: true);
        _environment.Dispose();
    }

    /// <summary>Commits if that has not been done, and gives the file its name.</summary>
    /// <exception cref="OutputException">It cannot be written.</exception>
    public void Complete()
    {
        if (!_environment.IsClosed) Commit();
        _file.Commit();
    }

    /// <summary>Closes; without <see cref="Complete"/> what there is is removed.</summary>
    public void Dispose()
    {
        _transaction.Dispose();
        _environment.Dispose();
        _file.Dispose();
    }
}
