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
    private const int MajorsApart = 8;

    private static readonly string[] s_names = ["avutil", "swscale", "avcodec", "avformat", "avfilter", "avdevice"];

    // The one place that runs before any import of this assembly can be called.
#pragma warning disable CA2255
    [ModuleInitializer]
    internal static void Register() => NativeLibrary.SetDllImportResolver(typeof(Libraries).Assembly, Resolve);
#pragma warning restore CA2255

    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? searchPath) =>
        Array.IndexOf(s_names, name) < 0 ? 0 : Load(ffmpeg.RootPath, name, ffmpeg.LibraryVersionMap[name]);

    /// <summary>Loads a library.</summary>
    /// <param name="folder">Where it must be, as the package has it; empty for the dynamic linker's search path.</param>
    /// <param name="name">Its name without <c>lib</c>.</param>
    /// <param name="major">The major version that it must have.</param>
    /// <exception cref="DllNotFoundException">It is not there, or of another major version.</exception>
    internal static nint Load(string folder, string name, int major)
    {
        string where = folder.Length > 0 ? $" in {folder}" : "";
        if (TryLoad(folder, name, major, out nint library))
        {
            int found = LoadedMajor(library, name);
            if (found == major) return library;
            NativeLibrary.Free(library);
            throw OtherMajor($"lib{name}{where} is version {found}", name, major);
        }

        for (int other = Math.Max(1, major - MajorsApart); other <= major + MajorsApart; other++)
        {
            if (other == major || !TryLoad(folder, name, other, out library)) continue;
            NativeLibrary.Free(library);
            throw OtherMajor($"found lib{name}.so.{other}{where}", name, major);
        }
        throw new DllNotFoundException($"lib{name}.so.{major} was not found{where}");
    }

    private static DllNotFoundException OtherMajor(string found, string name, int major) => new(
        $"{found}, but this program was built with the headers of lib{name}.so.{major}; build it again with those of the "
        + "FFmpeg that is installed (./run.sh does), or install the other");

    private static bool TryLoad(string folder, string name, int major, out nint library) =>
        NativeLibrary.TryLoad(Path.Combine(folder, $"lib{name}.so.{major}"), out library);

    private static int LoadedMajor(nint library, string name)
    {
        nint export = NativeLibrary.GetExport(library, name + "_version");
        return (int)(((delegate* unmanaged[Cdecl]<uint>)export)() >> 16);
    }
}
