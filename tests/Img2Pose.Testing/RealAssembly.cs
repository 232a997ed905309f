using System.Reflection;
using System.Runtime.Loader;

namespace Img2Pose.Testing;

/// <summary>
/// Compares a stand-in of <c>src/Interop</c> with the assembly of the package it mirrors, by reflection. The real one is
/// loaded beside the stand-in and never run, so that its native library need not load here.
/// </summary>
public static class RealAssembly
{
    /// <summary>
    /// Fails unless every public member of <paramref name="standIn"/> is one of the real assembly: names, order, types and
    /// default values of parameters, kinds and base classes of types. A stand-in may lack members, interfaces of a type and
    /// accessors of a property.
    /// </summary>
    /// <param name="standIn">Our assembly.</param>
    /// <param name="path">The package's assembly.</param>
    /// <param name="packages">Folder of the restored packages, in which the real assembly's dependencies are looked for.</param>
    public static void AssertMirrored(Assembly standIn, string path, string packages)
    {
        AssemblyLoadContext apart = new(Path.GetFileName(path), isCollectible: true);
        apart.Resolving += (context, name) => Find(packages, name) is { } found ? context.LoadFromAssemblyPath(found) : null;
        string lines = Path.GetTempFileName();
        try
        {
            File.WriteAllLines(lines, PublicApi.Describe(apart.LoadFromAssemblyPath(path)).SelectMany(Forms));
            PublicApi.AssertMirrors(standIn, lines);
        }
        finally
        {
            File.Delete(lines);
            apart.Unload();
        }
    }

    /// <summary>The line of a member and, of a property with two accessors, the lines of what a stand-in may hold of it.</summary>
    private static IEnumerable<string> Forms(string line)
    {
        const string both = "{ get; set; }";
        yield return line;
        if (!line.EndsWith(both, StringComparison.Ordinal)) yield break;
        yield return line.Replace(both, "{ get; }", StringComparison.Ordinal);
        yield return line.Replace(both, "{ set; }", StringComparison.Ordinal);
    }

    private static string? Find(string packages, AssemblyName name)
    {
        string folder = Path.Combine(packages, name.Name!.ToLowerInvariant());
        if (!Directory.Exists(folder)) return null;
        string inLibrary = $"{Path.DirectorySeparatorChar}lib{Path.DirectorySeparatorChar}net";
        return Directory.EnumerateFiles(folder, name.Name + ".dll", SearchOption.AllDirectories)
            .Where(file => file.Contains(inLibrary, StringComparison.Ordinal)).Order(StringComparer.Ordinal).LastOrDefault();
    }
}
