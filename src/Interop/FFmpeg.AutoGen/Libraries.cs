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
            throw OtherMajor(name, major, found, $"lib{name} {found}{where}, under the name lib{name}.so.{major}");
        }

        for (int other = Math.Max(1, major - MajorsApart); other <= major + MajorsApart; other++)
        {
            if (other == major || !TryLoad(folder, name, other, out library)) continue;
            NativeLibrary.Free(library);
            throw OtherMajor(name, major, other, $"lib{name}.so.{other}{where}");
        }
        throw new DllNotFoundException($"lib{name}.so.{major} was not found{where}");
    }

    private static DllNotFoundException OtherMajor(string name, int major, int found, string what) => new(
        $"this build is for FFmpeg {Release(name, major)} (lib{name}.so.{major}), and what was found is FFmpeg {Release(name, found)} ({what}); use the "
        + $"package whose version ends in -ffmpeg{Release(name, found)} (./run.sh builds for what is installed), or install FFmpeg {Release(name, major)}");

    /// <summary>The FFmpeg that a library's major version belongs to; they have gone up together since FFmpeg 4.</summary>
    internal static int Release(string name, int major) =>
        major - name switch { "avutil" => 52, "swscale" => 1, "avfilter" => 3, _ => 54 };

    private static bool TryLoad(string folder, string name, int major, out nint library) =>
        NativeLibrary.TryLoad(Path.Combine(folder, $"lib{name}.so.{major}"), out library);

    private static int LoadedMajor(nint library, string name)
    {
        nint export = NativeLibrary.GetExport(library, name + "_version");
        return (int)(((delegate* unmanaged[Cdecl]<uint>)export)() >> 16);
    }
}
