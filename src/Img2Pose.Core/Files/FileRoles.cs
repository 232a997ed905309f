namespace Img2Pose.Core;

/// <summary>
/// The one rule for what a run reads and writes: nothing that it reads is ever written, and nothing is written twice,
/// whatever the names: relative, through links, by hard links. A verb says what it reads before it says what it writes,
/// and both before it opens the first output. Temporary names need no check here: <see cref="AtomicFile"/> never opens a
/// file that is there. While a verb holds <see cref="Guard"/>, every <see cref="AtomicFile"/> asks its roles, so that no output
/// whose name is known only later, such as a plot in a folder, replaces what is read. Thread-safe.
/// </summary>
internal sealed class FileRoles
{
    private static readonly Lock s_lock = new();
    private static readonly List<FileRoles> s_guards = [];

    private readonly Lock _lock = new();
    private readonly Dictionary<string, string> _folders = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _readNames = new(StringComparer.Ordinal);
    private readonly Dictionary<(ulong, ulong), string> _readFiles = [];
    private readonly Dictionary<string, string> _writtenNames = new(StringComparer.Ordinal);

    /// <summary>Notes a file that is read.</summary>
    /// <param name="path">Its name; null or "-" is no file. A folder stands for the files in it, not for what is below those.</param>
    /// <param name="role">What it is, as in "the source" or "the model".</param>
    public void Reads(string? path, string role)
    {
        if (path is null or "" or "-") return;
        FileIdentity? found = FileIdentity.Of(path);
        lock (_lock)
        {
            _readNames.TryAdd(ResolveQuickly(path), role);
            if (found is { Kind: FileKind.Regular } file) _readFiles.TryAdd((file.Device, file.Inode), role);
        }
        switch (found)
        {
            case { Kind: FileKind.Folder }:
                foreach (string inside in FilesIn(path)) Reads(inside, role);
                break;
        }
    }

    /// <summary>Checks and notes a file that is to be written.</summary>
    /// <param name="path">Its name; null or "-" is no file.</param>
    /// <param name="option">The option that names it, for the message.</param>
    /// <exception cref="UsageException">The run reads it, or writes it for something else.</exception>
    public void Writes(string? path, string option)
    {
        if (path is null or "" or "-") return;
        if (ReadAs(path) is { } role) throw new UsageException($"{path}: {option} would replace {role}; choose another name.");
        if (FileIdentity.Of(path) is { Kind: FileKind.Device or FileKind.Pipe }) return;
        string name = Resolve(path), other = option;
        bool added;
        lock (_lock)
        {
            added = _writtenNames.TryAdd(name, option);
            if (!added) other = _writtenNames[name];
        }
        if (!added)
        {
            throw new UsageException(other == option
                ? $"{path}: {option} names this file twice; choose different names."
                : $"{path}: {option} and {other} are the same file; choose different names.");
        }
    }

    /// <summary>What a file is read as, or null where the run does not read it.</summary>
    public string? ReadAs(string path)
    {
        string name = Resolve(path);
        FileIdentity? found = FileIdentity.Of(path);
        lock (_lock)
        {
            if (_readNames.TryGetValue(name, out string? role)) return role;
            return found is { Kind: FileKind.Regular } file && _readFiles.TryGetValue((file.Device, file.Inode), out role) ? role : null;
        }
    }

    /// <summary>
    /// Until the result is disposed, no <see cref="AtomicFile"/> of this process replaces a file that is read by these roles, and
    /// <see cref="RequireUnread"/> refuses it.
    /// </summary>
    public IDisposable Guard() => new Guarding(this);

    /// <summary>Refuses to write or remove a file that the verb under way reads.</summary>
    /// <exception cref="UsageException">It does.</exception>
    public static void RequireUnread(string path)
    {
        FileRoles[] guards;
        lock (s_lock)
        {
            if (s_guards.Count == 0) return;
            guards = [.. s_guards];
        }
        foreach (FileRoles roles in guards)
        {
            if (roles.ReadAs(path) is { } role) throw new UsageException($"{path}: the output would replace {role}; choose another name or folder.");
        }
    }

    /// <summary>Whether two names lead to the same file or folder.</summary>
    public static bool AreSame(string first, string second) =>
        string.Equals(Resolve(first), Resolve(second), StringComparison.Ordinal)
        || (FileIdentity.Of(first) is { } one && FileIdentity.Of(second) is { } other && one == other);

    // Data sets have ten thousands of files in a few folders. Called with the lock held.
    private string ResolveQuickly(string path)
    {
        string name = Path.GetFileName(path), folder = path[..^name.Length];
        if (name is "" or "." or ".." || FileIdentity.OfName(path) is { Kind: FileKind.Link }) return Resolve(path);
        if (!_folders.TryGetValue(folder, out string? resolved)) _folders[folder] = resolved = Resolve(folder.Length == 0 ? "." : folder);
        return Path.Combine(resolved, name);
    }

    /// <summary>The name with every link in its folders, and a link that it is itself, followed as far as that is possible.</summary>
    private static string Resolve(string path)
    {
        string resolved = path;
        try
        {
            string full = Path.GetFullPath(path);
            resolved = Path.GetPathRoot(full) ?? "";
            foreach (string part in full[resolved.Length..].Split(Path.DirectorySeparatorChar, StringSplitOptions.RemoveEmptyEntries))
            {
                resolved = Path.Combine(resolved, part);
                FileSystemInfo info = Directory.Exists(resolved) ? new DirectoryInfo(resolved) : new FileInfo(resolved);
                // A link to nothing is one, too: writing through it would make its target.
                if (info.LinkTarget is not null && info.ResolveLinkTarget(returnFinalTarget: true) is { } target) resolved = target.FullName;
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            // What cannot be resolved further is compared as far as it could be.
        }
        return resolved;
    }

    private static string[] FilesIn(string folder)
    {
        try
        {
            return Directory.GetFiles(folder);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // Who reads the folder reports it.
            return [];
        }
    }

    private sealed class Guarding : IDisposable
    {
        private readonly FileRoles _roles;

        public Guarding(FileRoles roles)
        {
            _roles = roles;
            lock (s_lock) s_guards.Add(roles);
        }

        public void Dispose()
        {
            lock (s_lock) s_guards.Remove(_roles);
        }
    }
}
