using System.Diagnostics;
using Img2Pose.Testing;

namespace Img2Pose.EndToEnd;

/// <summary>A short round of <c>tests/Img2Pose.Fuzz</c>; <c>scripts/fuzz.sh</c> runs the long ones.</summary>
public sealed class FuzzTests : IDisposable
{
    private readonly DirectoryInfo _findings = Directory.CreateTempSubdirectory("img2pose-findings-");

    public void Dispose() => _findings.Delete(recursive: true);

    [Fact]
    public void No_parser_crashes_hangs_or_throws_an_untyped_error_on_mutated_inputs()
    {
        string program = Path.Combine(SharedData.RepositoryRoot, "tests", "Img2Pose.Fuzz", "bin", "Release", "net10.0", "Img2Pose.Fuzz.dll");
        Assert.SkipUnless(File.Exists(program), $"{program} has not been built");
        ProcessStartInfo start = new("dotnet") { RedirectStandardOutput = true, RedirectStandardInput = true };
        foreach (string argument in (string[])[program, "--seconds", "3", "--seed", "1", "--jobs", "2", "--keep", _findings.FullName]) start.ArgumentList.Add(argument);

        using Process process = Process.Start(start)!;
        process.StandardInput.Close();
        string report = process.StandardOutput.ReadToEnd();
        process.WaitForExit();

        foreach (FileInfo finding in _findings.EnumerateFiles())
            report += $"\n{finding.Name}: {Convert.ToBase64String(File.ReadAllBytes(finding.FullName).AsSpan()[..(int)Math.Min(4096, finding.Length)])}";
        Assert.True(process.ExitCode == 0, report);
        Assert.Contains(" targets, ", report, StringComparison.Ordinal);
    }
}
