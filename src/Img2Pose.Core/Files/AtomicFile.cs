using System.Collections.Concurrent;

namespace Img2Pose.Core;

/// <summary>What becomes of an output that is not completed.</summary>
internal enum Incomplete
{
    /// <summary>It is removed: half of it is of no use.</summary>
    Discarded,

    /// <summary>It stays under its temporary name, which says what it is: half a video or half a table has its worth.</summary>
    Kept,
}

/// <summary>
/// A file that has its name only when it is whole. It is written under a temporary name in the same folder, which is
/// created there and then: a file, a link or anything else that has the name already is never opened. Of a kept output
/// (<see cref="Incomplete.Kept"/>) the temporary file is locked as long as it is open, so that a second run with the same
/// output is told. Whoever creates one disposes it. Used by one thread at a time.
/// </summary>
internal sealed class AtomicFile : IDisposable
{
    private const int MostAttempts = 1000;

    private static readonly ConcurrentDictionary<AtomicFile, byte> s_open = new();

    private readonly Incomplete _incomplete;
    private bool _ended;

    private AtomicFile(string path, string temporaryPath, FileStream stream, Incomplete incomplete)
    {
        Path = path;
        TemporaryPath = temporaryPath;
        Stream = stream;
        _incomplete = incomplete;
        s_open.TryAdd(this, 0);
    }

    /// <summary>The final name.</summary>
    public string Path { get; }

    /// <summary>The name until <see cref="Commit"/>. Others may write the file by it.</summary>
    public string TemporaryPath { get; }

    /// <summary>The open file. It belongs to this object.</summary>
    public FileStream Stream { get; }

    /// <summary>Whether this process has outputs under way whose beginning is worth closing properly.</summary>
    public static bool AnyKept => s_open.Keys.Any(file => file._incomplete == Incomplete.Kept);

    /// <summary>Creates the temporary file.</summary>
    /// <param name="path">The final name; what has it now stays until <see cref="Commit"/>.</param>
    /// <param name="incomplete">What becomes of it otherwise.</param>
    /// <param name="createFolder">Make the folder where it is missing.</param>
    /// <param name="bufferSize">Bytes held back before they are written; 0 for none.</param>
    /// <exception cref="OutputException">It cannot be created, or another run writes this output; nothing has changed.</exception>
    /// <exception cref="UsageException">The verb under way reads what has the name: see <see cref="FileRoles.Guard"/>.</exception>
    public static AtomicFile Create(string path, Incomplete incomplete = Incomplete.Discarded, bool createFolder = false, int bufferSize = 1 << 16)
    {
        try
        {
            FileRoles.RequireUnread(path);
            if (Directory.Exists(path) || path.EndsWith('/')) throw new OutputException($"{path}: is a folder; name a file in it.");
            if (createFolder && System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(path)) is { } folder) Directory.CreateDirectory(folder);
            for (int attempt = 1; attempt <= MostAttempts; attempt++)
            {
                string name = incomplete == Incomplete.Kept ? TemporaryName.Readable(path, attempt) : TemporaryName.Unique(path);
                if (FileIdentity.OfName(name) is { } there)
                {
                    if (incomplete == Incomplete.Kept && there.Kind == FileKind.Regular && IsLocked(name))
                        throw new OutputException($"{path}: another run is writing it (as {name}); wait for it, or choose another name.");
                    continue;
                }
                try
                {
                    // CreateNew is O_CREAT | O_EXCL: it follows no link and opens nothing that is there. Shared reading takes a
                    // shared lock, which is what IsLocked finds, and lets others read along.
                    FileStream stream = new(name, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete, bufferSize);
                    return new AtomicFile(path, name, stream, incomplete);
                }
                catch (IOException) when (FileIdentity.OfName(name) is not null)
                {
                    // Somebody was faster.
                }
            }
            throw new OutputException($"{path}: cannot be written: its folder is full of its partial files; remove {TemporaryName.Readable(path, 1)} and its like.");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw CannotWrite(path, error);
        }
    }

    /// <summary>Writes a file as a whole.</summary>
    /// <param name="path">The final name.</param>
    /// <param name="content">Writes the content to the stream that it is given.</param>
    /// <param name="createFolder">Make the folder where it is missing.</param>
    /// <param name="durable">Have it on the disk before it gets its name: where losing it costs hours.</param>
    /// <exception cref="OutputException">It cannot be written; what was there is untouched, and nothing is left behind.</exception>
    public static void Write(string path, Action<Stream> content, bool createFolder = false, bool durable = false)
    {
        using AtomicFile file = Create(path, createFolder: createFolder);
        try
        {
            content(file.Stream);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw CannotWrite(path, error);
        }
        file.Commit(durable);
    }

    /// <summary>Closes the file and gives it its name, in place of one that is there.</summary>
    /// <param name="durable">Have it on the disk before that.</param>
    /// <exception cref="OutputException">The last bytes or the renaming fail; what was there is untouched.</exception>
    public void Commit(bool durable = false)
    {
        ObjectDisposedException.ThrowIf(_ended, this);
        try
        {
            if (durable) Stream.Flush(flushToDisk: true);
            Stream.Dispose();
            File.Move(TemporaryPath, Path, overwrite: true);
            _ended = true;
            s_open.TryRemove(this, out _);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw CannotWrite(Path, error);
        }
    }

    /// <summary>Closes the file and removes it, also one that would be kept.</summary>
    public void Discard()
    {
        if (_ended) return;
        _ended = true;
        s_open.TryRemove(this, out _);
        Close();
        Remove();
    }

    /// <summary>Closes the file; without <see cref="Commit"/> it is removed, or keeps its temporary name.</summary>
    public void Dispose()
    {
        if (_ended) return;
        if (_incomplete == Incomplete.Discarded)
        {
            Discard();
            return;
        }
        _ended = true;
        s_open.TryRemove(this, out _);
        Close();
    }

    /// <summary>Removes the temporary files of this process that are of no use; for an end without stack unwinding.</summary>
    public static void RemoveAll()
    {
        foreach (AtomicFile file in s_open.Keys)
        {
            if (file._incomplete == Incomplete.Discarded) file.Remove();
        }
    }

    /// <summary>The error for an output that cannot be written, in words for its user.</summary>
    public static OutputException CannotWrite(string path, Exception cause)
    {
        string why = cause switch
        {
            DirectoryNotFoundException => "its folder does not exist",
            UnauthorizedAccessException when Directory.Exists(path) => "is a directory, a file name is needed",
            UnauthorizedAccessException => "permission denied",
            PathTooLongException => "the name is too long",
            _ => cause.Message.TrimEnd('.'),
        };
        return new OutputException($"{path}: cannot be written: {why}.", cause);
    }

    // A lock of .NET is flock(2): it goes with the process, however that ends.
    private static bool IsLocked(string path)
    {
        try
        {
            using FileStream probe = new(path, FileMode.Open, FileAccess.Read, FileShare.None, 0);
            return false;
        }
        catch (UnauthorizedAccessException)
        {
            return false;
        }
        catch (IOException)
        {
            // Locked, or gone since.
            return FileIdentity.OfName(path) is not null;
        }
    }

    private void Close()
    {
        try
        {
            Stream.Dispose();
        }
        catch (IOException)
        {
            // The disk is full: what was written is there, and the error was reported by who wrote.
        }
    }

    private void Remove()
    {
        try
        {
            File.Delete(TemporaryPath);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // It stays; its name says what it is.
        }
    }
}
