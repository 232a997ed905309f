using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Img2Pose.Media;

/// <summary>
/// Names of files as Linux has them: bytes, which need not be UTF-8. A byte that belongs to no character is kept in a string as
/// the lone surrogate U+DC80 to U+DCFF (byte 0x80 to 0xFF), and becomes that byte again when a file is opened.
/// </summary>
public static unsafe partial class FileNames
{
    private const int ReadOnly = 0, NonBlocking = 0x800, CloseOnExec = 0x80000;
    private const int NoEntry = 2, NoAccess = 13, NoFolder = 20;

    private static readonly UTF8Encoding s_strict = new(false, throwOnInvalidBytes: true);

    /// <summary>
    /// The arguments of this process, byte for byte: .NET replaces what is not UTF-8 in those that it hands to a program.
    /// </summary>
    /// <param name="arguments">What the program got.</param>
    public static string[] Restore(string[] arguments)
    {
        ArgumentNullException.ThrowIfNull(arguments);
        if (!OperatingSystem.IsLinux() || !arguments.Any(argument => argument.Contains('\uFFFD'))) return arguments;
        byte[] line;
        try
        {
            line = File.ReadAllBytes("/proc/self/cmdline");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return arguments;
        }
        List<string> all = [];
        for (int at = 0; at < line.Length;)
        {
            int length = line.AsSpan(at).IndexOf((byte)0);
            if (length < 0) length = line.Length - at;
            all.Add(FromBytes(line.AsSpan(at, length)));
            at += length + 1;
        }
        return all.Count < arguments.Length ? arguments : [.. all[^arguments.Length..]];
    }

    /// <summary>A name's bytes as a string.</summary>
    public static string FromBytes(ReadOnlySpan<byte> name)
    {
        try
        {
            return s_strict.GetString(name);
        }
        catch (DecoderFallbackException)
        {
            StringBuilder text = new();
            while (!name.IsEmpty)
            {
                if (Rune.DecodeFromUtf8(name, out Rune rune, out int used) == System.Buffers.OperationStatus.Done)
                {
                    text.Append(rune.ToString());
                }
                else
                {
                    used = 1;
                    text.Append((char)(0xDC00 + name[0]));
                }
                name = name[used..];
            }
            return text.ToString();
        }
    }

    /// <summary>A name's bytes, closed by a zero.</summary>
    internal static byte[] ToBytes(string name)
    {
        List<byte> bytes = new(name.Length + 1);
        Span<byte> one = stackalloc byte[4];
        for (int i = 0; i < name.Length;)
        {
            if (IsRawByte(name, i))
            {
                bytes.Add((byte)(name[i++] - 0xDC00));
                continue;
            }
            _ = Rune.DecodeFromUtf16(name.AsSpan(i), out Rune rune, out int used);
            bytes.AddRange(one[..rune.EncodeToUtf8(one)]);
            i += used;
        }
        bytes.Add(0);
        return [.. bytes];
    }

    /// <summary>Whether a name has bytes that are not UTF-8, so that only this class opens it.</summary>
    internal static bool IsRaw(string name)
    {
        for (int i = 0; i < name.Length; i++)
        {
            if (IsRawByte(name, i)) return true;
        }
        return false;
    }

    /// <summary>A name to show or to call an output by: bytes that are no characters as %XX.</summary>
    public static string Printable(string name)
    {
        if (!IsRaw(name)) return name;
        StringBuilder text = new();
        for (int i = 0; i < name.Length; i++)
            _ = IsRawByte(name, i) ? text.Append('%').Append((name[i] - 0xDC00).ToString("X2", null)) : text.Append(name[i]);
        return text.ToString();
    }

    private static bool IsRawByte(string name, int i) =>
        name[i] is >= '\uDC80' and <= '\uDCFF' && (i == 0 || !char.IsHighSurrogate(name[i - 1]));

    /// <summary>Opens a file, pipe or folder for reading, without waiting for a pipe's writer.</summary>
    /// <exception cref="InputException">It cannot be opened.</exception>
    internal static SafeFileHandle Open(string path)
    {
        fixed (byte* name = ToBytes(path))
        {
            int descriptor = open(name, ReadOnly | NonBlocking | CloseOnExec);
            if (descriptor >= 0) return new SafeFileHandle(descriptor, ownsHandle: true);
        }
        int error = Marshal.GetLastPInvokeError();
        throw InputErrors.CannotOpen(path, error switch
        {
            NoEntry or NoFolder => new FileNotFoundException(),
            NoAccess => new UnauthorizedAccessException(),
            _ => new IOException(Marshal.GetPInvokeErrorMessage(error)),
        });
    }

    /// <summary>What the .NET libraries can open in place of a name that they cannot say; valid while <paramref name="held"/> is open.</summary>
    internal static string Reach(string path, out SafeFileHandle? held)
    {
        held = null;
        if (!IsRaw(path)) return path;
        try
        {
            held = Open(path);
        }
        catch (InputException)
        {
            return path;
        }
        return $"/proc/self/fd/{held.DangerousGetHandle()}";
    }

    internal static bool FolderExists(string path)
    {
        string reached = Reach(path, out SafeFileHandle? held);
        using (held) return Directory.Exists(reached);
    }

    internal static bool FileExists(string path)
    {
        string reached = Reach(path, out SafeFileHandle? held);
        using (held) return File.Exists(reached);
    }

    /// <summary>The entries of a folder, byte for byte, with the folder before them.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    internal static List<string> Entries(string folder, bool folders)
    {
        List<string> found = [];
        string searched = folder.Length == 0 ? "." : folder;
        if (!IsRaw(folder))
        {
            found.AddRange((folders ? Directory.EnumerateDirectories(searched) : Directory.EnumerateFiles(searched))
                .Select(entry => Path.Combine(folder, Path.GetFileName(entry))));
            if (!OperatingSystem.IsLinux() || !found.Exists(entry => entry.Contains('\uFFFD'))) return found;
            found.Clear();
        }
        nint listing;
        fixed (byte* name = ToBytes(searched)) listing = opendir(name);
        if (listing == 0) throw new IOException($"{Printable(folder)} cannot be listed");
        try
        {
            // struct dirent of 64-bit Linux: the name follows inode, offset, length and type.
            const int NameOffset = 19;
            for (byte* entry = readdir(listing); entry != null; entry = readdir(listing))
            {
                string path = Path.Combine(folder, FromBytes(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(entry + NameOffset)));
                if (Path.GetFileName(path) is "." or "..") continue;
                if (folders ? FolderExists(path) : FileExists(path)) found.Add(path);
            }
        }
        finally
        {
            _ = closedir(listing);
        }
        return found;
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int open(byte* path, int flags);

    [LibraryImport("libc")]
    private static partial nint opendir(byte* path);

    [LibraryImport("libc")]
    private static partial byte* readdir(nint listing);

    [LibraryImport("libc")]
    private static partial int closedir(nint listing);
}
