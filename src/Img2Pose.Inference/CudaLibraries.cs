using System.Runtime.InteropServices;

namespace Img2Pose.Inference;

/// <summary>A library that ONNX Runtime's CUDA provider wants.</summary>
/// <param name="Name">Its file.</param>
/// <param name="Path">Where it was loaded from; null where it was not found.</param>
/// <param name="Package">What brings it: a package of the Python index, and one of NVIDIA's repository for Debian.</param>
public sealed record CudaLibrary(string Name, string? Path, string Package);

/// <summary>
/// Finds what ONNX Runtime's CUDA provider is linked with, or loads later: CUDA 13's libraries and cuDNN 9. Folders that
/// <c>IMG2POSE_CUDA</c> names (separated by colons) come first, then the system's search path; of each folder also <c>lib</c>,
/// <c>lib64</c> and <c>nvidia/*/lib</c>, as PyTorch's packages have it. What is found in them is loaded by its full path before the
/// first session, so that the provider's own search finds it loaded.
/// </summary>
public static class CudaLibraries
{
    /// <summary>Names the folders.</summary>
    public const string Variable = "IMG2POSE_CUDA";

    // What ONNX Runtime's package is built for; later minor versions run on the drivers of the first.
    private static readonly Version s_cuda = new(13, 0);

    private const string DriverOfCuda = "580 or later";

    // What another one is linked with comes before it. The parts of cuDNN are loaded by cuDNN when it needs them, by their names.
    private static readonly (string Name, string Package, bool Needed)[] s_wanted =
    [
        ("libcudart.so.13", "pip nvidia-cuda-runtime, apt cuda-cudart-13-0", true),
        ("libnvJitLink.so.13", "pip nvidia-nvjitlink, apt libnvjitlink-13-0", false),
        ("libcublasLt.so.13", "pip nvidia-cublas, apt libcublas-13-0", true),
        ("libcublas.so.13", "pip nvidia-cublas, apt libcublas-13-0", true),
        ("libcurand.so.10", "pip nvidia-curand, apt libcurand-13-0", true),
        ("libcufft.so.12", "pip nvidia-cufft, apt libcufft-13-0", true),
        ("libnvrtc.so.13", "pip nvidia-cuda-nvrtc, apt cuda-nvrtc-13-0", false),
        ("libcudnn.so.9", "pip nvidia-cudnn-cu13, apt libcudnn9-cuda-13", true),
        ("libcudnn_graph.so.9", "pip nvidia-cudnn-cu13, apt libcudnn9-cuda-13", false),
        ("libcudnn_ops.so.9", "pip nvidia-cudnn-cu13, apt libcudnn9-cuda-13", false),
        ("libcudnn_cnn.so.9", "pip nvidia-cudnn-cu13, apt libcudnn9-cuda-13", false),
        ("libcudnn_heuristic.so.9", "pip nvidia-cudnn-cu13, apt libcudnn9-cuda-13", false),
        ("libcudnn_engines_precompiled.so.9", "pip nvidia-cudnn-cu13, apt libcudnn9-cuda-13", false),
        ("libcudnn_engines_runtime_compiled.so.9", "pip nvidia-cudnn-cu13, apt libcudnn9-cuda-13", false),
    ];

    private static readonly Lazy<IReadOnlyList<CudaLibrary>> s_loaded = new(() => Load(Environment.GetEnvironmentVariable(Variable)));

    /// <summary>Those that are needed, and where each was found; loads what is found, once a process.</summary>
    public static IReadOnlyList<CudaLibrary> Needed => s_loaded.Value;

    /// <summary>What is missing and where to get it, in one line; null where nothing is.</summary>
    public static string? Missing => Describe(Needed);

    /// <summary>Says in one line that a driver is older than the libraries need; null where it is not.</summary>
    /// <param name="driver">The newest CUDA that the driver supports.</param>
    public static string? TooOld(Version driver)
    {
        ArgumentNullException.ThrowIfNull(driver);
        return driver.Major >= s_cuda.Major ? null
            : $"the NVIDIA driver is for CUDA {driver}, and ONNX Runtime's provider needs one for CUDA {s_cuda} or later (driver {DriverOfCuda})";
    }

    /// <summary>Puts what is missing into one line.</summary>
    internal static string? Describe(IReadOnlyList<CudaLibrary> libraries)
    {
        CudaLibrary[] missing = [.. libraries.Where(library => library.Path is null)];
        if (missing.Length == 0) return null;
        return $"missing are {string.Join(", ", missing.Select(library => library.Name))} ({string.Join("; ", missing.Select(library => library.Package).Distinct())}); "
            + $"{Variable} names folders to look in, such as PyTorch's site-packages";
    }

    /// <summary>Looks for and loads the libraries.</summary>
    /// <param name="folders">Folders separated by colons, or null.</param>
    internal static IReadOnlyList<CudaLibrary> Load(string? folders)
    {
        List<CudaLibrary> found = [];
        string[] places = [.. (folders ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries).SelectMany(Places)];
        foreach ((string name, string package, bool needed) in s_wanted)
        {
            string? path = places.Select(place => Path.Combine(place, name)).FirstOrDefault(file => File.Exists(file) && NativeLibrary.TryLoad(file, out _));
            if (path is null && NativeLibrary.TryLoad(name, out _)) path = name;
            if (needed) found.Add(new CudaLibrary(name, path, package));
        }
        return found;
    }

    private static IEnumerable<string> Places(string folder)
    {
        yield return folder;
        yield return Path.Combine(folder, "lib");
        yield return Path.Combine(folder, "lib64");
        string[] roots = [Path.Combine(folder, "nvidia"), folder];
        foreach (string root in roots)
        {
            string[] packages;
            try
            {
                packages = Directory.Exists(root) ? Directory.GetDirectories(root) : [];
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                // A folder that may not be read holds nothing for this program.
                continue;
            }
            foreach (string package in packages.Order(StringComparer.Ordinal)) yield return Path.Combine(package, "lib");
        }
    }
}
