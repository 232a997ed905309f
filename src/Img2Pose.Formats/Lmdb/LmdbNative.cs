using System.Runtime.InteropServices;

namespace Img2Pose.Formats;

/// <summary>The few functions of liblmdb 0.9 that are called (http://www.lmdb.tech/doc/group__mdb.html).</summary>
internal static unsafe partial class LmdbNative
{
    public const uint NoSubdirectory = 0x4000, ReadOnly = 0x20000, NoLock = 0x400000, NoSync = 0x10000;
    public const int First = 0, Next = 8;
    public const int NotFound = -30798;

    private const string Library = "liblmdb.so.0";

    /// <summary>A key or value: length, then address.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct Value
    {
        public nuint Length;
        public byte* Data;
    }

    /// <summary>Every status code goes through here.</summary>
    /// <exception cref="InputException">Reading failed.</exception>
    /// <exception cref="OutputException">Writing failed.</exception>
    public static void Check(int status, string path, bool writing)
    {
        if (status == 0) return;
        string reason = Marshal.PtrToStringUTF8(mdb_strerror(status)) ?? $"error {status}";
        // What liblmdb makes of a write that the disk took only in part.
        const int inputOutputError = 5;
        if (writing && status == inputOutputError) reason += "; is the disk full?";
        throw writing
            ? new OutputException($"{path}: cannot be written: {reason}")
            : new InputException($"{path}: cannot be read as an LMDB file: {reason}");
    }

    /// <summary>Runs the first call of a session; a missing library becomes one clear error.</summary>
    /// <exception cref="ModelException">liblmdb is not installed.</exception>
    public static int CreateEnvironment(out LmdbEnvironmentHandle environment)
    {
        try
        {
            return mdb_env_create(out environment);
        }
        catch (DllNotFoundException e)
        {
            throw new ModelException($"{Library} is missing; install the package liblmdb0", e);
        }
    }

    [LibraryImport(Library)]
    private static partial int mdb_env_create(out LmdbEnvironmentHandle environment);

    [LibraryImport(Library)]
    public static partial int mdb_env_set_mapsize(LmdbEnvironmentHandle environment, nuint size);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int mdb_env_open(LmdbEnvironmentHandle environment, string path, uint flags, uint mode);

    [LibraryImport(Library)]
    public static partial int mdb_env_sync(LmdbEnvironmentHandle environment, int force);

    [LibraryImport(Library)]
    public static partial void mdb_env_close(nint environment);

    [LibraryImport(Library)]
    public static partial int mdb_txn_begin(LmdbEnvironmentHandle environment, nint parent, uint flags, out LmdbTransactionHandle transaction);

    [LibraryImport(Library)]
    public static partial int mdb_txn_commit(nint transaction);

    [LibraryImport(Library)]
    public static partial void mdb_txn_abort(nint transaction);

    [LibraryImport(Library)]
    public static partial int mdb_dbi_open(LmdbTransactionHandle transaction, nint name, uint flags, out uint database);

    [LibraryImport(Library)]
    public static partial int mdb_get(LmdbTransactionHandle transaction, uint database, Value* key, Value* data);

    [LibraryImport(Library)]
    public static partial int mdb_put(LmdbTransactionHandle transaction, uint database, Value* key, Value* data, uint flags);

    [LibraryImport(Library)]
    private static partial nint mdb_strerror(int status);
}

/// <summary>An open environment: one file, mapped.</summary>
internal sealed class LmdbEnvironmentHandle() : SafeHandle(0, true)
{
    /// <inheritdoc/>
    public override bool IsInvalid => handle == 0;

    /// <inheritdoc/>
    protected override bool ReleaseHandle()
    {
        LmdbNative.mdb_env_close(handle);
        return true;
    }
}

/// <summary>A transaction; disposal without <see cref="Commit"/> rolls it back.</summary>
internal sealed class LmdbTransactionHandle() : SafeHandle(0, true)
{
    /// <inheritdoc/>
    public override bool IsInvalid => handle == 0;

    /// <summary>Commits; the handle is spent whatever the status.</summary>
    public int Commit()
    {
        int status = LmdbNative.mdb_txn_commit(handle);
        SetHandleAsInvalid();
        return status;
    }

    /// <inheritdoc/>
    protected override bool ReleaseHandle()
    {
        LmdbNative.mdb_txn_abort(handle);
        return true;
    }
}
