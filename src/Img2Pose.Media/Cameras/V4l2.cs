using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Img2Pose.Media;

/// <summary>The kernel's questions to a video device (linux/videodev2.h), as far as listing needs them. 64-bit systems only.</summary>
internal static unsafe partial class V4l2
{
    // A name that is no library: the functions are looked for among the program's own, as a C program finds them, so that what stands
    // for the kernel in tests is asked.
    private const string Program = "img2pose-program";

    public const uint Capture = 1, VideoCapture = 0x1, VideoOutput = 0x2, DeviceCapabilities = 0x80000000;

    private const uint QueryCapabilities = 0x80685600, EnumerateFormats = 0xC0405602, EnumerateSizes = 0xC02C564A, EnumerateIntervals = 0xC034564B;
    private const int ReadWrite = 2, NonBlocking = 0x800, CloseOnExec = 0x80000;

    static V4l2() => NativeLibrary.SetDllImportResolver(
        typeof(V4l2).Assembly, static (name, _, _) => name == Program ? NativeLibrary.GetMainProgramHandle() : 0);

    /// <summary>struct v4l2_capability.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct Capability
    {
        public fixed byte Driver[16];
        public fixed byte Card[32];
        public fixed byte Bus[32];
        public uint Version, Capabilities, DeviceCapabilities;
        public fixed uint Reserved[3];
    }

    /// <summary>struct v4l2_fmtdesc.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct Format
    {
        public uint Index, Type, Flags;
        public fixed byte Description[32];
        public uint PixelFormat, Bus;
        public fixed uint Reserved[3];
    }

    /// <summary>struct v4l2_frmsizeenum; what a discrete size does not have is the stepwise kinds'.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct FrameSize
    {
        public uint Index, PixelFormat, Type;
        public uint WidthOrLeast, HeightOrMost, WidthStep, HeightLeast, HeightMost, HeightStep;
        public fixed uint Reserved[2];
    }

    /// <summary>struct v4l2_frmivalenum.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct FrameInterval
    {
        public uint Index, PixelFormat, Width, Height, Type;
        public uint Numerator, Denominator, MostNumerator, MostDenominator, StepNumerator, StepDenominator;
        public fixed uint Reserved[2];
    }

    /// <summary>Opens a device without waiting for it; an invalid handle, and errno, where that fails.</summary>
    public static SafeFileHandle Open(string path, out int error)
    {
        SafeFileHandle handle = new(open(path, ReadWrite | NonBlocking | CloseOnExec), ownsHandle: true);
        error = handle.IsInvalid ? Marshal.GetLastPInvokeError() : 0;
        return handle;
    }

    public static bool TryQuery(SafeFileHandle device, ref Capability answer) => Ask(device, QueryCapabilities, ref answer);

    public static bool TryList(SafeFileHandle device, ref Format answer) => Ask(device, EnumerateFormats, ref answer);

    public static bool TryList(SafeFileHandle device, ref FrameSize answer) => Ask(device, EnumerateSizes, ref answer);

    public static bool TryList(SafeFileHandle device, ref FrameInterval answer) => Ask(device, EnumerateIntervals, ref answer);

    /// <summary>Text of a fixed field, up to its null.</summary>
    public static string Text(ReadOnlySpan<byte> field)
    {
        int end = field.IndexOf((byte)0);
        return Encoding.UTF8.GetString(end < 0 ? field : field[..end]);
    }

    private static bool Ask<T>(SafeFileHandle device, uint request, ref T answer) where T : unmanaged
    {
        fixed (T* pointer = &answer) return ioctl(device, request, pointer) == 0;
    }

    [LibraryImport(Program, StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int open(string path, int flags);

    [LibraryImport(Program, SetLastError = true)]
    private static partial int ioctl(SafeFileHandle device, nuint request, void* argument);
}
