using System.Reflection;
using System.Runtime.InteropServices;

namespace Img2Pose.Training.Native;

/// <summary>Finds libimg2pose_torch.so: IMG2POSE_TORCH, beside the program, or the build folder (build/native/lib) of a checkout.</summary>
internal static class TorchLibrary
{
    private const string Name = "img2pose_torch";
    private const string File = "libimg2pose_torch.so";

    /// <summary>The library's path, or null where it has not been built.</summary>
    internal static string? Find()
    {
        string? chosen = Environment.GetEnvironmentVariable("IMG2POSE_TORCH");
        if (chosen is not null) return Path.Combine(chosen, File);
        string beside = Path.Combine(AppContext.BaseDirectory, File);
        if (System.IO.File.Exists(beside)) return beside;
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            string built = Path.Combine(folder.FullName, "build", "native", "lib", File);
            if (System.IO.File.Exists(built)) return built;
        }
        return null;
    }

    /// <summary>Whether it has been built.</summary>
    internal static bool IsThere => Find() is { } path && System.IO.File.Exists(path);

    internal static IntPtr Resolve(string name, Assembly assembly, DllImportSearchPath? path)
    {
        if (name != Name) return IntPtr.Zero;
        return Find() is { } file
            ? NativeLibrary.Load(file)
            : throw new ModelException($"{File} is not built; './run.sh train' installs libtorch and builds it, or set IMG2POSE_TORCH to its folder");
    }
}
