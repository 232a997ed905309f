using Img2Pose.Testing;
using Veldrid;

namespace Img2Pose.Interop.Tests;

public sealed class VeldridTests
{
    [Fact]
    public void The_stand_in_holds_exactly_the_listed_members() =>
        PublicApi.AssertMatches(
            typeof(GraphicsDevice).Assembly, Path.Combine(SharedData.RepositoryRoot, "src/Interop/Veldrid/PublicApi.txt"));

    [Fact]
    public void The_stand_in_has_nothing_that_the_package_lacks() =>
        PublicApi.AssertMirrors(typeof(GraphicsDevice).Assembly, SharedData.Require("reference", "api", "Veldrid.txt"));
}
