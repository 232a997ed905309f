using Img2Pose.Testing;
using ManagedCuda;

namespace Img2Pose.Cuda.Tests;

public sealed class ManagedCudaTests
{
    [Fact]
    public void The_stand_in_holds_exactly_the_listed_members() => PublicApi.AssertMatches(
        typeof(CudaContext).Assembly, Path.Combine(SharedData.RepositoryRoot, "src/Interop/ManagedCuda/PublicApi.txt"));

    [Fact]
    public void The_stand_in_has_nothing_that_the_package_lacks() =>
        PublicApi.AssertMirrors(typeof(CudaContext).Assembly, SharedData.Require("reference", "api", "ManagedCuda.txt"));
}
