using Img2Pose.Testing;

namespace Img2Pose.EndToEnd;

/// <summary>The stand-in of the kernel's cameras (<c>native/v4l2-camera</c>), which a program is started with.</summary>
internal static class CameraStandIn
{
    /// <summary>The shared object.</summary>
    public static string Library
    {
        get
        {
            string path = Path.Combine(SharedData.RepositoryRoot, "build", "native", "lib", "libimg2pose_v4l2_camera.so");
            Assert.True(File.Exists(path), $"{path} is missing; ./test.sh builds it");
            return path;
        }
    }

    /// <summary>Variables of the environment with which a program sees the devices that a file describes.</summary>
    public static string[] Variables(string devices) => [$"LD_PRELOAD={Library}", $"IMG2POSE_V4L2={devices}"];
}
