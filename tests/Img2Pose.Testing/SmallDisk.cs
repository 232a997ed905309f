using System.Diagnostics;

namespace Img2Pose.Testing;

/// <summary>A file system in memory of a given size over an empty folder; skips the test where it cannot be mounted.</summary>
public sealed class SmallDisk : IDisposable
{
    private readonly string _folder;

    /// <summary>Mounts it.</summary>
    public SmallDisk(string folder, int kibibytes)
    {
        _folder = folder;
        Assert.SkipUnless(Environment.UserName == "root", "only root can mount a small file system");
        Assert.SkipUnless(Execute("mount", "-t", "tmpfs", "-o", $"size={kibibytes}k", "tmpfs", folder) == 0, "a small file system cannot be mounted here");
    }

    /// <inheritdoc/>
    public void Dispose() => Execute("umount", _folder);

    private static int Execute(string program, params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        process.WaitForExit();
        return process.ExitCode;
    }
}
