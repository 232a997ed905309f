using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using FFmpeg.AutoGen;
using Microsoft.Win32.SafeHandles;

namespace Img2Pose.Media;

/// <summary>
/// The bytes of a file, a pipe or standard input, or of memory, which FFmpeg asks for: it opens nothing itself. Reading waits no
/// longer than the interrupt allows.
/// </summary>
internal sealed unsafe partial class ByteInput : IDisposable
{
    /// <summary>Bytes at the beginning that <see cref="Peek"/> shows.</summary>
    public const int PeekBytes = 4096;

    private const int BufferBytes = 64 << 10;
    private const int InputOutputError = -5;
    private const int WaitMilliseconds = 100;
    private const int Interrupted = 4, TryAgain = 11;

    private readonly SafeFileHandle? _file;
    private readonly ReadOnlyMemory<byte> _memory;
    private readonly ReadInterrupt _interrupt;
    private byte[] _peeked = [];
    private long _position;
    private AVIOContext* _context;
    private GCHandle _self;

    private ByteInput(string name, SafeFileHandle? file, ReadOnlyMemory<byte> memory, ReadInterrupt interrupt)
    {
        Name = name;
        _file = file;
        _memory = memory;
        _interrupt = interrupt;
        if (file is null)
        {
            IsSeekable = true;
            Length = memory.Length;
            return;
        }
        long start = lseek(file, 0, Current);
        IsSeekable = start >= 0;
        if (IsSeekable) Length = RandomAccess.GetLength(file);
        // Standard input may have been read from before.
        _position = Math.Max(start, 0);
    }

    /// <summary>The source's name, for messages.</summary>
    public string Name { get; }

    /// <summary>Whether there is a way back: false for pipes.</summary>
    public bool IsSeekable { get; }

    /// <summary>Bytes when it was opened; null for pipes.</summary>
    public long? Length { get; }

    /// <summary>Whether the file ended before the length that it had when it was opened.</summary>
    public bool BecameShorter { get; private set; }

    /// <summary>Opens a file or pipe by its name, or standard input for "-".</summary>
    /// <exception cref="InputException">It cannot be opened, or is empty or a folder.</exception>
    public static ByteInput Open(string path, ReadInterrupt interrupt)
    {
        bool standard = path == SourceNames.StandardInput;
        if (!standard && FileNames.FolderExists(path)) throw InputErrors.CannotOpen(path, new IOException("is a directory, a file is needed"));
        SafeFileHandle file = standard ? new SafeFileHandle(0, ownsHandle: false) : FileNames.Open(path);
        ByteInput input = new(standard ? SourceNames.StandardInputShown : path, file, default, interrupt);
        if (input.Length is 0 && !path.StartsWith("/dev/", StringComparison.Ordinal) && !path.StartsWith("/proc/", StringComparison.Ordinal))
        {
            file.Dispose();
            throw new InputException($"{input.Name}: the file is empty");
        }
        return input;
    }

    /// <summary>Reads from memory.</summary>
    public static ByteInput Over(ReadOnlyMemory<byte> data, string name, ReadInterrupt interrupt) => new(name, null, data, interrupt);

    /// <summary>The first bytes, at most <see cref="PeekBytes"/>; they are still there to be read.</summary>
    public ReadOnlySpan<byte> Peek()
    {
        if (_peeked.Length > 0 || _position > 0) return _peeked;
        if (_file is null) return _memory.Span[..Math.Min(PeekBytes, _memory.Length)];
        byte[] start = new byte[PeekBytes];
        int count = 0;
        while (count < start.Length)
        {
            int read = ReadFile(start.AsSpan(count), count);
            if (read <= 0) break;
            count += read;
            // A pipe is asked once more only while what came cannot tell what it is.
            if (!IsSeekable && count >= 64) break;
        }
        _peeked = start[..count];
        return _peeked;
    }

    /// <summary>All bytes from the beginning, at most <paramref name="limit"/> and one.</summary>
    public byte[] ReadAll(long limit)
    {
        using MemoryStream all = new();
        byte[] part = new byte[BufferBytes];
        int read;
        while (all.Length <= limit && (read = Read(part)) > 0) all.Write(part, 0, read);
        if (_interrupt.IsCancelled) throw new OperationCanceledException();
        return all.ToArray();
    }

    /// <summary>What FFmpeg reads through.</summary>
    public AVIOContext* CreateContext()
    {
        byte* buffer = (byte*)ffmpeg.av_malloc(BufferBytes);
        if (buffer == null) throw new InsufficientMemoryException("FFmpeg is out of memory.");
        _self = GCHandle.Alloc(this);
        _context = ffmpeg.avio_alloc_context(
            buffer, BufferBytes, 0, (void*)GCHandle.ToIntPtr(_self),
            new avio_alloc_context_read_packet_func { Pointer = (nint)(delegate* unmanaged[Cdecl]<void*, byte*, int, int>)&OnRead },
            default,
            IsSeekable ? new avio_alloc_context_seek_func { Pointer = (nint)(delegate* unmanaged[Cdecl]<void*, long, int, long>)&OnSeek } : default);
        if (_context != null) return _context;
        ffmpeg.av_freep(&buffer);
        _self.Free();
        throw new InsufficientMemoryException("FFmpeg is out of memory.");
    }

    /// <summary>Reads on; 0 at the end, negative where it fails or is interrupted.</summary>
    private int Read(Span<byte> target)
    {
        if (target.IsEmpty) return 0;
        if (_interrupt.IsDue) return ffmpeg.AVERROR_EXIT;
        int read;
        if (_position < _peeked.Length)
        {
            read = (int)Math.Min(target.Length, _peeked.Length - _position);
            _peeked.AsSpan((int)_position, read).CopyTo(target);
        }
        else if (_file is null)
        {
            read = (int)Math.Min(target.Length, Math.Max(0, _memory.Length - _position));
            _memory.Span.Slice((int)Math.Min(_position, _memory.Length), read).CopyTo(target);
        }
        else
        {
            read = ReadFile(target, _position);
            if (read == 0 && Length is { } length && _position < length) BecameShorter = true;
        }
        if (read > 0) _position += read;
        return read;
    }

    private int ReadFile(Span<byte> target, long offset)
    {
        fixed (byte* buffer = target)
        {
            while (true)
            {
                if (!IsSeekable)
                {
                    if (_interrupt.IsDue) return ffmpeg.AVERROR_EXIT;
                    PollFile waiting = new() { Descriptor = (int)_file!.DangerousGetHandle(), Events = 1 };
                    if (poll(&waiting, 1, WaitMilliseconds) == 0) continue;
                }
                nint read = IsSeekable
                    ? pread(_file!, buffer, (nuint)target.Length, offset)
                    : NativeRead(_file!, buffer, (nuint)target.Length);
                if (read >= 0) return (int)read;
                int error = Marshal.GetLastPInvokeError();
                if (error is not (Interrupted or TryAgain)) return -error;
            }
        }
    }

    private long Seek(long offset, int whence)
    {
        // FFmpeg adds flags above the three ways to count.
        if ((whence & ffmpeg.AVSEEK_SIZE) != 0) return Length ?? -1;
        long target = (whence & 3) switch
        {
            0 => offset,
            1 => _position + offset,
            _ => (Length ?? 0) + offset,
        };
        return target < 0 ? InputOutputError : _position = target;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int OnRead(void* opaque, byte* buffer, int size)
    {
        try
        {
            int read = ((ByteInput)GCHandle.FromIntPtr((nint)opaque).Target!).Read(new Span<byte>(buffer, size));
            return read == 0 ? ffmpeg.AVERROR_EOF : read;
        }
        catch (Exception)
        {
            // No exception may cross into FFmpeg.
            return InputOutputError;
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static long OnSeek(void* opaque, long offset, int whence)
    {
        try
        {
            return ((ByteInput)GCHandle.FromIntPtr((nint)opaque).Target!).Seek(offset, whence);
        }
        catch (Exception)
        {
            return InputOutputError;
        }
    }

    /// <summary>Frees the context and closes the file; FFmpeg must have closed the input before.</summary>
    public void Dispose()
    {
        if (_context != null)
        {
            // The buffer may have been replaced by a larger one since.
            ffmpeg.av_freep(&_context->buffer);
            AVIOContext* context = _context;
            ffmpeg.avio_context_free(&context);
            _context = null;
            _self.Free();
        }
        _file?.Dispose();
    }

    private const int Current = 1;

    [StructLayout(LayoutKind.Sequential)]
    private struct PollFile
    {
        public int Descriptor;
        public short Events;
        public short Returned;
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int poll(PollFile* files, nuint count, int milliseconds);

    [LibraryImport("libc", EntryPoint = "read", SetLastError = true)]
    private static partial nint NativeRead(SafeFileHandle file, byte* buffer, nuint count);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint pread(SafeFileHandle file, byte* buffer, nuint count, long offset);

    [LibraryImport("libc", SetLastError = true)]
    private static partial long lseek(SafeFileHandle file, long offset, int whence);
}
