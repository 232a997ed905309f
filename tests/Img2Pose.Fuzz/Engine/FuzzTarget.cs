namespace Img2Pose.Fuzz;

/// <summary>One parser under attack.</summary>
internal abstract class FuzzTarget
{
    /// <summary>Its name on the command line and in the names of kept files.</summary>
    public abstract string Name { get; }

    /// <summary>Bytes of managed memory that an input may take whatever its length, and as many again for each of its bytes.</summary>
    public virtual (long Fixed, long PerByte) Memory => (48L << 20, 512);

    /// <summary>Processor seconds that an input may take.</summary>
    public virtual double Seconds => 10;

    /// <summary>Largest input that is made.</summary>
    public virtual int LargestInput => 1 << 16;

    /// <summary>Inputs that the parser takes, made by code.</summary>
    public abstract IEnumerable<byte[]> Seeds();

    /// <summary>
    /// Parses. An <see cref="Img2PoseException"/> is a proper refusal; anything else that is thrown is a finding.
    /// </summary>
    /// <returns>A number that tells what kind of thing was read, so that new kinds are noticed.</returns>
    public abstract int Run(byte[] input);
}

/// <summary>A target whose parser opens files: each input is written to one, below a folder of the process.</summary>
internal abstract class FileTarget : FuzzTarget
{
    private string? _path;

    /// <summary>Extension of the file.</summary>
    protected abstract string Extension { get; }

    /// <summary>Parses the file.</summary>
    protected abstract int Run(string path);

    /// <inheritdoc/>
    public sealed override int Run(byte[] input)
    {
        _path ??= Path.Combine(Workspace.Folder, "input" + Extension);
        File.WriteAllBytes(_path, input);
        return Run(_path);
    }
}

/// <summary>A folder for what a process writes.</summary>
internal static class Workspace
{
    // In memory where that is to be had: each input is a file.
    private static readonly Lazy<string> s_folder = new(() => Directory.Exists("/dev/shm")
        ? Directory.CreateDirectory(Path.Combine("/dev/shm", $"img2pose-fuzz-{Path.GetRandomFileName()}")).FullName
        : Directory.CreateTempSubdirectory("img2pose-fuzz-").FullName);

    /// <summary>The folder; made on first use.</summary>
    public static string Folder => s_folder.Value;

    /// <summary>Removes it.</summary>
    public static void Remove()
    {
        if (s_folder.IsValueCreated) Directory.Delete(s_folder.Value, recursive: true);
    }
}
