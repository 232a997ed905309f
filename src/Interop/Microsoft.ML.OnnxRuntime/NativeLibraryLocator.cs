using System.Runtime.InteropServices;

namespace Microsoft.ML.OnnxRuntime;

/// <summary>
/// Finds libonnxruntime: in the folder that <c>IMG2POSE_ORT</c> names; else beside the program; else in the first
/// <c>.cache/onnxruntime/1.30.0</c> on the way up from the program; else wherever the dynamic linker looks.
/// </summary>
internal static class NativeLibraryLocator
{
    private const string FileName = "libonnxruntime.so.1";
    private const string Cache = ".cache/onnxruntime/1.30.0";

    /// <summary>Loads the library and returns its handle.</summary>
    /// <exception cref="DllNotFoundException">It was not found, or what was found is no such library.</exception>
    internal static nint Load()
    {
        foreach (string path in Candidates())
        {
            if (!File.Exists(path)) continue;
            if (NativeLibrary.TryLoad(path, out nint library)) return library;
            throw new DllNotFoundException($"{path} is not an ONNX Runtime library for this machine; run scripts/fetch-onnxruntime.sh.");
        }
        if (Environment.GetEnvironmentVariable("IMG2POSE_ORT") is not { Length: > 0 }
            && NativeLibrary.TryLoad(FileName, out nint system))
            return system;
        throw new DllNotFoundException(
            $"{FileName} (ONNX Runtime 1.30) was not found; run scripts/fetch-onnxruntime.sh, or name its folder in IMG2POSE_ORT.");
    }

    private static IEnumerable<string> Candidates()
    {
        // A folder that was named explicitly is the only one looked at: a silent fallback would run another build.
        if (Environment.GetEnvironmentVariable("IMG2POSE_ORT") is { Length: > 0 } named)
        {
            yield return Path.Combine(named, FileName);
            yield return Path.Combine(named, "libonnxruntime.so");
            yield break;
        }
        yield return Path.Combine(AppContext.BaseDirectory, FileName);
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            yield return Path.Combine(folder.FullName, Cache, FileName);
    }
}
