using System.Diagnostics;
using System.Text;

namespace Img2Pose.Training.Networks;

/// <summary>
/// The NuGet package with a ResNet-18 that was trained on ImageNet (MIT licence). It is no part of this program: who asks for it gets
/// it from the package source of their own <c>dotnet</c>, into its folder of packages.
/// </summary>
public static class ImageNetPackage
{
    /// <summary>What a user calls it.</summary>
    public const string Name = "resnet18-imagenet";

    internal const string Id = "Microsoft.ML.DnnImageFeaturizer.ResNet18", Version = "0.23.1";

    // Sixty megabytes over a slow line.
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(20);

    /// <summary>The network's file; the package is fetched where it is not there.</summary>
    /// <exception cref="InputException">It is not there and cannot be fetched.</exception>
    internal static string Find(Action<string> report) => Find(Packages, "dotnet", report);

    internal static string Find(string packages, string dotnet, Action<string> report)
    {
        string file = Path.Combine(packages, Id.ToLowerInvariant(), Version, "tools", "DnnImageModels", "ResNet18Onnx", "ResNet18.onnx");
        if (File.Exists(file)) return file;
        report($"fetching the package {Id} {Version} (60 MB, MIT licence) into {packages}");
        string told = Fetch(packages, dotnet);
        return File.Exists(file) ? file : throw new InputException($"{Name}: the package {Id} {Version} cannot be fetched{told}; put its content into {Path.GetDirectoryName(file)}, or start without --init");
    }

    private static string Packages =>
        Environment.GetEnvironmentVariable("NUGET_PACKAGES") is { Length: > 0 } own ? own
        : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");

    /// <summary>Restores a project that names the package and nothing else; gives what went wrong, as the end of a sentence.</summary>
    private static string Fetch(string packages, string dotnet)
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("img2pose-fetch-");
        try
        {
            string project = Path.Combine(folder.FullName, "fetch.csproj");
#pragma warning disable RS0030 // No file asks for this but the user, by --init: NuGet's own client fetches the package that is named here, for a project in a fresh folder that nobody else reads.
            File.WriteAllText(project, $"""
                <Project Sdk="Microsoft.NET.Sdk">
                  <PropertyGroup><TargetFramework>net{Environment.Version.Major}.0</TargetFramework></PropertyGroup>
                  <ItemGroup><PackageDownload Include="{Id}" Version="[{Version}]" /></ItemGroup>
                </Project>
                """);
            ProcessStartInfo start = new(dotnet, ["restore", project, "--packages", packages, "-nologo"]) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = folder.FullName };
            using Process process = Process.Start(start) ?? throw new InvalidOperationException(dotnet);
#pragma warning restore RS0030
            StringBuilder said = new();
            DataReceivedEventHandler listen = (_, line) =>
            {
                lock (said) said.AppendLine(line.Data);
            };
            process.OutputDataReceived += listen;
            process.ErrorDataReceived += listen;
            process.BeginOutputReadLine();
            process.BeginErrorReadLine();
            // There is nothing to do before the weights are here; the bound ends a fetch that hangs.
            if (!process.WaitForExit(s_patience))
            {
                process.Kill(entireProcessTree: true);
                return " within 20 minutes";
            }
            if (process.ExitCode == 0) return "";
            lock (said)
            {
                string? error = said.ToString().Split('\n').FirstOrDefault(line => line.Contains("error", StringComparison.OrdinalIgnoreCase));
                return error is null ? $" ({dotnet} ended with {process.ExitCode})" : $" ({Shortened(error)})";
            }
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return $" ({dotnet}, the .NET SDK's program, is not on PATH)";
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    // After the project's path and the message's code.
    private static string Shortened(string line)
    {
        int at = line.IndexOf("error", StringComparison.OrdinalIgnoreCase);
        return line[at..].Trim();
    }
}
