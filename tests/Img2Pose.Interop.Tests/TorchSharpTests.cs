using System.Reflection;
using Img2Pose.Testing;
using TorchSharp;

namespace Img2Pose.Interop.Tests;

public sealed class TorchSharpTests
{
    [Fact]
    public void The_stand_in_holds_only_what_the_real_assembly_holds()
    {
        string package = typeof(TorchSharpTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(entry => entry.Key == "TorchSharp").Value!;

        RealAssembly.AssertMirrored(
            typeof(torch).Assembly, Path.Combine(package, "lib", "net8.0", "TorchSharp.dll"), Path.GetFullPath(Path.Combine(package, "..", "..")));
    }
}
