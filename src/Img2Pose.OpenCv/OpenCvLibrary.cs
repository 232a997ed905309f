using System.Runtime.InteropServices;

namespace Img2Pose.OpenCv;

/// <summary>
/// OpenCV, which only the offline verbs need. The package brings its library, linked with GTK 3, which is not everywhere.
/// </summary>
internal static class OpenCvLibrary
{
    /// <summary>Fails with what to do where GTK is absent: the package itself would say only that a type has no initialiser.</summary>
    /// <param name="dependency">The library that OpenCV's must find.</param>
    /// <exception cref="ModelException">It cannot be loaded.</exception>
    public static void Require(string dependency = "libgtk-3.so.0")
    {
        // Loaded libraries are counted and stay: the second call costs a look-up.
        if (NativeLibrary.TryLoad(dependency, out _)) return;
        throw new ModelException($"OpenCV cannot be loaded, for it needs {dependency}, which is not installed; './run.sh' with the same arguments installs it, or 'apt-get install libgtk-3-0'");
    }
}
