namespace Img2Pose.Core;

/// <summary>
/// The one rule for what a run reads and writes: nothing that it reads is ever written, and nothing is written twice,
/// whatever the names: relative, through links, by hard links. A verb says what it reads before it says what it writes,
/// and both before it opens the first output. Temporary names need no check here: <see cref="AtomicFile"/> never opens a
/// file that is there. Used by one thread.
/// </summary>
internal sealed class FileRoles
{
    private readonly Dictionary<string, string> _readNames = new(StringComparer.Ordinal);
    private readonly Dictionary<(ulong, ulong), string> _readFiles = [];
    private readonly Dictionary<string, string> _writtenNames = new(StringComparer.Ordinal);

    /// <summary>Notes a file that is read.</summary>
    /// <param name="path">Its name; null or "-" is no file. A folder stands for the files in it, not for what is below those.</param>
    /// <param name="role">What it is, as in "the source" or "the model".</param>
    public void Reads(string? path, string role)
    {
        if (path is null or "" or "-") return;
        _readNames.TryAdd(Resolve(path), role);
        switch (FileIdentity.Of(path))
        {
            case { Kind: FileKind.Regular } file:
                _readFiles.TryAdd((file.Device, file.Inode), role);
                break;
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
        string name = Resolve(path);
        if (!_writtenNames.TryAdd(name, option))
        {
            string other = _writtenNames[name];
            throw new UsageException(other == option
                ? $"{path}: {option} names this file twice; choose different names."
                : $"{path}: {option} and {other} are the same file; choose different names.");
        }
    }

    /// <summary>What a file is read as, or null where the run does not read it.</summary>
    public string? ReadAs(string path)
    {
        if (_readNames.TryGetValue(Resolve(path), out string? role)) return role;
        return FileIdentity.Of(path) is { Kind: FileKind.Regular } file && _readFiles.TryGetValue((file.Device, file.Inode), out role) ? role : null;
    }

    /// <summary>Whether two names lead to the same file or folder.</summary>
    public static bool AreSame(string first, string second) =>
        string.Equals(Resolve(first), Resolve(second), StringComparison.Ordinal)
        || (FileIdentity.Of(first) is { } one && FileIdentity.Of(second) is { } other && one == other);

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
}
