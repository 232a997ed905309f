using System.Reflection;
using Img2Pose.Frames;
using Xunit.v3;

namespace Img2Pose.Testing;

/// <summary>
/// Fails a test that ends with frames still on lease, and shows the stacks at which they were leased. Leases are counted in
/// the process, so the tests of an assembly with this attribute must not run at the same time.
/// </summary>
[AttributeUsage(AttributeTargets.Assembly | AttributeTargets.Class | AttributeTargets.Method)]
public sealed class NoLeakedFramesAttribute : BeforeAfterTestAttribute
{
    private int _before;

    /// <summary>Whether stacks are recorded; a test that counts allocations switches it off. On by default.</summary>
    public bool Stacks { get; set; } = true;

    /// <inheritdoc/>
    public override void Before(MethodInfo methodUnderTest, IXunitTest test)
    {
        FrameLeases.RecordsStacks = Stacks;
        _before = FrameLeases.Outstanding;
    }

    /// <inheritdoc/>
    public override void After(MethodInfo methodUnderTest, IXunitTest test)
    {
        FrameLeases.RecordsStacks = false;
        int leaked = FrameLeases.Outstanding - _before;
        if (leaked != 0) Assert.Fail($"{leaked} frames were not given back. Leased at:\n{string.Join("\n", FrameLeases.OutstandingStacks)}");
    }
}
