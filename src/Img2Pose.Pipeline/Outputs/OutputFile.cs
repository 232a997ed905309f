using Img2Pose.Core;
using Microsoft.Win32.SafeHandles;

namespace Img2Pose.Pipeline;

/// <summary>
/// A text output that is whole or not there: a file is written as NAME.partial.EXT and renamed when complete; "-" is
/// standard output. Every write and the end throw <see cref="OutputException"/> with the file's name. Not thread-safe; whoever made it
/// disposes it, unless a writer took it over.
/// </summary>
public sealed class OutputFile : IDisposable
{
    private readonly SafeFileHandle? _ownedHandle;
    private readonly FileStream _stream;
    private readonly string _path;
    private readonly AtomicFile? _file;
    private bool _complete;

    private OutputFile(FileStream stream, string path, AtomicFile? file, SafeFileHandle? ownedHandle)
    {
        _stream = stream;
        _path = path;
        _file = file;
        _ownedHandle = ownedHandle;
    }

    /// <summary>Whether somebody may be reading along, so that every line is handed over at once.</summary>
    public bool IsInteractive => _file is null;

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
            AtomicFile file = AtomicFile.Create(path, Incomplete.Kept, bufferSize: 0);
            return new OutputFile(file.Stream, path, file, null);
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
        _file?.Commit();
        _complete = true;
    }

    /// <summary>Removes a file that is not worth its name. What a stream or a device has got stays there.</summary>
    public void Discard() => _file?.Discard();

    /// <summary>Closes the output; without <see cref="Complete"/> a file keeps its partial name.</summary>
    public void Dispose()
    {
        if (_file is not null) _file.Dispose();
        else _stream.Dispose();
        _ownedHandle?.Dispose();
    }

    /// <summary>Opens a device or a named pipe, which is written in place: there is nothing to rename. Null for anything else.</summary>
    private static FileStream? OpenInPlace(string path)
    {
        if (FileIdentity.Of(path) is not { Kind: FileKind.Device or FileKind.Pipe or FileKind.Other }) return null;
        return new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
    }

    private static string ErrorText(Exception error) => error.Message.TrimEnd('.');
}
