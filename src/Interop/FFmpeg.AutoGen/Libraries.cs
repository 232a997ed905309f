using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace FFmpeg.AutoGen;

/// <summary>
/// Finds FFmpeg's libraries by the major version that the struct layout was measured for. A library of another major
/// would be read at the wrong offsets, so it is refused by name instead of being loaded.
/// </summary>
internal static unsafe class Libraries
{
    private static readonly string[] s_names = ["avutil", "swscale", "avcodec", "avformat", "avfilter", "avdevice"];

    // The one place that runs before any import of this assembly can be called.
#pragma warning disable CA2255
    [ModuleInitializer]
    internal static void Register() => NativeLibrary.SetDllImportResolver(typeof(Libraries).Assembly, Resolve);
#pragma warning restore CA2255

    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? searchPath)
    {
        if (Array.IndexOf(s_names, name) < 0) return 0;
        int major = ffmpeg.LibraryVersionMap[name];
        if (TryLoad(name, major, out nint library))
        {
            int found = LoadedMajor(library, name);
            if (found == major) return library;
            NativeLibrary.Free(library);
            throw new DllNotFoundException(
                $"lib{name} is version {found}, but this program was built for the struct layout of version {major}; "
                + "install FFmpeg 5.1 (Debian 12), or write the layout anew with the CMake target ffmpeg_layout");
        }

        for (int other = major - 8; other <= major + 8; other++)
        {
            if (other <= 0 || other == major || !TryLoad(name, other, out library)) continue;
            NativeLibrary.Free(library);
            throw new DllNotFoundException(
                $"found lib{name}.so.{other}, but this program was built for the struct layout of lib{name}.so.{major}; "
                + "install FFmpeg 5.1 (Debian 12), or write the layout anew with the CMake target ffmpeg_layout");
        }
        throw new DllNotFoundException(
            $"lib{name}.so.{major} (FFmpeg 5.1) was not found; on Debian 12: apt-get install lib{name}{major}");
    }

    private static bool TryLoad(string name, int major, out nint library)
    {
        string file = $"lib{name}.so.{major}";
        string beside = Path.Combine(ffmpeg.RootPath, file);
        if (File.Exists(beside)) return NativeLibrary.TryLoad(beside, out library);
        return NativeLibrary.TryLoad(file, out library);
    }

    private static int LoadedMajor(nint library, string name)
    {
        nint export = NativeLibrary.GetExport(library, name + "_version");
        return (int)(((delegate* unmanaged[Cdecl]<uint>)export)() >> 16);
    }
}
