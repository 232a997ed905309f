using Img2Pose.Testing;
using Img2Pose.Training.Data;
using OpenCvSharp;

namespace Img2Pose.Training.Tests.Data;

public sealed class OpenCvLibraryTests
{
    [Fact]
    public void A_library_that_is_absent_is_an_error_that_says_how_to_get_it()
    {
        ModelException error = Assert.Throws<ModelException>(() => OpenCvLibrary.Require("libno-such.so.0"));

        Assert.Contains("libno-such.so.0", error.Message, StringComparison.Ordinal);
        Assert.Contains("./run.sh dataset convert", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Where_the_check_passes_OpenCV_loads()
    {
        OpenCv.Require();

        OpenCvLibrary.Require();

        Assert.StartsWith("4.13", Cv2.GetVersionString());
    }
}
