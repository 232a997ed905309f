using Img2Pose.Training.Native;

namespace Img2Pose.Training.Tests;

/// <summary>Skips a test, with the reason, where libtorch's shim has not been built.</summary>
internal static class Torch
{
    internal static void Require() =>
        Assert.SkipUnless(TorchLibrary.IsThere, "libtorch with native/torch, or with the real TorchSharp, is not on this machine");
}
