using System.Reflection;
using System.Runtime.InteropServices;

namespace OpenCvSharp;

/// <summary>The functions of native/opencv, the project's C shim over OpenCV.</summary>
internal static partial class NativeMethods
{
    private const string Library = "img2pose_opencv";

    static NativeMethods() => NativeLibrary.SetDllImportResolver(typeof(NativeMethods).Assembly, Resolve);

    /// <summary>Turns a non-zero status into an exception with OpenCV's own message.</summary>
    internal static void Check(int status)
    {
        if (status != 0) throw new OpenCVException(Marshal.PtrToStringUTF8(i2p_cv_last_error()) ?? "OpenCV reported an error");
    }

    private static IntPtr Resolve(string name, Assembly assembly, DllImportSearchPath? path)
    {
        if (name != Library) return IntPtr.Zero;
        const string file = "libimg2pose_opencv.so";
        string? chosen = Environment.GetEnvironmentVariable("IMG2POSE_OPENCV");
        if (chosen is not null && File.Exists(Path.Combine(chosen, file))) return NativeLibrary.Load(Path.Combine(chosen, file));
        if (chosen is not null) throw Missing($"{file} is not in {chosen}, which IMG2POSE_OPENCV names");
        string besideProgram = Path.Combine(AppContext.BaseDirectory, file);
        if (File.Exists(besideProgram)) return NativeLibrary.Load(besideProgram);
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            string built = Path.Combine(folder.FullName, "build", "native", "lib", file);
            if (File.Exists(built)) return NativeLibrary.Load(built);
        }
        throw Missing($"{file} is not built");
    }

    private static DllNotFoundException Missing(string what) =>
        new($"{what}; './run.sh dataset convert' installs OpenCV and builds it, or set IMG2POSE_OPENCV to its folder");

    [LibraryImport(Library)] internal static partial IntPtr i2p_cv_last_error();
    [LibraryImport(Library)]
    internal static partial int i2p_cv_solve_pnp(
        ReadOnlySpan<Point3f> objectPoints, int objectCount, ReadOnlySpan<Point2f> imagePoints, int imageCount,
        ReadOnlySpan<double> camera, ReadOnlySpan<double> distortion, int distortionCount,
        Span<double> rotation, Span<double> translation, int guess, int method);
}
