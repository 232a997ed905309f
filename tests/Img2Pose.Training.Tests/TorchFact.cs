using Img2Pose.Training.Native;

namespace Img2Pose.Training.Tests;

/// <summary>Skips a test, with the reason, where libtorch's shim has not been built.</summary>
internal static class Torch
{
    internal static void Require() =>
        Assert.SkipUnless(TorchLibrary.Find() is { } path && File.Exists(path), "native/torch is not built on this machine");
}
