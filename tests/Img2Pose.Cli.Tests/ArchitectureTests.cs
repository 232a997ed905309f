using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using Img2Pose.Testing;

namespace Img2Pose.Cli.Tests;

/// <summary>The arrows of docs/architecture.md, read off the assemblies as they were built.</summary>
public class ArchitectureTests
{
    /// <summary>What an assembly may use of this program, directly; what is not named here may use nothing.</summary>
    private static readonly Dictionary<string, string[]> s_arrows = new()
    {
        ["Img2Pose.Core"] = [],
        ["Img2Pose.Geometry"] = ["Core"],
        ["Img2Pose.Formats"] = ["Core", "Geometry"],
        ["Img2Pose.Frames"] = ["Core", "Geometry"],
        ["Img2Pose.Cuda"] = ["Core", "Geometry", "Frames"],
        ["Img2Pose.Media"] = ["Core", "Geometry", "Formats", "Frames", "Cuda"],
        ["Img2Pose.Inference"] = ["Core", "Geometry", "Formats", "Frames", "Cuda"],
        ["Img2Pose.Tracking"] = ["Core", "Geometry", "Formats", "Frames"],
        ["Img2Pose.Rendering"] = ["Core", "Geometry", "Formats", "Frames", "Cuda"],
        ["Img2Pose.Models"] = ["Core", "Geometry", "Formats", "Frames"],
        ["Img2Pose.OpenCv"] = ["Core", "Geometry", "Frames", "Media"],
        ["Img2Pose.Pipeline"] = ["Core", "Geometry", "Formats", "Frames", "Cuda", "Media", "Inference", "Tracking", "Rendering", "Models"],
        ["Img2Pose.Training"] = ["Core", "Geometry", "Formats", "Frames", "Media", "Models", "Inference", "OpenCv"],
        ["Img2Pose.Evaluation"] = ["Core", "Geometry", "Formats", "Frames", "Media", "Inference", "Tracking", "OpenCv"],
        ["Img2Pose.Monitor"] = ["Core", "Geometry", "Formats", "Frames", "Media", "Inference", "Tracking", "Rendering", "Pipeline"],
        ["Img2Pose.Fleet"] = ["Core", "Geometry", "Formats", "Frames", "Media", "Inference", "Tracking", "Rendering", "Pipeline"],
    };

    /// <summary>Whose native engine belongs to which assemblies alone.</summary>
    private static readonly Dictionary<string, string[]> s_engines = new()
    {
        ["FFmpeg.AutoGen"] = ["Img2Pose.Media"],
        ["Microsoft.ML.OnnxRuntime"] = ["Img2Pose.Inference"],
        ["Veldrid"] = ["Img2Pose.Rendering"],
        ["ManagedCuda"] = ["Img2Pose.Cuda"],
        ["TorchSharp"] = ["Img2Pose.Training"],
        ["OpenCvSharp"] = ["Img2Pose.OpenCv", "Img2Pose.Training"],
    };

    public static TheoryData<string> Assemblies => [.. OwnAssemblies()];

    [Theory]
    [MemberData(nameof(Assemblies))]
    public void An_assembly_uses_only_those_below_it(string name)
    {
        string[] allowed = s_arrows.TryGetValue(name, out string[]? arrows) ? arrows : [];

        string[] wrong = [.. ReferencesOf(name).Where(used => used.StartsWith("Img2Pose.", StringComparison.Ordinal) && !used.StartsWith("Img2Pose.Interop.", StringComparison.Ordinal))
            .Where(used => !allowed.Contains(used["Img2Pose.".Length..]))];

        Assert.Empty(wrong);
    }

    [Theory]
    [MemberData(nameof(Assemblies))]
    public void A_native_engine_is_used_in_one_place(string name)
    {
        string[] wrong = [.. ReferencesOf(name)
            .Select(used => used.StartsWith("Img2Pose.Interop.", StringComparison.Ordinal) ? used["Img2Pose.Interop.".Length..] : used)
            .Where(used => s_engines.TryGetValue(used, out string[]? owners) && !owners.Contains(name))];

        Assert.Empty(wrong);
    }

    /// <summary>Who embeds the engine, or runs another verb, has nothing of a web server.</summary>
    [Theory]
    [MemberData(nameof(Assemblies))]
    public void Only_the_monitor_uses_a_web_server(string name)
    {
        string[] web = [.. ReferencesOf(name).Where(used => s_ofTheMonitor.Any(part => used.StartsWith(part, StringComparison.Ordinal)))];

        Assert.Equal(name == "Img2Pose.Monitor", web.Length > 0);
    }

    private static readonly string[] s_ofTheMonitor = ["Microsoft.AspNetCore", "Microsoft.Data.Sqlite", "MQTTnet", "YamlDotNet"];

    [Fact]
    public void Every_project_has_its_arrows_and_is_read()
    {
        // Packages without code, and the command line, which may use everything, have none.
        string[] projects = [.. Directory.EnumerateFiles(Path.Combine(SharedData.RepositoryRoot, "src"), "Img2Pose.*.csproj", SearchOption.AllDirectories)
            .Select(path => Path.GetFileNameWithoutExtension(path)).Where(name => name is not ("Img2Pose.Cli" or "Img2Pose.Model.Nano" or "Img2Pose.Model.R18")).Order(StringComparer.Ordinal)];

        Assert.Equal(projects, OwnAssemblies());
        Assert.All(projects, project => Assert.Contains(project, s_arrows.Keys));
    }

    /// <summary>The package of the library shows none, so that the real packages may be used beside it.</summary>
    [Theory]
    [MemberData(nameof(Packed))]
    public void Nobody_who_embeds_the_program_sees_a_stand_in(string name)
    {
        const BindingFlags everywhere = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;
        string[] shown = [.. Assembly.LoadFrom(Path.Combine(AppContext.BaseDirectory, name + ".dll")).GetExportedTypes().SelectMany(type =>
            type.GetInterfaces().Append(type.BaseType!).Where(used => used is not null)
                .Concat(type.GetFields(everywhere).Where(field => field.IsPublic || field.IsFamily).Select(field => field.FieldType))
                .Concat(type.GetMembers(everywhere).OfType<MethodBase>().Where(method => method.IsPublic || method.IsFamily).SelectMany(method =>
                    method.GetParameters().Select(parameter => parameter.ParameterType).Append(method is MethodInfo { ReturnType: { } made } ? made : typeof(void))))
                .SelectMany(Parts).Where(used => used.Assembly.GetName().Name!.StartsWith("Img2Pose.Interop.", StringComparison.Ordinal))
                .Select(used => $"{type} shows {used}")).Distinct()];

        Assert.Empty(shown);

        static IEnumerable<Type> Parts(Type type) => type.HasElementType ? Parts(type.GetElementType()!) : type.GetGenericArguments().SelectMany(Parts).Append(type);
    }

    public static TheoryData<string> Packed =>
        [.. new[] { "Core", "Geometry", "Formats", "Frames", "Cuda", "Media", "Inference", "Tracking", "Rendering", "Models", "Pipeline" }.Select(part => $"Img2Pose.{part}")];

    /// <summary>The program's own libraries, beside the tests; not the command line, which may use everything.</summary>
    private static IEnumerable<string> OwnAssemblies() =>
        Directory.EnumerateFiles(AppContext.BaseDirectory, "Img2Pose.*.dll")
            .Select(path => Path.GetFileNameWithoutExtension(path))
            .Where(name => !name.EndsWith(".Tests", StringComparison.Ordinal) && name != "Img2Pose.Testing" && !name.StartsWith("Img2Pose.Interop.", StringComparison.Ordinal))
            .Order(StringComparer.Ordinal);

    private static IEnumerable<string> ReferencesOf(string name)
    {
        using FileStream file = File.OpenRead(Path.Combine(AppContext.BaseDirectory, name + ".dll"));
        using PEReader image = new(file);
        MetadataReader metadata = image.GetMetadataReader();
        return [.. metadata.AssemblyReferences.Select(handle => metadata.GetString(metadata.GetAssemblyReference(handle).Name))];
    }
}
