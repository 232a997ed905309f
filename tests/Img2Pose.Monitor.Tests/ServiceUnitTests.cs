using System.Diagnostics;

namespace Img2Pose.Monitor.Tests;

/// <summary>The unit for systemd, as far as that can be told without a service manager; scripts/try-service.sh runs it under one.</summary>
public class ServiceUnitTests
{
    private const string Program = "/usr/bin/systemd-analyze";

    private static string Unit()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "scripts", "img2pose-monitor.service"))) folder = folder.Parent;
        Assert.NotNull(folder);
        return File.ReadAllText(Path.Combine(folder.FullName, "scripts", "img2pose-monitor.service"));
    }

    [Fact]
    public void It_keeps_the_program_from_what_it_does_not_need_and_lets_it_compile()
    {
        string[] lines = Unit().Split('\n');

        foreach (string line in (string[])["DynamicUser=yes", "NoNewPrivileges=yes", "CapabilityBoundingSet=", "ProtectSystem=strict", "StateDirectory=img2pose", "SystemCallFilter=@system-service", "UMask=0077"]) Assert.Contains(line, lines);
        Assert.DoesNotContain("MemoryDenyWriteExecute=yes", lines);
        Assert.DoesNotContain(lines, line => line.StartsWith("User=", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Systemd_understands_every_line_of_it()
    {
        Assert.SkipUnless(File.Exists(Program), "systemd is not installed");
        CancellationToken stop = TestContext.Current.CancellationToken;
        string folder = Directory.CreateTempSubdirectory("img2pose-unit").FullName, path = Path.Combine(folder, "img2pose-monitor.service");
        try
        {
            // It also looks whether the program is there.
            await File.WriteAllTextAsync(path, Unit().Replace("/opt/img2pose/img2pose", "/bin/true", StringComparison.Ordinal), stop);
            using Process verify = Process.Start(new ProcessStartInfo(Program, ["verify", "--man=no", path]) { RedirectStandardError = true, RedirectStandardOutput = true })!;
            string said = await verify.StandardError.ReadToEndAsync(stop) + await verify.StandardOutput.ReadToEndAsync(stop);
            await verify.WaitForExitAsync(stop);

            // Of other units of this machine it may say something, too.
            Assert.DoesNotContain(said.Split('\n'), line => line.Contains("img2pose-monitor", StringComparison.Ordinal));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
