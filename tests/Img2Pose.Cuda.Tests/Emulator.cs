using System.Globalization;
using System.Runtime.InteropServices;
using Img2Pose.Testing;

namespace Img2Pose.Cuda.Tests;

/// <summary>
/// The driver of <c>native/cuda-emulator</c>, loaded in place of the machine's. Tests that use it share a collection, since
/// a process has one driver; each begins with default settings and asserts at its end that nothing is outstanding.
/// </summary>
public sealed unsafe partial class Emulator : IDisposable
{
    private const string Library = "libcuda.so.1";

    private static readonly string[] s_outstanding = ["allocations", "host_allocations", "streams", "events", "modules", "contexts", "graphics_resources", "nvenc_sessions", "nvenc_inputs"];

    private readonly long _doubleFrees;
    private readonly long _badHandles;
    private readonly long _illegalCopies;

    /// <summary>Loads the emulator, or skips the running test.</summary>
    public Emulator()
    {
        Load();
        Reset();
        foreach (string kind in s_outstanding) Assert.True(Count(kind) == 0, $"{Count(kind)} {kind} are outstanding from an earlier test");
        (_doubleFrees, _badHandles, _illegalCopies) = (Count("double_frees"), Count("bad_handles"), Count("illegal_copies"));
    }

    /// <summary>Where the build puts it.</summary>
    public static string Folder { get; } = Path.Combine(SharedData.RepositoryRoot, "build", "native", "cuda-emulator");

    /// <summary>Loads the emulator before anything looks for a driver: a library with its name is then found by all.</summary>
    public static void Load()
    {
        string path = Path.Combine(Folder, Library);
        Assert.SkipUnless(File.Exists(path), $"{path} is not built (cmake -DIMG2POSE_CUDA_EMULATOR=ON)");
        NativeLibrary.Load(path);
        NativeLibrary.Load(Path.Combine(Folder, "libnvcuvid.so.1"));
        // Built where NVIDIA's headers are.
        string encoder = Path.Combine(Folder, "libnvidia-encode.so.1");
        HasEncoder = File.Exists(encoder) && NativeLibrary.TryLoad(encoder, out _);
    }

    /// <summary>Whether the encoder's library is there.</summary>
    public static bool HasEncoder { get; private set; }

    public static void Set(string name, long value) => SetNative(name, value.ToString(CultureInfo.InvariantCulture));

    public static void Set(string name, string? value) => SetNative(name, value);

    public static void Reset() => ResetNative();

    public static long Count(string name) => CountNative(name);

    /// <summary>Offset and size of every member of every structure that kernels take, as the C++ compiler sees them.</summary>
    public static IReadOnlyList<(string Structure, string Member, int Offset, int Bytes)> KernelMembers()
    {
        List<(string, string, int, int)> members = [];
        for (nuint i = 0; i < MemberCount(); i++)
        {
            Member(i, out nint structure, out nint member, out nuint offset, out nuint bytes);
            members.Add((Marshal.PtrToStringUTF8(structure)!, Marshal.PtrToStringUTF8(member)!, (int)offset, (int)bytes));
        }
        return members;
    }

    public void Dispose()
    {
        Reset();
        foreach (string kind in s_outstanding) Assert.True(Count(kind) == 0, $"{Count(kind)} {kind} were not given back");
        Assert.Equal(_doubleFrees, Count("double_frees"));
        Assert.Equal(_badHandles, Count("bad_handles"));
        Assert.Equal(_illegalCopies, Count("illegal_copies"));
    }

    [LibraryImport(Library, EntryPoint = "cuda_emulator_set", StringMarshalling = StringMarshalling.Utf8)]
    private static partial void SetNative(string name, string? value);

    [LibraryImport(Library, EntryPoint = "cuda_emulator_reset")]
    private static partial void ResetNative();

    [LibraryImport(Library, EntryPoint = "cuda_emulator_count", StringMarshalling = StringMarshalling.Utf8)]
    private static partial long CountNative(string name);

    [LibraryImport(Library, EntryPoint = "cuda_emulator_kernel_member_count")]
    private static partial nuint MemberCount();

    [LibraryImport(Library, EntryPoint = "cuda_emulator_kernel_member")]
    private static partial void Member(nuint index, out nint structure, out nint member, out nuint offset, out nuint bytes);
}

/// <summary>All tests that need the one driver of the process.</summary>
[CollectionDefinition(nameof(EmulatorCollection), DisableParallelization = true)]
public sealed class EmulatorCollection;
