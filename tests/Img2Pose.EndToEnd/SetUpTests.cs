using System.Diagnostics;
using Img2Pose.Testing;

namespace Img2Pose.EndToEnd;

/// <summary><c>run.sh</c> on a machine that lacks packages, and <c>doctor</c>.</summary>
public sealed class SetUpTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("img2pose-setup").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("--help", "apt-packages.txt")]
    [InlineData("train", "apt-packages.txt apt-packages-train.txt")]
    [InlineData("dataset stats", "apt-packages.txt")]
    [InlineData("dataset convert", "apt-packages.txt apt-packages-dataset.txt")]
    public async Task Without_root_and_sudo_run_sh_prints_the_line_to_type_and_exits_4(string arguments, string lists)
    {
        string root = SharedData.RepositoryRoot, copy = Path.Combine(_folder, "copy"), stubs = Path.Combine(_folder, "bin");
        Directory.CreateDirectory(Path.Combine(copy, "scripts"));
        Directory.CreateDirectory(stubs);
        File.Copy(Path.Combine(root, "run.sh"), Path.Combine(copy, "run.sh"));
        foreach (string script in Directory.GetFiles(Path.Combine(root, "scripts")))
            File.Copy(script, Path.Combine(copy, "scripts", Path.GetFileName(script)));
        // Without the proofs, which this machine's libraries would pass, dpkg is asked about every package.
        foreach (string list in Directory.GetFiles(Path.Combine(copy, "scripts"), "apt-packages*.txt"))
            File.WriteAllLines(list, Names(list));
        // An ordinary user, no right to sudo, one package installed; dpkg-query fails where it does not know another. Should the
        // script go on all the same, apt-get tells.
        Stub(stubs, "id", "echo 1000");
        Stub(stubs, "sudo", "exit 1");
        Stub(stubs, "dpkg-query", "echo 'ffmpeg installed'; exit 1");
        Stub(stubs, "apt-get", "echo 'apt-get was called' >&2; exit 1");
        string[] packages = [.. lists.Split(' ').SelectMany(list => Names(Path.Combine(root, "scripts", list)))
            .Where(name => name != "ffmpeg").Order(StringComparer.Ordinal)];

        Finished run = await ScriptAsync(Path.Combine(copy, "run.sh"), stubs, arguments.Split(' '));

        Assert.True(run.Code == 4, $"exit code {run.Code}: {run.Error}");
        Assert.Equal(
            $"apt-get update && apt-get install -y --no-install-recommends {string.Join(' ', packages)}", run.ErrorLines[^1]);
        Assert.DoesNotContain("apt-get was called", run.Error);
    }

    [Fact]
    public async Task Doctor_finds_everything_that_the_main_job_needs()
    {
        Finished run = (await CommandLine.Img2PoseAsync("doctor")).ShouldSucceed();

        foreach (string part in new[] { "FFmpeg", "encoders", "ONNX Runtime", "renderer", "model" })
            Assert.Contains(run.Output.Split('\n'), line => line.TrimStart().StartsWith("ok", StringComparison.Ordinal) && line.Contains($" {part} "));
        Assert.Contains("img2pose-nano", run.Output);
    }

    [Fact]
    public async Task Doctor_names_a_model_that_is_missing_and_fails()
    {
        Finished run = await CommandLine.Img2PoseAsync("doctor", "--model", "no-such-model");

        Assert.Equal(4, run.Code);
        Assert.Contains(run.Output.Split('\n'), line => line.Contains("MISSING model") && line.Contains("no-such-model"));
    }

    private static string[] Names(string list) =>
        [.. File.ReadAllLines(list).Where(line => line.Length > 0 && line[0] != '#').Select(line => line.Split(' ')[0])];

    private static void Stub(string folder, string name, string body)
    {
        string path = Path.Combine(folder, name);
        File.WriteAllText(path, $"#!/bin/sh\n{body}\n");
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    private static async Task<Finished> ScriptAsync(string script, string stubs, string[] arguments)
    {
        ProcessStartInfo info = new("bash", [script, .. arguments])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        info.Environment["PATH"] = $"{stubs}:{Environment.GetEnvironmentVariable("PATH")}";
        using Process process = Process.Start(info)!;
        process.StandardInput.Close();
        return await CommandLine.FinishAsync(process);
    }
}
