using Img2Pose.Testing;
using TorchSharp;

namespace Img2Pose.Interop.Tests;

public sealed class TorchSharpTests
{
    [Fact]
    public void The_stand_in_holds_exactly_the_listed_members() =>
        PublicApi.AssertMatches(
            typeof(torch).Assembly, Path.Combine(SharedData.RepositoryRoot, "src/Interop/TorchSharp/PublicApi.txt"));
}
