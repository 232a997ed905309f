using Img2Pose.Media;
using Microsoft.Win32.SafeHandles;

namespace Img2Pose.Pipeline;

/// <summary>
/// A text output that is whole or not there: a file is written as NAME.partial.EXT and renamed when complete; "-" is
/// standard output.
/// </summary>
public sealed class OutputFile : IDisposable
{
    private readonly SafeFileHandle? _ownedHandle;
    private readonly FileStream _stream;
    private readonly string _path;
    private readonly string? _partialPath;
    private bool _complete;

    private OutputFile(FileStream stream, string path, string? partialPath, SafeFileHandle? ownedHandle)
    {
        _stream = stream;
        _path = path;
        _partialPath = partialPath;
        _ownedHandle = ownedHandle;
    }

    /// <summary>Whether somebody may be reading along, so that every line is handed over at once.</summary>
    public bool IsInteractive => _partialPath is null;

    /// <summary>Opens <paramref name="path"/> for writing; "-" means standard output.</summary>
    /// <exception cref="OutputException">It cannot be created.</exception>
    public static OutputFile Create(string path)
    {
        if (path == "-")
        {
            // Console's stream ignores a closed pipe; the descriptor itself reports it.
            SafeFileHandle handle = new(1, ownsHandle: false);
            try
            {
                return new OutputFile(new FileStream(handle, FileAccess.Write, bufferSize: 0), "standard output", null, handle);
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException)
            {
                throw new OutputException($"Standard output cannot be written ({error.Message}).", error);
            }
        }
        try
        {
            if (OpenInPlace(path) is { } device) return new OutputFile(device, path, null, null);
            string partial = OutputPaths.Partial(path);
            return new OutputFile(new FileStream(partial, FileMode.Create, FileAccess.Write, FileShare.Read, bufferSize: 0), path, partial, null);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException)
        {
            throw new OutputException($"{path} cannot be created ({ErrorText(error)}). Choose another place or make it writable.", error);
        }
    }

    /// <summary>Writes all of <paramref name="data"/>.</summary>
    /// <exception cref="OutputException">The disk is full, the reader has gone, or the like.</exception>
    public void Write(ReadOnlySpan<byte> data)
    {
        try
        {
            _stream.Write(data);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new OutputException($"{_path} could not be written ({ErrorText(error)}).", error);
        }
    }

    /// <summary>Gives the file its final name, in place of one that is there.</summary>
    /// <exception cref="OutputException">The last bytes or the rename failed.</exception>
    public void Complete()
    {
        if (_complete) return;
        try
        {
            if (_partialPath is not null)
            {
                _stream.Dispose();
                File.Move(_partialPath, _path, overwrite: true);
            }
            _complete = true;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new OutputException($"{_path} could not be completed ({ErrorText(error)}); what was written is in {_partialPath}.", error);
        }
    }

    /// <summary>Closes the output; without <see cref="Complete"/> a file keeps its partial name.</summary>
    public void Dispose()
    {
        _stream.Dispose();
        _ownedHandle?.Dispose();
    }

    /// <summary>Opens a device or a named pipe, which is written in place: there is nothing to rename. Null for anything else.</summary>
    private static FileStream? OpenInPlace(string path)
    {
        if (!File.Exists(path)) return null;
        FileStream stream = new(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
        if (!stream.CanSeek || path.StartsWith("/dev/", StringComparison.Ordinal)) return stream;
        stream.Dispose();
        return null;
    }

    private static string ErrorText(Exception error) => error.Message.TrimEnd('.');
}
