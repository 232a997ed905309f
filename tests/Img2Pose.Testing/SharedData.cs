using System.Runtime.CompilerServices;

namespace Img2Pose.Testing;

/// <summary>
/// Finds the pictures, videos and golden numbers that lie beside a developer's checkout in <c>../shared</c>. A test that
/// needs them is skipped, with the reason, where they are absent.
/// </summary>
public static class SharedData
{
    /// <summary>The repository's root folder.</summary>
    public static string RepositoryRoot { get; } = FindRoot();

    /// <summary>The folder <c>../shared</c>, or <c>IMG2POSE_SHARED</c>.</summary>
    public static string Root { get; } =
        Environment.GetEnvironmentVariable("IMG2POSE_SHARED") ?? Path.GetFullPath(Path.Combine(RepositoryRoot, "..", "shared"));

    /// <summary>The golden folder: <c>IMG2POSE_GOLDEN</c>, by default <c>../shared/golden</c>.</summary>
    public static string Golden { get; } =
        Environment.GetEnvironmentVariable("IMG2POSE_GOLDEN") ?? Path.Combine(Root, "golden");

    /// <summary>The path of a file or folder below <see cref="Root"/>; skips the running test where it is absent.</summary>
    public static string Require(params string[] parts) => RequirePath(Path.Combine([Root, .. parts]));

    /// <summary>The path of a file or folder below <see cref="Golden"/>; skips the running test where it is absent.</summary>
    public static string RequireGolden(params string[] parts) => RequirePath(Path.Combine([Golden, .. parts]));

    private static string RequirePath(string path)
    {
        Assert.SkipUnless(File.Exists(path) || Directory.Exists(path), $"{path} is not on this machine");
        return path;
    }

    private static string FindRoot([CallerFilePath] string here = "")
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Img2Pose.Realtime.sln"))) return folder.FullName;
        }
        return Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "..", ".."));
    }
}
