using System.Runtime.InteropServices;

namespace Img2Pose.Core;

/// <summary>
/// Which file a name leads to, whatever it is called: device and inode, as hard and soft links share them. Null members of
/// the kind mean "not there".
/// </summary>
/// <param name="Device">Number of the file system.</param>
/// <param name="Inode">Number of the file on it.</param>
/// <param name="Kind">What it is.</param>
internal readonly partial record struct FileIdentity(ulong Device, ulong Inode, FileKind Kind)
{
    private const int WorkingFolder = -100, DoNotFollow = 0x100;
    private const uint BasicStatistics = 0x7ff;

    /// <summary>The file that a name leads to, links followed; null where there is none or it cannot be asked.</summary>
    public static FileIdentity? Of(string path) => Query(path, 0);

    /// <summary>What stands under a name itself: a link is a link. Null where there is nothing.</summary>
    public static FileIdentity? OfName(string path) => Query(path, DoNotFollow);

    private static FileIdentity? Query(string path, int flags)
    {
        if (path.Length == 0 || path.Contains('\0')) return null;
        if (Statx(WorkingFolder, path, flags, BasicStatistics, out Statistics found) != 0) return null;
        FileKind kind = (found.Mode & 0xF000) switch
        {
            0x8000 => FileKind.Regular,
            0x4000 => FileKind.Folder,
            0xA000 => FileKind.Link,
            0x1000 => FileKind.Pipe,
            0x2000 or 0x6000 => FileKind.Device,
            _ => FileKind.Other,
        };
        return new FileIdentity(((ulong)found.DeviceMajor << 32) | found.DeviceMinor, found.Inode, kind);
    }

    // .NET offers no inode; statx(2) has one layout on every architecture.
    [LibraryImport("libc", EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int Statx(int folder, string path, int flags, uint mask, out Statistics statistics);

    [StructLayout(LayoutKind.Explicit, Size = 256)]
    private struct Statistics
    {
        [FieldOffset(28)] public ushort Mode;
        [FieldOffset(32)] public ulong Inode;
        [FieldOffset(136)] public uint DeviceMajor;
        [FieldOffset(140)] public uint DeviceMinor;
    }
}

/// <summary>What a name stands for.</summary>
internal enum FileKind
{
    /// <summary>An ordinary file.</summary>
    Regular,

    /// <summary>A folder.</summary>
    Folder,

    /// <summary>A symbolic link.</summary>
    Link,

    /// <summary>A named pipe.</summary>
    Pipe,

    /// <summary>A character or block device.</summary>
    Device,

    /// <summary>A socket or something unknown.</summary>
    Other,
}
