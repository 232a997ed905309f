namespace Img2Pose.Testing;

/// <summary>The shim over OpenCV that only <c>dataset convert</c> needs; <c>test.sh</c> builds it.</summary>
public static class OpenCvShim
{
    /// <summary>Skips the test, with the reason, where the shim has not been built.</summary>
    public static void Require()
    {
        string folder = Environment.GetEnvironmentVariable("IMG2POSE_OPENCV") ?? Path.Combine(SharedData.RepositoryRoot, "build", "native", "lib");
        Assert.SkipUnless(File.Exists(Path.Combine(folder, "libimg2pose_opencv.so")), "native/opencv is not built on this machine");
    }
}
